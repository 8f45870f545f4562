"""The gallery: what the chapter claims of it holds for every seed it is computed over."""

from html.parser import HTMLParser

import numpy as np
import pytest

from jacobians import TanhBasis
from jacobians.book import gallery
from jacobians.mistakes import MISTAKES, planted

RESULT = gallery.compute()
ALL = len(gallery.SEEDS)
MULTIPLIES = {name for name, row in RESULT.items() if gallery.STOPPED not in row.values()}
POPULAR = ["the loss falls, W alone", "the loss falls", "dot-product test"]


def test_every_mistake_meets_every_check():
    assert RESULT.keys() == MISTAKES.keys()
    assert all(row.keys() == gallery.CHECKS.keys() for row in RESULT.values())


@pytest.mark.parametrize("check", gallery.CHECKS)
def test_every_check_lets_the_right_jacobian_pass(check):
    for seed in gallery.SEEDS:
        assert gallery.run(TanhBasis, gallery.CHECKS[check], seed) is True


def test_the_checker_catches_every_mistake_in_every_seed():
    assert all(row["every entry"] == ALL for row in RESULT.values())


def test_the_checker_of_any_function_catches_all_but_the_right_values_in_another_shape():
    missed = {name for name, row in RESULT.items() if row["any function"] in range(ALL)}
    assert missed == {"four indices"}


def test_no_two_sizes_of_the_problem_are_alike():
    X, _, W, _ = gallery.problem(0)
    assert len({len(X), *W.shape}) == 3


def test_one_random_direction_catches_every_wrong_value_in_every_seed():
    caught = {name for name in MULTIPLIES if RESULT[name]["one random direction"] == ALL}
    assert caught == MULTIPLIES - {"four indices"}  # its values are right


def test_the_dot_product_test_passes_every_finite_array_that_it_can_multiply():
    for name in MULTIPLIES - {"not a number"}:
        assert RESULT[name]["dot-product test"] == 0


def test_a_falling_loss_does_not_prove_a_derivative():
    fooled = {n for n in MULTIPLIES - {"four indices", "float32"} if RESULT[n][POPULAR[0]] == 0}
    assert len(fooled) >= 8  # in every seed, although nothing but W moves
    more = {n for n in MULTIPLIES if RESULT[n][POPULAR[1]] == 0}
    assert len(more) >= 15
    assert RESULT["sign flipped"]["the loss falls"] < ALL  # although it climbs in W
    assert RESULT["sign flipped"][POPULAR[0]] == ALL


def test_twice_the_derivative_can_end_lower_than_the_derivative():
    ends = []
    for seed in gallery.SEEDS:
        problem = gallery.problem(seed)
        double = gallery.descent(planted("constant factor")(problem.W), problem)
        ends.append(double[-1] < gallery.descent(TanhBasis(problem.W), problem)[-1])
    assert any(ends)


def test_a_stored_jacobian_is_multiplied_as_the_matrix_it_stands_for():
    problem, rng = gallery.problem(3), np.random.default_rng(0)
    dW, G = rng.standard_normal((3, 4)), rng.standard_normal((40, 4))
    for J in (TanhBasis(problem.W).jacobian(problem.X),
              planted("four indices")(problem.W).jacobian(problem.X)):  # fmt: skip
        moved, pulled = np.zeros((40, 4)), np.zeros((3, 4))
        for n, k, d in np.ndindex(40, 4, 3):
            entry = J[n, k, d, k] if J.ndim == 4 else J[n, d, k]
            moved[n, k] += entry * dW[d, k]
            pulled[d, k] += entry * G[n, k]
        np.testing.assert_allclose(gallery.push(J, dW), moved, rtol=1e-12)
        np.testing.assert_allclose(gallery.pull(J, G), pulled, rtol=1e-12, atol=1e-14)


def test_the_mistakes_that_popular_checks_let_pass_come_first():
    sums = [sum(RESULT[name][check] for check in POPULAR) for name in RESULT if name in MULTIPLIES]
    assert sums == sorted(sums)
    assert list(RESULT)[: len(MULTIPLIES)] == [name for name in RESULT if name in MULTIPLIES]


class Cells(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.scopes, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "th":
            self.scopes.append(dict(attributes)["scope"])

    def handle_data(self, data):
        self.words.append(data)


def test_the_table_has_headers_for_rows_and_columns_and_says_everything_in_words():
    table = Cells(gallery.as_html(RESULT))
    assert table.scopes.count("col") == 1 + len(gallery.CHECKS)
    assert table.scopes.count("row") == len(MISTAKES) + 1
    told = [word for word in table.words if word.startswith(("caught", "passed", "stops"))]
    assert len(told) == len(MISTAKES) * len(gallery.CHECKS)
    assert table.words.count("passed") == sum(list(r.values()).count(0) for r in RESULT.values())
