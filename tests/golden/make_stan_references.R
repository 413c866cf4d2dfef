# Long runs of Stan, summarised into tests/golden/stan_references.json, each number with its standard error:
#
#   Rscript tests/golden/make_stan_references.R [CORES]
#
# Needs Debian's r-cran-rstan and r-cran-jsonlite; takes half an hour of one core. Model and data are the zoo's (the
# Stan programs are those of bench/stan). The figures are those of references.json, which make_references.py explains:
# mean, sd and the shares below five quantiles, and the ESS behind their standard errors (of the draws as they are).

suppressPackageStartupMessages(suppressMessages(library(rstan)))
options(warn = 1)
if (!nzchar(rstan_options("boost_lib"))) rstan_options(boost_lib = "/usr/include")  # Debian's BH has no headers of its own

arguments <- commandArgs(trailingOnly = TRUE)
cores <- if (length(arguments)) as.integer(arguments[1]) else 1L
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
root <- file.path(here, "../..")
read <- function(name) jsonlite::fromJSON(file.path(root, "models/data", paste0(name, ".json")))

probabilities <- c(0.05, 0.25, 0.5, 0.75, 0.95)
chains <- 10
seed <- 20251125

# By zoo model: the Stan program, its data, the parameters to report, draws per chain after as many of warmup as Stan
# takes by default.
runs <- list(
  irt_2pl = list(
    program = "irt_2pl", iterations = 16000, adapt_delta = 0.95,
    parameters = c("sigma_theta", "theta", "sigma_a", "a", "mu_b", "sigma_b", "b"),
    data = with(read("irt_2pl"), list(I = item, J = person, N = length(correct), item_of = item_of,
                                      person_of = person_of, correct = correct))),
  radon = list(
    program = "radon_glm", iterations = 8000, adapt_delta = 0.9,
    parameters = c("alpha_raw", "mu_alpha", "beta_uranium", "beta_floor", "sigma_alpha", "sigma_y"),
    data = with(read("radon"), list(N = length(log_radon), J = county, county_idx = county_idx, log_uppm = log_uppm,
                                    floor_measure = floor_measure, log_radon = log_radon))),
  logistic_regression = list(
    program = "logistic_regression_glm", iterations = 4000, adapt_delta = 0.8, parameters = c("alpha", "beta"),
    data = with(read("logistic_regression"), list(N = nrow(X), K = ncol(X), X = X, y = y))))

ess <- rstan:::ess_mean
summarise <- function(x) {  # [iteration, chain]
  square <- (x - mean(x))^2
  list(mean = mean(x), se_mean = sd(x) / sqrt(ess(x)), sd = sd(x),
       se_sd = sd(square) / (2 * sd(x) * sqrt(ess(square))),
       quantiles = lapply(probabilities, function(p) {
         value <- unname(quantile(x, p))
         list(p = p, value = value, ess = ess((x <= value) + 0))
       }),
       n = length(x))
}

posteriors <- list()
for (name in names(runs)) {
  run <- runs[[name]]
  model <- stan_model(file.path(root, "bench/stan", paste0(run$program, ".stan")))
  fit <- sampling(model, run$data, chains = chains, iter = 1000 + run$iterations, warmup = 1000, cores = cores, seed = seed,
                  pars = run$parameters, refresh = 1000, control = list(adapt_delta = run$adapt_delta))
  draws <- as.array(fit, pars = run$parameters)
  r_hat <- max(apply(draws, 3, Rhat))
  cat(sprintf("%s: largest R-hat %.4f, smallest ESS %.0f, divergences %d\n", name, r_hat, min(apply(draws, 3, ess)),
              get_num_divergent(fit)))
  if (r_hat > 1.01) stop(name, " has not converged")
  posteriors[[name]] <- apply(draws, 3, summarise)
}

result <- list(command = "Rscript tests/golden/make_stan_references.R",
               versions = list(R = as.character(getRversion()), rstan = as.character(packageVersion("rstan")),
                               stan = stan_version()),
               posteriors = posteriors)
writeLines(jsonlite::toJSON(result, auto_unbox = TRUE, digits = 17, pretty = 1), file.path(here, "stan_references.json"))
