# Stan 2.21 (rstan) and Lockstep on the same posteriors, in turns, on one core. side_by_side.sh prepares and calls this:
#
#   Rscript side_by_side.R WORK GRADIENTS REPETITIONS
#
# WORK: folder with lockstep_side, for compiled Stan programs and raw figures; GRADIENTS: the program made of
# bench/gradients.cpp. First the densities are compared; if they differ, nothing is measured.

suppressPackageStartupMessages(suppressMessages(library(rstan)))
options(warn = 1)
if (!nzchar(rstan_options("boost_lib"))) rstan_options(boost_lib = "/usr/include")  # Debian's BH has no headers of its own

arguments <- commandArgs(trailingOnly = TRUE)
work <- arguments[1]
gradients_program <- arguments[2]
repetitions <- as.integer(arguments[3])
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
side_program <- file.path(work, "lockstep_side")

say <- function(...) cat(sprintf(...), "\n", sep = "", file = stderr())

# ---------------------------------------------------------------- what is compared

# `stan`: the data as the Stan programs want them, made from what Lockstep read.
regression <- function(d) list(N = nrow(d$X), K = ncol(d$X), X = d$X, y = d$y)
posteriors <- list(
  eight_schools = list(zoo = "eight_schools", programs = "eight_schools",
                       stan = function(d) list(J = length(d$y), y = d$y, sigma = d$sigma)),
  arK = list(zoo = "ar_k", programs = c("ar_k", "ar_k_glm"),
             stan = function(d) list(K = as.integer(d$lag), T = length(d$y), y = d$y)),
  radon_mn = list(zoo = "radon", programs = c("radon", "radon_glm"),
                  stan = function(d) list(N = length(d$log_radon), J = as.integer(d$county),
                                          county_idx = as.integer(d$county_idx), log_uppm = d$log_uppm,
                                          floor_measure = d$floor_measure, log_radon = d$log_radon)),
  nes1976 = list(zoo = "linear_regression", gradient = "nes1976", file = file.path(here, "../../tests/data/nes1976.json"),
                 programs = c("linear_regression", "linear_regression_glm"), stan = regression),
  low_dim_gauss_mix = list(zoo = "gauss_mix", programs = "gauss_mix",
                           stan = function(d) list(N = length(d$y), y = d$y)),
  irt_2pl = list(zoo = "irt_2pl", programs = "irt_2pl",
                 stan = function(d) list(I = as.integer(d$item), J = as.integer(d$person), N = length(d$correct),
                                         item_of = as.integer(d$item_of), person_of = as.integer(d$person_of),
                                         correct = as.integer(d$correct))),
  garch11 = list(zoo = "garch11", programs = "garch11",
                 stan = function(d) list(T = length(d$y), y = d$y, sigma1 = d$sigma1)),
  logistic_10000x50 = list(zoo = "logistic_regression", gradient = "logistic_10000x50", file = "logistic_10000x50",
                           programs = c("logistic_regression", "logistic_regression_glm"),
                           stan = function(d) list(N = nrow(d$X), K = ncol(d$X), X = d$X, y = as.integer(d$y))),
  kidscore_momiq = list(zoo = "linear_regression", programs = c("linear_regression", "linear_regression_glm"),
                        stan = regression))
chosen <- strsplit(Sys.getenv("POSTERIORS"), " ", fixed = TRUE)[[1]]
unknown <- setdiff(chosen, names(posteriors))
if (length(unknown)) stop("POSTERIORS has ", unknown[1], " (there are: ", paste(names(posteriors), collapse = ", "), ")")
if (length(chosen)) posteriors <- posteriors[chosen]

# ---------------------------------------------------------------- Lockstep

lockstep <- function(..., input = NULL) {
  out <- suppressWarnings(system2(side_program, c(...), stdout = TRUE, input = input))
  if (!is.null(attr(out, "status"))) stop("lockstep_side ", paste(c(...), collapse = " "), " failed")
  strsplit(out, " ", fixed = TRUE)
}

lockstep_data <- function(posterior) {
  fields <- lockstep("data", posterior$zoo, posterior$file)
  read <- function(words) {
    axes <- as.integer(words[2])
    shape <- as.integer(words[2 + seq_len(axes)])
    values <- as.numeric(words[-seq_len(2 + axes)])
    if (axes == 2) matrix(values, shape[1], shape[2], byrow = TRUE) else values
  }
  setNames(lapply(fields, read), vapply(fields, `[`, "", 1))
}

lockstep_gradient_seconds <- function(name) {
  csv <- file.path(work, "gradient.csv")
  status <- system2(gradients_program, c(sprintf("--benchmark_filter=^pack/%s$", name), "--benchmark_repetitions=1",
                                         "--benchmark_min_time=0.3", "--benchmark_out_format=csv",
                                         paste0("--benchmark_out=", csv)), stdout = FALSE, stderr = FALSE)
  if (status != 0) stop("bench/gradients failed for ", name)
  lines <- readLines(csv)
  table <- read.csv(text = lines[grep("^name,", lines):length(lines)])
  if (nrow(table) != 1) stop("bench/gradients has no pack/", name)
  table$per_chain
}

# Draws are [iteration, chain, parameter], as rstan's as.array gives them.
lockstep_run <- function(posterior, seed) {
  file <- file.path(work, "draws.bin")
  lines <- lockstep("sample", posterior$zoo, seed, file, posterior$file)
  is_variable <- vapply(lines, `[`, "", 1) == "variable"
  figures <- setNames(as.list(as.numeric(vapply(lines[!is_variable], `[`, "", 2))), vapply(lines[!is_variable], `[`, "", 1))
  sizes <- vapply(lines[is_variable], function(words) as.integer(words[3]), 1L)
  names(sizes) <- vapply(lines[is_variable], `[`, "", 2)
  # Stan has no vectors of length one among these parameters: one element is a scalar.
  labels <- unlist(lapply(names(sizes), function(v) if (sizes[v] == 1) v else sprintf("%s[%d]", v, seq_len(sizes[v]))))
  input <- file(file, "rb")
  on.exit(close(input))
  draws <- array(0, c(figures$draws, figures$chains, length(labels)), list(NULL, NULL, labels))
  last <- 0
  for (size in sizes) {  # stored as [chain][draw][element]
    values <- array(readBin(input, "double", figures$chains * figures$draws * size), c(size, figures$draws, figures$chains))
    draws[, , last + seq_len(size)] <- aperm(values, c(2, 3, 1))
    last <- last + size
  }
  list(figures = figures, draws = draws)
}

# ---------------------------------------------------------------- Stan

# Compiled programs are kept from run to run, by what they were made of.
stan_programs <- list()  # in this process, which can load each only once
stan_compiled <- function(program) {
  if (is.null(stan_programs[[program]])) stan_programs[[program]] <<- stan_read_or_compile(program)
  stan_programs[[program]]
}
stan_read_or_compile <- function(program) {
  sources <- file.path(here, c(paste0(program, ".stan"), "stan_gradient.hpp"))
  key <- tempfile()
  writeLines(c(unlist(lapply(sources, readLines)), readLines(Sys.getenv("R_MAKEVARS_USER")), R.version.string), key)
  kept <- file.path(work, sprintf("%s-%s.rds", program, substr(tools::md5sum(key), 1, 12)))
  if (file.exists(kept)) return(readRDS(kept))
  say("compiling %s.stan", program)
  generated <- stanc(sources[1], model_name = program)
  generated$cppcode <- paste(c(generated$cppcode, readLines(sources[2])), collapse = "\n")
  model <- stan_model(stanc_ret = generated, save_dso = TRUE)
  saveRDS(model, kept)
  model
}

stan_bound <- function(program, data) {
  model <- stan_compiled(program)
  empty <- suppressMessages(sampling(model, data, chains = 0))  # binds the data; loads the library
  library <- inline::getDynLib(model@dso@.CXXDSOMISC$cxxfun)
  list(name = program, model = model, data = data, empty = empty, loop = getNativeSymbolInfo("gradient_seconds", library))
}

stan_gradient_seconds <- function(program) {
  n <- get_num_upars(program$empty)
  point <- 0.3 * sin(0.7 * seq_len(n))  # much as in bench/gradients.cpp
  seconds <- function(count) .Call(program$loop, program$data, point, as.integer(count))[1]
  count <- 100
  while ((elapsed <- seconds(count)) < 0.05) count <- count * 4
  count <- ceiling(count * 0.3 / elapsed)
  seconds(count) / count
}

stan_run <- function(program, seed) {
  wall <- system.time(fit <- suppressWarnings(
    sampling(program$model, program$data, chains = 4, iter = 2000, cores = 1, seed = seed, refresh = 0)))[["elapsed"]]
  clock <- get_elapsed_time(fit)  # processor time, by clock()
  all <- get_sampler_params(fit, inc_warmup = TRUE)
  kept <- get_sampler_params(fit, inc_warmup = FALSE)
  total <- function(chains, column) sum(vapply(chains, function(m) sum(m[, column]), 0))
  parameters <- setdiff(fit@model_pars, "lp__")
  list(figures = list(seconds = sum(clock), wall = wall, chains = 4, draws = 1000, warmup = 1000, stuck = NA,
                      gradients = total(all, "n_leapfrog__"), sampling_seconds = sum(clock[, "sample"]),
                      sampling_steps = total(kept, "n_leapfrog__"), divergences = total(kept, "divergent__")),
       draws = as.array(fit, pars = parameters))
}

# ---------------------------------------------------------------- the same density?

# Largest differences at ten points: of gradients, and of the log density's changes between them (Stan drops constants).
density_differences <- function(program, posterior) {
  set.seed(20)
  n <- get_num_upars(program$empty)
  points <- matrix(runif(10 * n, -2, 2), 10)
  lines <- apply(points, 1, function(x) paste(sprintf("%a", x), collapse = " "))
  ours <- t(vapply(lockstep("density", posterior$zoo, posterior$file, input = lines), as.numeric, numeric(n + 1)))
  theirs <- t(apply(points, 1, function(x) {
    gradient <- grad_log_prob(program$empty, x, adjust_transform = TRUE)
    c(attr(gradient, "log_prob"), gradient)
  }))
  relative <- function(a, b) max(abs(a - b) / pmax(1, abs(b)))
  c(density = relative(diff(ours[, 1]), diff(theirs[, 1])), gradient = relative(ours[, -1], theirs[, -1]))
}

# Stan 2.21's logits leave out terms below exp(-20), of which a sum over observations shows.
tolerances <- c(irt_2pl = 1e-7, logistic_10000x50 = 1e-7)
for (name in names(posteriors)) {
  posterior <- posteriors[[name]]
  data <- posterior$stan(lockstep_data(posterior))
  posterior$bound <- lapply(posterior$programs, stan_bound, data)
  posterior$differences <- vapply(posterior$bound, density_differences, c(density = 0, gradient = 0), posterior)
  posterior$parameters <- NULL
  posteriors[[name]] <- posterior
  say("%-18s log density within %.1e, gradient within %.1e of Stan's", name, max(posterior$differences["density", ]),
      max(posterior$differences["gradient", ]))
  tolerance <- if (name %in% names(tolerances)) tolerances[[name]] else 1e-8
  if (!all(posterior$differences <= tolerance)) stop(name, ": the densities differ by more than ", tolerance)
}

# ---------------------------------------------------------------- the figures

# The peer's own estimator, for both.
smallest_ess <- function(draws) {
  bulk <- apply(draws, 3, ess_bulk)
  tail <- apply(draws, 3, ess_tail)
  list(ess_bulk = min(bulk), ess_tail = min(tail), ess = min(bulk, tail), worst = names(which.min(pmin(bulk, tail))),
       r_hat = max(apply(draws, 3, Rhat)))
}

rows <- list()
kept <- list()  # draws for the comparison of the posteriors, by posterior and engine
failed_r_hat <- 1.05  # such a run counts in every figure, but is no witness of the posterior
raw <- file.path(work, sprintf("side_by_side-%s.csv", format(Sys.time(), "%Y%m%dT%H%M%S")))
record <- function(name, engine, program, repetition, seed, gradient, run) {
  parameters <- intersect(dimnames(run$draws)[[3]], posteriors[[name]]$parameters)
  draws <- run$draws[, , parameters, drop = FALSE]
  figures <- c(run$figures, smallest_ess(draws))
  if (is.null(figures$sampling_seconds)) figures$sampling_seconds <- NA
  row <- data.frame(posterior = name, engine = engine, program = program, repetition = repetition, seed = seed,
                    gradient_seconds = gradient, figures)
  rows[[length(rows) + 1]] <<- row[order(names(row))]
  if (row$r_hat < failed_r_hat) kept[[paste(name, engine)]] <<- c(kept[[paste(name, engine)]], list(draws))
  write.csv(do.call(rbind, rows), raw, row.names = FALSE)
}

first_seed <- as.integer(Sys.getenv("SEED", "0"))
load_before <- readLines("/proc/loadavg")
for (repetition in seq_len(repetitions)) {
  say("repetition %d of %d", repetition, repetitions)
  for (name in names(posteriors)) {
    posterior <- posteriors[[name]]
    benchmark <- if (is.null(posterior$gradient)) posterior$zoo else posterior$gradient
    for (program in posterior$bound) {
      stan_seed <- first_seed + 1000 * repetition + match(program$name, posterior$programs)
      gradient <- stan_gradient_seconds(program)
      run <- stan_run(program, stan_seed)
      posteriors[[name]]$parameters <- setdiff(dimnames(run$draws)[[3]], "lp__")
      record(name, "Stan", program$name, repetition, stan_seed, gradient, run)
      # Lockstep runs once per Stan program, so that every figure has its neighbour in time.
      seed <- stan_seed + 500
      gradient <- lockstep_gradient_seconds(benchmark)
      record(name, "Lockstep", program$name, repetition, seed, gradient, lockstep_run(posterior, seed))
    }
  }
}
load_after <- readLines("/proc/loadavg")
figures <- do.call(rbind, rows)

# ---------------------------------------------------------------- the same posterior?

# All runs of each engine together, but for those that failed: means, sds and the shares below Stan's 5%, 50% and 95%
# quantiles, in standard errors of their difference. The limit: one false alarm in a hundred for each posterior.
ess_plain <- rstan:::ess_mean  # of the draws as they are, not of their ranks
agreement <- function(name) {
  draws_of <- function(engine, parameter) do.call(cbind, lapply(kept[[paste(name, engine)]], function(d) d[, , parameter]))
  compare <- function(parameter) {
    a <- draws_of("Lockstep", parameter)
    b <- draws_of("Stan", parameter)
    z <- function(value, error) (value(a) - value(b)) / sqrt(error(a)^2 + error(b)^2)
    square <- function(x) (x - mean(x))^2
    share <- function(p) {
      at <- quantile(b, p)
      z(function(x) mean(x <= at), function(x) sqrt(p * (1 - p) / ess_plain((x <= at) + 0)))
    }
    c(mean = z(mean, function(x) sd(x) / sqrt(ess_plain(x))),
      sd = z(sd, function(x) sd(square(x)) / (2 * sd(x) * sqrt(ess_plain(square(x))))),
      q5 = share(0.05), q50 = share(0.5), q95 = share(0.95), ess = ess_plain(a))
  }
  parameters <- posteriors[[name]]$parameters
  all <- vapply(parameters, compare, numeric(6))
  z <- abs(all[rownames(all) != "ess", , drop = FALSE])
  worst <- arrayInd(which.max(z), dim(z))
  list(z = max(z), limit = qnorm(1 - 0.005 / length(z)), ess = min(all["ess", ]),
       worst = paste(rownames(z)[worst[1]], "of", colnames(z)[worst[2]]))
}

# ---------------------------------------------------------------- the tables

spread <- function(x, digits = 3) {
  f <- function(v) format(signif(v, digits), big.mark = ",", scientific = FALSE, drop0trailing = TRUE, trim = TRUE)
  sprintf("%s (%s..%s)", f(median(x)), f(min(x)), f(max(x)))
}
plain <- function(x, digits = 3) format(signif(median(x), digits), big.mark = ",", scientific = FALSE, drop0trailing = TRUE)

# Ratio of medians, with its 95% bootstrap interval over repetitions.
ratio <- function(a, b) {
  set.seed(1)
  resampled <- function(x) median(x[sample.int(length(x), replace = TRUE)])
  again <- replicate(4000, resampled(a) / resampled(b))
  interval <- signif(quantile(again, c(0.025, 0.975)), 2)
  sprintf("**%s** (%s..%s)", signif(median(a) / median(b), 2), interval[1], interval[2])
}
# Over all posteriors, against whichever of Stan's programs is the fastest there. `better`: a figure of one engine's rows,
# such that more is better.
geometric_mean <- function(title, better) {
  against_best <- vapply(names(posteriors), function(name) {
    one <- figures[figures$posterior == name, ]
    medians <- tapply(better(one), list(one$engine, one$program), median)
    fastest <- which.max(medians["Stan", ])
    medians["Lockstep", fastest] / medians["Stan", fastest]
  }, 0)
  cat(sprintf("%s: geometric mean %s against Stan's faster program of each posterior.\n", title,
              signif(exp(mean(log(against_best))), 2)))
}
# "~": chains shorter than 20 autocorrelation times, where the estimator itself is unsure.
unsure <- function(f) if (median(f$draws / (f$chains * f$draws / f$ess)) < 20) "~" else ""

row_of <- function(...) cat("|", paste(..., sep = " | "), "|\n")
each <- function(use) {
  for (name in names(posteriors))
    for (program in posteriors[[name]]$programs) {
      mine <- figures[figures$posterior == name & figures$program == program, ]
      use(name, program, mine[mine$engine == "Stan", ], mine[mine$engine == "Lockstep", ])
    }
}

compiler <- system2("g++", "--version", stdout = TRUE)[1]
cpu <- sub(".*: ", "", grep("^model name", readLines("/proc/cpuinfo"), value = TRUE)[1])
about <- c(sprintf("%s, %d repetitions, on core %s; load average of the machine before %s, after %s.",
                   format(Sys.time(), "%Y-%m-%d", tz = "UTC"), repetitions, Sys.getenv("CORE"), sub(" .*", "", load_before),
                   sub(" .*", "", load_after)),
           sprintf("Processor: %s. %s.", cpu, compiler),
           sprintf("Lockstep: commit %s, %s.", Sys.getenv("LOCKSTEP_COMMIT"), Sys.getenv("LOCKSTEP_FLAGS")),
           sprintf("Stan %s by rstan %s, %s, its programs: %s.", stan_version(), packageVersion("rstan"),
                   R.version.string, Sys.getenv("STAN_CXXFLAGS")))
writeLines(c(about, ""))
writeLines(about, sub("csv$", "txt", raw))

row <- function(...) cat("|", paste(..., sep = " | "), "|\n")
heading <- function(title, ...) {
  cat("\n### ", title, "\n\n", sep = "")
  row(...)
  do.call(row, as.list(rep("---", ...length())))
}
each <- function(use) {
  for (name in names(posteriors))
    for (program in posteriors[[name]]$programs) {
      mine <- figures[figures$posterior == name & figures$program == program, ]
      use(name, program, mine[mine$engine == "Stan", ], mine[mine$engine == "Lockstep", ])
    }
}

heading("Gradients: microseconds of one core per gradient of one chain, median (min..max)", "posterior", "Stan program",
        "Stan, gradient alone", "Lockstep, gradient alone", "×", "Stan, in its sampler", "that is, per core-second",
        "Lockstep, in its sampler", "×")
# Stan's clock knows its sampling phase; Lockstep's figure is of the whole run, and its idle lanes' gradients count too.
step_seconds <- function(rows)
  ifelse(rows$engine == "Stan", rows$sampling_seconds / rows$sampling_steps, rows$seconds / rows$gradients)
each(function(name, program, stan, ours)
  row(name, program, spread(1e6 * stan$gradient_seconds), spread(1e6 * ours$gradient_seconds),
      ratio(stan$gradient_seconds, ours$gradient_seconds), spread(1e6 * step_seconds(stan)), plain(1 / step_seconds(stan)),
      spread(1e6 * step_seconds(ours)), ratio(step_seconds(stan), step_seconds(ours))))
cat("\n")
geometric_mean("Alone", function(rows) 1 / rows$gradient_seconds)
geometric_mean("In the sampler", function(rows) 1 / step_seconds(rows))

heading("Runs by defaults: smallest of all bulk and tail ESS per core-second, warmup included, median (min..max)",
        "posterior", "Stan program", "Stan: ESS", "core-s", "ESS per core-s", "Lockstep: ESS", "core-s", "ESS per core-s",
        "×", "gradients per effective draw, Stan", "Lockstep")
each(function(name, program, stan, ours)
  row(name, program, paste0(unsure(stan), plain(stan$ess)), plain(stan$seconds), spread(stan$ess / stan$seconds),
      paste0(unsure(ours), plain(ours$ess)), plain(ours$seconds), spread(ours$ess / ours$seconds),
      ratio(ours$ess / ours$seconds, stan$ess / stan$seconds), plain(stan$gradients / stan$ess),
      plain(ours$gradients / ours$ess)))
cat("\n")
geometric_mean("ESS per core-second", function(rows) rows$ess / rows$seconds)

heading("Checks", "posterior", "log density and gradient: largest relative difference",
        "draws: largest \\|z\\| of Lockstep against Stan (limit)", "Lockstep's smallest ESS there", "divergences, Stan",
        "Lockstep", "runs with R-hat of 1.05 or more, Stan", "Lockstep", "stuck chains, Lockstep")
for (name in names(posteriors)) {
  found <- agreement(name)
  stan <- figures[figures$posterior == name & figures$engine == "Stan", ]
  ours <- figures[figures$posterior == name & figures$engine == "Lockstep", ]
  row(name, sprintf("%.0e", max(posteriors[[name]]$differences)),
      sprintf("%.2f (%.2f), %s%s", found$z, found$limit, found$worst, if (found$z > found$limit) " **differs**" else ""),
      sprintf("%.0f", found$ess), sum(stan$divergences), sum(ours$divergences), sum(stan$r_hat >= failed_r_hat),
      sum(ours$r_hat >= failed_r_hat), sum(ours$stuck))
}
cat("\nRaw figures:", raw, "\n")
