// X: centred.
data {
  int N, K;
  matrix[N, K] X;
  vector[N] y;
}
parameters {
  vector[K] b;
  real Intercept;
  real<lower=0> sigma;
}
model {
  b ~ normal(0, 1);
  Intercept ~ student_t(3, 8, 10);
  sigma ~ student_t(3, 0, 10);
  y ~ normal_id_glm(X, Intercept, b, sigma);
}
