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
from jacobians._arrays import BLOCK
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


def units_in_the_last_place(z):
    """The errors of the factor, in units that float64 has at the exact value, subnormals too."""
    with mpmath.workprec(200):
        exact = [mpmath.sech(mpmath.mpf(v)) ** 2 for v in z.tolist()]
        return [
            float(abs(mpmath.mpf(float(s)) - e) / mpmath.mpf(float(np.spacing(float(e)))))
            for s, e in zip(sech2(z), exact, strict=True)
        ]


# Where 2 10^8 random points have found the largest errors, with AVX-512 and without.
WORST = [3.117586022657764, 3.1180642684135025, 2.7708027916371933, 4.505431072811799]


def test_the_factor_is_right_to_the_measured_units_in_the_last_place():
    rng = np.random.default_rng(0)
    z = [WORST, rng.uniform(-354, 354, 1500), rng.uniform(-5, 5, 1500), np.linspace(0, 5, 1501)]
    assert max(units_in_the_last_place(np.concatenate(z))) <= 4.34
    assert max(units_in_the_last_place(10 ** rng.uniform(-300, 0, 1500))) <= 4.34


def test_the_factor_is_right_to_two_of_the_smallest_units_where_float64_ends():
    z = np.random.default_rng(0).uniform(354.5, 373.5, 3000)
    assert max(units_in_the_last_place(z)) <= 2.02
    assert np.count_nonzero(sech2(z) < np.finfo(float).tiny) > 2900


@given(arrays(float, 7, elements=st.floats(allow_nan=False)))
def test_the_factor_is_even_lies_between_0_and_1_and_falls(z):
    S = sech2(z)
    assert np.array_equal(S, sech2(-z)) and (S >= 0).all() and (S <= 1 + 1e-15).all()
    falling = sech2(np.sort(np.abs(z)))
    assert (np.diff(falling) <= 5 * np.spacing(falling[:-1])).all()


@pytest.mark.filterwarnings("error")
def test_the_factor_ends_in_zero_without_a_warning():
    with np.errstate(all="raise"):
        assert np.array_equal(sech2(np.array([400.0, -1e5, 1e308, np.inf])), np.zeros(4))
        assert 0 < sech2(np.array([372.0]))[0] < np.finfo(float).tiny
    assert sech2(0.0) == 1.0


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


def test_a_complex_step_goes_through_phi_into_the_tails():
    x, z = np.ones((6, 1)), np.array([-300.0, -25.0, -19.0, 0.3, 19.0, 100.0])
    step = phi(np.array([z, np.full(6, 1e-30j)]), x)[0]
    np.testing.assert_allclose(step.imag / 1e-30, sech2(z), rtol=1e-13)


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


def peak(call):
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("type_", [np.float64, np.float32, np.int16])
def test_a_gradient_needs_a_few_blocks_for_each_worker_whatever_the_type(type_, workers):
    rng = np.random.default_rng(0)
    X, G = rng.integers(-9, 9, (200_000, 8)).astype(type_), np.ones((200_000, 16), type_)
    basis = TanhBasis(0.1 * rng.standard_normal((9, 16)))
    for each in (X, G):
        assert each.size * 8 > 12e6, "a copy in float64 would show"
    assert peak(lambda: basis.vjp(X, G, workers=workers)) < workers * 2 * 8 * BLOCK + 1e5
    extra = peak(lambda: basis.jacobian(X, workers=workers)) - 8 * 200_000 * 9 * 16
    assert extra < workers * 3 * 8 * BLOCK + 1e5


# -------------------------------------------------------------------------------------- workers

SIZES = [(300_001, 1, 3), (40_001, 8, 16), (5_001, 32, 64), (700, 100, 120), (366, 1, 3)]


@pytest.mark.parametrize(("N", "D", "K"), SIZES)
def test_the_number_of_workers_changes_no_bit(N, D, K):
    rng = np.random.default_rng(1)
    X, G, W = (rng.standard_normal(shape) for shape in ((N, D), (N, K), (D + 1, K)))
    basis = TanhBasis(W)

    def everything(workers):
        yield basis.Z(X, workers=workers).tobytes()
        yield basis.transform(X, workers=workers).tobytes()
        yield basis.jacobian(X, workers=workers).tobytes()
        yield basis.jvp(X, W, workers=workers).tobytes()
        yield basis.vjp(X, G, workers=workers).tobytes()

    alone = list(everything(1))
    for workers in (None, 2, 3, 7, -1):
        assert list(everything(workers)) == alone


def test_what_is_wrong_in_a_late_block_is_said_by_every_number_of_workers():
    X, G = np.ones(400_000), np.ones((400_000, 3))
    for workers in (1, 3):
        for wrong in (np.nan, np.inf, -np.inf):
            X[-1], G[-1, 1] = wrong, 1.0
            for method in (STEPS.Z, STEPS.transform, STEPS.jacobian):
                with pytest.raises(ValueError, match="X must be finite; got NaN or infinity"):
                    method(X, workers=workers)
            with pytest.raises(ValueError, match="X must be finite"):
                STEPS.vjp(X, G, workers=workers)
            X[-1], G[-1, 1] = 1.0, wrong
            with pytest.raises(ValueError, match="G must be finite; got NaN or infinity"):
                STEPS.vjp(X, G, workers=workers)


@pytest.mark.parametrize("workers", [0, 1.5, "2", -1000])
def test_a_number_of_workers_that_is_none_is_refused_in_words(workers):
    with pytest.raises(ValueError, match="workers must be a whole number of threads, or -1"):
        STEPS.transform(DAYS, workers=workers)


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


@pytest.mark.parametrize("type_", [np.float16, np.float32, np.int8, np.uint64, bool])
def test_directions_and_cotangents_of_other_types_are_computed_in_float64(type_):
    most = True if type_ is bool else np.finfo(type_).max if type_(0.5) else np.iinfo(type_).max
    dW, G = np.full((2, 3), most, type_), np.full((366, 3), most, type_)
    assert np.array_equal(STEPS.jvp(DAYS, dW), STEPS.jvp(DAYS, dW.astype(float)))
    assert np.array_equal(STEPS.vjp(DAYS, G), STEPS.vjp(DAYS, G.astype(float)))


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
        ([["1"], ["2"]], r"W must be an array of numbers; got \[\['1'\]"),
        ([[1.0], [1.0, 2.0]], "W must be an array of numbers"),
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
        ([["1", "2"]], "X must be an array of numbers"),
        (np.full((2, 2), np.datetime64("2012-01-01")), "X must be an array of numbers"),
        (np.ma.masked_less([[1.0, -999.0]], 0), "X must have no masked entries"),
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


@pytest.mark.filterwarnings("error")
def test_finite_numbers_whose_products_are_not_are_refused_in_words_or_computed_right():
    large, two = TanhBasis([[1e200], [1e200], [0.0]]), [[1e200, -1e200]]
    for method in (large.Z, large.transform, large.jacobian, large.numerical_jacobian):
        with pytest.raises(ValueError, match=r"X~ W overflows: \|x\| is up to 1.0e\+200, \|w\| up"):
            method(two)
    with pytest.raises(ValueError, match="X~ W overflows"):
        large.vjp(two, [[1.0]])
    assert np.array_equal(large.transform([[1e100, 0.0], [0.0, -1e107]]), [[1.0], [-1.0]])
    edge = TanhBasis([[1.7e308], [0.0]])
    for method in (edge.transform, edge.jacobian):
        with pytest.raises(ValueError, match="X~ W overflows"):
            method([0.0, 1.0])
    flat = TanhBasis([[0.0], [0.0]])
    with pytest.raises(ValueError, match="X~ dW overflows"):
        flat.jvp([1e200], [[1e200], [0.0]])
    with pytest.raises(ValueError, match=r"X~' \(S o G\) overflows"):
        flat.vjp([1e200], [[1e200]])
    assert np.array_equal(flat.vjp([1e200], [[1e100]]), [[1e300], [1e100]])


def test_a_step_that_is_lost_beside_a_parameter_is_refused():
    with pytest.raises(ValueError, match="eps must be large enough to move every parameter"):
        STEPS.numerical_jacobian(DAYS, 1e-15)


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


def test_threads_that_share_out_their_work_may_share_a_basis():
    X, G = np.linspace(-3, 3, 300_000), np.ones((300_000, 3))
    wanted, found = STEPS.vjp(X, G, workers=1), []
    threads = [
        threading.Thread(target=lambda: found.append(STEPS.vjp(X, G, workers=2))) for _ in range(4)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 4 and all(np.array_equal(dW, wanted) for dW in found)


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
