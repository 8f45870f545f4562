"""The displayed equations of the chapter `learning`."""

import statistics

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
from scipy.optimize import minimize

from jacobians import TanhBasis, ridge


@checks_equation("eq-learning-problem")
def test_the_reduced_loss_is_the_smallest_over_weights_and_intercept(displayed):
    letters = {
        r"\mathcal L^*": lambda W: ridge.reduced_loss(TanhBasis(W), X, y, LAM)[0], "W": W,
        r"\min": smallest(*best_weights(W)), "N": N, "K": K, "w": w, "w_0": w0, "y": y,
        r"\phi": features,
        r"\lambda": LAM,
    }  # fmt: skip
    displayed.holds(letters)


def test_a_general_minimiser_finds_the_reduced_loss():
    found = minimize(lambda c: loss(W, c[:K], c[K]), np.zeros(K + 1), tol=1e-12)
    reduced, _ = ridge.reduced_loss(TanhBasis(W), X, y, LAM)
    np.testing.assert_allclose(reduced, found.fun, rtol=1e-8)


@checks_equation("eq-standardise")
def test_standardised_inputs_with_moved_parameters_give_the_same_z(displayed):
    """The moved parameters are found by solving for them: the same z from the new inputs."""
    spread = X * [2.0, 0.3, 5.0] + [4.0, -1.0, 0.5]
    mean = np.array([statistics.fmean(column) for column in spread.T])
    deviation = np.array([statistics.pstdev(column) for column in spread.T])
    new = np.array([[statistics.NormalDist(m, s).zscore(value) for value, m, s in
                     zip(row, mean, deviation, strict=True)] for row in spread])  # fmt: skip
    Z = spread @ W[:D] + W[D]
    moved = np.linalg.lstsq(np.column_stack([new, np.ones(N)]), Z, rcond=None)[0]
    letters = {
        "x'": new, "x": spread, r"\mu": mean, r"\sigma": deviation, "a'": moved[:D], "a": W[:D],
        "b'": moved[D], "b": W[D], "D": D,
    }  # fmt: skip
    displayed.holds(letters, n=N, d=D, k=K)


@checks_equation("eq-symmetry")
def test_turned_and_reordered_units_predict_the_same(displayed):
    units = 4
    z, w = rng.standard_normal((N, units)), rng.standard_normal(units)
    for order in ([1, 3, 0, 2], [2, 0, 1, 3]):

        def is_permutation(pi):
            return sorted(pi(k) for k in range(1, units + 1)) == list(range(1, units + 1))

        letters = {
            "w": w, "z": z, r"\tanh": np.tanh, r"\phi": np.tanh(z), "K": units,
            r"\pi": lambda k, order=order: order[k - 1] + 1,
            r"\text{for every permutation}": is_permutation,
        }  # fmt: skip
        displayed.holds(letters, n=N, k=units)


def test_the_packages_prediction_knows_the_symmetry():
    prediction = ridge.predict(TanhBasis(W), X, w, w0)
    for order in ([0, 1], [1, 0]):
        for sign in ([1, 1], [-1, 1], [-1, -1]):
            twin = TanhBasis(W[:, order] * sign)
            np.testing.assert_allclose(ridge.predict(twin, X, w[order] * sign, w0), prediction)


# ----------------------------------------------------------------------- the stacked residuals


def stacked(W, w, w0):
    """Residuals and weights, each scaled so that half the sum of all squares is the loss."""
    errors = [sum(w[k] * np.tanh(X1[n] @ W[:, k]) for k in range(K)) + w0 - y[n] for n in range(N)]
    return np.array([e / np.sqrt(N) for e in errors] + [np.sqrt(LAM) * each for each in w])


@checks_equation("eq-stacked")
def test_half_the_square_of_the_stacked_residuals_is_the_loss(displayed):
    letters = {
        r"\mathcal L": loss(W, w, w0), r"\tilde r": ridge.stacked_residuals(
            TanhBasis(W), X, y, LAM, w, w0)[0],
        "N": N, "K": K, r"\Phi": features(W), "w": w, "w_0": w0, r"\mathbf 1": np.ones(N), "y": y,
        r"\lambda": LAM,
    }  # fmt: skip
    displayed.holds(letters)
    displayed.holds(letters | {r"\tilde r": stacked(W, w, w0)})


@checks_equation("eq-full-jacobian")
def test_the_stacked_jacobian_entry_by_entry_by_a_complex_step(displayed):
    at = np.concatenate([W.ravel(), w, [w0]])
    moved = complex_step(lambda c: stacked(c[: W.size].reshape(W.shape), c[W.size : -1], c[-1]), at)
    letters = {
        r"\partial\tilde r/\partial(W,w,w_0)": moved, "N": N, "w": w, r"\Phi": features(W),
        "J": np.einsum("nkdk->ndk", complex_step(features, W)), r"\mathbf 1": np.ones(N),
        r"\lambda": LAM, "I_K": np.eye(K),
    }  # fmt: skip
    displayed.holds(letters, n=N, d=D + 1, k=K)
    ours = ridge.stacked_residuals(TanhBasis(W), X, y, LAM, w, w0)[1]
    np.testing.assert_allclose(ours, moved, rtol=1e-12, atol=1e-14)


def everything():
    """All that is found, in one line, and how the stacked residuals move with it."""
    at = np.concatenate([W.ravel(), w, [w0]])

    def of(line):
        return stacked(line[: W.size].reshape(W.shape), line[W.size : -1], line[-1])

    return at, of


@checks_equation("eq-least-squares-hessian")
def test_gradient_and_hessian_of_the_loss_from_the_residuals(displayed):
    """First derivatives by complex steps, second ones by a central difference of those."""
    at, of = everything()

    def second(f):
        steps = 1e-5 * np.eye(at.size)
        return np.moveaxis(
            [(complex_step(f, at + e) - complex_step(f, at - e)) / 2e-5 for e in steps], 0, -1
        )

    def total(line):
        return loss(line[: W.size].reshape(W.shape), line[W.size : -1], line[-1])

    letters = {
        r"\nabla": lambda f: complex_step(f, at), r"\mathcal L": total, "N": N, "K": K,
        r"\tilde J": complex_step(of, at), r"\tilde r": of(at), r"\tilde H": second(of),
        "H": second(total),
    }  # fmt: skip
    displayed.holds(letters, rtol=1e-7)


@checks_equation("eq-gauss-newton")
def test_the_damped_step_is_a_least_squares_step(displayed):
    at, of = everything()
    J, r, damping = complex_step(of, at), of(at), 0.23
    below = np.sqrt(damping) * np.eye(at.size)
    step = np.linalg.lstsq(np.vstack([J, below]), np.append(-r, np.zeros(at.size)))[0]
    letters = {
        r"\tilde J": J, r"\zeta": damping, "I": np.eye(at.size), r"\Delta": step, r"\tilde r": r,
    }  # fmt: skip
    displayed.holds(letters)


@checks_equation("eq-psi-moves")
def test_the_matrix_of_the_linear_part_moves_by_our_jacobian(displayed):
    step = rng.standard_normal(W.shape)
    letters = {
        r"\mathrm{d}\Psi": along(lambda W: np.tanh(X1 @ W) / np.sqrt(N), W, step), "N": N,
        "J": np.einsum("nkdk->ndk", complex_step(features, W)), r"\mathrm{d}W": step,
    }  # fmt: skip
    displayed.holds(letters, n=N, d=D + 1, k=K)


@checks_equation("eq-variable-projection")
def test_the_projected_jacobian_by_a_complex_step_through_the_refit(displayed):
    def matrix(W):
        """How the stacked residuals move with weights and intercept."""
        top = np.column_stack([np.tanh(X1 @ W), np.ones(N)]) / np.sqrt(N)
        return np.vstack([top, np.column_stack([np.sqrt(LAM) * np.eye(K), np.zeros(K)])])

    def refitted(W):
        return stacked(W, *best_weights(W))

    step = rng.standard_normal(W.shape)
    letters = {
        r"\mathrm{d}\tilde r": along(refitted, W, step), "I": np.eye(N + K), r"\Psi": matrix(W),
        r"\Psi^+": np.linalg.pinv(matrix(W)), r"\mathrm{d}\Psi": along(matrix, W, step),
        "v": np.append(*best_weights(W)), r"\tilde r": refitted(W),
    }  # fmt: skip
    displayed.holds(letters)


def test_the_packages_projected_jacobian_is_the_one_through_the_refit():
    moved = complex_step(lambda W: stacked(W, *best_weights(W)), W).reshape(N + K, -1)
    _, J = ridge.projected_residuals(TanhBasis(W), X, y, LAM)
    np.testing.assert_allclose(J, moved, atol=1e-10)
