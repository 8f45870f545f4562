"""Time and memory against N, D and K, and the time of a fit: the second part of `make bench`.

Everything runs on one core and counts with the shortest of its times: seconds of the processor, so
that waiting for a core that others use is not counted. On Linux the memory that was had once is
kept: otherwise a large array is fetched from the system, page by page, in each call.
The results go to the key `scaling` of jacobians/book/measurements.json. Memory is what is allocated
at the same time beside the arguments, seen by tracemalloc; for JAX, what its compiler says that it
allocates.
"""

import ctypes
import os
import platform

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # JAX too has one core only
if platform.libc_ver()[0] == "glibc":
    for option, value in ((-4, 0), (-1, 2**31 - 1)):  # M_MMAP_MAX, M_TRIM_THRESHOLD
        ctypes.CDLL("libc.so.6").mallopt(option, value)

# ruff: noqa: E402
import time
import tracemalloc
from datetime import date
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np

from jacobians import TanhBasis, ridge, temperatures
from jacobians.book import measurements

jax.config.update("jax_enable_x64", True)

# The exponents are fitted to the last three sizes of a sweep. There every array lies outside the
# caches, where a number costs more than inside, and no call has more than 2 GB at a time: beyond
# that the C library gives memory back to the system whatever it is told, and the next call waits.
BASE = {"N": 1_000_000, "D": 4, "K": 4}
SWEEPS = {
    "N": [10**3, 10**4, 10**5, 3 * 10**5, 5 * 10**5, 10**6, 2 * 10**6, 5 * 10**6],
    "D": [1, 2, 3, 4, 8, 16, 32],
    "K": [1, 2, 3, 4, 8, 16, 32],
}
ROUNDS = 3
LARGEST = 1e9  # bytes of the dense array, which needs a second copy


def candidates(N, D, K):
    """Every way to the derivative: a call, and a call that tells its memory in bytes."""
    rng = np.random.default_rng(0)
    X, W, G = (rng.standard_normal(shape) for shape in ((N, D), (D + 1, K), (N, K)))
    basis = TanhBasis(W / np.sqrt(D))
    calls = {
        "VJP": lambda: basis.vjp(X, G),
        "JVP": lambda: basis.jvp(X, W),
        "stored": lambda: basis.jacobian(X),
        "numerical": lambda: basis.numerical_jacobian(X),
    }
    calls = {name: (call, lambda call=call: peak(call)) for name, call in calls.items()}
    if N * K * (D + 1) * K * 8 <= LARGEST:
        Wj, Xj = jnp.asarray(basis.W), jnp.asarray(X)
        dense = jax.jit(jax.jacfwd(lambda W, X: jnp.tanh(X @ W[:-1] + W[-1])))
        compiled = dense.lower(Wj, Xj).compile()
        needs = compiled.memory_analysis()
        calls["dense"] = (
            lambda: compiled(Wj, Xj).block_until_ready(),
            lambda: needs.output_size_in_bytes + needs.temp_size_in_bytes,
        )
    return calls


def peak(call):
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def shortest(call, seconds=0.3):
    """The shortest time of a call, in seconds of the processor.

    A call is repeated by itself and does not take turns with others: it finds the memory that it
    has just given back, and no array of another way has been in the caches or in that memory.
    """
    call()  # touch the memory
    best, end, rounds = np.inf, time.perf_counter() + seconds, 0
    while time.perf_counter() < end or rounds < 2:
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
        rounds += 1
    return best


def sweep(axis):
    """Times and memory along an axis. It is gone through again and again, and the shortest counts:
    what slows the machine down for a minute then slows no size more than the others."""
    rows = [{"size": list((BASE | {axis: value}).values())} for value in SWEEPS[axis]]
    for _ in range(ROUNDS):
        for row in rows:
            calls = candidates(*row["size"])
            seconds = {name: shortest(call) for name, (call, _) in calls.items()}
            before = row.get("seconds", seconds)
            row["seconds"] = {name: min(before[name], s) for name, s in seconds.items()}
            if "bytes" not in row:
                row["bytes"] = {name: int(bytes_of()) for name, (_, bytes_of) in calls.items()}
            told = {name: f"{s * 1e3:.3g} ms" for name, s in row["seconds"].items()}
            print(row["size"], told, flush=True)
    return rows


def fits(seed=5):
    """Evaluations and time of each method, from one start, on the temperatures of 2012."""
    year, day, celsius = temperatures.load()
    x, y = day[year == 2012], celsius[year == 2012]
    start = ridge.random_start(x, 3, seed)
    limits = {method: ridge.LIMIT for method in ridge.METHODS} | {"gradient-descent": 20_000}
    calls = {
        method: lambda method=method, limit=limit: ridge.fit(start, x, y, 1e-3, method, limit)
        for method, limit in limits.items()
    }
    return {
        method: {"evaluations": call().evaluations, "seconds": shortest(call)}
        for method, call in calls.items()
    }


def main():
    scaling = {
        "date": date.today().isoformat(),
        "machine": f"one of {os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": {name: version(name) for name in ("numpy", "scipy", "jax")},
        "sweeps": {axis: sweep(axis) for axis in SWEEPS},
        "fits": fits(),
    }
    print(scaling["fits"])
    for axis, rows in scaling["sweeps"].items():
        for what in ("seconds", "bytes"):
            print(axis, what, measurements.exponents(rows, axis, what))
    measurements.keep(scaling=scaling)


if __name__ == "__main__":
    main()
