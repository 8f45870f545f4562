"""Time and memory of ours and of its peers, on the same arrays in the same process: `make bench`.

All candidates of a size take turns, so that a change of the machine's speed meets them alike;
what counts are the ratios of their medians. Results go to jacobians/measurements.json, where the
chapters find them, with the machine and the date, and to results.svg beside this file.
"""

import json
import os

# The frameworks' idle threads must not take a core from whoever has the turn; and ours, for which
# NumPy's matrix products are the only threads there could be, is measured with one.
os.environ.update(OMP_WAIT_POLICY="PASSIVE", OPENBLAS_NUM_THREADS="1")

# ruff: noqa: E402
import platform
import sys
import time
import tracemalloc
from datetime import date
from importlib.metadata import version
from pathlib import Path

import autograd
import autograd.numpy as anp
import jax
import jax.numpy as jnp
import mpmath
import numdifftools
import numpy as np
import torch
from scipy.optimize._numdiff import approx_derivative

from jacobians import TanhBasis
from jacobians.book import measurements
from jacobians.basis import phi

HERE = Path(__file__).parent
SIZES = [(366, 1, 3), (20_000, 32, 64), (100_000, 1, 3), (100_000, 8, 16), (1_000_000, 1, 3)]
jax.config.update("jax_enable_x64", True)


def medians(candidates, seconds=2.5):
    """The median time of each call, in seconds; the calls take turns."""
    times = {name: [] for name in candidates}
    for call in candidates.values():
        call()  # compile, and touch the memory
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < 5:
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(all_times)) for name, all_times in times.items()}


def naive_jacobian(W, X):
    """The usual way: everything in the order of the formula, 1 - tanh^2 subtracted."""
    X1 = np.column_stack([X, np.ones(len(X))])
    return X1[:, :, None] * (1 - np.tanh(X1 @ W) ** 2)[:, None, :]


def jax_unit(w, x):
    return jnp.tanh(x @ w[:-1] + w[-1])


jax_jacobian = jax.jit(
    jax.vmap(
        jax.vmap(jax.grad(jax_unit), (1, None), 1), (None, 0)
    )  # (N, D+1, K), the compact array
)


@jax.jit
def jax_vjp(W, X, G):
    return jax.vjp(lambda W: jnp.tanh(X @ W[:-1] + W[-1]), W)[1](G)[0]


def torch_unit(w, x):
    return torch.tanh(x @ w[:-1] + w[-1])


torch_jacobian = torch.func.vmap(
    torch.func.vmap(torch.func.grad(torch_unit), (1, None), 1), (None, 0)
)


def candidates(N, D, K):
    """Every call to be timed at a size."""
    rng = np.random.default_rng(0)
    X, W, G = (rng.standard_normal(shape) for shape in ((N, D), (D + 1, K), (N, K)))
    basis = TanhBasis(W)
    Wj, Xj, Gj = map(jnp.asarray, (W, X, G))
    Wt, Xt, Gt = map(torch.as_tensor, (W, X, G))
    leaf = Wt.clone().requires_grad_(True)
    X1t = torch.cat([Xt, torch.ones(N, 1, dtype=Xt.dtype)], 1)

    def torch_vjp():
        return torch.autograd.grad(torch.tanh(Xt @ leaf[:-1] + leaf[-1]), leaf, Gt)[0]

    def torch_formula():
        return X1t[:, :, None] * (1 - torch.tanh(X1t @ Wt) ** 2)[:, None, :]

    calls = {
        "transform": lambda: basis.transform(X),
        "fresh array": lambda: np.empty((N, D + 1, K)).fill(1.0),
        "jacobian: ours": lambda: basis.jacobian(X),
        "jacobian: naive": lambda: naive_jacobian(W, X),
        "jacobian: JAX": lambda: jax_jacobian(Wj, Xj).block_until_ready(),
        "jacobian: PyTorch, the formula": torch_formula,
        "vjp: ours": lambda: basis.vjp(X, G),
        "vjp: JAX": lambda: jax_vjp(Wj, Xj, Gj).block_until_ready(),
        "vjp: PyTorch": torch_vjp,
        "vjp: autograd": lambda: autograd.grad(lambda W: anp.sum(G * phi_anp(W, X)))(W),
        "jvp: ours": lambda: basis.jvp(X, W),
    }
    if N * D * K < 1e6:  # too slow, or too large, beyond
        calls["jacobian: PyTorch, vmap(grad)"] = lambda: torch_jacobian(Wt, Xt)
        calls["jacobian: ours, numerical"] = lambda: basis.numerical_jacobian(X)
    if N < 1000:
        flat = lambda w: phi(w.reshape(W.shape), X).ravel()  # noqa: E731
        calls["jacobian: SciPy, 3-point"] = lambda: approx_derivative(flat, W.ravel())
        calls["jacobian: numdifftools"] = lambda: numdifftools.Jacobian(flat)(W.ravel())
    return calls


def phi_anp(W, X):
    return anp.tanh(anp.dot(X, W[:-1]) + W[-1])


def colouring(N=100_000, D=8, K=16):
    """How much faster 2(D+1) transforms are than 2K(D+1), and that no bit differs."""
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
    found = medians(calls)
    return {
        "size": [N, D, K],
        "times faster": found["one"] / found["rows"],
        "equal to the bit": bool(np.array_equal(calls["one"](), calls["rows"]())),
    }


def memory(N=1_000_000, D=8, K=16):
    """The most memory that the products need beside their arguments, in MB."""
    rng = np.random.default_rng(0)
    X, G = rng.standard_normal((N, D)), rng.standard_normal((N, K))
    basis = TanhBasis(rng.standard_normal((D + 1, K)))
    peaks = {"size": [N, D, K], "stored Jacobian": N * (D + 1) * K * 8 / 1e6}
    tracemalloc.start()
    basis.vjp(X, G)
    peaks["vjp"] = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peaks


def tails():
    """What is returned for the derivative of tanh where it is small, and what it is."""
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


def main():
    names = ("numpy", "scipy", "jax", "torch", "autograd", "numdifftools")
    results = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
        "seconds": [],
    }
    for size in SIZES:
        found = medians(candidates(*size))
        results["seconds"].append({"size": list(size), **found})
        print(f"\nN, D, K = {size}: transform {found['transform'] * 1e3:.3g} ms")
        stored = found["transform"] + found["fresh array"]
        for name, seconds in found.items():
            kind = name.split(":")[0]
            if kind in ("jacobian", "vjp", "jvp"):
                base, text = (
                    (stored, "transform + fresh array")
                    if kind == "jacobian"
                    else (found["transform"], "transform")
                )
                ours = seconds / found[f"{kind}: ours"]
                print(f"  {name:32} {seconds / base:8.2f} x ({text}) {ours:8.2f} x ours")
        sys.stdout.flush()
    results["colouring"], results["memory"], results["tails"] = colouring(), memory(), tails()
    print("\n", results["colouring"], "\n", results["memory"])
    measurements.PATH.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    draw(results)


def draw(results):
    """The ratios to ours at each size, on a log axis."""
    import matplotlib.pyplot as plt

    from jacobians.book import figures

    figures.use_book_style()
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for ax, kind in zip(axes, ("jacobian", "vjp"), strict=True):
        rows = results["seconds"]
        names = [n for n in rows[-1] if n.startswith(f"{kind}: ") and not n.endswith("ours")]
        for name, marker in zip(names, "osD^v", strict=False):
            ratio = [row[name] / row[f"{kind}: ours"] for row in rows]
            ax.plot(range(len(rows)), ratio, marker + "-", label=name.split(": ")[1])
        ax.axhline(1, color=figures.GREY, lw=1)
        ax.set_yscale("log")
        ax.set_xticks(range(len(rows)), [str(tuple(row["size"])) for row in rows], rotation=30)
        ax.set_title(f"{kind}: time relative to ours", loc="left")
        ax.legend(frameon=False, fontsize="small")
    fig.savefig(HERE / "results.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
