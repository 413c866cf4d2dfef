// The counties are the intercepts of Stan's fused regression density.
data {
  int N, J;
  array[N] int county_idx;
  matrix[N, 2] X;
  vector[N] y;
}
parameters {
  vector[J] alpha_raw;
  real mu_alpha;
  real beta_uranium;
  real beta_floor;
  real<lower=0> sigma_alpha;
  real<lower=0> sigma_y;
}
model {
  vector[J] alpha = mu_alpha + sigma_alpha * alpha_raw;
  alpha_raw ~ std_normal();
  mu_alpha ~ normal(0, 10);
  beta_uranium ~ normal(0, 10);
  beta_floor ~ normal(0, 10);
  sigma_alpha ~ normal(0, 1);
  sigma_y ~ normal(0, 1);
  y ~ normal_id_glm(X, alpha[county_idx], [beta_uranium, beta_floor]', sigma_y);
}
