// p: the first entry of each row of the transition matrix, which is a simplex of two.
data {
  int T;
  vector[T] y;
}
parameters {
  vector<lower=0, upper=1>[2] p;
  positive_ordered[2] mu;
}
model {
  array[2] vector[2] log_to = {log([p[1], p[2]]'), log1m([p[1], p[2]]')};
  vector[2] forward;
  mu[1] ~ normal(3, 1);
  mu[2] ~ normal(10, 1);
  for (k in 1:2) forward[k] = normal_lpdf(y[1] | mu[k], 1);
  for (t in 2:T)
    forward = [log_sum_exp(forward + log_to[1]) + normal_lpdf(y[t] | mu[1], 1),
               log_sum_exp(forward + log_to[2]) + normal_lpdf(y[t] | mu[2], 1)]';
  target += log_sum_exp(forward);
}
