data {
  int N, K;
  matrix[N, K] X;
  vector[N] y;
}
parameters {
  vector[K] beta;
  real<lower=0> sigma;
}
model {
  y ~ normal_id_glm(X, 0, beta, sigma);
}
