"""The displayed equations of the chapter `jacobian`."""

import functools

import mpmath
import numpy as np
from displayed import checks_equation, pinned
from roads import X1, D, K, N, W, X, along, complex_step, features, tanh

from jacobians import TanhBasis

E = np.eye((D + 1) * K).reshape(D + 1, K, D + 1, K)
by_step = complex_step(features, W)  # (N, K, D+1, K), no formula for the derivative
z = np.array([[mpmath.fsum(X1[n, d] * W[d, k] for d in range(D + 1)) for k in range(K)]
              for n in range(N)], dtype=float)  # fmt: skip


@functools.cache
def slope_of_tanh(z):
    """By mpmath's numerical derivative."""
    return float(mpmath.diff(mpmath.tanh, z))


def f(x):
    return np.array([np.sin(x[0] * x[1]) + x[2] ** 3, x[0] + np.exp(x[1] * x[2])])


@checks_equation("eq-differential")
def test_what_the_linear_map_leaves_over_shrinks_faster_than_the_step(displayed):
    x, step = np.array([0.7, -1.3, 0.4]), np.array([0.03, 0.02, -0.04])
    letters = {
        r"\mathrm{d}f": along(f, x, step), "J_f": lambda x: complex_step(f, x), "f": f, "x": x,
        r"\mathrm{d}x": step,
    }  # fmt: skip
    displayed.holds(letters, shrink=r"\mathrm{d}x")


@checks_equation("eq-jacobian")
def test_the_jacobian_has_a_row_for_each_output_and_a_column_for_each_input(displayed):
    x = np.array([0.7, -1.3, 0.4])
    rows = np.array([along(f, x, step) for step in np.eye(3)]).T
    letters = {"J_f": rows, r"\partial f/\partial x": complex_step(f, x)}
    displayed.holds(letters, only=(0,), i=2, j=3)
    return pinned(
        displayed,
        because="a matrix with dots, whose entries are those of the first statement",
        tex=r"""
        [J_f]_{ij} = \frac{\partial f_i}{\partial x_j},
        \qquad
        J_f = \begin{pmatrix}
        \dfrac{\partial f_1}{\partial x_1} & \cdots & \dfrac{\partial f_1}{\partial x_\alpha}\\
        \vdots & \ddots & \vdots\\
        \dfrac{\partial f_\beta}{\partial x_1} & \cdots & \dfrac{\partial f_\beta}{\partial x_\alpha}
        \end{pmatrix}.
        """,  # noqa: E501
    )


@checks_equation("eq-worked")
def test_the_worked_example_has_the_displayed_matrix(displayed):
    def example(x):
        return np.array([x[0] * x[1], x[0] + x[1] ** 2])

    def jacobian(*at):
        return complex_step(example, at[0] if len(at) == 1 else at)

    displayed.holds({"J_f": jacobian, "x": np.array([0.7, -1.3])})


@checks_equation("eq-parameter-jacobian")
def test_the_map_from_parameters_to_features_has_an_nk_by_p_jacobian(displayed):
    def stacked(theta):
        return features(theta.reshape(D + 1, K, order="F")).reshape(-1, order="F")

    theta, P = W.reshape(-1, order="F"), K * (D + 1)
    matrix = np.array([along(stacked, theta, step) for step in np.eye(P)]).T
    by_parameter = by_step.reshape(N, K, P, order="F")
    letters = {
        r"\Phi_X": stacked, "P": P, "N": N, "K": K, "J": matrix,
        r"\partial\phi/\partial\theta": by_parameter,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, j=P)


@checks_equation("eq-z")
def test_z_is_the_sum_over_inputs_and_the_bias(displayed):
    letters = {"z": TanhBasis(W).Z(X), "a": W[:D], "x": X, "b": W[D], "D": D}
    displayed.holds(letters, n=N, k=K)
    displayed.holds(letters | {"z": z}, n=N, k=K)


@checks_equation("eq-phi")
def test_phi_is_the_tanh_of_z(displayed):
    displayed.holds({r"\phi": TanhBasis(W).transform(X), r"\tanh": tanh, "z": z}, n=N, k=K)


@functools.cache
def place(a, b, share):
    """Where tanh(a x + b) has this share of its height; a falling step has the larger one first."""
    level = 2 * share - 1
    return float(mpmath.findroot(lambda x: mpmath.tanh(a * x + b) - level, -b / a))


@checks_equation("eq-step")
def test_a_step_sits_at_minus_b_over_a_and_is_as_wide_as_displayed(displayed):
    for a, b in ((0.3, -50.0), (-0.7, 12.0)):
        letters = {
            r"x_{\text{step}}": place(a, b, 0.5), r"x_{90\,\%}": place(a, b, 0.9), "a": a, "b": b,
            r"x_{10\,\%}": place(a, b, 0.1), r"\operatorname{artanh}": lambda t: mpmath.atanh(t),
        }  # fmt: skip
        displayed.holds(letters)


@checks_equation("eq-chain")
def test_the_chain_rule_splits_the_derivative_into_the_two_displayed_factors(displayed):
    letters = {
        r"\partial\phi/\partial a": by_step[:, :, :D], r"\tanh'": slope_of_tanh, "z": z,
        r"\partial z/\partial a": complex_step(lambda W: X1 @ W, W)[:, :, :D],
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, d=D, l=K)


@checks_equation("eq-tanh-prime")
def test_the_derivative_of_tanh_is_one_minus_its_square(displayed):
    for at in (-2.1, -0.3, 0.8):
        letters = {
            r"\tanh'": slope_of_tanh, r"\tanh": tanh, "z": at,
            r"\cosh": lambda z: float(mpmath.cosh(z)), r"\sinh": lambda z: float(mpmath.sinh(z)),
        }  # fmt: skip
        displayed.holds(letters)


@checks_equation("eq-dz")
def test_z_moves_by_the_input_of_its_own_unit_alone(displayed):
    letters = {
        r"\partial z/\partial a": complex_step(lambda W: X1 @ W, W)[:, :, :D],
        r"\delta": np.eye(K), "x": X,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, d=D, l=K)


@checks_equation("eq-slope")
def test_the_slope_derivative_is_delta_times_factor_times_input(displayed):
    letters = {
        r"\partial\phi/\partial a": by_step[:, :, :D], r"\delta": np.eye(K), "x": X,
        r"\phi": features(W),
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, d=D, l=K)


@checks_equation("eq-bias")
def test_the_bias_derivative_is_delta_times_factor(displayed):
    letters = {
        r"\partial\phi/\partial b": by_step[:, :, D], r"\delta": np.eye(K), r"\phi": features(W),
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, l=K)


@checks_equation("eq-compact")
def test_the_compact_array_holds_every_entry_that_is_not_zero(displayed):
    J = TanhBasis(W).jacobian(X)
    letters = {
        "J": J, r"\partial\phi/\partial W": by_step, r"\phi": features(W), r"\tilde x": X1, "N": N,
        "D": D, "K": K, r"\text{shape}": lambda *shape: shape == J.shape,
    }  # fmt: skip
    displayed.holds(letters, n=N, d=D + 1, k=K)
    assert np.count_nonzero(by_step) == J.size


@checks_equation("eq-block")
def test_the_matrix_is_block_diagonal_in_column_order(displayed):
    matrix = by_step.transpose(1, 0, 3, 2).reshape(N * K, K * (D + 1))
    S = np.array([[float(mpmath.sech(z[n, k]) ** 2) for k in range(K)] for n in range(N)])
    displayed.holds({"J": matrix, "S": S, "I_K": np.eye(K), r"\tilde X": X1}, only=(0, 0))
    return pinned(
        displayed,
        because="a matrix with dots, which spells out the product before it",
        tex=r"""
        J = \operatorname{diag}(\operatorname{vec}S)\,(I_K\otimes\tilde X)
        = \begin{pmatrix}
        \operatorname{diag}(s_1)\tilde X & & \\
        & \ddots & \\
        & & \operatorname{diag}(s_K)\tilde X
        \end{pmatrix}.
        """,
    )


@checks_equation("eq-central")
def test_the_central_difference_has_an_error_of_the_second_order(displayed):
    letters = {
        r"\partial\phi/\partial W": by_step, r"\phi": features, "W": W, r"\varepsilon": 0.05,
        "E": E,
    }  # fmt: skip
    displayed.holds(letters, shrink=r"\varepsilon", n=N, k=K, d=D + 1)


def test_the_packages_central_difference_has_the_error_that_is_displayed():
    exact = np.einsum("nkdk->ndk", by_step)
    coarse, fine = (
        np.abs(TanhBasis(W).numerical_jacobian(X, eps) - exact).max() for eps in (1e-2, 1e-3)
    )
    np.testing.assert_allclose(coarse / fine, 100, rtol=0.1)
    np.testing.assert_allclose(TanhBasis(W).jacobian(X), exact, rtol=1e-12)
