"""The displayed equations of the chapter `basis_functions`."""

import statistics

import numpy as np
from displayed import checks_equation
from roads import complex_step, rng, tanh

from jacobians import TanhBasis, ridge

N, K, LAM = 7, 3, 0.23
x, y = rng.uniform(-2, 2, N), 3 + rng.standard_normal(N)
a, b = rng.standard_normal(K), rng.standard_normal(K)
units = [lambda x, k=k: tanh(a[k] * x + b[k]) for k in range(K)]
Phi = np.array([[unit(each) for unit in units] for each in x])
means = np.array([statistics.fmean(column) for column in Phi.T])
w, w0 = rng.standard_normal(K), 1.7


def loss(w0, w):
    """In plain loops."""
    squares = 0.0
    for n in range(N):
        error = w0 + sum(w[k] * Phi[n, k] for k in range(K)) - y[n]
        squares += error * error
    return squares / (2 * N) + LAM / 2 * sum(each * each for each in w)


def best_intercept(w):
    """Where the loss by w0 is smallest: the bottom of a parabola through three of its points."""
    low, middle, high = (loss(at, w) for at in (-1.0, 0.0, 1.0))
    return (low - high) / (2 * (high - 2 * middle + low))


def residuals(w0, w):
    return np.array([w0 + sum(w[k] * Phi[n, k] for k in range(K)) - y[n] for n in range(N)])


def best():
    """All weights at once, by least squares with the penalty as further rows."""
    rows = np.vstack([np.column_stack([np.ones(N), Phi]), np.eye(K + 1)[1:] * np.sqrt(N * LAM)])
    found = np.linalg.lstsq(rows, np.concatenate([y, np.zeros(K)]), rcond=None)[0]
    return found[0], found[1:]


@checks_equation("eq-mse")
def test_the_mean_squared_error_is_the_variance_and_the_square_of_the_mean(displayed):
    days, truth = rng.permutation(90)[:6], rng.standard_normal(6)
    curve = {day: float(day) / 40 - 0.4 for day in range(90)}
    found = np.array([curve[day] for day in days])
    errors = found - truth
    letters = {
        r"\mathrm{MSE}": statistics.pvariance(errors) + statistics.fmean(errors) ** 2,
        "M": len(days), r"\hat y": found, "y": truth, "x": days,
        r"\text{the prediction for day}": lambda day: curve[day],
    }  # fmt: skip
    displayed.holds(letters, m=6)


@checks_equation("eq-model")
def test_the_model_is_the_weighted_sum_of_its_features(displayed):
    predictions = [w0 + sum(w[k] * units[k](x[n]) for k in range(K)) for n in range(N)]
    letters = {
        r"\hat y": np.array(predictions), "w_0": w0, "w": w, r"\Phi": Phi, r"\mathbf 1": np.ones(N),
        r"\phi_{nk}": Phi, r"\phi_k": units, "x": x, "K": K,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K)


def test_the_package_predicts_by_the_model():
    predictions = [w0 + sum(w[k] * units[k](x[n]) for k in range(K)) for n in range(N)]
    np.testing.assert_allclose(ridge.predict(TanhBasis([a, b]), x, w, w0), predictions, rtol=1e-13)


@checks_equation("eq-unit")
def test_a_unit_is_a_tanh_of_a_line(displayed):
    for at in (-1.3, 0.4, 2.2):
        found = [lambda at, k=k: TanhBasis([a, b]).transform([at])[0, k] for k in range(K)]
        letters = {r"\phi": found, "a": a, "b": b, "x": at, r"\tanh": tanh}
        displayed.holds(letters, k=K)


@checks_equation("eq-ridge-loss")
def test_the_loss_is_half_the_mean_square_and_the_penalty(displayed):
    letters = {
        r"\mathcal L": loss, "w_0": w0, "w": w, "y": y, r"\Phi": Phi, r"\mathbf 1": np.ones(N),
        r"\lambda": LAM, "N": N,
    }  # fmt: skip
    displayed.holds(letters)
    letters |= {"w_0": -0.8, "w": -2 * w}
    displayed.holds(letters)


@checks_equation("eq-intercept")
def test_the_derivative_by_the_intercept_is_the_mean_residual_and_zero_at_the_best(displayed):
    for at, only in ((w0, (0, 0)), (best_intercept(w), None)):
        slope = complex_step(lambda w0: loss(w0[0], w), [at])[0]
        letters = {
            r"\partial\mathcal L/\partial w_0": slope, "N": N, "r": residuals(at, w), "w_0": at,
            r"\bar y": statistics.fmean(y), r"\overline{\phi}": means, "w": w, "K": K,
        }  # fmt: skip
        displayed.holds(letters, only=only, n=N, k=K)


@checks_equation("eq-centred")
def test_with_the_best_intercept_the_residuals_are_those_of_centred_columns(displayed):
    letters = {
        "r": residuals(best_intercept(w), w), r"\phi": Phi, r"\overline{\phi}": means, "w": w,
        "y": y, r"\bar y": statistics.fmean(y), "K": K, "y_c": y - np.mean(y),
        r"\Phi_c": np.column_stack([column - statistics.fmean(column) for column in Phi.T]),
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K)


@checks_equation("eq-weights-gradient")
def test_the_derivative_by_the_weights_with_the_best_intercept_put_in(displayed):
    def reduced(w):
        return loss(statistics.fmean(y) - sum(means[k] * w[k] for k in range(K)), w)

    for at, only in ((w, [(0, 0), (1,)]), (best()[1], None)):
        letters = {
            r"\partial\mathcal L/\partial w": complex_step(reduced, at), "N": N, "K": K, "w": at,
            "r": residuals(best_intercept(at), at), r"\phi": Phi, r"\overline{\phi}": means,
            r"\lambda": LAM,
        }  # fmt: skip
        displayed.holds(letters, only=only, n=N, k=K)


@checks_equation("eq-ridge-solution")
def test_the_normal_equations_are_solved_by_least_squares_with_penalty_rows(displayed):
    Phi_c, y_c = Phi - Phi.mean(axis=0), y - y.mean()
    letters = {
        r"\Phi_c": Phi_c,
        "y_c": y_c,
        "N": N,
        r"\lambda": LAM,
        "I": np.eye(K),
        "w": best()[1],
    }
    displayed.holds(letters)


def test_the_package_solves_the_normal_equations():
    weights, intercept = ridge.solve(Phi, y, LAM)
    np.testing.assert_allclose([intercept, *weights], [best()[0], *best()[1]], rtol=1e-10)
