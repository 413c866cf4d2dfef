// Random draws from one counter-based stream. Which stream is a function of (seed, data set, chain, draw, purpose)
// alone, never of the thread, the lane or the order of execution.
#pragma once

#include <cstdint>

#include "lockstep/macros.hpp"
#include "lockstep/math.hpp"
#include "lockstep/philox.hpp"
#include "lockstep/special.hpp"

namespace lockstep {

// What a stream is for. Streams of different purposes never overlap, so adding draws to one leaves the others as they
// were. The numbers are part of what a seed means: append, never renumber.
enum class Purpose : std::uint8_t {
  start = 0,       // starting points of the superchains
  transition = 1,  // everything one transition of the sampler needs: momentum, directions, acceptances
  prior_draw = 2,  // draws from the prior and the prior predictive
  predictive = 3,  // draws from the posterior predictive
  shuffle = 4,     // permutations
};

struct StreamId {
  std::uint64_t seed = 0;
  std::uint32_t data_set = 0;  // < 2^24
  std::uint32_t chain = 0;
  std::uint32_t draw = 0;
  Purpose purpose = Purpose::start;
};

// Draws are doubles in the open support of their distribution (only student_t with a tiny nu can overflow). Parameters
// outside their range give NaN, never an endless loop. A stream holds 2^33 numbers of 64 bits.
class Stream {
 public:
  LOCKSTEP_FN explicit Stream(const StreamId& id)
      : counter_{{0, id.draw, id.chain, static_cast<std::uint32_t>(id.purpose) | (id.data_set << 8)}},
        key_{{static_cast<std::uint32_t>(id.seed), static_cast<std::uint32_t>(id.seed >> 32)}} {}

  // 64 random bits. One Philox block gives two of them.
  LOCKSTEP_FN std::uint64_t bits() {
    if (has_spare_bits_) {
      has_spare_bits_ = false;
      return spare_bits_;
    }
    const Philox4 block = philox(counter_, key_);
    ++counter_.v[0];
    spare_bits_ = block.v[2] | (std::uint64_t{block.v[3]} << 32);
    has_spare_bits_ = true;
    return block.v[0] | (std::uint64_t{block.v[1]} << 32);
  }

  LOCKSTEP_FN std::uint32_t bits32() { return static_cast<std::uint32_t>(bits() >> 32); }

  // Uniform on {0, ..., n - 1}, n >= 1. Rejects the few values that would favour small results.
  LOCKSTEP_FN std::uint64_t below(std::uint64_t n) {
    const std::uint64_t rejected = (0 - n) % n;
    std::uint64_t value = bits();
    while (value < rejected) value = bits();
    return value % n;
  }

  // Uniform on the odd multiples of 2^-53: never 0, never 1, and u and 1 - u are equally likely.
  LOCKSTEP_FN double uniform() {
    constexpr double cell = 1.0 / 4503599627370496.0;  // 2^-52
    return (static_cast<double>(bits() >> 12) + 0.5) * cell;
  }

  LOCKSTEP_FN bool bernoulli(double probability) { return uniform() < probability; }

  // N(0, 1) by G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates", 1958. Both values
  // of a pair are used. The largest possible is 8.6.
  LOCKSTEP_FN double normal() {
    if (has_spare_normal_) {
      has_spare_normal_ = false;
      return spare_normal_;
    }
    const double radius = sqrt(-2.0 * log(uniform()));
    const SineCosine<double> angle = sine_cosine_pi(2 * uniform());
    spare_normal_ = radius * angle.sine;
    has_spare_normal_ = true;
    return radius * angle.cosine;
  }

  // Rate 1.
  LOCKSTEP_FN double exponential() { return -log(uniform()); }

  // Location 0, scale 1: the cotangent of pi u, mirrored at 1/2 so that both tails are as accurate as the uniform is.
  LOCKSTEP_FN double cauchy() {
    const double u = uniform();
    const SineCosine<double> angle = sine_cosine_pi(u < 0.5 ? u : 1.0 - u);
    return (u < 0.5 ? -angle.cosine : angle.cosine) / angle.sine;
  }

  // Shape > 0, rate 1. What would underflow comes out as the smallest normal number.
  LOCKSTEP_FN double gamma(double shape) {
    return shape < 1 ? at_least(exp(log_gamma_draw(shape)), smallest) : gamma_at_least_one(shape);
  }

  // Both shapes > 0. From the logarithms of two gamma draws, so that tiny shapes do not end in 0/0; kept off 0 and 1.
  LOCKSTEP_FN double beta(double alpha, double beta) {
    const double a = log_gamma_draw(alpha);
    const double b = log_gamma_draw(beta);
    constexpr double largest = 1.0 - 1.0 / 9007199254740992.0;  // 1 - 2^-53
    const double value = sigmoid(a - b);
    return value > largest ? largest : at_least(value, smallest);
  }

  // Location 0, scale 1, nu > 0 degrees of freedom.
  LOCKSTEP_FN double student_t(double nu) {
    const double z = normal();
    return z * exp(-0.5 * (log_gamma_draw(0.5 * nu) - log(0.5 * nu)));
  }

  // The logarithm of a gamma draw, shape > 0, rate 1. Below 1: Gamma(shape) = Gamma(shape + 1) u^(1/shape) in
  // distribution, taken in logarithms because the power underflows for half of the draws at shape 0.001.
  LOCKSTEP_FN double log_gamma_draw(double shape) {
    if (!(shape > 0)) return not_a_number();
    if (shape >= 1) return log(gamma_at_least_one(shape));
    const double boost = log(uniform()) / shape;
    return log(gamma_at_least_one(shape + 1)) + boost;
  }

  // A count, as a double. Below 10 by multiplying uniforms; above by PTRS, W. Hoermann, "The transformed rejection
  // method for generating Poisson random variables", 1993. The acceptance test uses the saddle-point form of the log
  // probability, which stays exact where k log(rate) - rate - log k! would have lost its digits.
  LOCKSTEP_FN double poisson(double rate) {
    if (!(rate >= 0 && rate < 9007199254740992.0)) return not_a_number();  // 2^53: counts beyond are not exact
    return rate < 10 ? poisson_by_products(rate) : poisson_by_rejection(rate);
  }

  // Successes in n trials, as a double; n is a whole number below 2^53. Few expected successes (or failures) by inversion;
  // otherwise BTRS, W. Hoermann, "The generation of binomial random variates", 1993, again by saddle-point forms.
  LOCKSTEP_FN double binomial(double n, double probability) {
    if (!(n >= 0 && n < 9007199254740992.0 && n == floor(n) && probability >= 0 && probability <= 1)) return not_a_number();
    const bool mirrored = probability > 0.5;
    const double p = mirrored ? 1 - probability : probability;
    const double count = n * p < 10 ? binomial_by_inversion(n, p) : binomial_by_rejection(n, p);
    return mirrored ? n - count : count;
  }

  // A Poisson count whose rate is gamma with mean mu and shape alpha; both > 0.
  LOCKSTEP_FN double negative_binomial(double mu, double alpha) {
    if (!(mu > 0)) return not_a_number();
    return poisson(mu * (gamma(alpha) / alpha));
  }

 private:
  static constexpr double pi = 3.141592653589793;
  static constexpr double smallest = 2.2250738585072014e-308;

  LOCKSTEP_FN static double not_a_number() { return log(-1.0); }

  // x, or the floor if x is below it. NaN stays NaN.
  LOCKSTEP_FN static double at_least(double x, double floor) { return x < floor ? floor : x; }

  // G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", 2000, for shape >= 1. The draw is
  // d v with v = (1 + c x)^3, accepted if log u < x^2/2 + d (1 - v + log v).
  LOCKSTEP_FN double gamma_at_least_one(double shape) {
    if (!(shape >= 1)) return not_a_number();
    if (shape > 1e300) return shape;  // its relative spread is far below one rounding
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / sqrt(9.0 * d);
    while (true) {
      const double x = normal();
      const double t = c * x;
      if (t <= -1) continue;
      const double v_minus_1 = t * (3 + t * (3 + t));
      if (log(uniform()) < 0.5 * x * x + d * log1p_minus(v_minus_1)) return d * (1 + v_minus_1);
    }
  }

  LOCKSTEP_FN double poisson_by_products(double rate) {
    const double limit = exp(-rate);
    double product = uniform();
    double count = 0;
    while (product > limit) {
      product *= uniform();
      count += 1;
    }
    return count;
  }

  LOCKSTEP_FN double poisson_by_rejection(double rate) {
    const double b = 0.931 + 2.53 * sqrt(rate);
    const double a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    const double squeeze = 0.9277 - 3.6224 / (b - 2);
    while (true) {
      const double u = uniform() - 0.5;
      const double v = uniform();
      const double us = 0.5 - abs(u);
      const double k = floor((2 * a / us + b) * u + rate + 0.43);
      if (us >= 0.07 && v <= squeeze) return k;
      if (k < 0 || (us < 0.013 && v > us)) continue;
      const double log_mass =
          k > 0 ? k * log1p_minus((rate - k) / k) - stirling_error(k) - 0.5 * log(2 * pi * k) : -rate;
      if (log(v * inverse_alpha / (a / (us * us) + b)) <= log_mass) return k;
    }
  }

  // From the probability of no success upwards; p <= 1/2.
  LOCKSTEP_FN double binomial_by_inversion(double n, double p) {
    const double odds = p / (1 - p);
    const double none = exp(n * log1p(-p));
    while (true) {
      double u = uniform(), mass = none, k = 0;
      while (u > mass && k < n) {
        u -= mass;
        k += 1;
        mass *= (n - k + 1) / k * odds;
      }
      if (u <= mass) return k;  // otherwise rounding has left something behind the last mass
    }
  }

  // log P(k) of n trials but for a constant, 0 <= k <= n.
  LOCKSTEP_FN static double binomial_log_mass(double k, double n, double p) {
    const auto part = [](double count, double mean) {
      return count > 0 ? count * log1p_minus((mean - count) / count) - stirling_error(count) - 0.5 * log(2 * pi * count)
                       : -mean;
    };
    return part(k, n * p) + part(n - k, n * (1 - p));
  }

  LOCKSTEP_FN double binomial_by_rejection(double n, double p) {
    const double spread = sqrt(n * p * (1 - p));
    const double b = 1.15 + 2.53 * spread;
    const double a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double alpha = (2.83 + 5.1 / b) * spread;
    const double squeeze = 0.92 - 4.2 / b;
    const double at_mode = binomial_log_mass(floor((n + 1) * p), n, p);
    while (true) {
      const double u = uniform() - 0.5;
      const double v = uniform();
      const double us = 0.5 - abs(u);
      const double k = floor((2 * a / us + b) * u + n * p + 0.5);
      if (us >= 0.07 && v <= squeeze) return k;
      if (k < 0 || k > n) continue;
      if (log(v * alpha / (a / (us * us) + b)) <= binomial_log_mass(k, n, p) - at_mode) return k;
    }
  }

  Philox4 counter_;
  PhiloxKey key_;
  std::uint64_t spare_bits_ = 0;
  double spare_normal_ = 0;
  bool has_spare_bits_ = false;
  bool has_spare_normal_ = false;
};

}  // namespace lockstep
