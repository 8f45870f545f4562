"""The labelled equations of the chapter `at_scale`, each by another road than its code."""

import tracemalloc

import numpy as np
import pytest
from labels import checks_equation

from jacobians import TanhBasis, basis, differences, measurements, ridge, streams
from jacobians._arrays import rows_in_a_block
from jacobians.basis import phi

SIZES = [(100_000, 4, 4), (100_000, 30, 2), (60_000, 2, 40), (400_000, 1, 3)]


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


@checks_equation("eq-cost")
@pytest.mark.parametrize(("N", "D", "K"), SIZES)
def test_the_numbers_kept_are_those_that_the_allocator_sees(N, D, K):
    tanh, X, G = problem(N, D, K)
    B = min(N, rows_in_a_block(D + 1, K)[0])
    T, W, slack = B * (D + 1 + K), (D + 1) * K, 10_000  # NumPy adds in buffers of 8192
    stored, numerical = N * (D + 1) * K, N * (D + 1) * K + 2 * N * K
    for P in (1, 2, 3):
        most = 2 * P * T + (P + 2) * W
        assert allocated(lambda P=P: tanh.vjp(X, G, workers=P)) <= most + P * slack
        found = allocated(lambda P=P: tanh.jvp(X, tanh.W, workers=P))
        assert N * K <= found <= N * K + 2 * P * T + P * slack
        found = allocated(lambda P=P: tanh.jacobian(X, workers=P))
        assert stored <= found <= stored + 2 * P * T + P * slack
    found = allocated(lambda: tanh.numerical_jacobian(X))
    assert found == pytest.approx(numerical, abs=slack)
    of_package = {form: count(N, D, K) for form, count in measurements.NUMBERS.items()}
    assert T <= of_package["VJP"] <= 2 * T + 3 * W
    assert N * K + T <= of_package["JVP"] <= N * K + 2 * T
    assert (of_package["stored"], of_package["numerical"]) == (stored, numerical)


@checks_equation("eq-cost")
def test_the_array_of_generic_differentiation_is_k_times_denser():
    N, D, K = 7, 3, 5
    tanh, X, _ = problem(N, D, K)
    dense = differences.complex_step(lambda W: phi(W, X), tanh.W)
    assert dense.shape == (N, K, D + 1, K)
    assert dense.size == N * (D + 1) * K**2 == measurements.NUMBERS["dense"](N, D, K)
    assert np.count_nonzero(dense) == N * (D + 1) * K == measurements.NUMBERS["stored"](N, D, K)


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


@checks_equation("eq-cost-operations")
@pytest.mark.parametrize(("N", "D", "K"), [(6, 2, 3), (12, 2, 3), (6, 9, 3), (6, 2, 11)])
def test_the_operations_are_those_that_the_numbers_count_themselves(N, D, K):
    tanh, X, G = problem(N, D, K)
    counted = np.vectorize(Counted, otypes=[object])
    X1, W, G1 = (counted(a) for a in (np.column_stack([X, np.ones(N)]), tanh.W, G))

    def S():
        return counted(1 - np.tanh((X1 @ W).astype(float)) ** 2)

    found = {
        "VJP": (products_of(lambda: X1.T @ (S() * G1)), tanh.vjp(X, G)),
        "JVP": (products_of(lambda: S() * (X1 @ W)), tanh.jvp(X, tanh.W)),
        "stored": (products_of(lambda: S()[:, None] * X1[:, :, None]), tanh.jacobian(X)),
    }
    for form, ((products, result), wanted) in found.items():
        np.testing.assert_allclose(result, wanted, rtol=1e-10, atol=1e-14)
        assert N * (D + 1) * K < products <= 3 * N * (D + 1) * K
        assert measurements.OPERATIONS[form](N, D, K) == N * (D + 1) * K
    transforms = products_of(lambda: [X1 @ W for _ in range(2 * (D + 1))])[0]
    assert transforms == 2 * N * (D + 1) ** 2 * K
    assert measurements.OPERATIONS["numerical"](N, D, K) == N * (D + 1) ** 2 * K
    steps = np.eye((D + 1) * K).reshape(-1, D + 1, K)  # forward mode: one for each parameter
    slope = S()
    products, dense = products_of(lambda: [slope * (X1 @ counted(step)) for step in steps])
    wanted = differences.complex_step(lambda W: phi(W, X), tanh.W).reshape(N, K, -1)
    np.testing.assert_allclose(np.moveaxis(dense, 0, -1), wanted, rtol=1e-10, atol=1e-14)
    per_transform = N * (D + 1) * K
    assert per_transform < products / len(steps) <= 2 * per_transform
    assert measurements.OPERATIONS["dense"](N, D, K) == N * (D + 1) ** 2 * K**2


@checks_equation("eq-cost-operations")
@pytest.mark.parametrize("D", [1, 4, 9])
def test_the_numerical_jacobian_transforms_twice_for_each_row_of_w(D, monkeypatch):
    tanh, X, _ = problem(5, D, 3)
    calls = []
    monkeypatch.setattr(basis, "phi", lambda W, X: calls.append(1) or phi(W, X))
    tanh.numerical_jacobian(X)
    assert len(calls) == 2 * (D + 1)


@checks_equation("eq-stream")
@pytest.mark.parametrize("cuts", [[], [1], [4, 5, 9], [2, 4, 6, 8, 10]])
def test_loss_and_vjp_are_sums_over_any_chunks(cuts):
    """By a complex step through the loss of all samples at once, which knows no chunk."""
    N, D, K, lam = 11, 2, 3, 0.3
    tanh, X, G = problem(N, D, K)
    y, w, w0 = X[:, 0] + 1, np.array([0.5, -1.0, 2.0]), 0.4

    def loss(W):
        r = phi(W, X) @ w + w0 - y
        return r @ r / (2 * N) + lam / 2 * w @ w

    X1 = np.column_stack([X, np.ones(N)])
    displayed, squares = np.zeros((D + 1, K)), 0.0
    for c in np.split(np.random.default_rng(0).permutation(N), cuts):
        S_c = 1 - np.tanh(X1[c] @ tanh.W) ** 2
        displayed += X1[c].T @ (S_c * G[c])
        squares += np.linalg.norm(np.tanh(X1[c] @ tanh.W) @ w + w0 - y[c]) ** 2
    wanted = differences.complex_step(lambda W: np.sum(G * phi(W, X)), tanh.W)
    np.testing.assert_allclose(displayed, wanted.reshape(D + 1, K), rtol=1e-12)
    assert squares / (2 * N) + lam / 2 * w @ w == pytest.approx(loss(tanh.W), rel=1e-13)
    found, gradients = streams.loss_and_gradients(tanh, X, y, lam, w, w0, memory=1000)
    assert found == pytest.approx(loss(tanh.W), rel=1e-13)
    by_step = differences.complex_step(loss, tanh.W).reshape(D + 1, K)
    np.testing.assert_allclose(gradients.W, by_step, rtol=1e-11)


@checks_equation("eq-chunk")
@pytest.mark.parametrize(("D", "K"), [(1, 1), (8, 3), (3, 50)])
def test_a_chunk_is_the_largest_whose_arrays_fit(D, K):
    """The arrays of a chunk are named and counted one by one."""
    x_read, x_with_one = D, D + 1
    Phi = outer = Z = beside = K
    rest = 7
    numbers = x_read + x_with_one + Phi + outer + Z + beside + rest
    for memory in (1, 1000, 12_345, 10**7):
        largest = max(
            (b for b in range(1, memory // 8 + 2) if 8 * b * numbers <= memory), default=1
        )
        assert streams.rows_per_chunk(D, K, memory) == largest


@checks_equation("eq-chunk")
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
