"""The displayed equations of the chapter `at_scale`."""

import functools
import tracemalloc

import numpy as np
import pytest
from displayed import checks_equation
from roads import complex_step

from jacobians import TanhBasis, basis, ridge, streams
from jacobians._arrays import rows_in_a_block
from jacobians.basis import phi
from jacobians.book import measurements


@functools.cache
def problem(N, D, K):
    rng = np.random.default_rng(3)
    W = rng.standard_normal((D + 1, K)) / np.sqrt(D)
    return TanhBasis(W), rng.standard_normal((N, D)), rng.standard_normal((N, K))


def allocated(call):
    """The largest number of float64 that were allocated at the same time."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 8


BUFFERS = 3 * 8192 + 1000  # numbers: pieces in which NumPy works, and Python's own, for each worker


@functools.cache
def numbers_kept(N, D, K, workers=1):
    tanh, X, G = problem(N, D, K)

    def kept(call):
        return allocated(call) - workers * BUFFERS

    return {
        r"\kappa_{\text{VJP}}": kept(lambda: tanh.vjp(X, G, workers=workers)),
        r"\kappa_{\text{JVP}}": kept(lambda: tanh.jvp(X, tanh.W, workers=workers)),
        r"\kappa_{\text{stored}}": kept(lambda: tanh.jacobian(X, workers=workers)),
        r"\kappa_{\text{numerical}}": allocated(lambda: tanh.numerical_jacobian(X)),
    }


@checks_equation("eq-cost")
def test_the_numbers_kept_are_those_that_the_allocator_sees(displayed):
    """The bounds are nearly met, but for the parts of the sum: with one worker none waits."""
    for N, D, K, C, reach in (
        (60_000, 2, 40, 1, 0.9), (20_000, 2, 40, 3, 0.9), (30_000, 29, 3, 1, 0.8),
    ):  # fmt: skip
        T = min(N, rows_in_a_block(D + 1, K)[0]) * (D + 1 + 2 * K)
        letters = numbers_kept(N, D, K, C) | {"N": N, "D": D, "K": K, "T": T, "C": C}
        displayed.holds(letters, only=[(0,), (1,), (2,), (3,)], reach=reach, rtol=5e-3)
    # Where arrays of W's shape outweigh the blocks.
    for N, D, K, forms, reach in (
        (1000, 600, 400, ["VJP"], 0.78), (2, 1, 100_000, ["VJP"], 0.67),
        (2, 600, 400, ["stored", "JVP"], 0.93), (2, 1, 100_000, ["stored", "JVP"], 0.93),
    ):  # fmt: skip
        tanh, X, G = problem(N, D, K)
        calls = {"VJP": (tanh.vjp, G), "stored": (tanh.jacobian,), "JVP": (tanh.jvp, tanh.W)}
        T = min(N, rows_in_a_block(D + 1, K)[0]) * (D + 1 + 2 * K)
        for form in forms:
            call, *more = calls[form]
            kept = allocated(lambda call=call, more=more, X=X: call(X, *more, workers=1)) - BUFFERS
            letters = {rf"\kappa_{{\text{{{form}}}}}": kept, "N": N, "D": D, "K": K, "T": T, "C": 1}
            displayed.holds(letters, only=(list(calls).index(form),), reach=reach)
    N, D, K = 7, 3, 5
    tanh, X, _ = problem(N, D, K)
    dense = complex_step(lambda W: phi(W, X), tanh.W)
    letters = {r"\kappa_{\text{dense}}": dense.size, "N": N, "D": D, "K": K}
    displayed.holds(letters, only=(4,))


@pytest.mark.parametrize(("N", "D", "K"), [(60_000, 2, 40), (30_000, 29, 3)])
def test_the_package_counts_the_numbers_that_are_kept(N, D, K):
    for form, found in numbers_kept(N, D, K).items():
        count = measurements.NUMBERS[form[14:-2]](N, D, K)
        assert count * 0.7 <= found + 10_000 and found <= count * 1.4 + 10_000


class Counted(float):
    """A number that counts the products it has been in."""

    products = 0

    def __mul__(self, other):
        Counted.products += 1
        return Counted(float(self) * float(other))

    def __add__(self, other):
        return Counted(float(self) + float(other))

    __radd__ = __add__


def products_of(call):
    Counted.products = 0
    result = call()
    return Counted.products, np.array(result, dtype=float)


@functools.cache
def operations(N, D, K):
    """The products of each form, counted by the numbers themselves; the results are compared."""
    tanh, X, G = problem(N, D, K)
    counted = np.vectorize(Counted, otypes=[object])
    X1, W, G1 = (counted(a) for a in (np.column_stack([X, np.ones(N)]), tanh.W, G))

    def S():
        return counted(1 - np.tanh((X1 @ W).astype(float)) ** 2)

    steps = np.eye((D + 1) * K).reshape(-1, D + 1, K)  # forward mode: one for each parameter
    slope, dense = S(), complex_step(lambda W: phi(W, X), tanh.W).reshape(N, K, -1)
    forms = {
        "VJP": (lambda: X1.T @ (S() * G1), tanh.vjp(X, G)),
        "JVP": (lambda: S() * (X1 @ W), tanh.jvp(X, tanh.W)),
        "stored": (lambda: S()[:, None] * X1[:, :, None], tanh.jacobian(X)),
        "dense": (
            lambda: [slope * (X1 @ counted(step)) for step in steps],
            np.moveaxis(dense, -1, 0),
        ),
    }
    found = {}
    for form, (call, wanted) in forms.items():
        found[form], result = products_of(call)
        np.testing.assert_allclose(result, wanted, rtol=1e-10, atol=1e-14)
    found["numerical"] = products_of(lambda: [X1 @ W for _ in range(2 * (D + 1))])[0]
    return {rf"\omega_{{\text{{{form}}}}}": count for form, count in found.items()}


SIZES = [(6, 2, 3), (12, 2, 3), (6, 8, 3), (6, 2, 9)]


@checks_equation("eq-cost-operations")
def test_the_operations_are_in_proportion_to_those_that_the_numbers_count_themselves(displayed):
    cases = [operations(N, D, K) | {"N": N, "D": D, "K": K} for N, D, K in SIZES]
    displayed.holds({}, over=cases, near=0.2)


@pytest.mark.parametrize(("N", "D", "K"), SIZES)
def test_the_package_counts_those_operations_to_a_factor(N, D, K):
    for form, count in operations(N, D, K).items():
        assert 1 <= count / measurements.OPERATIONS[form[14:-2]](N, D, K) <= 3


@pytest.mark.parametrize("D", [1, 4, 9])
def test_the_numerical_jacobian_transforms_twice_for_each_row_of_w(D, monkeypatch):
    tanh, X, _ = problem(5, D, 3)
    calls = []
    monkeypatch.setattr(basis, "phi", lambda W, X: calls.append(1) or phi(W, X))
    tanh.numerical_jacobian(X)
    assert len(calls) == 2 * (D + 1)


class Chunks(list):
    """An array's chunks by their index, and the array where no index stands."""

    def __init__(self, array, parts):
        super().__init__(array[part] for part in parts)
        self.array = array


@functools.cache
def whole():
    """A regression of eleven samples: arrays, residuals and the loss, in loops without chunks."""
    N, D, K, lam = 11, 2, 3, 0.3
    tanh, X, G = problem(N, D, K)
    y, w, w0 = X[:, 0] + 1, np.array([0.5, -1.0, 2.0]), 0.4
    r = np.array([sum(w[k] * np.tanh(X[n] @ tanh.W[:D, k] + tanh.W[D, k]) for k in range(K))
                  for n in range(N)]) + w0 - y  # fmt: skip
    loss = sum(e * e for e in r) / (2 * N) + lam / 2 * sum(v * v for v in w)
    Z = np.column_stack([X, np.ones(N)]) @ tanh.W
    S = np.array([[complex_step(lambda z: np.tanh(z[0]), [z])[0] for z in row] for row in Z])
    return tanh, X, G, S, y, w, w0, lam, r, loss


@checks_equation("eq-stream")
def test_loss_and_vjp_are_sums_over_any_chunks(displayed):
    tanh, X, G, S, y, w, w0, lam, r, loss = whole()

    def backwards(G):
        """By a complex step through all samples at once."""
        return complex_step(lambda W: np.sum(G.array * phi(W, X)), tanh.W)

    for cuts in ([], [1], [4, 5, 9], [2, 4, 6, 8, 10]):
        parts = np.split(np.random.default_rng(0).permutation(11), cuts)
        arrays = {r"\tilde X": np.column_stack([X, np.ones(11)]), "S": S, "G": G, "r": r}
        letters = {letter: Chunks(array, parts) for letter, array in arrays.items()}
        letters |= {r"J^\top[]": backwards, r"\mathcal L": loss, "N": 11, "w": w, r"\lambda": lam}
        displayed.holds(letters, q=len(parts))


@pytest.mark.parametrize("memory", [1000, 10**9])
def test_the_packages_streams_add_up_to_the_whole(memory):
    tanh, X, _, _, y, w, w0, lam, _, loss = whole()
    total, gradients = streams.loss_and_gradients(tanh, X, y, lam, w, w0, memory)
    np.testing.assert_allclose(total, loss, rtol=1e-12)
    alone = ridge.gradients(tanh, X, y, lam, w, w0)
    np.testing.assert_allclose(gradients.W, alone.W, rtol=1e-12)


@functools.cache
def rows_that_fit(D, K, memory):
    """The most samples whose arrays fit, the arrays of a chunk named and counted one by one."""
    x_read, x_with_one = D, D + 1
    Phi = outer = Z = beside = K
    rest = 7
    numbers = x_read + x_with_one + Phi + outer + Z + beside + rest
    fits, too_many = 1, memory + 2
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if 8 * middle * numbers <= memory else (fits, middle)
    return fits


@checks_equation("eq-chunk")
def test_a_chunk_is_the_largest_whose_arrays_fit(displayed):
    for D, K, memory in ((8, 3, 10**6 + 17), (1, 2, 54_321), (3, 5, 1_000_001), (7, 90, 900)):
        rows = rows_that_fit(D, K, memory)
        displayed.holds({"B_q": rows, r"\text{memory}": memory, "D": D, "K": K})


@pytest.mark.parametrize(("D", "K"), [(1, 2), (8, 3), (7, 90)])
def test_the_package_takes_as_many_samples_as_fit(D, K):
    for memory in (1, 1000, 12_345, 10**7):
        assert streams.rows_per_chunk(D, K, memory) == rows_that_fit(D, K, memory)


@pytest.mark.parametrize(("D", "K"), [(1, 3), (8, 3), (3, 30)])
def test_the_work_on_chunks_fits_in_the_bytes_and_uses_a_good_part_of_them(D, K):
    tanh, X, _ = problem(40_000, D, K)
    y, w = X[:, 0] + 1, np.ones(K)
    single, memory = X.astype(np.float32), 10**6
    used = 8 * allocated(
        lambda: streams.loss_and_gradients(tanh, single, y, 0.1, w, 0.5, memory=memory)
    )
    assert memory / 4 < used < memory + 20_000
    assert used < 8 * allocated(lambda: ridge.gradients(tanh, single, y, 0.1, w, 0.5)) / 3
