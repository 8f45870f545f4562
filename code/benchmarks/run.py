"""Time and memory of ours and of its peers, on the same arrays in the same process: `make bench`.

The candidates of a size take turns, so that a change of the machine's speed meets them alike, and
what counts are the ratios of the shortest times. Every contestant has the same number of threads:
a process of its own for one core and for all of them. Where the processor has AVX-512 all of that
is done twice, the second time with AVX-512 switched off in NumPy, OpenBLAS, JAX and PyTorch, since
most readers' processors have AVX2 only and NumPy's exp and tanh are scalar there. Results go to
jacobians/book/measurements.json, where the chapters find them, with the machine and the date, and
to results.svg beside this file.

What was tried and left out: the factor compiled by numba. From libm's `exp` it gained nothing (8.1
nanoseconds a number for NumPy's 8.8 with AVX2): llvmlite's wheels have no vectorised one. With an
`exp` of its own, a polynomial that LLVM can vectorise, it took 2.2, and a gradient 0.55 to 0.69 of
NumPy's time with AVX2, 0.98 to 1.02 with AVX-512. That is not half, an `exp` of ours would need its
care below the normal numbers, and readers with numba would see other bits than the rest.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import tracemalloc
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SIZES = [(366, 1, 3), (20_000, 32, 64), (100_000, 1, 3), (100_000, 8, 16), (1_000_000, 1, 3)]
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
FEATURES = np._core._multiarray_umath.__cpu_features__
DISPATCHED = np._core._multiarray_umath.__cpu_dispatch__


def kinds():
    """The kinds of processor that this one can be: a name, and what the environment must say."""
    large = [name for name in DISPATCHED if "512" in name or name == "X86_V4"]
    large = [name for name in large if FEATURES.get(name)]
    if not large:
        return {next((f for f in ("AVX2", "ASIMD", "NEON") if FEATURES.get(f)), "no SIMD"): {}}
    return {
        "AVX-512": {},
        "AVX2": {
            "NPY_DISABLE_CPU_FEATURES": " ".join(large),
            "OPENBLAS_CORETYPE": "Haswell",
            "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
            "ATEN_CPU_CAPABILITY": "avx2",
        },
    }


def in_a_process_of_its_own(settings, threads, seconds, everything):
    """What `measure` finds there; the settings have to be made before NumPy is imported."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    # The frameworks' idle threads must not take a core from whoever has the turn.
    environment |= {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONWARNINGS": "ignore"} | settings
    if threads == 1:
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--threads", str(threads), "--seconds", str(seconds)]
    command += ["--everything"] if everything else []
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, check=True, encoding="utf-8"
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(threads, seconds, everything):
    """Times of all candidates with so many threads, in this process, and what it has found here."""
    import threadpoolctl
    import torch

    if CORES:
        os.sched_setaffinity(0, CORES[-threads:])  # from which JAX takes its number of threads
    torch.set_num_threads(threads)
    blas = [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
    names = (*DISPATCHED, "ASIMD", "NEON")  # NumPy's; X86_V3 has AVX2, X86_V4 has AVX-512
    result = {
        "threads": threads,
        "features": [name for name in names if FEATURES.get(name)],
        "blas": sorted({f"{b['internal_api']} {b['architecture']}" for b in blas}),
        "blas threads": max((b["num_threads"] for b in blas), default=1),
        "limits": limits(),
        "seconds": [],
    }
    for size in SIZES:
        found = shortest(candidates(*size, threads, everything), seconds)
        result["seconds"].append({"size": list(size), **found})
        print(size, "done", file=sys.stderr, flush=True)
    if threads > 1:
        result["workers"] = by_workers(threads, seconds)
    return result


def by_workers(cores, seconds, N=1_000_000, D=4, K=4):
    """Time and memory, beside the arguments, of what is done in blocks, by number of workers."""
    from jacobians import TanhBasis

    rng = np.random.default_rng(0)
    X, W, G = (rng.standard_normal(shape) for shape in ((N, D), (D + 1, K), (N, K)))
    basis = TanhBasis(W / np.sqrt(D))
    forms = {
        "values": lambda w: basis.transform(X, workers=w),
        "VJP": lambda w: basis.vjp(X, G, workers=w),
        "JVP": lambda w: basis.jvp(X, W, workers=w),
        "stored": lambda w: basis.jacobian(X, workers=w),
    }
    counts = range(1, cores + 1)
    calls = {(f, w): lambda f=f, w=w: forms[f](w) for w in counts for f in forms}
    found = shortest(calls, 4 * seconds)
    return {
        "size": [N, D, K],
        "rows": [
            {
                "workers": w,
                "seconds": {f: found[f, w] for f in forms},
                "bytes": {f: peak(calls[f, w]) for f in forms},
            }
            for w in counts
        ],
    }


def peak(call):
    """The most bytes that were allocated at the same time during a call."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def limits():
    """What bounds every candidate: nanoseconds a number in a cache, bytes a second outside."""
    z, out = np.linspace(-3, 3, 1 << 14), np.empty(1 << 14)
    large, copy = np.ones(1 << 24), np.ones(1 << 24)
    often = range(50)  # since a turn of the others leaves the caches full of something else
    found = shortest(
        {
            "exp": lambda: [np.exp(z, out=out) for _ in often],
            "tanh": lambda: [np.tanh(z, out=out) for _ in often],
            "product": lambda: [np.multiply(z, z, out=out) for _ in often],
            "copy": lambda: np.copyto(copy, large),
            "fresh": lambda: np.empty(1 << 24).fill(1.0),
        },
        1.0,
    )
    ns = {name: found[name] / len(often) / z.size * 1e9 for name in ("exp", "tanh", "product")}
    return ns | {
        "bytes a second, copied": 2 * large.nbytes / found["copy"],
        "bytes a second, into new memory": large.nbytes / found["fresh"],
    }


def shortest(candidates, seconds):
    """The shortest time of each call, in seconds; the calls take turns."""
    best = dict.fromkeys(candidates, np.inf)
    for call in candidates.values():
        call()  # compile, and touch the memory
    end, rounds = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or rounds < 5:
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
        rounds += 1
    return best


def naive_jacobian(W, X):
    """The usual way: everything in the order of the formula, 1 - tanh^2 subtracted."""
    X1 = np.column_stack([X, np.ones(len(X))])
    return X1[:, :, None] * (1 - np.tanh(X1 @ W) ** 2)[:, None, :]


def candidates(N, D, K, threads, everything):
    """Every call to be timed at a size; those that take long only if everything is wanted."""
    import jax
    import jax.numpy as jnp
    import torch

    from jacobians import TanhBasis

    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(0)
    X, W, G = (rng.standard_normal(shape) for shape in ((N, D), (D + 1, K), (N, K)))
    basis = TanhBasis(W)
    Wj, Xj, Gj = map(jnp.asarray, (W, X, G))
    Wt, Xt, Gt = map(torch.as_tensor, (W, X, G))
    leaf = Wt.clone().requires_grad_(True)
    X1t = torch.cat([Xt, torch.ones(N, 1, dtype=Xt.dtype)], 1)
    workers = 1 if threads == 1 else None  # what a user gets who says nothing

    def jax_unit(w, x):
        return jnp.tanh(x @ w[:-1] + w[-1])

    jax_jacobian = jax.jit(
        jax.vmap(jax.vmap(jax.grad(jax_unit), (1, None), 1), (None, 0))
    )  # (N, D+1, K), the compact array
    jax_transform = jax.jit(lambda W, X: jnp.tanh(X @ W[:-1] + W[-1]))
    jax_vjp = jax.jit(lambda W, X, G: jax.vjp(lambda W: jax_transform(W, X), W)[1](G)[0])

    calls = {
        "transform": lambda: basis.transform(X, workers=workers),
        "transform: NumPy": lambda: np.tanh(X @ W[:-1] + W[-1]),
        "transform: JAX": lambda: jax_transform(Wj, Xj).block_until_ready(),
        "fresh array": lambda: np.empty((N, D + 1, K)).fill(1.0),
        "jacobian: ours": lambda: basis.jacobian(X, workers=workers),
        "jacobian: naive": lambda: naive_jacobian(W, X),
        "jacobian: JAX": lambda: jax_jacobian(Wj, Xj).block_until_ready(),
        "jacobian: PyTorch, the formula": lambda: (
            X1t[:, :, None] * (1 - torch.tanh(X1t @ Wt) ** 2)[:, None, :]
        ),
        "vjp: ours": lambda: basis.vjp(X, G, workers=workers),
        "vjp: JAX": lambda: jax_vjp(Wj, Xj, Gj).block_until_ready(),
        "vjp: PyTorch": lambda: torch.autograd.grad(
            torch.tanh(Xt @ leaf[:-1] + leaf[-1]), leaf, Gt
        )[0],
        "jvp: ours": lambda: basis.jvp(X, W, workers=workers),
    }
    return calls | (slower(basis, X, G, Wt, Xt) if everything else {})


def slower(basis, X, G, Wt, Xt):
    """The peers that nobody takes for their speed, where they take seconds at most."""
    import autograd
    import autograd.numpy as anp
    import numdifftools
    import torch
    from scipy.optimize._numdiff import approx_derivative

    from jacobians.basis import phi

    W = basis.W

    def torch_unit(w, x):
        return torch.tanh(x @ w[:-1] + w[-1])

    torch_jacobian = torch.func.vmap(
        torch.func.vmap(torch.func.grad(torch_unit), (1, None), 1), (None, 0)
    )

    def phi_anp(W):
        return anp.tanh(anp.dot(X, W[:-1]) + W[-1])

    def flat(w):
        return phi(w.reshape(W.shape), X).ravel()

    calls = {"vjp: autograd": lambda: autograd.grad(lambda W: anp.sum(G * phi_anp(W)))(W)}
    if X.size * W.shape[1] < 1e6:  # too slow, or too large, beyond
        calls["jacobian: PyTorch, vmap(grad)"] = lambda: torch_jacobian(Wt, Xt)
        calls["jacobian: ours, numerical"] = lambda: basis.numerical_jacobian(X)
    if len(X) < 1000:
        calls["jacobian: SciPy, 3-point"] = lambda: approx_derivative(flat, W.ravel())
        calls["jacobian: numdifftools"] = lambda: numdifftools.Jacobian(flat)(W.ravel())
    return calls


def colouring(N=100_000, D=8, K=16):
    """How much faster 2(D+1) transforms are than 2K(D+1), and that no bit differs."""
    from jacobians import TanhBasis
    from jacobians.basis import phi

    rng = np.random.default_rng(0)
    X, basis = rng.standard_normal((N, D)), TanhBasis(rng.standard_normal((D + 1, K)))

    def one_at_a_time():
        J = np.empty((N, D + 1, K))
        for d, k in np.ndindex(basis.W.shape):
            E = np.zeros_like(basis.W)
            E[d, k] = 1e-6
            J[:, d, k] = (phi(basis.W + E, X) - phi(basis.W - E, X))[:, k] / 2e-6
        return J

    calls = {"one": one_at_a_time, "rows": lambda: basis.numerical_jacobian(X)}
    found = shortest(calls, 2.5)
    return {
        "size": [N, D, K],
        "times faster": found["one"] / found["rows"],
        "equal to the bit": bool(np.array_equal(calls["one"](), calls["rows"]())),
    }


def memory(N=1_000_000, D=8, K=16):
    """The most memory that the products need beside their arguments, in MB, by one worker."""
    from jacobians import TanhBasis

    rng = np.random.default_rng(0)
    X, G = rng.standard_normal((N, D)), rng.standard_normal((N, K))
    basis = TanhBasis(rng.standard_normal((D + 1, K)))
    peaks = {"size": [N, D, K], "stored Jacobian": N * (D + 1) * K * 8 / 1e6}
    peaks["vjp"] = peak(lambda: basis.vjp(X, G, workers=1)) / 1e6
    return peaks


def tails():
    """What is returned for the derivative of tanh where it is small, and what it is."""
    import jax
    import jax.numpy as jnp
    import mpmath
    import torch

    from jacobians import TanhBasis

    jax.config.update("jax_enable_x64", True)
    zs = [1, 5, 10, 15, 18, 19, 20, 25, 50, 100, 200, 300, 350]
    rows = []
    for z in map(float, zs):
        leaf = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        rows.append(
            {
                "z": z,
                "exact": float(mpmath.sech(z) ** 2),
                "ours": float(TanhBasis([[1.0], [0.0]]).jacobian([z])[0, 1, 0]),
                "1 - tanh^2": float(1 - np.tanh(z) ** 2),
                "JAX": float(jax.grad(jnp.tanh)(z)),
                "PyTorch": float(torch.autograd.grad(torch.tanh(leaf), leaf)[0]),
            }
        )
    return rows


def main(seconds):
    from jacobians.book import measurements

    names = ("numpy", "scipy", "jax", "torch", "autograd", "numdifftools")
    runs = []
    for kind, settings in kinds().items():
        for threads in sorted({1, len(CORES) if CORES else os.cpu_count()}):
            print(f"\n{kind}, threads of each: {threads}", flush=True)
            run = in_a_process_of_its_own(settings, threads, seconds, everything=not runs)
            runs.append({"kind": kind} | run)
            report(runs[-1])
    results = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
        "seconds": runs[0]["seconds"],
        "runs": runs,
        "colouring": colouring(),
        "memory": memory(),
        "tails": tails(),
    }
    print("\n", results["colouring"], "\n", results["memory"])
    measurements.keep(**results)
    draw(runs)


def report(run):
    """Every candidate's time in units of ours, for each size."""
    print({k: run[k] for k in ("features", "blas", "blas threads", "limits")})
    for row in run["seconds"]:
        print(f"N, D, K = {row['size']}")
        for name, seconds in row.items():
            ours = {"transform": "transform"}.get(name.split(":")[0], f"{name.split(':')[0]}: ours")
            if ours in row and name != ours:
                print(f"  {name:32} {seconds / row[ours]:8.2f} x ours")
    sys.stdout.flush()


def draw(runs):
    """The ratios to ours at each size, with one thread each, on a log axis."""
    import matplotlib.pyplot as plt

    from jacobians.book import figures

    figures.use_book_style()
    runs = [run for run in runs if run["threads"] == 1]
    fig, axes = plt.subplots(
        len(runs), 2, figsize=(9, 3.6 * len(runs)), sharey=True, squeeze=False, sharex=True
    )
    for run, pair in zip(runs, axes, strict=True):
        rows = run["seconds"]
        for ax, kind in zip(pair, ("jacobian", "vjp"), strict=True):
            names = [n for n in rows[-1] if n.startswith(f"{kind}: ") and not n.endswith("ours")]
            for name, marker in zip(names, "osD^v", strict=False):
                ratio = [row[name] / row[f"{kind}: ours"] for row in rows]
                ax.plot(range(len(rows)), ratio, marker + "-", label=name.split(": ")[1])
            ax.axhline(1, color=figures.GREY, lw=1)
            ax.set_yscale("log")
            ax.set_xticks(range(len(rows)), [str(tuple(row["size"])) for row in rows], rotation=30)
            ax.set_title(f"{kind}, {run['kind']}: time relative to ours", loc="left")
            ax.legend(frameon=False, fontsize="small")
    fig.savefig(HERE / "results.svg", metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for all candidates of a size")
    parser.add_argument("--threads", type=int, help="measure in this process, and print JSON")
    parser.add_argument("--everything", action="store_true", help="slow peers as well")
    given = parser.parse_args()
    if given.threads:
        print(json.dumps(measure(given.threads, given.seconds, given.everything)))
    else:
        main(given.seconds)
