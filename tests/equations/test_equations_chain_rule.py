"""The displayed equations of the chapter `chain_rule`."""

import functools

import numpy as np
from displayed import checks_equation
from roads import (
    LAM,
    X1,
    D,
    K,
    N,
    W,
    X,
    along,
    best_weights,
    complex_step,
    features,
    loss,
    rng,
    smallest,
    w,
    w0,
    y,
)  # fmt: skip

from jacobians import TanhBasis, ridge

Phi = features(W)
r = w0 + Phi @ w - y
S = complex_step(lambda z: np.tanh(z), (X1 @ W).ravel()).diagonal().reshape(N, K)
dW, any_G = rng.standard_normal((D + 1, K)), rng.standard_normal((N, K))


def of_features(Phi):
    """The loss as a function of the features alone, in loops."""
    errors = [w0 + sum(w[k] * Phi[n, k] for k in range(K)) - y[n] for n in range(N)]
    return sum(e * e for e in errors) / (2 * N) + LAM / 2 * sum(v * v for v in w)


G = complex_step(of_features, Phi)
by_W = complex_step(lambda W: loss(W, w, w0), W)


def forwards(dW):
    """J[dW] by one complex step, without J."""
    return along(features, W, dW)


def backwards(G):
    """The gradient by W of the sum of G and the features, entry by entry."""
    return complex_step(lambda W: np.sum(G * features(W)), W)


@checks_equation("eq-prediction")
def test_a_prediction_is_the_intercept_and_the_weighted_features(displayed):
    y_hat = ridge.predict(TanhBasis(W), X, w, w0)
    in_loops = [w0 + sum(w[k] * Phi[n, k] for k in range(K)) for n in range(N)]
    residuals = np.array([in_loops[n] - y[n] for n in range(N)])
    letters = {r"\hat y": y_hat, "w_0": w0, r"\Phi": Phi, "w": w, "r": residuals, "y": y}
    displayed.holds(letters)


@checks_equation("eq-loss")
def test_the_loss_is_half_the_mean_square_and_the_penalty(displayed):
    letters = {
        r"\mathcal L": loss, "W": W, "w": w, "w_0": w0, "N": N, "r": r, r"\lambda": LAM,
    }  # fmt: skip
    displayed.holds(letters)


def test_the_package_computes_the_loss_and_its_gradients():
    assert np.isclose(ridge.loss(TanhBasis(W), X, y, LAM, w, w0), loss(W, w, w0), rtol=1e-13)
    got = ridge.gradients(TanhBasis(W), X, y, LAM, w, w0)
    np.testing.assert_allclose(got.W, by_W, rtol=1e-12)
    np.testing.assert_allclose(got.weights, by_weights(), rtol=1e-12)
    np.testing.assert_allclose(got.intercept, by_intercept(), rtol=1e-12)


# ------------------------------------------------------------------------- maps in general


def f(x):
    return np.array([np.sin(x[0] * x[1]), x[0] + x[1] * x[2] ** 2])


def g(v):
    return np.array([v[0] * v[1], np.exp(v[0]), v[0] - v[1] ** 2, np.cos(v[1])])


def ell(v):
    return v[0] * v[1] ** 2 + np.sin(v[0])


def jacobian(f):
    return lambda x: complex_step(f, x)


@checks_equation("eq-chain-rule")
def test_the_jacobian_of_a_composition_is_the_product_of_the_jacobians(displayed):
    letters = {
        r"J_{g\circ f}": jacobian(lambda x: g(f(x))), "J_g": jacobian(g), "J_f": jacobian(f),
        "f": f, "x": np.array([0.7, -0.4, 1.3]), r"\alpha": 3, r"\beta": 2, r"\gamma": 4,
    }  # fmt: skip
    displayed.holds(letters)


@checks_equation("eq-gradient-chain")
def test_the_gradient_of_a_composition_is_the_transposed_product(displayed):
    letters = {
        r"\nabla": jacobian, r"\ell": ell, "f": f, "x": np.array([0.7, -0.4, 1.3]),
        "J_f": jacobian(f),
    }  # fmt: skip
    displayed.holds(letters)


@checks_equation("eq-reverse")
def test_three_transposed_jacobians_from_right_to_left_give_the_gradient(displayed):
    x = np.array([0.7, -0.4, 1.3])
    maps = [
        lambda x: np.array([x[0] * x[1], x[0] + x[2] ** 2, np.sin(x[1]), x[2] - x[0]]),
        lambda v: np.array([np.exp(v[0] * v[3]), v[1] * v[2]]),
        lambda v: np.array([v[0] + v[1] ** 2, v[0] * v[1], np.cos(v[0]), v[1], v[0] ** 3]),
    ]
    at = [x, maps[0](x), maps[1](maps[0](x)), maps[2](maps[1](maps[0](x)))]

    def last(v):
        return v[0] * v[1] ** 2 + v[2] * np.sin(v[3]) - v[4] ** 2

    def gradient(h):
        """At the point where the map begins: behind the third map, or before the first."""
        return complex_step(h, at[3] if h is last else x)

    letters = {r"\nabla": gradient, r"\ell": last, "f": maps}
    letters |= {f"J_{i + 1}": complex_step(maps[i], at[i]) for i in range(3)}
    displayed.holds(letters)


# ----------------------------------------------------------------------------- the two products


@checks_equation("eq-contraction")
def test_the_gradient_is_the_sum_of_the_jacobian_and_the_gradient_by_the_features(displayed):
    J = np.einsum("nkdk->ndk", complex_step(features, W))
    letters = {
        r"\partial\mathcal L/\partial W": by_W, "J": J, "G": G, "N": N,
        r"\partial\mathcal L/\partial\phi": G.copy(),
    }  # fmt: skip
    displayed.holds(letters, n=N, d=D + 1, k=K)


@checks_equation("eq-gradient-features")
def test_the_gradient_by_the_features_is_an_outer_product(displayed):
    displayed.holds({"G": G, "N": N, "r": r, "w": w})


@checks_equation("eq-jvp")
def test_a_step_is_carried_forwards_by_two_products(displayed):
    letters = {"J[]": forwards, r"\mathrm{d}W": dW, "S": S, r"\tilde X": X1}
    displayed.holds(letters)


@checks_equation("eq-vjp")
def test_a_derivative_is_carried_back_by_the_same_two_products(displayed):
    displayed.holds({r"J^\top[]": backwards, "G": any_G, "S": S, r"\tilde X": X1})


def test_the_packages_two_products_are_those_of_the_complex_step():
    basis = TanhBasis(W)
    np.testing.assert_allclose(basis.jvp(X, dW), forwards(dW), rtol=1e-12)
    np.testing.assert_allclose(basis.vjp(X, any_G), backwards(any_G), rtol=1e-12)


@checks_equation("eq-dot-product")
def test_the_two_products_belong_to_a_matrix_and_its_transpose(displayed):
    letters = {
        "G": any_G, "J[]": forwards, r"J^\top[]": backwards, r"\mathrm{d}W": dW,
        "U": rng.standard_normal((3, 4)), "Y": rng.standard_normal((3, 4)),
    }  # fmt: skip
    displayed.holds(letters, i=3, j=4)


# ----------------------------------------------------------------------------- the gradients


def by_weights():
    return complex_step(lambda w: loss(W, w, w0), w)


def by_intercept():
    return complex_step(lambda w0: loss(W, w, w0[0]), [w0])[0]


@checks_equation("eq-gradient-parameters")
def test_the_gradient_by_the_parameters_of_the_basis(displayed):
    letters = {
        r"\partial\mathcal L/\partial W": by_W, "N": N, r"\tilde X": X1, "S": S, "r": r, "w": w,
    }  # fmt: skip
    displayed.holds(letters)


@checks_equation("eq-gradient-weights")
def test_the_gradients_by_the_weights_and_the_intercept(displayed):
    letters = {
        r"\partial\mathcal L/\partial w": by_weights(), "N": N, r"\Phi": Phi, "r": r, "w": w,
        r"\lambda": LAM, r"\partial\mathcal L/\partial w_0": by_intercept(),
    }  # fmt: skip
    displayed.holds(letters, n=N)


@checks_equation("eq-reduced")
def test_the_reduced_loss_is_the_smallest_over_the_weights(displayed):
    letters = {
        r"\mathcal L^*": lambda W: ridge.reduced_loss(TanhBasis(W), X, y, LAM)[0], "W": W,
        r"\mathcal L": loss, "w": w, "w_0": w0, r"\min": smallest(*best_weights(W)),
        "w^*": lambda W: best_weights(W)[0], "w_0^*": lambda W: best_weights(W)[1],
    }  # fmt: skip
    displayed.holds(letters)


@functools.cache
def through_the_solver():
    return complex_step(lambda W: loss(W, *best_weights(W)), W)


@checks_equation("eq-envelope")
def test_the_gradient_of_the_reduced_loss_is_the_one_at_fixed_weights(displayed):
    """The complex step goes through the solver: it differentiates the weights as well."""

    def at_fixed_weights(W, w, w0):
        return complex_step(lambda W: loss(W, w, w0), W)

    letters = {
        r"\nabla": lambda f: jacobian(f), r"\mathcal L^*": lambda W: loss(W, *best_weights(W)),
        r"\partial\mathcal L/\partial W": at_fixed_weights, "W": W,
        "w^*": lambda W: best_weights(W)[0], "w_0^*": lambda W: best_weights(W)[1],
    }  # fmt: skip
    displayed.holds(letters)


def test_the_packages_gradient_of_the_reduced_loss_is_the_one_through_the_solver():
    _, gradient = ridge.reduced_loss(TanhBasis(W), X, y, LAM)
    np.testing.assert_allclose(gradient, through_the_solver(), rtol=1e-10)
