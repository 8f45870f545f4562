"""The displayed equations of the chapter `sharing`."""

import functools
import statistics

import mpmath
import numpy as np
import sympy as sp
from displayed import checks_equation
from roads import X1, D, N, complex_step, rng

K = 4
W, G = 0.8 * rng.standard_normal((D + 1, K)), rng.standard_normal((N, K))
Z, Y = X1 @ W, np.eye(K)[[1, 3, 0, 3, 2]]
DELTA = np.eye(max(N, K))


def softmax(Z):
    """Unit by unit, in plain loops; complex numbers go through."""
    return np.array([[np.exp(z) / sum(np.exp(other) for other in row) for z in row] for row in Z])


def deviation(row):
    """The standard deviation in plain loops; complex numbers go through."""
    mean = sum(row) / len(row)
    return np.sqrt(sum((z - mean) ** 2 for z in row) / len(row))


def normalised(Z):
    """A sample's units less their mean, over their standard deviation, in plain loops."""
    return np.array([[(z - sum(row) / len(row)) / deviation(row) for z in row] for row in Z])


def over_samples(Z):
    return normalised(Z.T).T


def cross_entropy(Z):
    """Minus the mean log of the probability of the right class."""
    right = Y.argmax(axis=1)
    return -sum(np.log(softmax(Z)[n, right[n]]) for n in range(N)) / N


def relu(z):
    return z if z > 0 else 0 * z


P, Z_HAT = softmax(Z), normalised(Z)
BY_Z = complex_step(softmax, Z)
SIGMA = np.array([statistics.pstdev(row) for row in Z])


@checks_equation("eq-through-z")
def test_the_jacobian_by_the_parameters_passes_through_z(displayed):
    for layer in (softmax, normalised, over_samples, np.tanh):
        letters = {
            r"\partial\phi/\partial W": complex_step(lambda W, f=layer: f(X1 @ W), W), "N": N,
            r"\partial\phi/\partial z": complex_step(layer, Z), r"\tilde x": X1,
        }  # fmt: skip
        displayed.holds(letters, n=N, k=K, d=D + 1, l=K)


@checks_equation("eq-relu")
def test_relu_is_the_larger_of_z_and_zero_and_its_slope_is_one_or_zero(displayed):
    t = sp.symbols("t", real=True)
    for at in (-0.7, 0.3):
        letters = {
            r"\operatorname{relu}": lambda z: float((z + abs(z)) / 2), "z": at,
            r"\operatorname{relu}'": lambda z: float(sp.diff(sp.Max(t, 0), t).subs(t, z)),
        }  # fmt: skip
        displayed.holds(letters)


@checks_equation("eq-relu-jacobian")
def test_relu_changes_the_first_factor_alone(displayed):
    def layer(W):
        return np.where((X1 @ W).real > 0, X1 @ W, 0)

    letters = {
        r"\partial\phi/\partial W": complex_step(layer, W), r"\delta": DELTA, "z": Z,
        r"\operatorname{relu}'": lambda z: (relu(2 * z) - relu(z)) / z, r"\tilde x": X1,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, d=D + 1, l=K)


@checks_equation("eq-kink")
def test_the_three_quotients_at_the_kink(displayed):
    for h in (1e-3, 2.7):
        displayed.holds({r"\operatorname{relu}": relu, "h": h})


@checks_equation("eq-near-kink")
def test_the_central_quotient_near_the_kink(displayed):
    for z in (-0.13, 0.02, 0.17):
        displayed.holds({r"\operatorname{relu}": relu, "z": z, "h": 0.19})


@checks_equation("eq-softmax")
def test_softmax_is_the_share_of_each_exponential(displayed):
    shares = [[mpmath.exp(z) / mpmath.fsum(map(mpmath.exp, row)) for z in row] for row in Z]
    letters = {"p": np.array(shares, dtype=float), "e": np.e, "z": Z, "K": K}
    displayed.holds(letters, n=N, k=K)


@checks_equation("eq-softmax-jacobian")
def test_the_jacobian_of_softmax_entry_by_entry(displayed):
    letters = {r"\partial p/\partial z": BY_Z, "p": P, r"\delta": DELTA}
    displayed.holds(letters, n=N, k=K, l=K)
    others = np.where(np.eye(N, dtype=bool)[:, None, :, None], 0, BY_Z)
    assert np.abs(others).max() == 0


@checks_equation("eq-softmax-matrix")
def test_the_jacobian_of_softmax_is_a_diagonal_less_a_term_of_rank_one(displayed):
    for n in range(N):
        displayed.holds({"J": BY_Z[n, :, n], "p": P[n]})


@checks_equation("eq-softmax-parameters")
def test_the_jacobian_of_softmax_by_the_parameters(displayed):
    letters = {
        r"\partial p/\partial W": complex_step(lambda W: softmax(X1 @ W), W), "p": P,
        r"\delta": DELTA, r"\tilde x": X1,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, d=D + 1, l=K)


@checks_equation("eq-softmax-vjp")
def test_the_way_back_through_softmax(displayed):
    def loss(P):
        return np.sum(np.sin(P) * G)

    letters = {
        r"\partial\mathcal L/\partial z": complex_step(lambda Z: loss(softmax(Z)), Z), "p": P,
        "G": complex_step(loss, P), r"\partial\mathcal L/\partial p": np.cos(P) * G, "K": K,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K)


@checks_equation("eq-cross-entropy")
def test_the_cross_entropy_is_minus_the_mean_log_of_the_right_probability(displayed):
    odds = mpmath.fprod(P[n, Y[n].argmax()] for n in range(N))
    letters = {
        r"\mathcal L": float(-mpmath.log(odds) / N), "N": N, "K": K, "y": Y, "p": P,
        r"\log": lambda p: float(mpmath.log(p)),
    }  # fmt: skip
    displayed.holds(letters)


@checks_equation("eq-cross-entropy-gradient")
def test_softmax_and_cross_entropy_leave_p_minus_y(displayed):
    letters = {
        r"\partial\mathcal L/\partial z": complex_step(cross_entropy, Z), "N": N, "p": P, "y": Y,
        r"\partial\mathcal L/\partial W": complex_step(lambda W: cross_entropy(X1 @ W), W),
        r"\tilde x": X1,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, d=D + 1)


@functools.cache
def second_derivatives():
    """Of the cross-entropy by the logits, by SymPy."""
    second = np.zeros((N, K, N, K))
    for n in range(N):
        z = sp.symbols(f"z:{K}")
        loss = -sp.log(sp.exp(z[Y[n].argmax()]) / sum(sp.exp(each) for each in z)) / N
        found = sp.hessian(loss, z).evalf(20, subs=dict(zip(z, Z[n], strict=True)))
        second[n, :, n] = np.array(found, dtype=float)
    return second


@checks_equation("eq-cross-entropy-hessian")
def test_the_second_derivatives_of_the_cross_entropy(displayed):
    letters = {
        r"\partial(\nabla\mathcal L)/\partial z": second_derivatives(), "N": N, "p": P,
        r"\delta": DELTA,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, l=K)


@checks_equation("eq-layer-norm")
def test_layer_norm_takes_mean_and_deviation_away(displayed):
    letters = {
        r"\hat z": Z_HAT, "z": Z, "K": K, r"\sigma": SIGMA,
        r"\mu": np.array([statistics.fmean(row) for row in Z]),
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K)


@checks_equation("eq-shared")
def test_a_shared_number_adds_one_term(displayed):
    """An F and a shared number that no layer has."""

    def shared(row):
        return row[0] * row[1] + np.cos(row[2]) - row[3] ** 2

    def F(z, chi):
        return np.sin(z) * chi + z**2

    def layer(Z):
        return np.array([[F(z, shared(row)) for z in row] for row in Z])

    chi = np.array([shared(row) for row in Z])
    letters = {
        r"\partial\phi/\partial z": complex_step(layer, Z),
        r"\partial F/\partial z": complex_step(lambda Z: F(Z, chi[:, None]), Z),
        r"\partial F/\partial\chi": complex_step(lambda chi: F(Z, chi[:, None]), chi),
        r"\partial\chi/\partial z": complex_step(lambda Z: np.array(list(map(shared, Z))), Z),
        r"\delta": DELTA,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, l=K)


@checks_equation("eq-layer-norm-parts")
def test_the_three_derivatives_of_f_for_layer_norm(displayed):
    def F(Z, mu, sigma):
        return (Z - mu[:, None]) / sigma[:, None]

    mu = Z.mean(axis=1)
    letters = {
        r"\partial F/\partial z": complex_step(lambda Z: F(Z, mu, SIGMA), Z),
        r"\partial F/\partial\mu": complex_step(lambda mu: F(Z, mu, SIGMA), mu),
        r"\partial F/\partial\sigma": complex_step(lambda sigma: F(Z, mu, sigma), SIGMA),
        r"\sigma": SIGMA, r"\hat z": Z_HAT,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K)


@checks_equation("eq-moments")
def test_how_mean_and_deviation_answer_to_one_unit(displayed):
    letters = {
        r"\partial\mu/\partial z": complex_step(lambda Z: Z.sum(axis=1) / K, Z),
        r"\partial\sigma/\partial z": complex_step(lambda Z: np.array(list(map(deviation, Z))), Z),
        "K": K, r"\hat z": Z_HAT,
    }  # fmt: skip
    displayed.holds(letters, n=N, l=K)


@checks_equation("eq-layer-norm-jacobian")
def test_the_jacobian_of_layer_norm_has_two_terms_of_rank_one(displayed):
    letters = {
        r"\partial\hat z/\partial z": complex_step(normalised, Z),
        r"\sigma": SIGMA, r"\delta": DELTA, "K": K, r"\hat z": Z_HAT,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, l=K)


@checks_equation("eq-layer-norm-vjp")
def test_the_way_back_through_layer_norm(displayed):
    letters = {
        r"\partial\mathcal L/\partial z": complex_step(lambda Z: np.sum(G * normalised(Z)), Z),
        r"\sigma": SIGMA, "G": G, "K": K, r"\hat z": Z_HAT,
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K)


@checks_equation("eq-gain")
def test_a_gain_and_a_shift(displayed):
    a, b = SIGMA[:1] + np.arange(K), np.linspace(-1, 1, K)
    loss = {
        "a": (lambda a: np.sum(G * (a * Z_HAT + b)), a),
        "b": (lambda b: np.sum(G * (a * Z_HAT + b)), b),
        r"\hat z": (lambda Z: np.sum(G * (a * Z + b)), Z_HAT),
    }
    letters = {rf"\partial\mathcal L/\partial {x}": complex_step(*of) for x, of in loss.items()}
    displayed.holds(letters | {r"\hat z": Z_HAT, "G": G, "N": N, "a": a}, n=N, k=K)


@checks_equation("eq-bias-sum")
def test_the_gradient_of_a_bias_is_the_sum_over_the_samples(displayed):
    for loss in (cross_entropy, lambda Z: np.sum(G * np.tanh(Z) ** 3)):
        by_b = complex_step(lambda b, f=loss: f(X1[:, :D] @ W[:D] + b), W[D])
        letters = {
            r"\partial\mathcal L/\partial b": by_b, "N": N,
            r"\partial\mathcal L/\partial z": complex_step(loss, Z),
        }  # fmt: skip
        displayed.holds(letters, k=K)


@checks_equation("eq-sum-mean")
def test_a_sum_is_n_times_a_mean_with_the_penalty_over_n(displayed):
    letters = {
        "r": rng.standard_normal(7), "w": rng.standard_normal(3), r"\lambda": 0.37, "N": 7,
    }  # fmt: skip
    displayed.holds(letters)


@checks_equation("eq-batch-norm-jacobian")
def test_batch_norm_couples_the_samples_of_a_unit(displayed):
    letters = {
        r"\partial\hat z/\partial z": complex_step(over_samples, Z), r"\delta": DELTA, "N": N,
        r"\sigma": np.array([statistics.pstdev(column) for column in Z.T]),
        r"\hat z": over_samples(Z),
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, l=K)


@checks_equation("eq-exchange")
def test_the_derivatives_of_a_product_by_its_two_factors(displayed):
    def loss(Z):
        return np.sum(G * np.sin(Z))

    letters = {
        r"\partial\mathcal L/\partial W": complex_step(lambda W: loss(X1 @ W), W), r"\tilde x": X1,
        r"\partial\mathcal L/\partial z": complex_step(loss, Z), "N": N, "K": K, "W": W,
        r"\partial\mathcal L/\partial\tilde x": complex_step(lambda X1: loss(X1 @ W), X1),
    }  # fmt: skip
    displayed.holds(letters, n=N, d=D + 1, k=K)


@checks_equation("eq-rms-norm")
def test_rms_norm_has_one_term_of_rank_one(displayed):
    def rms_norm(Z):
        return np.array([[z / np.sqrt(sum(u * u for u in row) / K) for z in row] for row in Z])

    letters = {
        r"\partial\phi/\partial z": complex_step(rms_norm, Z),
        r"\chi": np.array([np.sqrt(statistics.fmean(row * row)) for row in Z]),
        r"\delta": DELTA, "K": K, r"\phi": rms_norm(Z),
    }  # fmt: skip
    displayed.holds(letters, n=N, k=K, l=K)


# ------------------------------------------- a layer that the chapter does not show, by its recipe


def test_a_gated_unit_can_be_derived_by_the_five_steps():
    """u / (1 + e^-v), and u with its own softmax as a gate: held fixed, then moving.

    In the first nothing is shared between units, so the third step adds no term. In the second
    F = u e^u / chi with chi the sum of the exponentials: one column times one row.
    NOT FOR STUDENTS: an exercise asks for something like it.
    """
    u, v = rng.standard_normal((2, K))

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    by_v = np.diag(u * sigmoid(v) * (1 - sigmoid(v)))  # factor 1 of the gate, times u
    np.testing.assert_allclose(complex_step(lambda v: u * sigmoid(v), v), by_v, rtol=1e-11)
    by_u = complex_step(lambda u: u * sigmoid(v), u)
    np.testing.assert_allclose(by_u, np.diag(sigmoid(v)), rtol=1e-11)

    p = softmax(u[None])[0]
    fixed, moving = np.diag(p * (1 + u)), -np.outer(u * p, p)
    found = complex_step(lambda u: u * softmax(u[None])[0], u)
    np.testing.assert_allclose(found, fixed + moving, rtol=1e-10)
