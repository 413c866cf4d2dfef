"""The posteriors as NumPyro programs; the unconstrained coordinates are Lockstep's too (density.py checks that)."""

import jax
import jax.numpy as jnp
import numpyro
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm
from numpyro.distributions import (
    Bernoulli, Beta, HalfCauchy, HalfNormal, ImproperUniform, LogNormal, Normal, StudentT, Uniform, constraints)
from numpyro import deterministic, factor, sample


def flat(support, *shape):
    return ImproperUniform(support, (), shape)


def eight_schools(y, sigma):
    mu = sample("mu", Normal(0, 5))
    tau = sample("tau", HalfCauchy(5))
    z = sample("z", Normal(0, 1).expand([len(y)]).to_event(1))
    sample("y", Normal(mu + tau * z, sigma).to_event(1), obs=y)


def radon(J, county, X, y):
    alpha_raw = sample("alpha_raw", Normal(0, 1).expand([J]).to_event(1))
    mu_alpha = sample("mu_alpha", Normal(0, 10))
    beta_uranium = sample("beta_uranium", Normal(0, 10))
    beta_floor = sample("beta_floor", Normal(0, 10))
    sigma_alpha = sample("sigma_alpha", HalfNormal(1))
    sigma_y = sample("sigma_y", HalfNormal(1))
    mean = (mu_alpha + sigma_alpha * alpha_raw)[county] + beta_uranium * X[:, 0] + beta_floor * X[:, 1]
    sample("y", Normal(mean, sigma_y).to_event(1), obs=y)


def garch11(y, sigma1):
    mu = sample("mu", flat(constraints.real))
    alpha0 = sample("alpha0", flat(constraints.positive))
    alpha1 = sample("alpha1", flat(constraints.unit_interval))
    share = sample("share", Uniform(0, 1))  # flat between 0 and 1 - alpha1
    factor("scale", jnp.log1p(-alpha1))
    beta1 = deterministic("beta1", share * (1 - alpha1))

    def step(variance, square):
        variance = alpha0 + alpha1 * square + beta1 * variance
        return variance, variance

    first = jnp.asarray(sigma1**2)
    _, rest = jax.lax.scan(step, first, (y[:-1] - mu) ** 2)
    sample("y", Normal(mu, jnp.sqrt(jnp.concatenate([first[None], rest]))).to_event(1), obs=y)


def arK(X, y):
    alpha = sample("alpha", Normal(0, 10))
    beta = sample("beta", Normal(0, 10).expand([X.shape[1]]).to_event(1))
    sigma = sample("sigma", HalfCauchy(2.5))
    sample("y", Normal(alpha + X @ beta, sigma).to_event(1), obs=y)


def nes1976(X, y):
    beta = sample("beta", flat(constraints.real_vector, X.shape[1]))
    sigma = sample("sigma", flat(constraints.positive))
    sample("y", Normal(X @ beta, sigma).to_event(1), obs=y)


def irt_2pl(I, J, item, person, correct):
    sigma_theta = sample("sigma_theta", HalfCauchy(2))
    theta = sample("theta", Normal(0, sigma_theta).expand([J]).to_event(1))
    sigma_a = sample("sigma_a", HalfCauchy(2))
    a = sample("a", LogNormal(0, sigma_a).expand([I]).to_event(1))
    mu_b = sample("mu_b", Normal(0, 5))
    sigma_b = sample("sigma_b", HalfCauchy(2))
    b = sample("b", Normal(mu_b, sigma_b).expand([I]).to_event(1))
    sample("correct", Bernoulli(logits=a[item] * (theta[person] - b[item])).to_event(1), obs=correct)


def hmm_example(y):
    p = sample("p", Uniform(0, 1).expand([2]).to_event(1))  # the first entry of each row of the transition matrix
    gaps = sample("gaps", flat(constraints.positive, 2))
    mu = deterministic("mu", jnp.cumsum(gaps))
    factor("prior", jnp.sum(norm.logpdf(mu, jnp.array([3.0, 10.0]))))
    transition = deterministic("theta", jnp.stack([p, 1 - p], axis=1))
    emission = norm.logpdf(y[:, None], mu)

    def step(forward, now):
        return logsumexp(forward[:, None] + jnp.log(transition), axis=0) + now, None

    factor("y", logsumexp(jax.lax.scan(step, emission[0], emission[1:])[0]))


def low_dim_gauss_mix(y):
    mu = sample("mu", flat(constraints.ordered_vector, 2))
    factor("prior", jnp.sum(norm.logpdf(mu, 0, 2)))
    sigma = sample("sigma", HalfNormal(2).expand([2]).to_event(1))
    theta = sample("theta", Beta(5, 5))
    parts = norm.logpdf(y[:, None], mu, sigma)
    factor("y", jnp.sum(jnp.logaddexp(jnp.log(theta) + parts[:, 0], jnp.log1p(-theta) + parts[:, 1])))


def diamonds(X, y):
    b = sample("b", Normal(0, 1).expand([X.shape[1]]).to_event(1))
    intercept = sample("Intercept", StudentT(3, 8, 10))
    sigma = sample("sigma", flat(constraints.positive))
    factor("sigma_prior", StudentT(3, 0, 10).log_prob(sigma))
    sample("y", Normal(intercept + X @ b, sigma).to_event(1), obs=y)


def logistic_10000x50(X, y):
    alpha = sample("alpha", Normal(0, 5))
    beta = sample("beta", Normal(0, 2.5).expand([X.shape[1]]).to_event(1))
    sample("y", Bernoulli(logits=alpha + X @ beta).to_event(1), obs=y)


radon_mn = radon_all = radon

# The unconstrained coordinates in Lockstep's order, where they are not the parameters themselves.
COORDINATES = {"garch11": ["mu", "alpha0", "alpha1", "share"], "hmm_example": ["p", "gaps"]}
