"""The posteriors as PyMC programs; the unconstrained coordinates are Lockstep's too (density.py checks that)."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.distributions.transforms import ordered


def eight_schools(y, sigma):
    mu = pm.Normal("mu", 0, 5)
    tau = pm.HalfCauchy("tau", 5)
    z = pm.Normal("z", 0, 1, shape=len(y))
    pm.Normal("y", mu + tau * z, sigma, observed=y)


def radon(J, county, X, y):
    alpha_raw = pm.Normal("alpha_raw", 0, 1, shape=J)
    mu_alpha = pm.Normal("mu_alpha", 0, 10)
    beta_uranium = pm.Normal("beta_uranium", 0, 10)
    beta_floor = pm.Normal("beta_floor", 0, 10)
    sigma_alpha = pm.HalfNormal("sigma_alpha", 1)
    sigma_y = pm.HalfNormal("sigma_y", 1)
    mean = (mu_alpha + sigma_alpha * alpha_raw)[county] + beta_uranium * X[:, 0] + beta_floor * X[:, 1]
    pm.Normal("y", mean, sigma_y, observed=y)


def garch11(y, sigma1):
    mu = pm.Flat("mu", initval=0.0)
    alpha0 = pm.HalfFlat("alpha0", initval=1.0)
    alpha1 = pm.Uniform("alpha1", 0, 1)
    share = pm.Uniform("share", 0, 1)  # flat between 0 and 1 - alpha1
    pm.Potential("scale", pt.log1p(-alpha1))
    beta1 = pm.Deterministic("beta1", share * (1 - alpha1))
    first = pt.as_tensor(np.float64(sigma1**2))
    rest = pytensor.scan(lambda square, variance, a0, a1, b1: a0 + a1 * square + b1 * variance,
                         sequences=[(pt.as_tensor(y[:-1]) - mu) ** 2], outputs_info=[first],
                         non_sequences=[alpha0, alpha1, beta1], return_updates=False)
    pm.Normal("y", mu, pt.sqrt(pt.concatenate([first[None], rest])), observed=y)


def arK(X, y):
    alpha = pm.Normal("alpha", 0, 10)
    beta = pm.Normal("beta", 0, 10, shape=X.shape[1])
    sigma = pm.HalfCauchy("sigma", 2.5)
    pm.Normal("y", alpha + pt.dot(X, beta), sigma, observed=y)


def nes1976(X, y):
    beta = pm.Flat("beta", shape=X.shape[1], initval=np.zeros(X.shape[1]))
    sigma = pm.HalfFlat("sigma", initval=1.0)
    pm.Normal("y", pt.dot(X, beta), sigma, observed=y.astype(float))


def irt_2pl(I, J, item, person, correct):
    sigma_theta = pm.HalfCauchy("sigma_theta", 2)
    theta = pm.Normal("theta", 0, sigma_theta, shape=J)
    sigma_a = pm.HalfCauchy("sigma_a", 2)
    a = pm.LogNormal("a", 0, sigma_a, shape=I)
    mu_b = pm.Normal("mu_b", 0, 5)
    sigma_b = pm.HalfCauchy("sigma_b", 2)
    b = pm.Normal("b", mu_b, sigma_b, shape=I)
    pm.Bernoulli("correct", logit_p=a[item] * (theta[person] - b[item]), observed=correct)


def hmm_example(y):
    p = pm.Uniform("p", 0, 1, shape=2)  # the first entry of each row of the transition matrix
    gaps = pm.HalfFlat("gaps", shape=2, initval=np.array([3.0, 7.0]))
    mu = pm.Deterministic("mu", pt.cumsum(gaps))
    pm.Potential("prior", pm.logp(pm.Normal.dist(np.array([3.0, 10.0]), 1), mu).sum())
    transition = pm.Deterministic("theta", pt.stack([p, 1 - p], axis=1))
    emission = pm.logp(pm.Normal.dist(mu, 1), pt.as_tensor(y)[:, None])
    forward = pytensor.scan(lambda now, forward, log_to: pt.logsumexp(forward[:, None] + log_to, axis=0) + now,
                            sequences=[emission[1:]], outputs_info=[emission[0]], non_sequences=[pt.log(transition)],
                            return_updates=False)
    pm.Potential("y", pt.logsumexp(forward[-1]))


def low_dim_gauss_mix(y):
    mu = pm.Normal("mu", 0, 2, shape=2, transform=ordered, initval=np.array([-1.0, 1.0]))
    sigma = pm.HalfNormal("sigma", 2, shape=2)
    theta = pm.Beta("theta", 5, 5)
    pm.NormalMixture("y", w=pt.stack([theta, 1 - theta]), mu=mu, sigma=sigma, observed=y)


def diamonds(X, y):
    b = pm.Normal("b", 0, 1, shape=X.shape[1])
    intercept = pm.StudentT("Intercept", nu=3, mu=8, sigma=10)
    sigma = pm.HalfStudentT("sigma", nu=3, sigma=10)
    pm.Normal("y", intercept + pt.dot(X, b), sigma, observed=y)


def logistic_10000x50(X, y):
    alpha = pm.Normal("alpha", 0, 5)
    beta = pm.Normal("beta", 0, 2.5, shape=X.shape[1])
    pm.Bernoulli("y", logit_p=alpha + pt.dot(X, beta), observed=y)


radon_mn = radon_all = radon
