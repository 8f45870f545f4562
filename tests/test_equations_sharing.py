"""The labelled equations of the chapter `sharing`, each by another road than its code."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from labels import checks_equation

N, D, K = 3, 2, 4
rng = np.random.default_rng(5)
X1 = np.column_stack([rng.standard_normal((N, D)), np.ones(N)])
W, G = rng.standard_normal((D + 1, K)), rng.standard_normal((N, K))
Z, Y = X1 @ W, np.eye(K)[[1, 3, 0]]
delta = np.eye(max(N, K))


def complex_step(f, at):
    """The Jacobian of f at an array, outputs first, without any formula for it."""
    columns = []
    for index in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[index] += 1e-30j
        columns.append(np.imag(f(moved)) / 1e-30)
    return np.stack(columns, axis=-1).reshape(*np.shape(columns[0]), *at.shape)


def softmax(Z):
    """Unit by unit, in plain loops; complex numbers go through."""
    return np.array([[np.exp(z) / sum(np.exp(other) for other in row) for z in row] for row in Z])


def normalised(Z):
    """A sample's units less their mean, over their standard deviation, in plain loops."""
    rows = []
    for row in Z:
        mean = sum(row) / len(row)
        deviation = np.sqrt(sum((u - mean) ** 2 for u in row) / len(row))
        rows.append([(z - mean) / deviation for z in row])
    return np.array(rows)


def cross_entropy(Z):
    right = Y.argmax(axis=1)
    return -sum(np.log(softmax(Z)[n, right[n]]) for n in range(N)) / N


def relu(z):
    return z if z > 0 else 0 * z


P, Z_hat = softmax(Z), normalised(Z)
J_softmax, J_norm = complex_step(softmax, Z), complex_step(normalised, Z)
mu, sigma = Z.mean(axis=1), Z.std(axis=1)


@checks_equation("eq-through-z")
@pytest.mark.parametrize("f", [softmax, normalised, lambda Z: normalised(Z.T).T, np.tanh])
def test_the_jacobian_by_the_parameters_passes_through_z(f):
    by_z, by_W = complex_step(f, Z), complex_step(lambda W: f(X1 @ W), W)
    for n, k, d, l in np.ndindex(N, K, D + 1, K):
        displayed = sum(by_z[n, k, m, l] * X1[m, d] for m in range(N))
        assert displayed == pytest.approx(by_W[n, k, d, l], rel=1e-10, abs=1e-12)


@checks_equation("eq-relu")
def test_relu_is_the_larger_of_z_and_zero_and_its_slope_is_one_or_zero():
    z = sp.symbols("z", real=True)
    for at, slope in ((sp.Rational(3, 7), 1), (-sp.Rational(3, 7), 0)):
        assert sp.diff(sp.Max(z, 0), z).subs(z, at) == slope
        assert sp.Max(at, 0) == relu(at)


@checks_equation("eq-relu-jacobian")
def test_relu_changes_the_first_factor_alone():
    by_W = complex_step(lambda W: np.where((X1 @ W).real > 0, X1 @ W, 0), W)
    for n, k, d, l in np.ndindex(by_W.shape):
        displayed = delta[k, l] * (1 if Z[n, k] > 0 else 0) * X1[n, d]
        assert displayed == pytest.approx(by_W[n, k, d, l], rel=1e-14)


@checks_equation("eq-kink")
@pytest.mark.parametrize("h", [sp.Rational(1, 1000), sp.Rational(3), sp.Rational(10) ** 9])
def test_the_three_quotients_at_the_kink(h):
    assert (relu(h) - relu(sp.Integer(0))) / h == 1
    assert (relu(sp.Integer(0)) - relu(-h)) / h == 0
    assert (relu(h) - relu(-h)) / (2 * h) == sp.Rational(1, 2)


@checks_equation("eq-near-kink")
def test_the_central_quotient_near_the_kink():
    h = sp.Rational(1, 8)
    for z in (-h, -h / 3, sp.Integer(0), h / 2, h):
        assert (relu(z + h) - relu(z - h)) / (2 * h) == (z + h) / (2 * h)
    beyond = 2 * h
    assert (relu(beyond + h) - relu(beyond - h)) / (2 * h) != (beyond + h) / (2 * h)


@checks_equation("eq-softmax")
def test_softmax_is_the_share_of_each_exponential():
    from scipy.special import softmax as theirs

    np.testing.assert_allclose(P, theirs(Z, axis=1), rtol=1e-13)
    for n, k in np.ndindex(N, K):
        with mpmath.workdps(30):
            share = mpmath.exp(Z[n, k]) / mpmath.fsum(mpmath.exp(Z[n, j]) for j in range(K))
        assert P[n, k] == pytest.approx(float(share), rel=1e-14)


@checks_equation("eq-softmax-jacobian")
def test_the_jacobian_of_softmax_entry_by_entry():
    for n, k, m, l in np.ndindex(J_softmax.shape):
        displayed = P[n, k] * (delta[k, l] - P[n, l]) if m == n else 0
        assert displayed == pytest.approx(J_softmax[n, k, m, l], rel=1e-12, abs=1e-15)


@checks_equation("eq-softmax-matrix")
def test_the_jacobian_of_softmax_is_a_diagonal_less_a_term_of_rank_one():
    for n, p in enumerate(P):
        column = p[:, None]
        np.testing.assert_allclose(np.diag(p) - column @ column.T, J_softmax[n, :, n], rtol=1e-12)
        assert np.linalg.matrix_rank(column @ column.T) == 1


@checks_equation("eq-softmax-parameters")
def test_the_jacobian_of_softmax_by_the_parameters():
    by_W = complex_step(lambda W: softmax(X1 @ W), W)
    for n, k, d, l in np.ndindex(by_W.shape):
        displayed = P[n, k] * (delta[k, l] - P[n, l]) * X1[n, d]
        assert displayed == pytest.approx(by_W[n, k, d, l], rel=1e-11)


@checks_equation("eq-softmax-vjp")
def test_the_way_back_through_softmax():
    by_z = complex_step(lambda Z: np.sum(G * softmax(Z)), Z)
    for n, k in np.ndindex(N, K):
        displayed = P[n, k] * (G[n, k] - sum(P[n, l] * G[n, l] for l in range(K)))
        assert displayed == pytest.approx(by_z[n, k], rel=1e-11)


@checks_equation("eq-cross-entropy")
def test_the_cross_entropy_is_minus_the_mean_log_of_the_right_probability():
    displayed = -sum(Y[n, k] * np.log(P[n, k]) for n in range(N) for k in range(K)) / N
    assert displayed == pytest.approx(cross_entropy(Z), rel=1e-14)
    with mpmath.workdps(30):
        odds = mpmath.fprod(P[n, Y[n].argmax()] for n in range(N))
        assert displayed == pytest.approx(float(-mpmath.log(odds) / N), rel=1e-13)


@checks_equation("eq-cross-entropy-gradient")
def test_softmax_and_cross_entropy_leave_p_minus_y():
    by_z = complex_step(cross_entropy, Z)
    by_W = complex_step(lambda W: cross_entropy(X1 @ W), W)
    for n, k in np.ndindex(N, K):
        assert (P[n, k] - Y[n, k]) / N == pytest.approx(by_z[n, k], rel=1e-11)
    for d, k in np.ndindex(D + 1, K):
        displayed = sum(X1[n, d] * (P[n, k] - Y[n, k]) for n in range(N)) / N
        assert displayed == pytest.approx(by_W[d, k], rel=1e-11)


@checks_equation("eq-cross-entropy-hessian")
def test_the_second_derivatives_of_the_cross_entropy():
    z, y = sp.symbols(f"z:{K}"), Y[0]
    all_of_them = sum(sp.exp(u) for u in z)
    loss = -sum(int(y[k]) * sp.log(sp.exp(z[k]) / all_of_them) for k in range(K)) / N
    there = dict(zip(z, Z[0], strict=True))
    second = sp.hessian(loss, z).evalf(20, subs=there)
    for k, l in np.ndindex(K, K):
        displayed = P[0, k] * (delta[k, l] - P[0, l]) / N
        assert displayed == pytest.approx(float(second[k, l]), rel=1e-12)


@checks_equation("eq-layer-norm")
def test_layer_norm_has_mean_zero_and_deviation_one():
    import statistics

    for n, row in enumerate(Z):
        assert mu[n] == pytest.approx(statistics.fmean(row), rel=1e-12)
        assert sigma[n] == pytest.approx(statistics.pstdev(row), rel=1e-12)
        for k in range(K):
            assert (Z[n, k] - mu[n]) / sigma[n] == pytest.approx(Z_hat[n, k], rel=1e-12)
        assert statistics.pstdev(Z_hat[n]) == pytest.approx(1, rel=1e-12)


@checks_equation("eq-shared")
def test_each_shared_number_adds_one_term():
    """An F and two shared numbers that no layer has, differentiated by SymPy."""
    z, own, first, second = sp.symbols("z:3"), *sp.symbols("z_k kappa_1 kappa_2")
    F = sp.sin(own) * first + sp.exp(second) * own**2
    kappas = {first: z[0] * z[1] + z[2] ** 2, second: sp.cos(z[0]) + z[1] * z[2]}
    for k in range(3):
        there = {own: z[k], **kappas}
        phi = F.subs(there)
        for l in range(3):
            displayed = (sp.diff(F, own) if k == l else 0) + sum(
                sp.diff(F, kappa) * sp.diff(value, z[l]) for kappa, value in kappas.items()
            )
            gap = displayed.subs(there) - sp.diff(phi, z[l])
            assert abs(gap.evalf(20, subs={z[0]: 0.3, z[1]: -1.2, z[2]: 0.7})) < 1e-15


@checks_equation("eq-layer-norm-parts")
def test_the_three_derivatives_of_f_for_layer_norm():
    z, m, s = sp.symbols("z mu sigma", positive=True)
    F = (z - m) / s
    assert sp.simplify(sp.diff(F, z) - 1 / s) == 0
    assert sp.simplify(sp.diff(F, m) + 1 / s) == 0
    assert sp.simplify(sp.diff(F, s) + F / s) == 0


@checks_equation("eq-moments")
def test_how_mean_and_deviation_answer_to_one_unit():
    by_mean = complex_step(lambda Z: np.array([sum(row) / K for row in Z]), Z)

    def deviation(Z):
        return np.array([np.sqrt(sum((u - sum(row) / K) ** 2 for u in row) / K) for row in Z])

    by_deviation = complex_step(deviation, Z)
    for n, l in np.ndindex(N, K):
        assert by_mean[n, n, l] == pytest.approx(1 / K, rel=1e-14)
        assert by_deviation[n, n, l] == pytest.approx(Z_hat[n, l] / K, rel=1e-11)


@checks_equation("eq-layer-norm-jacobian")
def test_the_jacobian_of_layer_norm_has_two_terms_of_rank_one():
    for n, k, m, l in np.ndindex(J_norm.shape):
        displayed = (delta[k, l] - 1 / K - Z_hat[n, k] * Z_hat[n, l] / K) / sigma[n]
        displayed *= m == n
        assert displayed == pytest.approx(J_norm[n, k, m, l], rel=1e-9, abs=1e-14)


@checks_equation("eq-layer-norm-vjp")
def test_the_way_back_through_layer_norm():
    by_z = complex_step(lambda Z: np.sum(G * normalised(Z)), Z)
    for n, k in np.ndindex(N, K):
        mean = sum(G[n, l] for l in range(K)) / K
        with_z = sum(Z_hat[n, l] * G[n, l] for l in range(K)) / K
        displayed = (G[n, k] - mean - Z_hat[n, k] * with_z) / sigma[n]
        assert displayed == pytest.approx(by_z[n, k], rel=1e-10)


@checks_equation("eq-bias-sum")
@pytest.mark.parametrize("loss", [cross_entropy, lambda Z: np.sum(G * np.tanh(Z) ** 3)])
def test_the_gradient_of_a_bias_is_the_sum_over_the_samples(loss):
    by_z = complex_step(loss, Z)
    by_b = complex_step(lambda b: loss(X1[:, :D] @ W[:D] + b), W[D])
    for k in range(K):
        assert sum(by_z[n, k] for n in range(N)) == pytest.approx(by_b[k], rel=1e-11)


@checks_equation("eq-sum-mean")
def test_a_sum_is_n_times_a_mean_with_the_penalty_over_n():
    r, w, lam, n = *sp.symbols("r w"), *sp.symbols("lambda N", positive=True)
    total = r**2 / 2 + n * lam / 2 * w**2
    assert sp.expand(total - n * (r**2 / (2 * n) + lam / 2 * w**2)) == 0


@checks_equation("eq-batch-norm-jacobian")
def test_batch_norm_couples_the_samples_of_a_unit():
    J = complex_step(lambda Z: normalised(Z.T).T, Z)
    hat, deviation = normalised(Z.T).T, Z.std(axis=0)
    for n, k, m, l in np.ndindex(J.shape):
        inner = delta[n, m] - 1 / N - hat[n, k] * hat[m, k] / N
        displayed = delta[k, l] / deviation[k] * inner
        assert displayed == pytest.approx(J[n, k, m, l], rel=1e-8, abs=1e-13)


@checks_equation("eq-exchange")
def test_the_derivatives_of_a_product_by_its_two_factors():
    by_z = complex_step(lambda Z: np.sum(G * np.sin(Z)), Z)
    by_W = complex_step(lambda W: np.sum(G * np.sin(X1 @ W)), W)
    by_X1 = complex_step(lambda X1: np.sum(G * np.sin(X1 @ W)), X1)
    for d, k in np.ndindex(W.shape):
        assert sum(X1[n, d] * by_z[n, k] for n in range(N)) == pytest.approx(by_W[d, k], rel=1e-11)
    for n, d in np.ndindex(X1.shape):
        assert sum(by_z[n, k] * W[d, k] for k in range(K)) == pytest.approx(by_X1[n, d], rel=1e-11)


@checks_equation("eq-rms-norm")
def test_rms_norm_has_one_term_of_rank_one():
    def rms_norm(z):
        return np.array([u / np.sqrt(sum(v * v for v in z) / len(z)) for u in z])

    z = Z[0]
    J, phi, rho = complex_step(rms_norm, z), rms_norm(z), np.sqrt(np.mean(z**2))
    for k, l in np.ndindex(J.shape):
        displayed = (delta[k, l] - phi[k] * phi[l] / K) / rho
        assert displayed == pytest.approx(J[k, l], rel=1e-11)


# ------------------------------------------- a layer that the chapter does not show, by its recipe


def test_a_gated_unit_can_be_derived_by_the_five_steps():
    """phi_k = u_k / (1 + e^-v_k), times a gate; ledger, fixed, moving, blind, checked.

    Nothing is shared between units here, only between two arrays, so step 3 adds no term; then a
    softmax over the units stands for the gate, and it does.
    """
    u, v = rng.standard_normal((2, K))

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    by_u = np.diag(sigmoid(v))  # the gate held fixed
    by_v = np.diag(u * sigmoid(v) * (1 - sigmoid(v)))  # factor 1 of the gate, times u
    np.testing.assert_allclose(complex_step(lambda u: u * sigmoid(v), u), by_u, atol=1e-14)
    np.testing.assert_allclose(complex_step(lambda v: u * sigmoid(v), v), by_v, rtol=1e-11)

    def gated(z):  # by its own softmax: F = z e^z / kappa
        return z * softmax(z[None])[0]

    p = softmax(u[None])[0]
    fixed = np.diag(p * (1 + u))
    moving = -np.outer(u * p, p)  # dF/dkappa = -phi/kappa, dkappa/dz_l = e^z_l
    np.testing.assert_allclose(complex_step(gated, u), fixed + moving, rtol=1e-10)
