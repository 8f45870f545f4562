"""check_jacobian: what a basis keeps, shares and hides, over all sizes. Each was once missed."""

import time
import tracemalloc

import numpy as np
import pytest

from jacobians import TanhBasis, check_jacobian
from jacobians.mistakes import planted

rng = np.random.default_rng(4)
W, X = rng.normal(size=(3, 2)), rng.normal(size=(6, 2))


class Plain:
    """A basis in the usual style, of a size of its own."""

    size = 1.0

    def __init__(self, W):
        self.W = W

    def ones(self, X):
        X = np.asarray(X, dtype=float).reshape(len(X), -1)
        return np.hstack([X, np.ones((len(X), 1))])

    def transform(self, X):
        return self.size * np.tanh(self.ones(X) @ self.W)

    def jacobian(self, X):
        S = 1 / np.cosh(self.ones(X) @ self.W) ** 2
        return self.size * self.ones(X)[:, :, None] * S[:, None]


class Softmax(Plain):
    def transform(self, X):
        E = np.exp(self.ones(X) @ self.W)
        return E / E.sum(axis=1, keepdims=True)

    def jacobian(self, X):
        P = self.transform(X)
        return self.ones(X)[:, :, None] * (P * (1 - P))[:, None]


def test_units_that_share_something_need_more_than_the_compact_array():
    report = check_jacobian(Softmax(W), X)
    assert not report.ok and report.kind == "units share something"
    assert "unit" in report.diagnosis and "(N, K, D+1, K)" in report.diagnosis


def test_units_that_share_something_are_right_in_the_whole_array():
    class Whole(Softmax):
        sign = 1

        def jacobian(self, X):
            P = self.transform(X)
            between = np.einsum("nk,kl->nkl", P, np.eye(P.shape[1])) - np.einsum("nk,nl->nkl", P, P)
            return self.sign * np.einsum("nkl,nd->nkdl", between, self.ones(X))

    assert check_jacobian(Whole(W), X).ok
    assert check_jacobian(type("Wrong", (Whole,), {"sign": -1})(W), X).kind == "sign"


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1e6, 1e9])
def test_the_tolerance_knows_the_size_of_the_features(size):
    basis = type("Sized", (Plain,), {"size": size})
    for seed in range(5):
        draw = np.random.default_rng(seed)
        V, Y = draw.normal(size=(3, 2)), draw.normal(size=(6, 2))
        assert check_jacobian(basis(V), Y).ok
        assert check_jacobian(planted("sign flipped", basis)(V), Y).kind == "sign flipped"


def test_what_was_set_after_construction_is_kept_by_the_copies():
    basis = Plain(W)
    basis.size = 3.0
    assert check_jacobian(basis, X).ok

    class Scaled(TanhBasis):
        scale = 1.0

        def transform(self, X):
            return self.scale * super().transform(X)

        def jacobian(self, X):
            return self.scale * super().jacobian(X)

    basis = Scaled(W)
    basis.scale = 2.5
    assert check_jacobian(basis, X).ok


def test_a_setter_that_writes_in_place_changes_nothing_of_the_basis():
    class InPlace(Plain):
        def __init__(self, name):
            self._W = np.array(W)

        W = property(lambda self: self._W, lambda self, V: self._W.__setitem__(slice(None), V))

    basis = InPlace("no W here")
    kept = basis.W.copy()
    assert check_jacobian(basis, X).ok
    assert np.array_equal(basis.W, kept)


def test_a_basis_that_moves_nowhere_gets_no_verdict():
    class Flat(Plain):
        def transform(self, X):
            return np.tanh(1e9 * (2 + np.tanh(self.ones(X) @ self.W)))

        def jacobian(self, X):
            return np.zeros((len(X), *self.W.shape))

    report = check_jacobian(Flat(W), X)
    assert not report.ok and report.kind == "no verdict"


def test_a_saturated_point_is_told_and_another_one_really_used():
    report = check_jacobian(TanhBasis([[1.0], [500.0]]), [1.0, 2.0])
    assert report.ok and "nothing to compare" in report.remark

    class Zero(Plain):
        def jacobian(self, X):
            return 0 * super().jacobian(X)

    assert not check_jacobian(Zero(np.array([[1.0], [500.0]])), [1.0, 2.0]).ok


@pytest.mark.parametrize("shape", [(2, 1), (2, 3), (3, 7), (7, 2), (8, 7), (12, 4), (9, 7)])
def test_its_own_point_obeys_the_chapters_rules(shape):
    from jacobians.checks import _own_point

    V, Y = _own_point(np.zeros(shape), np.zeros((2, shape[0] - 1)), 1.0)
    Z = np.column_stack([Y, np.ones(len(Y))]) @ V
    assert (np.abs(Z) > 0.3).all() and (np.abs(Z) < 2).all()
    assert (Z > 0).any() and (Z < 0).any()
    assert len(Y) not in shape and len(np.unique(Y)) == Y.size


def wrong_where(condition):
    class Hidden(Plain):
        def jacobian(self, X):
            J = super().jacobian(X)
            return np.where(condition(self, X), 1.01, 1.0) * J

    return Hidden


def test_mistakes_in_the_tails_and_at_one_dimensional_inputs_are_seen():
    def tails(basis, X):
        return (np.abs(basis.ones(X) @ basis.W) > 3)[:, None]

    assert not check_jacobian(wrong_where(tails)(W), X).ok
    one = wrong_where(lambda basis, X: np.ndim(X) == 1)
    assert not check_jacobian(one(W[:2]), X[:, 0]).ok
    assert check_jacobian(one(W[:2]), X[:, :1]).ok, "and X is given as it came"


def test_mistakes_in_the_samples_and_units_beyond_those_of_its_own_point_are_seen():
    def late(basis, X):
        return (np.arange(len(X)) > 30)[:, None, None]

    def last(basis, X):
        return np.arange(basis.W.shape[1]) > 9

    V, Y = rng.normal(size=(3, 12)), rng.normal(size=(40, 2))
    for condition in (late, last):
        report = check_jacobian(wrong_where(condition)(V), Y)
        assert not report.ok and report.kind == "by place"


def test_a_mistake_at_the_second_call_is_seen():
    class Once(Plain):
        calls = 0

        def jacobian(self, X):
            self.calls += 1
            return super().jacobian(X) * (1 if self.calls < 2 else 2)

    assert not check_jacobian(Once(W), X).ok


def test_one_large_input_hides_no_mistake_in_the_others():
    V, Y = W * [[1e-9], [1], [1]], X * [1e9, 1]

    class Half(Plain):
        def jacobian(self, X):
            half = 1.5 if np.abs(X).max() > 1e8 else 1
            return super().jacobian(X) * np.array([1, half, 1])[:, None]

    assert check_jacobian(Plain(V), Y).ok
    report = check_jacobian(Half(V), Y)
    assert not report.ok and "row 1" in report.diagnosis


def test_the_number_of_a_constant_factor_and_the_digits_are_told():
    assert check_jacobian(planted("constant factor")(W), X).diagnosis.endswith("number, 2")

    class Nearly(Plain):
        def jacobian(self, X):
            return super().jacobian(X) * (1 + 1e-8)

    assert "7 digits" not in check_jacobian(Nearly(W), X).diagnosis


def test_a_basis_that_must_be_transformed_first_is_checked():
    class Keeps(Plain):
        def transform(self, X):
            self.Phi = super().transform(X)
            return self.Phi

        def jacobian(self, X):
            return self.ones(X)[:, :, None] * (1 - self.Phi**2)[:, None]

    assert check_jacobian(Keeps(W), X).ok


def test_very_many_inputs_take_seconds_and_little_memory():
    V, Y = rng.normal(size=(785, 16)) / 28, rng.normal(size=(9, 784))
    for basis in (TanhBasis(V), planted("slopes of two inputs swapped")(V)):
        tracemalloc.start()
        start = time.process_time()
        report = check_jacobian(basis, Y)
        seconds, memory = time.process_time() - start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(
            f"784 inputs: {seconds:.2f} s, {memory / 1e6:.0f} MB, {report.evaluations} evaluations"
        )
        assert report.ok == (type(basis) is TanhBasis)
        assert memory < 100e6 and report.evaluations < 8000
