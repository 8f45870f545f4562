"""The displayed equations of the chapter `checking`."""

import functools

import mpmath
import numpy as np
from displayed import checks_equation
from mpmath import mp, mpf
from roads import X1, D, K, N, W, X, complex_step, features, rng

from jacobians import TanhBasis, differences
from jacobians.basis import phi


def precise(test):
    """Run a test with fifty digits, so that a small step leaves digits enough."""

    @functools.wraps(test)
    def run(displayed):
        with mpmath.workdps(50):
            return test(displayed)

    return run


def f(x):
    """A function none of whose derivatives is zero, or like another, at THETA."""
    return mpmath.exp(x / 2) * mpmath.sin(2 * x) + x**3 / 5


with mpmath.workdps(50):
    THETA = mpf("0.7")
    TAYLOR = mpmath.taylor(f, THETA, 6)


def derivative(order):
    """Of f at THETA and nowhere else, by mpmath's numerical differentiation."""

    def value(x):
        assert x == THETA
        return TAYLOR[order] * mpmath.factorial(order)

    return value


def quotient(h):
    """The central difference as the mean of the derivative over the interval, by quadrature."""
    return mpmath.quad(lambda x: mpmath.diff(f, x), [THETA - h, THETA, THETA + h]) / (2 * h)


COMMON = {"f": f, r"\theta": THETA, "h": mpf("1e-3"), "f'": derivative(1)}
DIGITS = 1e-25  # what counts as rounding here: a term left out is larger


@checks_equation("eq-forward-error")
@precise
def test_the_forward_difference_leaves_half_the_step_times_the_second_derivative(displayed):
    displayed.holds(COMMON | {"f''": derivative(2)}, shrink="h", rtol=DIGITS)


@functools.cache
def kept_quotient(h):
    return quotient(h)


@checks_equation("eq-central-error")
@precise
def test_the_central_difference_leaves_a_sixth_of_the_third_derivative(displayed):
    letters = COMMON | {"Q": kept_quotient, "f'''": derivative(3)}
    displayed.holds(letters, shrink="h", rtol=DIGITS)


@checks_equation("eq-richardson")
@precise
def test_richardson_leaves_the_fourth_power_with_its_sign(displayed):
    letters = COMMON | {"Q": kept_quotient, "f^{(5)}": derivative(5)}
    del letters["f"]
    displayed.holds(letters, shrink="h", rtol=DIGITS)


# --------------------------------------------------------------------- two errors and one step


def worst(h, u, f=f, at=THETA):
    """The largest error of a central difference of two values that are off by u of their size."""
    exact = mpmath.diff(f, at)
    return max(
        abs((f(at + h) * (1 + s * u) - f(at - h) * (1 + t * u)) / (2 * h) - exact)
        for s in (1, -1)
        for t in (1, -1)
    )


def third(f, at):
    return mpmath.diff(f, at, 3)


def negative(x):
    """Another function, whose value is negative and whose third derivative is not."""
    return -2 - mpmath.sin(x)


def positive(x):
    """The same with the signs turned."""
    return 2 + mpmath.sin(x)


@checks_equation("eq-two-errors")
@precise
def test_the_worst_error_is_that_of_truncation_and_of_two_rounded_values(displayed):
    for function in (positive, negative):
        for h, u in (("1e-3", "1e-11"), ("1e-3", "3e-10"), ("4e-4", "2e-10")):
            h, u = mpf(h), mpf(u)
            letters = {
                r"\eta": lambda h, u=u, function=function: worst(h, u, function), "h": h, "u": u,
                "f": function(THETA), "f'''": third(function, THETA),
            }  # fmt: skip
            displayed.holds(letters, near=1e-4, rtol=DIGITS)


@functools.cache
def lowest(function, u):
    """The step with the smallest of the worst errors, by golden section, knowing no formula."""
    low, high, golden = mpf("1e-6"), mpf("0.1"), (mpmath.sqrt(5) - 1) / 2
    for _ in range(60):
        a, b = (high / low) ** (1 - golden) * low, (high / low) ** golden * low
        if worst(a, u, function) < worst(b, u, function):
            high = b
        else:
            low = a
    return mpmath.sqrt(low * high)


@checks_equation("eq-best-step")
@precise
def test_the_best_step_is_where_the_worst_error_is_smallest(displayed):
    for function in (positive, negative):
        for u in (mpf("1e-11"), mpf("3e-13")):
            letters = {
                "h^*": lowest(function, u), "u": u, "f": function(THETA),
                "f'''": third(function, THETA), r"\eta": lambda h, u=u, g=function: worst(h, u, g),
            }  # fmt: skip
            displayed.holds(letters, only=(0,), rtol=1e-4)  # as near as the lowest point is flat
            displayed.holds(letters, only=(1,), near=1e-4, rtol=DIGITS)


def test_a_forward_pass_in_doubles_stays_below_the_worst_error():
    """What is measured in floating point, over six decades on either side of the best step."""
    eps = np.finfo(float).eps
    for step in np.geomspace(1e-9, 1e-2, 60):
        measured = abs(
            (np.tanh(0.7 + step) - np.tanh(0.7 - step)) / (2 * step) - 1 / np.cosh(0.7) ** 2
        )
        assert measured <= 2 * float(worst(mpf(step), mpf(eps), mpmath.tanh, mpf(0.7))) + eps


# ----------------------------------------------------------------------------- higher derivatives


@functools.cache
def bend(z, order):
    """A derivative of tanh, by mpmath's numerical differentiation."""
    with mpmath.workdps(30):
        return float(mpmath.diff(mpmath.tanh, mpf(z), order))


@functools.cache
def bends(order):
    """The derivatives of one order of each feature by each of its parameters, moved by itself."""
    found = np.zeros((N, K, D + 1, K))
    with mpmath.workdps(30):
        for n, k, d in np.ndindex(N, K, D + 1):
            z, x = mpf(float(X1[n] @ W[:, k])), mpf(X1[n, d])
            move = lambda t, z=z, x=x: mpmath.tanh(z + t * x)  # noqa: E731
            found[n, k, d, k] = mpmath.diff(move, 0, order)
    return found


@checks_equation("eq-entry-higher")
def test_every_derivative_by_a_parameter_brings_a_factor_of_its_input(displayed):
    for order in (1, 2, 3, 5):
        letters = {
            r"\partial^\nu\phi/\partial W^\nu": bends(order), r"\nu": order, r"\tilde x": X1,
            r"\tanh^{(\nu)}": lambda z, order=order: bend(z, order), "z": X1 @ W,
        }  # fmt: skip
        displayed.holds(letters, n=N, k=K, d=D + 1)


@checks_equation("eq-tanh-higher")
def test_the_second_third_and_fifth_derivative_of_tanh(displayed):
    for z in (-2.3, -0.4, 0.3, 0.9):
        t = float(mpmath.tanh(z))
        letters = {"z": z, "t": t, "s": bend(z, 1)}
        letters |= {r"\tanh''": lambda z: bend(z, 2), r"\tanh'''": lambda z: bend(z, 3)}
        displayed.holds(letters | {r"\tanh^{(5)}": lambda z: bend(z, 5)})


# ------------------------------------------------------------------------------ relative errors


@checks_equation("eq-relative-error")
def test_the_relative_error_has_a_floor_that_grows_with_the_input(displayed):
    """Entry by entry in a loop: large entries relative to themselves, small ones to the input."""
    inputs = np.column_stack([40 * rng.standard_normal((6, 2)), np.ones(6)])
    J, tau = rng.standard_normal((6, 3, 2)), 0.017
    J[0] *= 30
    J_hat = J + 0.3 * rng.standard_normal(J.shape)
    found, floored = np.empty(J.shape), 0
    for n, d, k in np.ndindex(J.shape):
        base = tau * max(abs(float(x)) for x in inputs[:, d])
        floored += base > abs(J[n, d, k])
        found[n, d, k] = abs(J[n, d, k] - J_hat[n, d, k]) / max(base, abs(J[n, d, k]))
    assert 5 < floored < J.size - 5
    letters = {r"\rho": found, "J": J, r"\hat J": J_hat, r"\tau": tau, r"\tilde x": inputs}
    displayed.holds(letters, n=6, d=3, k=2)


@checks_equation("eq-complex-step")
@precise
def test_the_complex_step_has_the_central_error_with_the_other_sign(displayed):
    letters = COMMON | {r"\mathrm{i}": mpmath.mpc(0, 1), "f'''": derivative(3)}
    displayed.holds(letters, shrink="h", rtol=DIGITS)


# -------------------------------------------------------------------------------------- colours


def evaluations(D, K, pattern):
    """How often the features are computed for a central difference, coloured or not."""
    calls, X, W = [], np.ones((5, D)), np.full((D + 1, K), 0.3)

    def counted(V):
        calls.append(V)
        return phi(V, X)

    differences.central(counted, W, 1e-6, pattern=pattern)
    return len(calls)


@functools.cache
def coloured(D, K):
    """Colours, evaluations with them, and evaluations without."""
    rows_by_columns = np.kron(np.eye(K), np.ones((5, D + 1)))
    colours = differences.colour(rows_by_columns)
    for row in rows_by_columns:
        met = colours[row > 0]
        assert len(set(met)) == len(met) == D + 1  # and so no colouring has fewer
    pattern = np.kron(np.ones((5, D + 1)), np.eye(K))
    return colours.max() + 1, evaluations(D, K, pattern), evaluations(D, K, None)


@checks_equation("eq-colour-count")
def test_there_are_as_many_colours_as_inputs_and_two_evaluations_for_each(displayed):
    for inputs, units in ((3, 2), (2, 7), (5, 4)):
        colours, ours, others = coloured(inputs, units)
        letters = {
            r"\text{colours}": int(colours), r"\text{evaluations}": ours, "D": inputs, "K": units,
            r"\text{in place of}": lambda count, others=others: count == others,
        }  # fmt: skip
        displayed.holds(letters)


# ------------------------------------------------------------------------------ one direction


V, G = rng.standard_normal((D + 1, K)), rng.standard_normal((N, K))
exact = np.einsum("nkdk->ndk", bends(1))


@checks_equation("eq-one-direction")
def test_a_random_direction_compares_a_sum_of_entries_with_the_move_of_the_features(displayed):
    letters = {
        "J": exact, "V": V, r"\phi": features, "W": W, r"\mathrm{i}": 1j, "h": 0.04,
    }  # fmt: skip
    displayed.holds(letters, shrink="h", n=N, k=K, d=D + 1)


@checks_equation("eq-dot-test")
def test_the_dot_product_test_holds_for_any_array_whatever(displayed):
    J = rng.standard_normal((N, D + 1, K))

    def forwards(V):
        return sum(J[:, d] * V[d] for d in range(D + 1))

    def backwards(G):
        return np.array([[J[:, d, k] @ G[:, k] for k in range(K)] for d in range(D + 1)])

    letters = {"G": G, "J": J, "V": V, "J[]": forwards, r"J^\top[]": backwards}
    displayed.holds(letters, n=N, d=D + 1, k=K)


def test_the_packages_jacobian_has_mpmaths_entries():
    np.testing.assert_allclose(TanhBasis(W).jacobian(X), exact, rtol=1e-12)
    np.testing.assert_allclose(np.einsum("nkdk->ndk", complex_step(features, W)), exact, rtol=1e-12)


@checks_equation("eq-tail")
@precise
def test_the_tail_is_an_exponential_to_first_order(displayed):
    for z in (mpf("9.5"), mpf("-8.2")):
        letters = {r"\tanh": mpmath.tanh, r"\cosh": mpmath.cosh, "z": z, "e": mpmath.exp(1)}
        displayed.holds(letters, near=1e-6, rtol=1e-30)
    assert mp.dps == 50
