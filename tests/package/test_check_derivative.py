"""check_derivative: right ones pass, wrong ones are named, and f itself is not taken on trust."""

import importlib.util
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from jacobians import check_derivative


def load(name):
    path = Path(__file__).parents[2] / "code" / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


trials = load("trials")
A = np.array([[1.0, 0.4, -0.7], [0.2, -1.1, 0.5], [0.9, 0.3, 0.8]])
X = np.array([0.3, -0.8, 1.2])


def f(x):
    return np.tanh(A @ x)


def jac(x):
    return (1 - np.tanh(A @ x) ** 2)[:, None] * A


def vjp(x, g):
    return g @ jac(x)


def jvp(x, v):
    return jac(x) @ v


# ------------------------------------------------------------------------ the forms of a derivative


@pytest.mark.parametrize(
    "claims",
    [{"jac": jac}, {"vjp": vjp}, {"jvp": jvp}, {"jac": jac, "vjp": vjp, "jvp": jvp}],
)
def test_every_form_of_a_right_derivative_is_right(claims):
    report = check_derivative(f, X, **claims)
    assert report and report.ok and not report.diagnosis and not report.kind
    assert "right" in str(report) and report.evaluations > 0


def test_a_wrong_one_of_several_is_named_and_the_right_one_is_cleared():
    report = check_derivative(f, X, jac=jac, vjp=lambda x, g: jac(x) @ g)
    assert not report.ok and report.kind == "transposed"
    assert str(report).startswith("vjp is wrong") and "jac is right" in str(report)


def test_two_that_are_wrong_alike_are_told_that_they_agree():
    report = check_derivative(f, X, jac=lambda x: -jac(x), vjp=lambda x, g: -g @ jac(x))
    assert "agree with each other" in report.diagnosis and report.kind == "sign"


def test_two_that_a_noisy_f_cannot_tell_apart_are_held_against_each_other():
    def single(x):
        return np.tanh(A.astype(np.float32) @ np.asarray(x, dtype=np.float32))

    report = check_derivative(single, X, jac=jac, vjp=lambda x, g: (1 + 3e-6) * g @ jac(x))
    assert not report.ok and report.kind == "disagree"
    assert check_derivative(single, X, jac=jac, vjp=vjp).ok


def test_a_vjp_that_is_not_linear_is_told_so():
    def bad(x, g):
        return (g / np.linalg.norm(g)) @ jac(x)

    assert check_derivative(f, X, vjp=bad).kind == "not linear"


def test_a_vjp_that_ignores_its_cotangent_is_named():
    report = check_derivative(f, X, vjp=lambda x, g: np.ones(3) @ jac(x))
    assert report.kind == "cotangent ignored"


@pytest.mark.parametrize("x", [0.7, np.float32(0.7), 2, np.array(0.7)])
def test_a_number_is_welcome_as_x(x):
    assert check_derivative(np.sin, x, jac=np.cos).ok
    assert check_derivative(np.sin, x, jac=lambda x: -np.cos(x)).kind == "sign"


def test_lists_integers_and_any_shape_are_welcome():
    assert check_derivative(lambda x: x**2, [1, 2, 3], jac=lambda x: np.diag(2 * x)).ok
    rng = np.random.default_rng(0)
    M = rng.normal(size=(2, 3))
    right = trials.by_complex_step(lambda M: np.sin(M) @ M.T)
    assert check_derivative(lambda M: np.sin(M) @ M.T, M, jac=right).ok
    assert check_derivative(
        lambda M: np.sin(M) @ M.T, M, jac=lambda M: right(M).reshape(4, 6)
    ).ok, "the matrix of outputs by inputs is welcome too"


def test_a_sparse_matrix_is_welcome():
    from scipy.sparse import csr_array

    assert check_derivative(lambda x: x**2, X, jac=lambda x: csr_array(np.diag(2 * x))).ok


def square(x):
    return x**2


def test_a_chain_is_checked_link_by_link_and_as_a_whole():
    chain, links = [f, square, np.sum], [jac, lambda y: np.diag(2 * y), lambda z: np.ones(3)]
    assert check_derivative(chain, X, jac=links).ok
    report = check_derivative(chain, X, jac=[links[0], lambda y: np.diag(y), links[2]])
    assert report.kind == "constant factor" and "Link 1 of 3 (square)" in str(report)
    assert check_derivative(
        chain, X, vjp=[vjp, lambda y, g: 2 * y * g, lambda z, g: g * np.ones(3)]
    ).ok
    assert check_derivative(chain, X, jvp=[jvp, lambda y, v: 2 * y * v, lambda z, v: v.sum()]).ok


# --------------------------------------------------------------------------- what f may do to us


def test_an_f_that_changes_its_argument_is_told_and_spoils_nothing():
    def centred(x):
        x -= x.mean()
        return x**3

    right = trials.by_complex_step(lambda x: (x - x.mean()) ** 3)
    x = X.copy()
    report = check_derivative(centred, x, jac=right)
    assert report.ok and "changes its argument" in report.remark and np.array_equal(x, X)
    wrong = check_derivative(centred, x, jac=lambda x: np.diag(3 * (x - x.mean()) ** 2))
    assert wrong.kind == "normaliser held fixed" and "changes its argument" in str(wrong)


def test_an_f_that_returns_one_buffer_is_told_and_spoils_nothing():
    kept = np.zeros(3)

    def into(x):
        np.matmul(A, x, out=kept)
        return kept

    report = check_derivative(into, X, jac=lambda x: A)
    assert report.ok and "same array object" in report.remark
    assert check_derivative(into, X, jac=lambda x: A.T).kind == "transposed"


def test_an_f_with_two_answers_at_one_point_is_told_with_the_size():
    rng = np.random.default_rng(0)
    report = check_derivative(lambda x: np.sin(x) + 0.01 * rng.normal(), X, jac=lambda x: 0)
    assert report.kind == "f not repeatable" and "differ by 0.0" in report.diagnosis


def test_an_f_in_float32_is_allowed_its_noise_and_no_more():
    def single(x):
        return np.tanh(A.astype(np.float32) @ np.asarray(x, dtype=np.float32))

    assert check_derivative(single, X, jac=jac).ok
    report = check_derivative(single, X, jac=lambda x: jac(x) * [1, 1.001, 1])
    assert not report.ok and "single precision" in report.remark


def test_a_jacobian_in_float32_is_told_with_the_digits_that_it_has():
    report = check_derivative(f, X, jac=lambda x: jac(x).astype(np.float32))
    assert report.kind == "float32" and "computed in float32?" in report.diagnosis
    eight = check_derivative(f, X, jac=lambda x: jac(x) * (1 + 2e-8 * np.sign(A)))
    assert "7 digits" in eight.diagnosis
    assert "8 digits" in check_derivative(f, X, jac=lambda x: jac(x) * (1 + 8e-9)).diagnosis


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_a_tolerance_knows_the_size_of_f_and_of_each_input(size):
    def scaled(x):
        return size * f(x / [1e9, 1, 1e-9])

    x = X * [1e9, 1, 1e-9]

    def right(x):
        return size * jac(x / [1e9, 1, 1e-9]) / [1e9, 1, 1e-9]

    assert check_derivative(scaled, x, jac=right).ok
    for p in range(3):
        wrong = check_derivative(scaled, x, jac=lambda x, p=p: right(x) * (1 + 0.5 * np.eye(3)[p]))
        assert not wrong.ok and f"x[{p}]" in wrong.diagnosis


def test_at_a_kink_any_number_between_the_two_sides_is_right_and_that_is_told():
    def relu(x):
        return np.maximum(x, 0)

    x = [0.0, 1.0, -1.0]
    for value in (0, 0.5, 1):
        report = check_derivative(
            relu, x, jac=lambda x, v=value: np.diag(np.where(x == 0, v, x > 0))
        )
        assert report.ok and "kink" in report.remark
    report = check_derivative(relu, x, jac=lambda x: np.diag([1.4, 1.0, 0]))
    assert not report.ok and "f[0] by x[0]" in report.diagnosis


def test_a_fast_wave_and_the_edge_of_a_domain_are_no_false_alarm():
    t = np.array([1.0, 60, 3650])
    assert check_derivative(
        lambda p: np.sin(p[0] * t + p[1]), [2.0, 0.3],
        jac=lambda p: np.cos(p[0] * t + p[1])[:, None] * np.stack([t, 1 + 0 * t], 1),
    ).ok  # fmt: skip

    def logs(x):
        if (x <= 0).any():
            raise ArithmeticError("outside")
        return np.log(x)

    assert check_derivative(logs, [1e-9, 1.0], jac=lambda x: np.diag(1 / x)).ok
    assert check_derivative(
        lambda x: np.where(x < 0, np.nan, x * x + x), [0.0, 1.0], jac=lambda x: np.diag(2 * x + 1)
    ).ok


def test_the_derivative_of_a_constant_by_cancellation_is_not_blamed_for_its_rounding():
    def h(x):
        return (x - x.mean()) / x.std()

    def right(x):
        g = np.ones(len(x))
        return (g - g.mean() - h(x) * np.mean(g * h(x))) / x.std()

    x = [0.5, -1.2, 2.0, 0.1]
    assert check_derivative(lambda x: np.sum(h(x)), x, jac=right).ok
    assert check_derivative(lambda x: np.sum(h(x)), x, jac=lambda x: np.ones(4)).kind == "not zero"


# -------------------------------------------------------------------------- points that show little


def test_a_mistake_that_x_hides_is_found_nearby_and_that_is_told():
    y = np.array([0.2, 0.5, -0.1])
    optimum = np.linalg.solve(A, y)
    report = check_derivative(
        lambda x: np.sum((A @ x - y) ** 2), optimum, jac=lambda x: 6 * A.T @ (A @ x - y)
    )
    assert report.kind == "constant factor" and "3" in report.diagnosis
    assert "At x itself the derivative is 0" in report.remark


def test_a_saturated_point_gives_no_silent_verdict():
    x = [20.5, -25.0, 30.0]
    lost = check_derivative(np.tanh, x, jac=lambda x: np.diag(1 - np.tanh(x) ** 2))
    assert not lost.ok and "no verdict" in str(lost) and "saturated" in str(lost)
    right = check_derivative(np.tanh, x, jac=lambda x: np.diag(1 / np.cosh(x) ** 2))
    assert right.ok and right.unjudged and "Not judged: 3 entries" in str(right)


def test_a_jacobian_kept_from_an_old_point_is_named():
    old = jac(X)
    report = check_derivative(f, X, jac=lambda x: old.copy())
    assert report.kind == "another point" and "old x" in report.diagnosis


def test_a_second_call_with_another_answer_is_told():
    calls = []

    def forgetful(x):
        calls.append(1)
        return jac(x) * (1 + (len(calls) % 2))

    assert check_derivative(f, X, jac=forgetful).kind == "differs between calls"


# ----------------------------------------------------------------------------------- names in words


def test_the_indices_of_a_report_are_those_of_the_arrays():
    M = np.arange(6.0).reshape(2, 3) / 7 + 0.2
    right = trials.by_complex_step(lambda M: np.sin(M) * M[0, 0])

    def wrong(M):
        J = right(M).copy()
        J[1, 2, 0, 0] *= 3
        return J

    report = check_derivative(lambda M: np.sin(M) * M[0, 0], M, jac=wrong)
    assert "f[1, 2] by x[0, 0]" in report.diagnosis and "f[1, 2] by x[0, 0]" in report.entry
    assert "unit" not in str(report) and "bias" not in str(report)
    assert report.errors.shape == (2, 3, 2, 3) and np.abs(report.errors[1, 2, 0, 0]) > 0.1


def test_a_compact_diagonal_is_accepted_by_nobody():
    def softmax(z):
        return np.exp(z) / np.sum(np.exp(z))

    report = check_derivative(softmax, X, jac=lambda z: softmax(z) * (1 - softmax(z)))
    assert report.kind == "diagonal only" and "not zero" in report.diagnosis


def test_what_nothing_explains_is_told_by_place_with_how_the_error_depends_on_x():
    def wrong(x):
        J = jac(x).copy()
        J[1] += np.array([0.3, -0.2, 0.9]) * np.sin(x)
        return J

    report = check_derivative(f, X, jac=wrong)
    assert not report.ok and "f[1]" in report.diagnosis
    B = np.array([[0.3, -1.0, 0.2], [0.5, 0.1, 0.7], [-0.4, 0.6, 0.2]])
    linear = check_derivative(lambda x: x @ B @ x, X, jac=lambda x: 2 * B @ x)
    assert "linear in x" in linear.diagnosis


@pytest.mark.parametrize("case", trials.PUBLIC, ids=lambda case: case.name)
def test_mistakes_told_in_public_are_named_and_their_right_form_passes(case):
    assert check_derivative(case.f, case.x, jac=case.right).ok
    report = check_derivative(case.f, case.x, jac=case.wrong)
    assert not report.ok and report.kind in case.named, report


# -------------------------------------------------------------------------------------- bad inputs


def raises(x):
    raise KeyError("no")


@pytest.mark.parametrize(
    ("args", "claims", "error", "told"),
    [
        ((f, [np.nan, 0, 0]), {"jac": jac}, ValueError, "x must be finite; got NaN"),
        ((f, "abc"), {"jac": jac}, ValueError, "x must be an array of numbers"),
        ((f, X), {}, TypeError, "at least one derivative"),
        ((f, X), {"jac": A}, TypeError, "jac must be a function; got ndarray"),
        ((3, X), {"jac": jac}, TypeError, "f must be a function; got int"),
        ((raises, X), {"jac": jac}, ValueError, "f fails at x: KeyError"),
        ((lambda x: "no", X), {"jac": jac}, ValueError, "real numbers"),
        ((lambda x: x / 0.0 * np.inf, X), {"jac": jac}, ValueError, "not finite at x"),
        (([f, f], X), {"jac": [jac]}, TypeError, "chain of 2: jac must be a list"),
    ],
)
def test_bad_input_gets_one_clear_sentence(args, claims, error, told):
    with pytest.raises(error, match=told), np.errstate(all="ignore"):
        check_derivative(*args, **claims)


def test_another_shape_at_a_second_point_is_told():
    with pytest.raises(ValueError, match="f must return one shape"):
        check_derivative(lambda x: x if x[0] == X[0] else x[:2], X, jac=lambda x: np.eye(3))


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        (None, "nothing returned"),
        (np.full((3, 3), np.nan), "not written"),
        (np.array([["a"] * 3] * 3), "not numbers"),
        (np.where(np.eye(3) > 0, np.inf, A), "not a number"),
        (1j * A, "complex"),
    ],
)
def test_what_is_no_derivative_yet_is_told_kindly(returned, kind):
    assert check_derivative(f, X, jac=lambda x: returned).kind == kind
    assert check_derivative(f, X, jac=raises).kind == "fails"


def test_what_f_raises_away_from_x_never_escapes():
    def fragile(x):
        if not np.array_equal(x, X):
            raise RuntimeError("elsewhere")
        return f(x)

    report = check_derivative(fragile, X, jac=jac)
    assert len(report.unjudged) == 9 and "Not judged: 9 entries" in str(report)


# ---------------------------------------------------------------------------- the picture, the cost


def test_a_report_draws_itself_with_words_and_marks():
    from html.parser import HTMLParser

    html = check_derivative(f, X, jac=lambda x: jac(x) * [1, -1, 1])._repr_html_()
    HTMLParser().feed(html)
    assert 'role="img"' in html and "<title>" in html and "3 wrong (cross)" in html
    assert html.count("<path") == 3 and "currentColor" in html
    big = check_derivative(
        lambda x: np.sin(x), np.linspace(0.1, 1, 60), jac=lambda x: np.diag(np.cos(x))
    )
    assert big._repr_html_().count("<rect") <= 24 * 24


def test_twenty_by_twenty_costs_at_most_what_is_promised():
    rng = np.random.default_rng(1)
    B, x = rng.normal(size=(20, 20)), 0.3 * rng.normal(size=20)
    C = rng.normal(size=(20, 20))

    def g(x):
        return np.tanh(B @ x)

    def right(x):
        return (1 - np.tanh(B @ x) ** 2)[:, None] * B

    for claim in (right, lambda x: right(x).T, lambda x: right(x) + C * x, lambda x: -right(x)):
        assert check_derivative(g, x, jac=claim).evaluations <= 20 * 20 + 200


def test_ten_thousand_inputs_take_less_than_a_hundred_evaluations():
    n = 10_000
    w = np.random.default_rng(2).normal(size=n)
    x = np.random.default_rng(3).normal(size=n)

    def g(x):
        return np.sum(w * np.sin(x))

    right = check_derivative(g, x, jac=lambda x: w * np.cos(x))
    assert right.ok and right.evaluations < 100 and "not entry by entry" in right.remark
    assert check_derivative(g, x, jac=lambda x: 2 * w * np.cos(x)).kind == "constant factor"
    one = check_derivative(g, x, jac=lambda x: w * np.cos(x) + (np.arange(n) == 777))
    assert "x[777]" in str(one)
    tracemalloc.start()
    check_derivative(g, x, vjp=lambda x, g: g * w * np.cos(x))
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


# ------------------------------------------------------------------- told wrongly once, or not told


def test_an_entry_at_a_kink_is_not_told_to_be_without_change():
    report = check_derivative(np.abs, [0.0, 1.0, -2.0], jac=lambda x: np.diag(np.sign(x)))
    assert report.ok and "kink" in report.remark and "does not change" not in report.remark
    steep = check_derivative(
        np.linalg.norm, np.zeros(3), jac=lambda x: x / max(np.linalg.norm(x), 1e-300)
    )
    assert "kink" in steep.remark and "an optimum" not in steep.remark


def test_a_term_of_each_sample_of_a_batch_is_told_block_by_block():
    rng = np.random.default_rng(5)
    K, V, Q = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(4, 3))

    def attention(Q):
        E = np.exp(Q @ K.T)
        return E / E.sum(axis=1, keepdims=True) @ V

    def held(Q):  # the normalising sums are held fixed
        E = np.exp(Q @ K.T)
        P = E / E.sum(axis=1, keepdims=True)
        return np.einsum("il,lj,ld,ik->ijkd", P, V, K, np.eye(4))

    report = check_derivative(attention, Q, jac=held)
    assert report.kind == "term of rank one" and "each of 4 blocks" in report.diagnosis


@pytest.mark.parametrize(
    ("f", "wrong", "x", "kind", "told"),
    [
        # the signs of the parameters are all alike: it is the same number for all
        (lambda p: np.sum(p * np.log(p)), np.log, [0.2, 0.5, 0.3], "constant error", "same number"),
        # 1 is the derivative by x[2] as well, by chance
        (
            lambda x: np.sum(np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)),
            np.sign, [0.3, -2.0, 5.0], "factor in a part", "= 1/x[0]",
        ),
        # a fraction that has two names
        (lambda x: x**3, lambda x: np.diag(2 * x**2), [1, 2, 3], "constant factor",
         "(2/3, or (3 - 1)/3"),
    ],
)  # fmt: skip
def test_no_guess_where_chance_may_have_made_the_number(f, wrong, x, kind, told):
    report = check_derivative(f, x, jac=wrong)
    assert report.kind == kind and told in report.diagnosis


def test_sparse_matrices_and_linear_operators_are_looked_at_as_arrays():
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import aslinearoperator

    for form in (csr_array, aslinearoperator):
        assert check_derivative(lambda x: A @ x, X, jac=lambda x, form=form: form(A)).ok
        wrong = check_derivative(lambda x: A @ x, X, jac=lambda x, form=form: form(-A))
        assert wrong.kind == "sign"


# ------------------------------------------------------------------------------------- by the dozen


def planted_counts(count, seed):
    named = passed = 0
    for trial, plant, wrong in trials.planted(count, seed):
        report = check_derivative(trial.f, trial.x, jac=wrong)
        passed += report.ok
        named += report.kind in plant.named
    print(f"{count} planted mistakes: {named} named, {passed} passed as right")
    return named, passed


def alarms(count, seed):
    wrong = sum(
        not check_derivative(f, x, jac=jac).ok for _, f, jac, x in trials.rights(count, seed)
    )
    print(f"{count} right derivatives: {wrong} blamed")
    return wrong


def test_there_are_families_and_kinds_enough():
    assert len(trials.FAMILIES) >= 12 and len(trials.PLANTS) >= 20


def test_planted_mistakes_of_random_functions_are_named():
    named, passed = planted_counts(120, seed=1)
    assert passed == 0 and named >= 0.95 * 120


def test_right_derivatives_of_all_sizes_with_kinks_and_in_float32_pass():
    assert alarms(150, seed=1) == 0


@pytest.mark.slow
def test_two_thousand_planted_mistakes_are_named():
    named, passed = planted_counts(2000, seed=2)
    assert passed == 0 and named >= 0.95 * 2000


@pytest.mark.slow
def test_ten_thousand_right_derivatives_pass():
    assert alarms(10_000, seed=2) == 0
