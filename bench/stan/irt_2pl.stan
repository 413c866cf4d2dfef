// Two-parameter logistic item response model, as in posteriordb.
data {
  int<lower=1> I;
  int<lower=1> J;
  int<lower=1> N;
  int<lower=1, upper=I> item_of[N];
  int<lower=1, upper=J> person_of[N];
  int<lower=0, upper=1> correct[N];
}
parameters {
  real<lower=0> sigma_theta;
  vector[J] theta;
  real<lower=0> sigma_a;
  vector<lower=0>[I] a;
  real mu_b;
  real<lower=0> sigma_b;
  vector[I] b;
}
model {
  sigma_theta ~ cauchy(0, 2);
  theta ~ normal(0, sigma_theta);
  sigma_a ~ cauchy(0, 2);
  a ~ lognormal(0, sigma_a);
  mu_b ~ normal(0, 5);
  sigma_b ~ cauchy(0, 2);
  b ~ normal(mu_b, sigma_b);
  correct ~ bernoulli_logit(a[item_of] .* (theta[person_of] - b[item_of]));
}
