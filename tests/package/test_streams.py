"""Sums over chunks: the same result as in one piece, in a memory that does not grow with N."""

import builtins
import os
import signal
import subprocess
import sys
import tracemalloc

import dask.array as da
import numpy as np
import pytest
from distributed import LocalCluster
from hypothesis import given
from hypothesis import strategies as st

from jacobians import TanhBasis, ridge, streams

LAM = 1e-2


def problem(N=1000, D=3, K=4, seed=0):
    rng = np.random.default_rng(seed)
    basis = TanhBasis(rng.standard_normal((D + 1, K)))
    return basis, rng.standard_normal((N, D)), rng.standard_normal(N), rng.standard_normal(K), 0.3


def in_one_piece(basis, x, y, w, w0):
    return ridge.loss(basis, x, y, LAM, w, w0), ridge.gradients(basis, x, y, LAM, w, w0)


def assert_same(found, wanted):
    assert found[0] == pytest.approx(wanted[0], rel=1e-13)
    for a, b in zip(found[1], wanted[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@given(st.integers(1, 300), st.integers(1, 100_000))
def test_any_cut_into_chunks_gives_the_same_to_rounding(N, memory):
    basis, x, y, w, w0 = problem(N)
    streamed = streams.loss_and_gradients(basis, x, y, LAM, w, w0, memory=memory)
    assert_same(streamed, in_one_piece(basis, x, y, w, w0))


def test_one_input_may_come_as_a_plain_list_of_numbers():
    basis, x, y, w, w0 = problem(D=1)
    days = x[:, 0].tolist()
    streamed = streams.loss_and_gradients(basis, days, y.tolist(), LAM, w, w0, memory=10_000)
    assert_same(streamed, in_one_piece(basis, x, y, w, w0))


def test_single_precision_on_disk_is_computed_in_double(tmp_path):
    basis, x, y, w, w0 = problem()
    x.astype(np.float32).tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", np.float32, "r", shape=x.shape)
    streamed = streams.loss_and_gradients(basis, mapped, y, LAM, w, w0, memory=20_000)
    assert_same(streamed, in_one_piece(basis, x.astype(np.float32), y, w, w0))


@pytest.mark.parametrize(("N", "D", "K"), [(40_000, 1, 3), (40_000, 30, 2), (20_000, 2, 40)])
@pytest.mark.parametrize("memory", [1 << 18, 1 << 20, 1 << 22])
def test_the_work_stays_within_the_memory_that_it_was_given(N, D, K, memory):
    arguments = problem(N, D, K)
    basis, x, y, w, w0 = arguments

    class Disk:  # where a slice is read, not a view
        shape = x.shape

        def __len__(self):
            return N

        def __getitem__(self, rows):
            return x[rows].copy()

    tracemalloc.start()
    streams.loss_and_gradients(basis, Disk(), y, LAM, w, w0, memory=memory)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert memory / 4 < peak < memory + 20_000


LIMITED = """
import resource, sys
import numpy as np
from jacobians import TanhBasis, ridge, streams
x, y = np.load(sys.argv[1], mmap_mode="r"), np.load(sys.argv[2], mmap_mode="r")
basis, w, w0 = TanhBasis(np.linspace(-1, 1, 27).reshape(9, 3)), np.ones(3), 0.5
streams.loss_and_gradients(basis, x[:50_000], y[:50_000], 0.01, w, w0)  # libraries are loaded
held = next(line for line in open("/proc/self/status") if line.startswith("VmData"))
limit = int(held.split()[1]) * 1024 + 24_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # mapped files are not counted
assert x.nbytes > int(sys.argv[3]) * 24_000_000
loss, found = streams.loss_and_gradients(basis, x, y, 0.01, w, w0, memory=4_000_000)
print(repr(loss))
try:
    ridge.gradients(basis, x, y, 0.01, w, w0)
except MemoryError:
    print("in one piece it does not fit")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit counts as needed on Linux only")
@pytest.mark.parametrize("times", [2, 6])
def test_memory_does_not_grow_with_the_file_under_a_limit_that_the_file_exceeds(tmp_path, times):
    N = times * 400_000  # 8 float64 each: 25.6 megabytes for each of `times`
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((N, 8)), rng.standard_normal(N)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    command = [sys.executable, "-c", LIMITED, tmp_path / "x.npy", tmp_path / "y.npy", str(times)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert done.returncode == 0, done.stderr
    loss, told = done.stdout.splitlines()
    assert told == "in one piece it does not fit"
    basis = TanhBasis(np.linspace(-1, 1, 27).reshape(9, 3))
    wanted = ridge.loss(basis, x, y, 0.01, np.ones(3), 0.5)
    assert float(loss) == pytest.approx(wanted, rel=1e-12)


# -------------------------------------------------------------------------------------- Dask


def test_dask_gives_the_same_on_the_threads_of_this_machine(tmp_path):
    basis, x, y, w, w0 = problem()
    wanted = in_one_piece(basis, x, y, w, w0)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    badly_cut = da.from_array(x, chunks=(7, 2)), da.from_array(y, chunks=400)
    for x_given, y_given in [(x, y), (mapped, y), badly_cut, (badly_cut[0], y)]:
        assert_same(streams.on_dask(basis, x_given, y_given, LAM, w, w0, memory=20_000), wanted)
    days, one = x[:, 0], TanhBasis(basis.W[-2:])
    assert_same(streams.on_dask(one, days, y, LAM, w, w0), in_one_piece(one, days, y, w, w0))


def test_a_cluster_whose_worker_is_killed_during_the_sum_gives_the_same(tmp_path):
    basis, x, y, w, w0 = problem()
    marker = str(tmp_path / "killed")

    def killing(chunk):
        """Kill the worker that is the first to come to this chunk, and only that one."""
        if chunk[0, 0] == x[500, 0]:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return chunk
            os.kill(os.getpid(), signal.SIGKILL)
        return chunk

    deadly = da.from_array(x, chunks=(100, 3)).map_blocks(killing, meta=np.empty((0, 0)))
    chunk = 100 * 8 * (2 * 3 + 4 * 4 + 8)  # the memory for which a chunk is 100 samples
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        found = streams.on_dask(
            basis, deadly, y, LAM, w, w0, memory=chunk, address=cluster.scheduler_address
        )
    assert os.path.exists(marker), "nobody was killed"
    assert_same(found, in_one_piece(basis, x, y, w, w0))


def test_dask_is_not_imported_before_it_is_asked_for():
    code = "import sys; from jacobians import streams; assert 'dask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_dask_the_error_says_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def without(name, *rest):
        if name.startswith("dask"):
            raise ImportError(f"No module named {name}")
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"needs Dask, .* pip install 'dask\[array,dist"):
        streams.on_dask(*problem()[:3], LAM, *problem()[3:])


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("call", [streams.loss_and_gradients, streams.on_dask])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"y": np.ones(999)}, r"x must be \(N, D\) or \(N,\) and y \(N,\); got \(1000, 3\) and"),
        ({"x": np.ones((0, 3)), "y": np.ones(0)}, "at least one sample"),
        ({"x": np.where(np.arange(1000) == 731, np.nan, 1.0)[:, None] * np.ones(3)},
         r"samples 715 to 779: X must be finite"),
        ({"weights": np.ones(2)}, r"^weights must have the shape \(4,\)"),
        ({"lam": -1.0}, "lam must not be negative"),
        ({"memory": 0}, "memory must be a positive number of bytes; got 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(call, changed, said):
    basis, x, y, weights, w0 = problem()
    given = {"x": x, "y": y, "lam": LAM, "weights": weights, "memory": 65 * 8 * 30} | changed
    with pytest.raises(ValueError, match=said):
        call(basis, intercept=w0, **given)
