"""The checker: it lets every right Jacobian pass and names what is wrong with a wrong one."""

import numpy as np
import pytest

from jacobians import TanhBasis, check_jacobian
from jacobians.mistakes import MISTAKES, planted

SHAPES = [(1, 1), (1, 3), (2, 2), (3, 2), (3, 4)]
DAYS = np.arange(366.0)
# What a single unit or a single input cannot show: there the planted array is right, or is another
# mistake's as well.
SAME = {
    "slopes of two inputs swapped": lambda D, K: D == 1,
    "units in the wrong order": lambda D, K: K == 1,
    "first unit left out": lambda D, K: K == 1,
    "wrong delta": lambda D, K: K == 1,
    "not a number": lambda D, K: K == 1,
}


@pytest.mark.parametrize(("D", "K"), SHAPES)
@pytest.mark.parametrize("name", MISTAKES)
def test_every_planted_mistake_is_caught_and_named(name, D, K):
    if name in SAME and SAME[name](D, K):
        return
    for seed in range(3):
        rng = np.random.default_rng(seed)
        basis = planted(name)(rng.standard_normal((D + 1, K)))
        report = check_jacobian(basis, rng.standard_normal((6, D)))
        assert not report.ok
        assert report.diagnosis.startswith(MISTAKES[name].told), report.diagnosis


# -------------------------------------------------- mistakes as learners write them, in plain style


class Naive:
    """The usual style: a plain, mutable W, and everything written out."""

    def __init__(self, W):
        self.W = W

    def transform(self, X):
        return np.tanh(self.ones(X) @ self.W)

    def ones(self, X):
        X = np.asarray(X, dtype=float)
        X = X.reshape(len(X), -1)
        return np.hstack([X, np.ones((len(X), 1))])

    def jacobian(self, X):
        return np.einsum("nd,nk->ndk", self.ones(X), 1 - self.transform(X) ** 2)


class ForgotX(Naive):
    def jacobian(self, X):
        J = np.zeros((len(X), *self.W.shape))
        for d in range(len(self.W)):
            J[:, d] = 1 - self.transform(X) ** 2
        return J


class BiasFirst(Naive):
    def jacobian(self, X):
        S, X1 = 1 - self.transform(X) ** 2, self.ones(X)
        return np.stack([S, *(S * X1[:, [d]] for d in range(X1.shape[1] - 1))], axis=1)


class LoopStopsEarly(Naive):
    def jacobian(self, X):
        J, X1, Phi = np.zeros((len(X), *self.W.shape)), self.ones(X), self.transform(X)
        for k in range(self.W.shape[1] - 1):
            for n in range(len(X)):
                J[n, :, k] = X1[n] * (1 - Phi[n, k] ** 2)
        return J


class NoSquare(Naive):
    def jacobian(self, X):
        return self.ones(X)[:, :, None] * (1 - self.transform(X))[:, None]


class Averaged(Naive):
    def jacobian(self, X):
        return self.ones(X).T @ (1 - self.transform(X) ** 2) / len(X)


class UnitsSecond(Naive):
    def jacobian(self, X):
        return np.array([np.outer(s, x) for s, x in zip(1 - self.transform(X) ** 2, self.ones(X))])  # noqa: B905


class SinglePrecision(Naive):
    def jacobian(self, X):
        return super().jacobian(np.asarray(X, dtype=np.float32))


class NoBias(Naive):
    def jacobian(self, X):
        X1 = self.ones(X)
        return X1[:, :, None] * (1 / np.cosh(X1[:, :-1] @ self.W[:-1]) ** 2)[:, None, :]


class Dense(Naive):
    def jacobian(self, X):
        K = self.W.shape[1]
        S, X1 = 1 - self.transform(X) ** 2, self.ones(X)
        return np.array([[np.outer(x, np.full(K, s)) for s in row] for row, x in zip(S, X1)])  # noqa: B905


class Third(Naive):
    def jacobian(self, X):
        return super().jacobian(X) / 3


@pytest.mark.parametrize(
    ("learner", "name"),
    [
        (ForgotX, "factor x missing"),
        (BiasFirst, "bias row first"),
        (LoopStopsEarly, "last unit left out"),
        (NoSquare, "1 - phi"),
        (Averaged, "averaged over the samples"),
        (UnitsSecond, "axes transposed"),
        (SinglePrecision, "float32"),
        (NoBias, "bias left out of z"),
        (Dense, "wrong delta"),
    ],
)
def test_mistakes_in_a_learners_own_style_are_named(learner, name):
    rng = np.random.default_rng(11)
    basis = learner(rng.standard_normal((3, 3)))
    assert check_jacobian(basis, rng.standard_normal((8, 2))).diagnosis.startswith(
        MISTAKES[name].told
    )


def test_a_constant_factor_is_told_with_its_value():
    report = check_jacobian(Third(np.ones((2, 2))), [0.5, 1.0])
    assert report.diagnosis.endswith("0.3333")


def test_a_report_shows_one_worked_entry():
    text = str(check_jacobian(ForgotX(np.array([[0.3], [0.1]])), [2.0, 3.0]))
    assert text.startswith("Not yet: the slopes' rows lack the factor x.")
    assert "For example sample" in text and "expected" in text and "input 0" in text


# ---------------------------------------------------------------------------------- no false alarm


def right_bases(count):
    rng = np.random.default_rng(42)
    for _ in range(count):
        D, K, N = rng.integers(1, 5), rng.integers(1, 5), rng.integers(1, 9)
        W = rng.standard_normal((D + 1, K)) * 10.0 ** rng.uniform(-5, 5, (D + 1, 1))
        X = rng.standard_normal((N, D)) * 10.0 ** rng.uniform(-5, 5, (1, D))
        yield rng.choice([TanhBasis, Naive])(W), X


def count_alarms(count):
    return sum(not check_jacobian(basis, X).ok for basis, X in right_bases(count))


def test_a_thousand_right_bases_over_many_scales_pass():
    assert count_alarms(1000) == 0


@pytest.mark.slow
def test_ten_thousand_right_bases_over_many_scales_pass():
    assert count_alarms(10_000) == 0


def test_the_books_own_units_pass_on_the_days_of_a_year_though_they_are_saturated():
    W = [[0.1, 0.2, 0.3], [-10.0, -50.0, -100.0]]
    assert check_jacobian(TanhBasis(W), DAYS).ok
    assert check_jacobian(Naive(np.array(W)), DAYS).ok


def test_a_mistake_is_seen_although_the_given_point_is_saturated():
    saturated = ForgotX(np.array([[50.0], [500.0]]))
    assert "lack the factor x" in check_jacobian(saturated, [1.0, 2.0]).diagnosis


def test_a_unit_that_is_saturated_at_every_sample_is_remarked_upon():
    report = check_jacobian(TanhBasis([[1.0, 50.0], [0.0, 500.0]]), [1.0, 2.0])
    assert report.ok and "Unit 1 is saturated" in str(report)
    assert not check_jacobian(TanhBasis([[1.0], [0.0]]), [1.0, 2.0]).remark


def test_an_input_that_never_changes_is_remarked_upon():
    report = check_jacobian(TanhBasis([[0.1], [0.2]]), [1.0, 1.0, 1.0])
    assert report.ok and "same in every sample" in str(report)


# ------------------------------------------------------------------------------------ other bases


class Logistic(Naive):
    def transform(self, X):
        return 1 / (1 + np.exp(-(self.ones(X) @ self.W)))

    def jacobian(self, X):
        Phi = self.transform(X)
        return np.einsum("nd,nk->ndk", self.ones(X), Phi * (1 - Phi))


class Bump(Naive):
    def transform(self, X):
        return np.exp(-((self.ones(X) @ self.W) ** 2))

    def jacobian(self, X):
        return np.einsum(
            "nd,nk->ndk", self.ones(X), -2 * (self.ones(X) @ self.W) * self.transform(X)
        )


class Hinge(Naive):
    def transform(self, X):
        return np.maximum(self.ones(X) @ self.W, 0)

    def jacobian(self, X):
        return np.einsum("nd,nk->ndk", self.ones(X), self.ones(X) @ self.W > 0)


@pytest.mark.parametrize("kind", [Logistic, Bump, Hinge])
def test_a_basis_that_is_not_tanh_is_checked_too(kind):
    rng = np.random.default_rng(3)
    for _ in range(20):
        W, X = rng.standard_normal((3, 2)), rng.standard_normal((6, 2))
        assert check_jacobian(kind(W), X).ok
        for name in (
            "sign flipped",
            "factor x missing",
            "bias row first",
            "units in the wrong order",
        ):
            report = check_jacobian(planted(name, kind)(W), X)
            assert report.diagnosis.startswith(MISTAKES[name].told), (name, report.diagnosis)


def test_what_no_known_mistake_explains_is_told_by_its_place():
    class Odd(Naive):
        def jacobian(self, X):
            J = super().jacobian(X)
            J[:, -1, 1] *= 1.3
            return J

    report = check_jacobian(Odd(np.ones((3, 2))), np.ones((4, 2)))
    assert report.diagnosis == "7 of 42 entries are wrong, in the bias row and the units 1"


# ------------------------------------------------------------------------- unfinished, and refusals


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (lambda self, X: np.full((len(X), *self.W.shape), np.nan), "not written yet"),
        (lambda self, X: None, "returns nothing yet"),
        (lambda self, X: 1 / 0 if X is None else _raise(NotImplementedError()), "not written yet"),
        (lambda self, X: np.full((len(X), 2), "x"), "not numbers"),
    ],
)
def test_an_unfinished_jacobian_is_told_so_kindly(body, told):
    unfinished = type("Unfinished", (Naive,), {"jacobian": body})
    report = check_jacobian(unfinished(np.ones((2, 1))), [1.0])
    assert not report.ok and told in report.diagnosis


def _raise(error):
    raise error


def test_a_basis_with_a_plain_w_comes_back_as_it_was():
    W = np.ones((2, 2))
    basis = Naive(W)
    check_jacobian(basis, DAYS)
    assert basis.W is W and np.array_equal(W, np.ones((2, 2)))


def test_a_basis_that_is_built_otherwise_is_copied():
    class Named(Naive):
        def __init__(self, name, W):
            super().__init__(W)
            self.name = name

    assert check_jacobian(Named("steps", np.ones((2, 2))), [1.0, 2.0]).ok


def test_a_basis_that_cannot_be_copied_with_other_parameters_is_refused_in_words():
    class Closed(Naive):
        def __init__(self):
            pass

        W = property(lambda self: np.ones((2, 1)))

    with pytest.raises(TypeError, match="neither as Closed.W. nor by setting W on a copy"):
        check_jacobian(Closed(), [1.0])


@pytest.mark.parametrize("X", [[], [np.nan]])
def test_a_point_that_is_none_is_refused(X):
    with pytest.raises(ValueError, match="at least one sample|must be finite"):
        check_jacobian(TanhBasis([[1], [0]]), X)
