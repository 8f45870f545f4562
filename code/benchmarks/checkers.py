"""The checker beside other checkers, on the same wrong and right derivatives: `make bench`.

For each tool: how many wrong derivatives it finds, how many right ones it blames, for how many it
names the cause, how often it calls f and how long it takes. A tool that stops with an error on a
wrong derivative has found it, and on a right one has blamed it. What is tried is in trials.py.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", JAX_PLATFORMS="cpu")

# ruff: noqa: E402
import time
import warnings
from datetime import date

import jax
import numdifftools
import numpy as np
import torch
import trials
from jax.test_util import check_grads
from scipy.optimize import check_grad

from jacobians import check_derivative
from jacobians.book import measurements

jax.config.update("jax_enable_x64", True)
PLANTED, RIGHT = 120, 120


def ours(f, jac, x):
    report = check_derivative(f, x, jac=jac)
    return report.ok, report.kind


def scipy(f, jac, x):
    """check_grad returns a norm; its users compare it with a number like 1e-6, and so do we."""

    def flat(v):
        return np.ravel(f(v.reshape(x.shape)))

    def gradient(v):
        J = np.asarray(jac(v.reshape(x.shape)))
        return J.reshape(-1, x.size) if np.ndim(f(x.copy())) else J.reshape(x.size)

    scalar = np.ndim(f(x.copy())) == 0
    return check_grad(
        (lambda v: float(flat(v)[0])) if scalar else flat, gradient, x.ravel()
    ) < 1e-6, ""


def pytorch(f, jac, x):
    class Ours(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v):
            ctx.save_for_backward(v)
            return torch.from_numpy(np.array(f(v.detach().numpy()), dtype=float))

        @staticmethod
        def backward(ctx, g):
            v = ctx.saved_tensors[0].detach().numpy()
            J = np.array(jac(v), dtype=float)
            back = np.tensordot(g.numpy(), J, axes=g.ndim)
            return torch.from_numpy(np.array(back))

    v = torch.from_numpy(x.copy()).requires_grad_()
    return torch.autograd.gradcheck(Ours.apply, (v,), raise_exception=False), ""


def jax_(f, jac, x):
    out = jax.ShapeDtypeStruct(np.shape(f(x.copy())), np.float64)
    whole = jax.ShapeDtypeStruct(out.shape + x.shape, np.float64)

    @jax.custom_vjp
    def g(v):
        return jax.pure_callback(lambda v: np.array(f(np.array(v)), dtype=float), out, v)

    def backward(v, t):
        J = jax.pure_callback(lambda v: np.array(jac(np.array(v)), dtype=float), whole, v)
        return (jax.numpy.tensordot(t, J, axes=t.ndim),)

    g.defvjp(lambda v: (g(v), v), backward)
    try:
        check_grads(g, (x.copy(),), order=1, modes=["rev"])
    except AssertionError:
        return False, ""
    return True, ""


def numdifftools_(f, jac, x):
    numerical = numdifftools.Jacobian(lambda v: np.ravel(f(v.reshape(x.shape))))(x.ravel())
    claimed = np.asarray(jac(x.copy())).reshape(numerical.shape)
    return np.allclose(claimed, numerical, rtol=1e-6, atol=1e-8), ""


TOOLS = {
    "check_derivative": ours,
    "SciPy check_grad": scipy,
    "PyTorch gradcheck": pytorch,
    "JAX check_grads": jax_,
    "numdifftools": numdifftools_,
}


def cases():
    """All that is tried: (f, jac, x, the kinds that name it; None for a right one)."""
    for case in trials.PUBLIC:
        yield "public", case.f, case.wrong, case.x, case.named
        yield "right", case.f, case.right, case.x, None
    for trial, plant, wrong in trials.planted(PLANTED, seed=20):
        yield "planted", trial.f, wrong, trial.x, plant.named
    for _, f, jac, x in trials.rights(RIGHT, seed=20):
        yield "right", f, jac, np.asarray(x, dtype=float), None


def run(tool, everything):
    counts = dict.fromkeys(("public", "planted", "right"), 0)
    row = {"found": dict(counts), "named": dict(counts), "blamed": 0, "evaluations": 0}
    start = time.perf_counter()
    for group, f, jac, x, named in everything:
        calls = 0

        def counted(v, f=f):
            nonlocal calls
            calls += 1
            return f(v)

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                ok, kind = tool(counted, jac, x.copy())
            except Exception:
                ok, kind = False, ""
        row["evaluations"] += calls
        if named is None:
            row["blamed"] += not ok
        else:
            row["found"][group] += not ok
            row["named"][group] += kind in named
    row["seconds"] = time.perf_counter() - start
    return row


def main():
    everything = list(cases())
    groups = [group for group, *_ in everything]
    rows = {}
    for name, tool in TOOLS.items():
        rows[name] = run(tool, everything)
        print(name, rows[name], flush=True)
    results = {
        "date": date.today().isoformat(),
        "machine": measurements.load()["machine"],
        "tried": {group: groups.count(group) for group in ("public", "planted", "right")},
        "tools": rows,
    }
    measurements.keep(checkers=results)
    print(results["tried"])


if __name__ == "__main__":
    main()
