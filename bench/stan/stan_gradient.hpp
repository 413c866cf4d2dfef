// Appended to the C++ that Stan makes of a program: seconds of processor time for `count` gradients of its log density,
// by the call that Stan's own sampler makes. Through R's log_prob each would cost microseconds of R besides.
#include <ctime>

#include <stan/model/gradient.hpp>

RcppExport SEXP gradient_seconds(SEXP data, SEXP point, SEXP count) {
  BEGIN_RCPP
  rstan::io::rlist_ref_var_context context(data);
  const stan_model model(context, 0, &Rcpp::Rcout);
  const Eigen::VectorXd x = Rcpp::as<Eigen::VectorXd>(point);
  const int n = Rcpp::as<int>(count);
  Eigen::VectorXd gradient;
  double value = 0, sum = 0;
  const std::clock_t start = std::clock();
  for (int i = 0; i < n; ++i) {
    stan::model::gradient(model, x, value, gradient);
    sum += value;
  }
  const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  return Rcpp::NumericVector::create(seconds, sum);  // the sum, so that nothing is left out
  END_RCPP
}
