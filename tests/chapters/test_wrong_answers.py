"""What is said of a wrong answer to an exercise. Right ones are in here, too: NOT FOR STUDENTS."""

import re

import numpy as np
import pytest

from jacobians import TanhBasis
from jacobians.book import exercises
from jacobians.mistakes import planted


def S(W, X):
    return 1 - np.tanh(X @ W[:-1] + W[-1]) ** 2


def gauss(W, X):
    X1 = np.column_stack([X, np.ones(len(X))])
    Z = X1 @ W
    return X1[:, :, None] * (-2 * Z * np.exp(-(Z**2)))[:, None, :]


def ones_solved(Phi, y, penalty):
    """The system of the exercise with any diagonal of the penalty."""
    Phi1 = np.column_stack([np.ones(len(Phi)), Phi])
    return np.linalg.solve(Phi1.T @ Phi1 + np.diag(penalty), Phi1.T @ y)


def circle(angle):
    return np.column_stack([np.cos(angle), np.sin(angle)])


def chunks(basis, X, G, rows):
    return [basis.vjp(X[i : i + rows], G[i : i + rows]) for i in range(0, len(X), rows)]


def rms(z):
    return np.sqrt(np.mean(z**2))


def rms_norm(z, taken):
    """What is left of the identity when a term is taken away, over the root mean square."""
    return (np.eye(len(z)) - taken) / rms(z)


YEAR = 2 * np.pi / 365.25


WRONG = {
    "check_input_jacobian": [
        (lambda W, X: None, "returns nothing"),
        (lambda W, X: "later", "should return numbers"),
        (lambda W, X: np.zeros(3), r"the shape \(5, 2, 3\); it returned \(3,\)"),
        (lambda W, X: S(W, X)[:, None] * W[:-1], r"the axes are in the order \(N, D, K\)"),
        (lambda W, X: S(W, X)[:, :, None] * X[:, None], "is multiplied by x, as for the slopes"),
        (lambda W, X: np.ones((5, 2, 1)) * W[:-1].T, r"1 - phi\^2 is missing"),
        (lambda W, X: (S(W, X) ** 0)[:, :, None] * W.T, r"the shape \(5, 2, 3\)"),
        (lambda W, X: S(W, X)[:, :, None] * W.T, "the bias has come along"),
        (lambda W, X: -S(W, X)[:, :, None] * W[:-1].T, r"entry \[\d, \d, \d\] is .* should be"),
        (
            lambda W, X: (1 - np.tanh(X @ W[:-1] + W[-1]))[:, :, None] * W[:-1].T,
            "the factor is 1 - phi;",
        ),
    ],
    "check_bugs": [
        ({planted("phi"): np.nan}, "is not written yet"),
        ({planted("phi"): "too small"}, "is not one of MISTAKES"),
        ({planted("phi"): "1 - phi"}, "is wrong in another way"),
    ],
    "check_gaussian_jacobian": [
        (lambda W, X: None, "returns nothing"),
        (lambda W, X: gauss(W, X)[:, :-1], r"the shape \(5, 4, 2\)"),
        (lambda W, X: -gauss(W, X), "sign"),
        (lambda W, X: gauss(W, X) / 2, "lacks the 2"),
        (lambda W, X: np.roll(gauss(W, X), 1, axis=1), "bias row comes first"),
        (lambda W, X: TanhBasis(W).jacobian(X), "that of tanh"),
        (lambda W, X: 0 * gauss(W, X) + gauss(W, X)[:, [-1]], "lack the factor x"),
    ],
    "check_sly_factor": [
        (lambda z: 1.0, "the shape of z"),
        (lambda z: 1 - np.tanh(z), r"not fooled: the factor is 1 - phi"),
        (lambda z: 1 / np.cosh(z) ** 2, "and rightly"),
    ],
    "check_ridge_with_ones": [
        (lambda Phi, y, lam: None, "returns nothing"),
        (lambda Phi, y, lam: ones_solved(Phi, y, 3 * [7 * lam]), "the intercept is penalised too"),
        (lambda Phi, y, lam: ones_solved(Phi, y, [0, lam, lam]), "it is N lam"),
        (lambda Phi, y, lam: ones_solved(Phi, y, [0, 14 * lam, 14 * lam]), "is 2 N lam"),
        (lambda Phi, y, lam: ones_solved(Phi, y, [0, 0, 0]), "the penalty is missing"),
        (lambda Phi, y, lam: ones_solved(Phi, y, [7 * lam, 0, 0]), "the weights are not"),
        (lambda Phi, y, lam: np.roll(ones_solved(Phi, y, [0, 7 * lam, 7 * lam]), -1), "comes last"),
        (lambda Phi, y, lam: ones_solved(Phi, y, [0, 7 * lam, 7 * lam])[1:], "w0 comes first"),
        (lambda Phi, y, lam: np.zeros((3, 1)), r"the shape \(3,\); it returned \(3, 1\)"),
        (lambda Phi, y, lam: ones_solved(Phi, y, [0, 7, 7]), r"entry \[\d\] is .* should be"),
    ],
    "check_input_vjp": [
        (lambda W, X, G: None, "returns nothing"),
        (lambda W, X, G: G @ W[:-1].T, r"1 - phi\^2 is missing"),
        (
            lambda W, X, G: ((1 - np.tanh(X @ W[:-1] + W[-1])) * G) @ W[:-1].T,
            "the factor is 1 - phi;",
        ),
        (lambda W, X, G: S(W, X) @ W[:-1].T, "G is missing"),
        (lambda W, X, G: (S(W, X) * G) @ W.T, "the bias has come along"),
        (lambda W, X, G: X.T @ (S(W, X) * G), "the way back to the slopes"),
        (
            lambda W, X, G: np.column_stack([X, np.ones(len(X))]).T @ (S(W, X) * G),
            "the way back to W;",
        ),
        (lambda W, X, G: W[:-1] @ (S(W, X) * G).T, r"the axes are in the order \(D, N\)"),
        (lambda W, X, G: (S(W, X) * G)[:, :, None] * W[:-1].T, "not summed over"),
        (lambda W, X, G: -(S(W, X) * G) @ W[:-1].T, r"entry \[\d, \d\] is .* should be"),
        (lambda W, X, G: np.zeros(3), r"the shape \(5, 3\); it returned \(3,\)"),
    ],
    "check_periodic": [
        (lambda day: None, "returns nothing"),
        (lambda day: circle(YEAR * day)[:, ::-1], "cosine comes first"),
        (lambda day: circle(YEAR * day).T, r"the shape is \(2, N\)"),
        (lambda day: circle(day / 365.25), "lacks 2 pi"),
        (lambda day: circle(day), "the day itself"),
        (lambda day: circle(360 * day / 365.25), "in degrees"),
        (lambda day: circle(2 * np.pi * day / 365), "has 365.25 days"),
        (lambda day: circle(2 * np.pi * day / 366), "has 365.25 days"),
        (lambda day: np.cos(YEAR * day), r"the shape \(5, 2\)"),
        (lambda day: circle(-YEAR * day), r"entry \[\d, 1\] is"),
    ],
    "check_streamed_vjp": [
        (lambda b, X, G, rows: chunks(b, X, G, rows)[0], "only the first chunk"),
        (lambda b, X, G, rows: chunks(b, X, G, rows)[-1], "only the last chunk"),
        (lambda b, X, G, rows: sum(chunks(b, X, G, rows)[:-1]), "the last chunk is missing"),
        (lambda b, X, G, rows: np.mean(chunks(b, X, G, rows), axis=0), "averaged"),
        (lambda b, X, G, rows: np.stack(chunks(b, X, G, rows)), "an axis of chunks"),
        (lambda b, X, G, rows: b.vjp(X, G) / len(X), "divided by the number of samples"),
        (lambda b, X, G, rows: b.vjp(X, G), "a chunk has 11 samples, and rows is 4"),
        (lambda b, X, G, rows: b.vjp(X, G).T, r"the shape \(4, 2\)"),
    ],
    "check_rms_norm_jacobian": [
        (lambda z: None, "returns nothing"),
        (lambda z: np.eye(4) / rms(z), "chi is held fixed"),
        (lambda z: rms_norm(z, np.outer(z, z) / rms(z) ** 2), "lacks its 1/K"),
        (lambda z: rms_norm(z, -np.outer(z, z) / rms(z) ** 2 / 4), "the wrong sign"),
        (lambda z: rms_norm(z, np.outer(z, z) / 4), r"z where it should hold phi"),
        (lambda z: rms_norm(z, 1 / 4 + np.outer(z, z) / rms(z) ** 2 / 4), "a mean is taken away"),
        (lambda z: rms(z) * rms_norm(z, np.outer(z, z) / rms(z) ** 2 / 4), "1/chi in front"),
        (lambda z: np.diag(np.diag(rms_norm(z, np.outer(z, z) / rms(z) ** 2 / 4))), "the diagonal"),
        (lambda z: z / rms(z), r"the shape \(4, 4\)"),
        (lambda z: 2 * rms_norm(z, np.outer(z, z) / rms(z) ** 2 / 4), r"entry \[\d, \d\] is"),
    ],
}


@pytest.mark.parametrize(
    ("check", "wrong", "said"),
    [(check, wrong, said) for check, answers in WRONG.items() for wrong, said in answers],
)
def test_a_wrong_answer_is_told_what_is_wrong_with_it(check, wrong, said):
    report = getattr(exercises, check)(wrong)
    assert not report.ok and re.search(said, report.diagnosis), report.diagnosis


def test_every_check_is_tried_on_wrong_answers():
    for check in (name for name in vars(exercises) if name.startswith("check_")):
        assert check in WRONG, f"{check} is tried on no wrong answer: give it one or two in WRONG"
    assert not WRONG.keys() - vars(exercises).keys()


def test_one_wrong_entry_is_worked_out():
    def nearly(W, X):
        J = S(W, X)[:, :, None] * W[:-1].T
        J[1, 0, 2] = np.inf
        return J

    assert "entry [1, 0, 2] is inf" in str(exercises.check_input_jacobian(nearly))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda J: -J, "every entry has the wrong sign: entry"),
        (lambda J: 3 * J, "multiplied by the same number, 3"),
        (lambda J: J[::-1], "along axis 0 of f the places stand in reversed order"),
        (lambda J: J.astype(np.float32), "computed in float32"),
        (lambda J: 0 * J, "every entry is 0"),
        (lambda J: J + 1, r"^entry \[\d, \d, \d\] is"),
    ],
)
def test_what_no_check_foresaw_is_told_by_the_rules_of_the_checker(wrong, said):
    J = np.random.default_rng(0).normal(size=(5, 2, 3))
    report = exercises.judge("f", wrong(J), J)
    assert not report.ok and re.search(said, report.diagnosis), report.diagnosis
