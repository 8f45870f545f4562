"""What the answers to quick questions claim, where no cell of a chapter shows it.

NOT FOR STUDENTS.
"""

import numpy as np

from jacobians import TanhBasis, differences, ridge


def test_what_a_solver_left_over_reaches_the_gradient_to_first_order_as_the_answer_says():
    """Chapter chain_rule, the question after the envelope theorem."""
    rng = np.random.default_rng(5)
    X, y, lam = rng.standard_normal((40, 2)), rng.standard_normal(40), 1e-2
    W = 0.7 * rng.standard_normal((3, 4))

    def solved(W):
        weights, intercept = ridge.solve(TanhBasis(W).transform(X), y, lam)
        return np.append(weights, intercept)

    best = solved(W)
    J = differences.central(solved, W)  # of (w, w0), by W
    right = ridge.gradients(TanhBasis(W), X, y, lam, best[:-1], best[-1])
    errors = []
    for stop in (1e-3, 5e-4):
        early = best + stop * np.array([1, 1, 1, 1, -1])
        there = ridge.gradients(TanhBasis(W), X, y, lam, early[:-1], early[-1])
        left = np.append(there.weights, there.intercept)  # the derivative by (w, w0), not zero yet
        errors.append(there.W - right.W)
        predicted = -np.einsum("v,vdk->dk", left, J)
        assert np.abs(errors[-1] - predicted).max() < 20 * stop * np.abs(errors[-1]).max()
    halved = np.abs(errors[1]).max() / np.abs(errors[0]).max()
    assert abs(halved - 0.5) < 0.01  # half as much left over, half as large an error
