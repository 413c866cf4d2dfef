"""NumPyro and BlackJAX: reads one request a line (JSON) on stdin, answers each with one line. measure.py starts this.

{"do": "density", "subject", "data", "parameters", "points"}
        log density and gradient at unconstrained points
{"do": "numpyro" or "chees", "subject", "data", "parameters", "chains", "draws", "warmup", "seed", "file"}
        a run; its draws go to the file, [element][chain][draw]

Everything is in double precision. `seconds` of a run are without compilation: of NumPyro's call, less what JAX says that
tracing and compiling took in it (a second call compiles half of it again, so it is no better); ChEES is compiled before.
"""

import functools
import json
import pathlib
import sys
import time

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro.infer import MCMC, NUTS
from numpyro.infer.util import initialize_model

from models import model_of

compiled_seconds = 0.0


def on_duration(event, seconds, **_):
    """Tracing, lowering and compilation. What is traced inside of something else counts twice: in the peers' favour."""
    global compiled_seconds
    if event.startswith("/jax/core/compile/"):
        compiled_seconds += seconds


jax.monitoring.register_event_duration_secs_listener(on_duration)
loaded = {}


def data_of(folder):
    """The fields of a subject, on the device; numbers of groups stay on the host."""
    if folder not in loaded:
        fields = {path.stem: np.load(path) for path in sorted(pathlib.Path(folder).glob("*.npy"))}
        loaded.clear()  # the last subject's
        loaded[folder] = {
            name: float(value) if value.ndim == 0 else jnp.asarray(value) for name, value in fields.items()
        }
    return loaded[folder]


def unconstrained(vector, parameters):
    """A position of Lockstep's as NumPyro's dictionary."""
    point, at = {}, 0
    for each in parameters:
        part = vector[..., at : at + each["size"]]
        point[each["name"]] = part[..., 0] if each["scalar"] else part
        at += each["size"]
    return point


def bound(request):
    """The model with its sizes; its arrays, which are arguments of what is compiled (large constants take long)."""
    data = data_of(request["data"])
    arrays = {name: value for name, value in data.items() if not isinstance(value, float)}
    numbers = {name: value for name, value in data.items() if isinstance(value, float)}
    return functools.partial(model_of(request["subject"]), **numbers), arrays


def log_density_of(request):
    """log_density(unconstrained vector, arrays), and the arrays."""
    model, arrays = bound(request)
    potential = initialize_model(jax.random.PRNGKey(0), model, model_kwargs=arrays, dynamic_args=True).potential_fn
    return lambda x, arrays: -potential(**arrays)(unconstrained(x, request["parameters"])), arrays


def density(request):
    log_density, arrays = log_density_of(request)
    both = jax.jit(jax.value_and_grad(log_density))
    answers = []
    for point in request["points"]:
        value, gradient = both(jnp.asarray(point, dtype=jnp.float64), arrays)
        answers.append({"log_density": float(value), "gradient": gradient.tolist()})
    return {"densities": answers}


def write_draws(samples, request):
    """`samples`: by name, [chain][draw] and the element, if there are several."""
    elements = 0
    with open(request["file"], "wb") as file:
        for each in request["parameters"]:
            values = np.asarray(samples[each["name"]], dtype=np.float64)
            values = values.reshape(values.shape[0], values.shape[1], -1)
            for e in range(values.shape[2]):
                file.write(np.ascontiguousarray(values[:, :, e]).tobytes())
            elements += values.shape[2]
    return elements


def run_numpyro(request):
    model, arrays = bound(request)
    mcmc = MCMC(
        NUTS(model),
        num_warmup=request["warmup"],
        num_samples=request["draws"],
        num_chains=request["chains"],
        chain_method="vectorized",
        progress_bar=False,
        jit_model_args=True,
    )

    compiled_before, start = compiled_seconds, time.perf_counter()
    mcmc.run(jax.random.PRNGKey(request["seed"]), extra_fields=("num_steps", "diverging"), **arrays)
    jax.block_until_ready(mcmc.get_samples(group_by_chain=True))
    whole, compilation = time.perf_counter() - start, compiled_seconds - compiled_before
    fields = mcmc.get_extra_fields(group_by_chain=True)
    return {
        "seconds": max(whole - compilation, 0.01 * whole),
        "compilation_seconds": compilation,
        "steps": float(jnp.sum(fields["num_steps"])),
        "divergences": int(jnp.sum(fields["diverging"])),
        "elements": write_draws(mcmc.get_samples(group_by_chain=True), request),
    }


def run_chees(request):
    import blackjax
    import optax

    density_given, arrays = log_density_of(request)
    parameters, chains = request["parameters"], request["chains"]
    size = sum(each["size"] for each in parameters)

    def whole_run(key, arrays):
        def log_density(x):
            return density_given(x, arrays)

        start_key, warmup_key, sample_key = jax.random.split(key, 3)
        positions = jax.random.uniform(start_key, (chains, size), minval=-2, maxval=2, dtype=jnp.float64)
        # A diagonal metric, and its floor under the trajectory's length: BlackJAX's advice for dispersed starts.
        adaptation = blackjax.chees_adaptation(
            log_density, chains, mass_matrix_estimation="diagonal", adaptation_info_fn=lambda *_: None
        )
        (states, tuned), _ = adaptation.run(warmup_key, positions, 0.1, optax.adam(0.05), request["warmup"])
        kernel = blackjax.dynamic_hmc(log_density, **tuned).step

        def step(states, key):
            states, info = jax.vmap(kernel)(jax.random.split(key, chains), states)
            return states, (states.position, jnp.sum(info.num_integration_steps), jnp.sum(info.is_divergent))

        return jax.lax.scan(step, states, jax.random.split(sample_key, request["draws"]))[1]

    start = time.perf_counter()
    compiled = jax.jit(whole_run).lower(jax.random.PRNGKey(0), arrays).compile()
    compilation = time.perf_counter() - start
    start = time.perf_counter()
    positions, steps, divergent = jax.block_until_ready(compiled(jax.random.PRNGKey(request["seed"]), arrays))
    seconds = time.perf_counter() - start
    # Ranks are those of the constrained values: every transformation here is increasing.
    samples = unconstrained(np.moveaxis(np.asarray(positions), 0, 1), parameters)
    return {
        "seconds": seconds,
        "compilation_seconds": compilation,
        "steps": float(jnp.sum(steps)),
        "divergences": int(jnp.sum(divergent)),
        "elements": write_draws(samples, request),
    }


def versions(_):
    found = {"jax": jax.__version__, "numpyro": numpyro.__version__, "device": str(jax.devices()[0]), "chees": ""}
    try:
        import blackjax
        import optax  # noqa: F401

        found["blackjax"] = blackjax.__version__
    except ImportError as error:
        found["chees"] = str(error)
    return found


def main():
    # What libraries print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"density": density, "numpyro": run_numpyro, "chees": run_chees, "versions": versions}[
                request["do"]
            ](request)
        except Exception as error:  # whatever it is, the next request may go better
            answer = {"problem": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(answer), file=answers, flush=True)


main()
