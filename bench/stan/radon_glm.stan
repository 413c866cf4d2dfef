// radon.stan with Stan's fused regression density: the counties are its intercepts.
data {
  int<lower=1> N;
  int<lower=1> J;
  int<lower=1, upper=J> county_idx[N];
  vector[N] log_uppm;
  vector[N] floor_measure;
  vector[N] log_radon;
}
transformed data {
  matrix[N, 2] X = append_col(log_uppm, floor_measure);
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
  log_radon ~ normal_id_glm(X, alpha[county_idx], [beta_uranium, beta_floor]', sigma_y);
}
