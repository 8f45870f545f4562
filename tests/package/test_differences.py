"""Numerical derivatives of any function: their orders, their costs, and their colours."""

import mpmath
import numpy as np
import pytest
from scipy.optimize._numdiff import group_columns

from jacobians import differences
from jacobians.basis import phi

METHODS = [differences.forward, differences.central, differences.richardson]
ALL = [*METHODS, differences.complex_step]
rng = np.random.default_rng(5)
X, W = rng.standard_normal((7, 2)), rng.standard_normal((3, 4))
PATTERN = np.array(  # output (n, k) may depend on parameter (d, l) if k = l
    [[k == l for d in range(3) for l in range(4)] for n in range(7) for k in range(4)]
)


def features(w):
    return phi(w, X)


def counted(f):
    def counting(w):
        counting.calls += 1
        return f(w)

    counting.calls = 0
    return counting


@pytest.mark.parametrize(
    ("method", "tolerance"), list(zip(ALL, [1e-7, 1e-9, 1e-11, 1e-15], strict=True))
)
def test_the_derivative_of_an_exponential_is_right_to_the_methods_power(method, tolerance):
    J = method(np.exp, np.array([-1.0, 0.3, 2.0]))
    for i, w in enumerate((-1.0, 0.3, 2.0)):
        exact = float(mpmath.exp(w))
        assert J[i, i] == pytest.approx(exact, rel=tolerance, abs=0)
    assert np.all(J[~np.eye(3, dtype=bool)] == 0)


@pytest.mark.parametrize(("method", "order"), list(zip(METHODS, [1, 2, 4], strict=True)))
def test_the_error_falls_with_the_order_that_is_promised(method, order):
    exact = float(mpmath.diff(mpmath.tanh, 0.7))
    errors = [abs(method(np.tanh, 0.7, steps=h) - exact) for h in (0.1, 0.05)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize(("method", "calls"), list(zip(ALL, [13, 24, 48, 12], strict=True)))
def test_each_method_costs_what_it_says(method, calls):
    f = counted(features)
    J = method(f, W)
    assert f.calls == calls and J.shape == (7, 4, 3, 4)


@pytest.mark.parametrize(("method", "calls"), list(zip(ALL, [4, 6, 12, 3], strict=True)))
def test_colours_cost_less_and_change_no_bit(method, calls):
    f = counted(features)
    assert np.array_equal(method(f, W, pattern=PATTERN), method(features, W))
    assert f.calls == calls


def test_units_that_share_no_parameter_need_one_colour_for_each_input_and_the_bias():
    colours = differences.colour(PATTERN)
    assert colours.max() + 1 == 3 == group_columns(PATTERN).max() + 1


def test_no_row_sees_a_colour_twice_and_rows_would_need_one_for_each_sample():
    for _ in range(20):
        pattern = rng.random((12, 9)) < 0.3
        colours = differences.colour(pattern)
        for row in pattern:
            assert len(set(colours[row])) == row.sum()
        assert colours.max() + 1 <= group_columns(pattern).max() + 2
    assert differences.colour(PATTERN.T).max() + 1 == len(X)


def test_the_step_that_is_divided_by_is_the_step_that_was_taken():
    w = np.array(1e6)  # where neighbouring numbers are 1.2e-10 apart, and 2 w is exact
    assert differences.central(lambda w: 2.0 * w, w, steps=1.5e-10) == 2.0


def test_a_wrong_point_step_or_pattern_is_refused_in_words():
    with pytest.raises(ValueError, match="w must be finite; got NaN"):
        differences.central(np.tanh, [np.nan])
    with pytest.raises(ValueError, match="steps must be finite and positive"):
        differences.forward(np.tanh, [1.0], steps=0)
    with pytest.raises(ValueError, match=r"have w's shape \(2,\); got \(3,\)"):
        differences.forward(np.tanh, [1.0, 2.0], steps=[1, 1, 1])
    with pytest.raises(ValueError, match=r"shape \(2, 2\), outputs by parameters; got \(3, 2\)"):
        differences.central(np.tanh, [1.0, 2.0], pattern=np.ones((3, 2)))


def test_the_point_is_not_changed():
    w = W.copy()
    for method in ALL:
        method(features, w)
    assert np.array_equal(w, W)


# -------------------------------------------------------------- what f may do, and steps of its own


@pytest.mark.parametrize("method", [*ALL[:3]])
def test_a_function_that_changes_its_argument_or_keeps_one_buffer_spoils_nothing(method):
    def changes(w):
        w *= w
        return w

    kept = np.zeros(2)

    def keeps(w):
        return np.multiply(w, w, out=kept)

    for f in (changes, keeps):
        np.testing.assert_allclose(method(f, [1.0, 3.0]), np.diag([2.0, 6.0]), rtol=1e-6)
    np.testing.assert_allclose(differences.complex_step(changes, [1.0, 3.0]), np.diag([2.0, 6.0]))


@pytest.mark.parametrize("method", ALL[:3])
def test_a_step_that_is_lost_beside_w_is_refused_in_words(method):
    with pytest.raises(ValueError, match="lost beside 1e.06"):
        method(np.sin, [1e6], steps=1e-14)


@pytest.mark.parametrize(
    ("w", "options", "told"),
    [
        (None, {}, "w must be an array of numbers"),
        ("3", {}, "w must be an array of numbers"),
        ([], {}, "w must hold at least one number"),
        ([1 + 2j], {}, "w must be real"),
        (np.array([1 + 2j]), {}, "w must be real"),
        (np.ma.masked_less([1.0, 2], 1.5), {}, "masked entries"),
        ([[1, 2], [3]], {}, "w must be an array of numbers"),
        ([1.0, 2.0], {"steps": "a"}, "steps must be an array of numbers"),
        ([1.0, 2.0], {"pattern": [True, True]}, "pattern must be outputs by parameters"),
        ([1.0, 2.0], {"pattern": np.ones((2, 3))}, "pattern must be outputs by parameters"),
    ],
)
def test_what_is_promised_as_a_value_error_is_one(w, options, told):
    for method in ALL:
        with pytest.raises(ValueError, match=told):
            method(np.sin, w, **options)


def test_a_function_of_changing_shape_or_of_no_numbers_is_refused_in_words():
    with pytest.raises(ValueError, match="one shape"):
        differences.central(lambda w: w[w > 1], [1.0, 2.0])
    with pytest.raises(ValueError, match="real numbers"):
        differences.forward(lambda w: "no", [1.0])


@pytest.mark.parametrize(
    ("f", "w", "exact"),
    [
        (np.sin, 1e9, mpmath.cos(mpmath.mpf(10) ** 9)),
        (lambda w: np.sin(3650 * w), 2.0, 3650 * mpmath.cos(7300)),
        (lambda w: 1e-9 * np.sin(w), 0.5, mpmath.mpf("1e-9") * mpmath.cos(0.5)),
        (np.exp, 1e-9, mpmath.exp(mpmath.mpf("1e-9"))),
        (lambda w: np.tanh(np.float32(w)), 0.7, mpmath.sech(0.7) ** 2),
        (np.log, 1e-9, mpmath.mpf(10) ** 9),
    ],
)
def test_extrapolated_differences_find_their_step_and_know_their_error(f, w, exact):
    J, error = differences.extrapolated(lambda w: np.where(w > 0, f(np.abs(w)), np.nan), w)
    assert abs(float(J) - float(exact)) <= 2 * error + 1e-15 * abs(float(exact))
    assert error < 2e-5 * abs(float(exact))


@pytest.mark.parametrize("far", [3e-7, 9e-5, 2e-4, 4e-4, 1e-3])
@pytest.mark.parametrize("side", [1, -1])
def test_what_is_flat_beside_a_kink_is_flat(far, side):
    def clipped(w):
        return np.clip(side * w, -1, 1) ** 2

    J, error = differences.extrapolated(clipped, [side * (1 + far)])
    assert np.abs(J) <= 8 * error and (error < 1e-6 or far < 1e-6)
