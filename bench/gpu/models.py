"""The zoo's models as NumPyro programs, with the densities of models/*.hpp: measure.py checks that."""

import jax.numpy as jnp
import numpyro
from numpyro.distributions import Bernoulli, HalfCauchy, HalfNormal, LogNormal, Normal


def eight_schools(y, sigma, **_):
    mu = numpyro.sample("mu", Normal(0, 5))
    tau = numpyro.sample("tau", HalfCauchy(5))
    z = numpyro.sample("z", Normal(0, 1).expand([len(y)]).to_event(1))
    numpyro.sample("y", Normal(mu + tau * z, sigma).to_event(1), obs=y)


def radon(county_idx, log_uppm, floor_measure, log_radon, county, **_):
    alpha_raw = numpyro.sample("alpha_raw", Normal(0, 1).expand([int(county)]).to_event(1))
    mu_alpha = numpyro.sample("mu_alpha", Normal(0, 10))
    beta_uranium = numpyro.sample("beta_uranium", Normal(0, 10))
    beta_floor = numpyro.sample("beta_floor", Normal(0, 10))
    sigma_alpha = numpyro.sample("sigma_alpha", HalfNormal(1))
    sigma_y = numpyro.sample("sigma_y", HalfNormal(1))
    alpha = mu_alpha + sigma_alpha * alpha_raw
    mean = alpha[county_idx.astype(int) - 1] + beta_uranium * log_uppm + beta_floor * floor_measure
    numpyro.sample("log_radon", Normal(mean, sigma_y).to_event(1), obs=log_radon)


def irt_2pl(item, person, item_of, person_of, correct, **_):
    sigma_theta = numpyro.sample("sigma_theta", HalfCauchy(2))
    theta = numpyro.sample("theta", Normal(0, sigma_theta).expand([int(person)]).to_event(1))
    sigma_a = numpyro.sample("sigma_a", HalfCauchy(2))
    a = numpyro.sample("a", LogNormal(0, sigma_a).expand([int(item)]).to_event(1))
    mu_b = numpyro.sample("mu_b", Normal(0, 5))
    sigma_b = numpyro.sample("sigma_b", HalfCauchy(2))
    b = numpyro.sample("b", Normal(mu_b, sigma_b).expand([int(item)]).to_event(1))
    i, p = item_of.astype(int) - 1, person_of.astype(int) - 1
    numpyro.sample("correct", Bernoulli(logits=a[i] * (theta[p] - b[i])).to_event(1), obs=correct)


def logistic(X, y, **_):
    alpha = numpyro.sample("alpha", Normal(0, 5))
    beta = numpyro.sample("beta", Normal(0, 2.5).expand([X.shape[1]]).to_event(1))
    numpyro.sample("y", Bernoulli(logits=alpha + jnp.dot(X, beta)).to_event(1), obs=y)


def model_of(subject):
    return logistic if subject.startswith("logistic") else globals()[subject]
