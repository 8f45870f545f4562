"""TanhBasis: right to the last digits, plain about what it cannot use, and never changed."""

import threading
import tracemalloc

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jacobians import TanhBasis
from jacobians.basis import phi, sech2

DAYS = np.arange(366.0)
STEPS = TanhBasis([[0.1, 0.2, 0.3], [-10.0, -50.0, -100.0]])


@st.composite
def problems(draw, samples=6):
    """A basis, inputs, and a seed for whatever else a test needs."""
    D, K = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    N = draw(st.integers(0, samples))
    number = st.floats(-3, 3)
    W = draw(arrays(float, (D + 1, K), elements=number))
    X = draw(arrays(float, (N, D), elements=number))
    return TanhBasis(W), X, np.random.default_rng(draw(st.integers(0, 99)))


# ---------------------------------------------------------------------------- what it computes


def test_the_factor_is_right_to_five_units_in_the_last_place():
    rng = np.random.default_rng(0)
    z = np.concatenate(
        [rng.uniform(-354, 354, 1500), rng.standard_normal(1500), 10 ** rng.uniform(-12, 2.5, 1500)]
    )
    with mpmath.workprec(200):
        exact = [mpmath.sech(mpmath.mpf(v)) ** 2 for v in z.tolist()]
        errors = [
            abs(mpmath.mpf(float(s)) - e) / mpmath.mpf(float(np.spacing(float(e))))
            for s, e in zip(sech2(z), exact, strict=True)
        ]
    assert max(errors) <= 5  # 4 and what cosh's own rounding costs; the naive form has lost it all


@pytest.mark.filterwarnings("error")
def test_the_factor_ends_in_zero_without_a_warning():
    assert np.array_equal(sech2(np.array([400.0, -1e5, 1e308])), np.zeros(3))
    assert 0 <= sech2(np.array([372.0]))[0] < np.finfo(float).tiny


def test_the_tail_of_the_jacobian_is_not_lost():
    J = TanhBasis([[1.0], [0.0]]).jacobian([19.0, 100.0])
    for n, z in enumerate((19, 100)):
        assert J[n, 1, 0] == pytest.approx(float(mpmath.sech(z) ** 2), rel=1e-15, abs=0)


@given(problems())
def test_the_jacobian_is_what_a_complex_step_says(problem):
    basis, X, _ = problem
    J = basis.jacobian(X)
    for d, k in np.ndindex(basis.W.shape):
        step = basis.W.astype(complex)
        step[d, k] += 1e-30j
        np.testing.assert_allclose(
            J[:, d, k], phi(step, X)[:, k].imag / 1e-30, rtol=1e-11, atol=1e-14
        )


@given(problems())
def test_products_agree_with_the_stored_jacobian_and_with_each_other(problem):
    basis, X, rng = problem
    J = basis.jacobian(X)
    dW, G = rng.standard_normal(basis.W.shape), rng.standard_normal((len(X), basis.W.shape[1]))
    jvp, vjp = basis.jvp(X, dW), basis.vjp(X, G)
    np.testing.assert_allclose(jvp, np.einsum("ndk,dk->nk", J, dW), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(vjp, np.einsum("ndk,nk->dk", J, G), rtol=1e-12, atol=1e-12)
    assert np.vdot(G, jvp) == pytest.approx(np.vdot(vjp, dW), rel=1e-10, abs=1e-10)


@given(problems(), st.floats(-5, 5))
def test_products_are_linear(problem, c):
    basis, X, rng = problem
    U, V = rng.standard_normal((2, *basis.W.shape))
    np.testing.assert_allclose(
        basis.jvp(X, U + c * V), basis.jvp(X, U) + c * basis.jvp(X, V), atol=1e-11
    )
    F, G = rng.standard_normal((2, len(X), basis.W.shape[1]))
    np.testing.assert_allclose(
        basis.vjp(X, F + c * G), basis.vjp(X, F) + c * basis.vjp(X, G), atol=1e-10
    )


@given(problems())
def test_the_order_of_samples_and_units_does_not_matter(problem):
    basis, X, rng = problem
    rows, units = rng.permutation(len(X)), rng.permutation(basis.W.shape[1])
    J = TanhBasis(basis.W[:, units]).jacobian(X[rows])
    np.testing.assert_allclose(J, basis.jacobian(X)[rows][:, :, units], rtol=1e-12, atol=1e-14)


def test_blocks_leave_no_seam():
    X = np.linspace(-2, 2, 70_001)
    basis = TanhBasis([[1.0, -2.0], [0.5, 0.1]])
    S = 1 / np.cosh(basis.Z(X)) ** 2
    np.testing.assert_allclose(basis.jacobian(X)[:, 1], S, rtol=1e-14)
    np.testing.assert_allclose(basis.vjp(X, np.ones_like(S))[1], S.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(basis.jvp(X, [[0, 0], [1, 1]]), S, rtol=1e-14)


def test_products_need_no_more_memory_than_a_few_blocks():
    rng = np.random.default_rng(0)
    X, G = rng.standard_normal((200_000, 8)), rng.standard_normal((200_000, 16))
    basis = TanhBasis(rng.standard_normal((9, 16)))
    tracemalloc.start()
    basis.vjp(X, G)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6, "the stored Jacobian would be 230 MB, one array of features 26 MB"


# ---------------------------------------------------------------------- the numerical derivative


def test_one_row_at_a_time_gives_the_bits_of_one_parameter_at_a_time():
    rng = np.random.default_rng(3)
    X, basis = rng.standard_normal((50, 3)), TanhBasis(rng.standard_normal((4, 5)))
    rows = basis.numerical_jacobian(X)
    for d, k in np.ndindex(basis.W.shape):
        E = np.zeros_like(basis.W)
        E[d, k] = 1e-6
        single = (phi(basis.W + E, X) - phi(basis.W - E, X))[:, k] / 2e-6
        assert np.array_equal(rows[:, d, k], single)


def test_on_days_the_check_holds_relative_to_the_size_of_x():
    gap = np.abs(STEPS.jacobian(DAYS) - STEPS.numerical_jacobian(DAYS)).max(axis=(0, 2))
    assert gap[0] / DAYS.max() < 1e-7 and gap[1] < 1e-8
    assert gap[0] > 1e-7, "an absolute bound fit for small numbers cannot hold here"


@pytest.mark.parametrize("eps", [0, -1e-6, np.nan, np.inf])
def test_a_step_that_is_none_is_refused(eps):
    with pytest.raises(ValueError, match="eps must be a finite positive number"):
        STEPS.numerical_jacobian(DAYS, eps)


# --------------------------------------------------------------------------- what it accepts


@pytest.mark.parametrize("method", ["Z", "transform", "jacobian", "numerical_jacobian"])
def test_a_vector_means_samples_of_one_feature_in_every_method(method):
    call = getattr(STEPS, method)
    assert np.array_equal(call(DAYS), call(DAYS[:, None]))


def test_lists_integers_and_float32_are_computed_in_float64():
    W = [[1, 2], [3, -1]]
    expected = TanhBasis(np.array(W, float)).jacobian(np.array([0.0, 1.0]))
    for X in ([0, 1], np.array([0, 1], np.int8), np.array([0, 1], np.float32)):
        J = TanhBasis(W).jacobian(X)
        assert J.dtype == np.float64 and np.array_equal(J, expected)
    assert TanhBasis(np.ones((2, 1), np.float32)).numerical_jacobian([0.5]).dtype == np.float64


def test_no_samples_give_empty_arrays_of_the_right_shape():
    basis, X = TanhBasis(np.ones((4, 2))), np.empty((0, 3))
    assert basis.transform(X).shape == basis.jvp(X, np.ones((4, 2))).shape == (0, 2)
    assert basis.jacobian(X).shape == basis.numerical_jacobian(X).shape == (0, 4, 2)
    assert np.array_equal(basis.vjp(X, np.empty((0, 2))), np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("W", "said"),
    [
        ([1.0, 2.0], r"\(D\+1, K\).*got the shape \(2,\)"),
        (np.ones((2, 0)), r"K >= 1 units; got the shape \(2, 0\)"),
        (np.ones((1, 3)), r"D >= 1 rows of slopes.*got the shape \(1, 3\)"),
        ([[1.0], [np.nan]], "W must be finite; got NaN or infinity"),
        ([[np.inf], [0.0]], "W must be finite"),
        ([[1j], [0.0]], "W must be real; got complex"),
        ([["a"], ["b"]], "W must be an array of numbers"),
    ],
)
def test_parameters_that_are_no_basis_are_refused_in_words(W, said):
    with pytest.raises(ValueError, match=said):
        TanhBasis(W)


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.ones((5, 3)), r"X must be \(N, 2\) for a basis of 2 inputs; got \(5, 3\)"),
        (np.ones(5), r"X must be \(N, 2\).*got \(5,\)"),
        (np.ones((5, 2, 1)), r"got \(5, 2, 1\)"),
        (3.0, r"got \(\)"),
        ([[1.0, np.nan]], "X must be finite; got NaN or infinity"),
        ([[1.0, 2j]], "X must be real"),
    ],
)
@pytest.mark.parametrize("method", ["Z", "transform", "jacobian", "numerical_jacobian"])
def test_inputs_that_do_not_fit_are_refused_in_words_by_every_method(method, X, said):
    with pytest.raises(ValueError, match=said):
        getattr(TanhBasis(np.ones((3, 2))), method)(X)


def test_directions_and_cotangents_of_the_wrong_shape_are_refused_in_words():
    with pytest.raises(ValueError, match=r"dW must have the shape \(2, 3\); got \(3, 2\)"):
        STEPS.jvp(DAYS, np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"G must have the shape \(366, 3\); got \(3,\)"):
        STEPS.vjp(DAYS, np.ones(3))


# ------------------------------------------------------------------------------- it never changes


def test_parameters_are_copied_and_read_only():
    W = np.ones((2, 1))
    basis = TanhBasis(W)
    W[:] = 5
    assert np.array_equal(basis.W, np.ones((2, 1)))
    with pytest.raises(ValueError, match="read-only"):
        basis.W[0, 0] = 2
    with pytest.raises(AttributeError):
        basis.W = W


def test_an_interrupted_check_leaves_the_basis_as_it_was(monkeypatch):
    calls = []

    def interrupted(W, X):
        calls.append(W)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return phi(W, X)

    monkeypatch.setattr("jacobians.basis.phi", interrupted)
    before = STEPS.W.copy()
    with pytest.raises(KeyboardInterrupt):
        STEPS.numerical_jacobian(DAYS)
    assert np.array_equal(STEPS.W, before)


@settings(max_examples=20)
@given(problems())
def test_no_method_changes_what_it_is_given(problem):
    basis, X, rng = problem
    before, given_X = basis.W.copy(), X.copy()
    dW, G = np.ones(basis.W.shape), np.ones((len(X), basis.W.shape[1]))
    basis.transform(X), basis.jacobian(X), basis.numerical_jacobian(X)
    basis.jvp(X, dW), basis.vjp(X, G)
    assert np.array_equal(basis.W, before) and np.array_equal(X, given_X)
    assert np.array_equal(dW, np.ones_like(dW)) and np.array_equal(G, np.ones_like(G))


def test_threads_may_share_a_basis():
    expected = [STEPS.numerical_jacobian(DAYS), STEPS.vjp(DAYS, np.ones((366, 3)))]
    found = []

    def work():
        for _ in range(20):
            found.append([STEPS.numerical_jacobian(DAYS), STEPS.vjp(DAYS, np.ones((366, 3)))])

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 80
    for pair in found:
        assert all(np.array_equal(a, b) for a, b in zip(pair, expected, strict=True))
