"""One run of one peer, in a process of its own that run.py has pinned to one core:

    python peers.py PEER POSTERIOR SEED FILE '{"chains": 4, "warmup": 1000, "draws": 1000}'

Draws go to FILE.npz and timings to FILE.timings. `run_s` is sampling alone, warmup and failed starts included; `setup_s` is
making the model ready (tracing and compilation). `warm_share`: the share of `run_s` before draw 0 of the chains.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

import posteriors
from posteriors import BUILD, POSTERIORS, ROOT, WORK

HERE = pathlib.Path(__file__).parent

# ---------------------------------------------------------------- Lockstep


def lockstep_command(posterior, seed, out, options):
    """The one place for Lockstep's command line. Without options, everything is its default."""
    model = POSTERIORS[posterior][0]
    if "file" in options:
        model = ROOT / "models" / f"{model}.hpp"
    command = [BUILD / "lockstep", "sample", model, "--data", posteriors.data_file(posterior), "--seed", seed, "--threads", 1,
               "--device", "cpu", "--keep", ",".join(POSTERIORS[posterior][2]), "--out", out, "--overwrite"]
    for name in ("chains", "warmup", "draws", "metric", "sampler"):
        if name in options:
            command += [f"--{name}", options[name]]
    return [str(word) for word in command]


def lockstep(posterior, seed, options, file):
    import h5py

    out = file.with_suffix(".nc")
    subprocess.run(lockstep_command(posterior, seed, out, options), check=True, stdout=subprocess.DEVNULL)
    with h5py.File(out) as fit:
        draws = posteriors.flat(fit["posterior"], POSTERIORS[posterior][2])
        attributes, steps = fit["posterior"].attrs, fit["sample_stats/n_steps"][:]
        seconds, gradients = (float(np.ravel(attributes[k])[0]) for k in ("sampling_time", "gradients"))
        diverging = int(fit["sample_stats/diverging"][:].sum())
    out.unlink()
    # Gradients of lanes that wait are among `gradients`, so some of sampling counts as warmup: that is on Lockstep.
    return draws, {"run_s": seconds, "setup_s": 0.0, "gradients": gradients, "divergences": diverging,
                   "warm_share": max(0.0, 1 - steps.sum() / gradients)}, steps


def lockstep_mams(posterior, seed, options, file):
    return lockstep(posterior, seed, {**options, "sampler": "mams"}, file)


# ---------------------------------------------------------------- Stan


def stan_program(source, main="stan_run.cpp", suffix=""):
    """The program of a model: Stan's own compiler makes C++ of it, and `main` runs it. PyStan itself hands every draw through a
    socket, which takes forty times as long as eight schools."""
    import httpstan

    package = pathlib.Path(httpstan.__file__).parent
    folder = pathlib.Path(os.environ["XDG_CACHE_HOME"]) / "stan"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"{source.stem}{suffix}"
    if not program.exists():
        subprocess.run([package / "stanc", f"--o={program}.hpp", source], check=True)
        subprocess.run(["c++", "-std=c++17", "-O3", "-march=native", "-w", "-D_REENTRANT", "-DBOOST_DISABLE_ASSERTS",
                        f"-I{package / 'include'}", "-include", f"{program}.hpp", HERE / main, "-o", f"{program}.new",
                        f"-L{package / 'lib'}", "-ltbb", f"-Wl,-rpath,{package / 'lib'}"], check=True)
        pathlib.Path(f"{program}.new").rename(program)
    return program


def stan(posterior, seed, options, file):
    """The newest Stan that PyPI has, by CmdStan's defaults. Chains run one after the other."""
    start = time.perf_counter()
    program = stan_program(posteriors.stan_file(posterior))
    setup = time.perf_counter() - start
    chains, n, count = (options.get(k, usual) for k, usual in (("chains", 4), ("warmup", 1000), ("draws", 1000)))
    data = pathlib.Path(f"{file}.input")  # no .json: that is a record, and a run that is killed leaves this
    data.write_text(json.dumps(posteriors.stan_data(posterior)))
    done = subprocess.run([program, data, str(seed), str(chains), str(n), str(count), file], check=True, stdout=subprocess.PIPE,
                          text=True)
    warmup, sampling = np.array([[float(word) for word in line.split()] for line in done.stdout.splitlines()]).sum(axis=0)
    columns = pathlib.Path(f"{file}.columns").read_text().split()
    rows = np.fromfile(f"{file}.rows").reshape(chains, n + count, len(columns))
    for each in (data, f"{file}.columns", f"{file}.rows"):
        pathlib.Path(each).unlink()

    def by_name(name):  # [chain][draw][element]
        return rows[:, :, [i for i, c in enumerate(columns) if c == name or c.startswith(name + ".")]]

    steps = by_name("n_leapfrog__")[:, :, 0]
    names = ["p" if posterior == "hmm_example" and p == "theta" else p for p in POSTERIORS[posterior][2]]
    draws = posteriors.flat({p: by_name(p)[:, n:] for p in names}, names)
    if posterior == "hmm_example":
        draws = with_rows(draws)
    return draws, {"run_s": warmup + sampling, "setup_s": setup, "gradients": float(steps.sum()),
                   "divergences": int(by_name("divergent__")[:, n:].sum()),
                   "warm_share": warmup / (warmup + sampling)}, steps[:, n:]


def with_rows(draws):
    """hmm_example's p as the transition matrix, row by row."""
    p = draws[:, :, :2]
    return np.concatenate([np.stack([p[..., 0], 1 - p[..., 0], p[..., 1], 1 - p[..., 1]], axis=2), draws[:, :, 2:]], axis=2)


# ---------------------------------------------------------------- PyMC and nutpie


def pymc_model(posterior):
    import pymc as pm

    import pymc_models

    with pm.Model() as model:
        getattr(pymc_models, posterior)(**posteriors.data(posterior))
    return model


def from_groups(trace, posterior, seconds, setup, warm):
    steps, before = (trace[g]["n_steps"].values.astype(float) for g in ("sample_stats", warm))
    draws = posteriors.flat({p: trace["posterior"][p].values for p in POSTERIORS[posterior][2]}, POSTERIORS[posterior][2])
    gradients = steps.sum() + before.sum()
    return draws, {"run_s": seconds, "setup_s": setup, "gradients": gradients,
                   "divergences": int(trace["sample_stats"]["diverging"].values.sum()),
                   "warm_share": before.sum() / gradients}, steps


def pymc(posterior, seed, options, file):
    import pymc as pm

    start = time.perf_counter()
    model = pymc_model(posterior)
    with model:
        step = pm.NUTS()  # compiles the gradient
        setup = time.perf_counter() - start
        start = time.perf_counter()
        trace = pm.sample(options.get("draws", 1000), tune=options.get("warmup", 1000), chains=options.get("chains", 4),
                          cores=1, random_seed=seed, step=step, progressbar=False, compute_convergence_checks=False,
                          discard_tuned_samples=False)
        seconds = time.perf_counter() - start
    return from_groups(trace, posterior, seconds, setup, "warmup_sample_stats")


def nutpie(posterior, seed, options, file):
    import nutpie as package

    start = time.perf_counter()
    compiled = package.compile_pymc_model(pymc_model(posterior), backend="numba")
    setup = time.perf_counter() - start
    start = time.perf_counter()
    low_rank = {"low_rank_modified_mass_matrix": True} if options.get("metric") == "low-rank" else {}
    trace = package.sample(compiled, chains=options.get("chains", 6), tune=options.get("warmup", 1000), cores=1, seed=seed,
                           draws=options.get("draws", 1000), progress_bar=False, save_warmup=True, **low_rank)
    seconds = time.perf_counter() - start
    return from_groups(trace, posterior, seconds, setup, "warmup_sample_stats")


def nutpie_low_rank(posterior, seed, options, file):
    return nutpie(posterior, seed, {**options, "metric": "low-rank"}, file)


# ---------------------------------------------------------------- NumPyro and BlackJAX

compiled_seconds = 0.0


def jax_setup():
    import jax
    import jax.monitoring

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_CACHE"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

    def on_duration(event, seconds, **_):
        global compiled_seconds
        if event.startswith("/jax/core/compile/"):
            compiled_seconds += seconds

    jax.monitoring.register_event_duration_secs_listener(on_duration)
    return jax


def numpyro_parts(posterior):
    """The model with its sizes, and its arrays, which are arguments of what is compiled."""
    import functools

    import jax.numpy as jnp

    import numpyro_models

    d = posteriors.data(posterior)
    arrays = {k: jnp.asarray(v) for k, v in d.items() if isinstance(v, np.ndarray)}
    return functools.partial(getattr(numpyro_models, posterior), **{k: v for k, v in d.items() if k not in arrays}), arrays


def numpyro(posterior, seed, options, file, method="sequential"):
    jax = jax_setup()
    from numpyro.infer import MCMC, NUTS

    start = time.perf_counter()
    model, arrays = numpyro_parts(posterior)
    mcmc = MCMC(NUTS(model, dense_mass=options.get("metric") == "dense"), num_warmup=options.get("warmup", 1000),
                num_samples=options.get("draws", 1000), num_chains=options.get("chains", 4), chain_method=method,
                progress_bar=False, jit_model_args=True)
    setup = time.perf_counter() - start

    def timed(call, *args, **kwargs):
        before, start = compiled_seconds, time.perf_counter()
        call(*args, **kwargs)
        jax.block_until_ready(mcmc.last_state)
        whole = time.perf_counter() - start
        return max(0.01 * whole, whole - (compiled_seconds - before)), compiled_seconds - before

    def warm_up_and_run(seed):
        # One key for warmup; run() goes on from there.
        fields = ("num_steps", "diverging")
        warm, compiling = timed(mcmc.warmup, jax.random.PRNGKey(seed), extra_fields=fields, collect_warmup=True, **arrays)
        steps_before = float(np.sum(mcmc.get_extra_fields()["num_steps"]))
        run, more = timed(mcmc.run, mcmc.post_warmup_state.rng_key, extra_fields=fields, **arrays)
        return warm, run, compiling + more, steps_before

    warm, run, compiling, steps_before = warm_up_and_run(seed)
    extra = mcmc.get_extra_fields(group_by_chain=True)
    steps = np.asarray(extra["num_steps"], dtype=float)
    draws = posteriors.flat(mcmc.get_samples(group_by_chain=True), POSTERIORS[posterior][2])
    figures = {"run_s": warm + run, "setup_s": setup + compiling, "gradients": steps.sum() + steps_before,
               "divergences": int(np.sum(extra["diverging"])), "warm_share": warm / (warm + run)}
    if options.get("again"):
        start = time.perf_counter()
        warm_up_and_run(seed + 1)
        figures["again_s"] = time.perf_counter() - start
    return draws, figures, steps


def numpyro_vectorized(posterior, seed, options, file):
    return numpyro(posterior, seed, options, file, "vectorized")


def log_density_of(posterior):
    """log_density(unconstrained vector, arrays) in Lockstep's order, the arrays, the number of coordinates, and the draws'
    way back: constrain(vectors [chain, draw, coordinate])."""
    import jax
    import jax.numpy as jnp
    from numpyro.infer.util import initialize_model

    import numpyro_models

    model, arrays = numpyro_parts(posterior)
    ready = initialize_model(jax.random.PRNGKey(0), model, model_kwargs=arrays, dynamic_args=True)
    start = ready.param_info.z
    names = numpyro_models.COORDINATES.get(posterior, POSTERIORS[posterior][2])

    def split(x):
        parts, at = {}, 0
        for name in names:
            shape = jnp.shape(start[name])
            size = int(np.prod(shape))
            parts[name] = x[at : at + size].reshape(shape)
            at += size
        return parts

    size = sum(int(np.prod(jnp.shape(start[name]))) for name in names)

    def constrain(draws):
        one = lambda x: ready.postprocess_fn(**arrays)(split(x))
        return posteriors.flat(jax.vmap(jax.vmap(one))(draws), POSTERIORS[posterior][2])

    return lambda x, arrays: -ready.potential_fn(**arrays)(split(x)), arrays, size, constrain


def chees(posterior, seed, options, file):
    """As BlackJAX advises for many chains; 64 of them, since it has no default number."""
    jax = jax_setup()
    import blackjax
    import jax.numpy as jnp
    import optax

    begun = time.perf_counter()
    density, arrays, size, constrain = log_density_of(posterior)
    chains, draws = options.get("chains", 64), options.get("draws", 250)
    functions = {}  # how lengths of trajectories are drawn: of what was tuned, the part that is no array

    def warm(key, arrays):
        log_density = lambda x: density(x, arrays)
        start_key, key = jax.random.split(key)
        # Starts are drawn ten times, and the first with a finite gradient counts: the others are failed starts.
        starts = jax.random.uniform(start_key, (10, chains, size), minval=-2.0, maxval=2.0, dtype=jnp.float64)
        good = jax.vmap(jax.vmap(lambda x: jnp.all(jnp.isfinite(jax.grad(log_density)(x)))))(starts)
        starts = starts[jnp.argmax(good, axis=0), jnp.arange(chains)]
        adaptation = blackjax.chees_adaptation(log_density, chains, mass_matrix_estimation="diagonal",
                                               adaptation_info_fn=lambda _, info, __: info.num_integration_steps)
        (states, tuned), info = adaptation.run(key, starts, 0.1, optax.adam(0.05), options.get("warmup", 1000))
        functions.update({k: v for k, v in tuned.items() if callable(v)})
        # BlackJAX wraps what the function above returns.
        return states, {k: v for k, v in tuned.items() if k not in functions}, jnp.sum(info._wrapped_info)

    def sample(key, states, tuned, arrays):
        kernel = blackjax.dynamic_hmc(lambda x: density(x, arrays), **tuned, **functions).step

        def step(states, key):
            states, info = jax.vmap(kernel)(jax.random.split(key, chains), states)
            return states, (states.position, info.num_integration_steps, info.is_divergent)

        return jax.lax.scan(step, states, jax.random.split(key, draws))[1]

    first, second = jax.random.split(jax.random.PRNGKey(seed))
    warm_compiled = jax.jit(warm).lower(first, arrays).compile()
    states, tuned, _ = jax.eval_shape(warm, first, arrays)
    sample_compiled = jax.jit(sample).lower(second, states, tuned, arrays).compile()
    setup = time.perf_counter() - begun
    start = time.perf_counter()
    states, tuned, before = jax.block_until_ready(warm_compiled(first, arrays))
    warmed = time.perf_counter()
    positions, steps, divergent = jax.block_until_ready(sample_compiled(second, states, tuned, arrays))
    ended = time.perf_counter()
    again = {}
    if options.get("again"):
        states, tuned, _ = warm_compiled(first, arrays)
        jax.block_until_ready(sample_compiled(second, states, tuned, arrays))
        again["again_s"] = time.perf_counter() - ended
    steps = np.asarray(steps, dtype=float).T
    return np.asarray(constrain(jnp.swapaxes(positions, 0, 1))), {
        "run_s": ended - start, "setup_s": setup, "gradients": float(before + steps.sum()), "divergences": int(np.sum(divergent)),
        "warm_share": (warmed - start) / (ended - start), **again}, steps


PEERS = {"lockstep": lockstep, "lockstep_mams": lockstep_mams, "stan": stan, "pymc": pymc, "nutpie": nutpie,
         "nutpie_low_rank": nutpie_low_rank, "numpyro": numpyro, "numpyro_vectorized": numpyro_vectorized, "chees": chees}

if __name__ == "__main__":
    peer, posterior, seed, file, options = sys.argv[1:]
    draws, figures, steps = PEERS[peer](posterior, int(seed), json.loads(options), pathlib.Path(file))
    used = sum(resource.getrusage(w).ru_utime + resource.getrusage(w).ru_stime
               for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    np.savez(file + ".npz", draws=draws.astype(np.float32), steps=steps.astype(np.float32))
    pathlib.Path(file + ".timings").write_text(json.dumps({**figures, "process_cpu_s": used}))
