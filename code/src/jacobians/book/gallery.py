"""Which check catches which mistake: every one of `mistakes` against the checks people use.

A mistake is planted in the basis of a small regression, and each check is run on it as it would be
on an honest Jacobian, for several seeds. The table is computed, never typed; it stands in the
chapter :doc:`/chapters/checking`.
"""

import html
from collections import namedtuple

import numpy as np

from jacobians.basis import phi
from jacobians.checks import check_derivative, check_jacobian
from jacobians.mistakes import MISTAKES, planted

#: Over how many random problems each mistake is tried.
SEEDS = range(5)
TOLERANCE = 1e-9  # relative, for two numbers that should be one
LAM = 1e-3  # the weight of the ridge

Problem = namedtuple("Problem", "X y W w")


def problem(seed, N=40, D=2, K=4):
    """A small regression: inputs, noisy targets, and where the training starts.

    Chapter :doc:`/chapters/checking`.

    N, D+1 and K are all different, so that exchanged axes change the shape.
    Chapter :doc:`/chapters/checking`.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, D))
    y = np.tanh(X @ rng.standard_normal(D)) + 0.3 * rng.standard_normal(N)
    return Problem(X, y, rng.standard_normal((D + 1, K)), 0.5 * rng.standard_normal(K))


# ------------------------------------------------------------- a stored Jacobian as a linear map


def push(J, dW):
    """The move of the features, (N, K), that a stored J predicts for a move dW of W.

    Chapter :doc:`/chapters/checking`.
    """
    return np.einsum("nkdl,dl->nk" if J.ndim == 4 else "ndk,dk->nk", J, dW)


def pull(J, G):
    """The derivative of a loss by W, (D+1, K), from its derivative G by the features.

    Chapter :doc:`/chapters/checking`.
    """
    return np.einsum("nkdl,nk->dl" if J.ndim == 4 else "ndk,nk->dk", J, G)


def descent(basis, problem, only_W=False, steps=100, rate=0.3):
    """The ridge loss before each step of gradient descent with `basis.jacobian`, and at its end.

    Chapter :doc:`/chapters/checking`.

    The linear weights and the intercept follow their own gradient, which is right, unless `only_W`
    holds them fixed. A run that leaves the finite numbers ends early, with NaN.
    """
    X, y, W, w = problem
    w0, losses = 0.0, []
    for _ in range(steps + 1):
        basis = type(basis)(W)
        Phi = basis.transform(X)
        r = Phi @ w + w0 - y
        losses.append(r @ r / (2 * len(y)) + LAM / 2 * w @ w)
        W = W - rate * pull(basis.jacobian(X), np.outer(r, w) / len(y))
        if not np.isfinite(W).all():
            losses.append(np.nan)
            break
        if not only_W:
            w, w0 = w - rate * (Phi.T @ r / len(y) + LAM * w), w0 - rate * r.mean()
    return np.array(losses)


# ------------------------------------------------------------------------------- the checks


def every_entry(basis, problem, rng):
    """The book's checker: each entry beside a numerical one."""
    return check_jacobian(basis, problem.X).ok


def any_function(basis, problem, rng):
    """The checker that knows of no basis: the features as a function of W, and all zeros."""

    def jac(W):
        J = type(basis)(W).jacobian(problem.X)
        return J if J.ndim == 4 else np.einsum("ndk,kl->nkdl", J, np.eye(W.shape[1]))

    return check_derivative(lambda W: phi(W, problem.X), problem.W, jac=jac).ok


def one_direction(basis, problem, rng):
    """J dW beside the move of the features themselves, for one random dW (a complex step)."""
    dW = rng.standard_normal(problem.W.shape)
    moved = phi(problem.W + 1e-30j * dW, problem.X).imag / 1e-30
    gap = push(basis.jacobian(problem.X), dW) - moved
    return np.linalg.norm(gap) <= TOLERANCE * np.linalg.norm(moved)


def dot_product(basis, problem, rng):
    """<G, J dW> beside <J' G, dW> for random G and dW: the one array on both sides."""
    J, dW = basis.jacobian(problem.X), rng.standard_normal(problem.W.shape)
    G = rng.standard_normal((len(problem.X), problem.W.shape[1]))
    left, right = np.vdot(G, push(J, dW)), np.vdot(pull(J, G), dW)
    return abs(left - right) <= TOLERANCE * np.linalg.norm(G) * np.linalg.norm(push(J, dW))


def loss_falls(basis, problem, rng, only_W=False):
    """The loss is lower after 100 steps than before the first."""
    losses = descent(basis, problem, only_W)
    return losses[-1] < losses[0]


def loss_falls_W_alone(basis, problem, rng):
    """The same with the linear weights held fixed, so that they cannot do the work."""
    return loss_falls(basis, problem, rng, only_W=True)


CHECKS = {
    "every entry": every_entry,
    "any function": any_function,
    "one random direction": one_direction,
    "the loss falls, W alone": loss_falls_W_alone,
    "the loss falls": loss_falls,
    "dot-product test": dot_product,
}
#: Said in the table of an array that a check cannot multiply, because of its shape.
STOPPED = -1


def run(basis, check, seed):
    """Whether the check passes: True or False, or STOPPED if the shapes do not even multiply."""
    the_problem = problem(seed)
    try:
        with np.errstate(all="ignore"):  # a wrong derivative may well run off to infinity
            passed = check(basis(the_problem.W), the_problem, np.random.default_rng(seed + 1000))
    except ValueError:
        return STOPPED
    return bool(passed)


def compute(seeds=SEEDS):
    """For each mistake and each check, the seeds in which the mistake was caught.

    Chapter :doc:`/chapters/checking`.

    Returns
    -------
    dict of dict
        ``result[mistake][check]`` is the number of seeds, or STOPPED where a product of the
        array stops with an error. Mistakes that most checks let pass come first; the right
        Jacobian is not among them.
    """
    result = {}
    for name in MISTAKES:
        outcomes = {
            check: [run(planted(name), function, seed) for seed in seeds]
            for check, function in CHECKS.items()
        }
        result[name] = {
            check: STOPPED if STOPPED in found else found.count(False)
            for check, found in outcomes.items()
        }
    return dict(sorted(result.items(), key=lambda item: difficulty(item[1])))


def difficulty(row):
    """Sorts what the popular checks let pass to the top, and what cannot even run to the end."""
    popular = [row[check] for check in CHECKS if "loss" in check or "dot" in check]
    return STOPPED in popular, sum(popular)


# ------------------------------------------------------------------------------- the table

CAUGHT = "background: rgba(22, 135, 95, 0.22)"
PASSED = "background: rgba(200, 87, 10, 0.30); font-weight: 700"


def as_html(result, seeds=SEEDS):
    """The result of `compute` as a table that is read without colours as well as with them.

    Chapter :doc:`/chapters/checking`.
    """
    caption = (
        f"Which check catches which wrong Jacobian, over {len(seeds)} seeds. "
        "caught: every time. passed: not once. "
        "stops: with an error, because the array has another shape than the check multiplies."
    )
    head = "".join(f'<th scope="col">{check}</th>' for check in CHECKS)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(cell(row[check], len(seeds)) for check in CHECKS)
        + "</tr>"
        for name, row in result.items()
    )
    foot = "".join(
        f"<td>{sum(row[check] in (len(seeds), STOPPED) for row in result.values())}"
        f" of {len(result)}</td>"
        for check in CHECKS
    )
    return (
        '<div role="region" aria-label="Which check catches which mistake" tabindex="0" '
        'style="overflow-x: auto"><table class="table gallery">'
        f'<caption style="caption-side: top">{caption}</caption>'
        f'<thead><tr><th scope="col">planted mistake</th>{head}</tr></thead><tbody>{rows}</tbody>'
        f'<tfoot><tr><th scope="row">always caught</th>{foot}</tr></tfoot></table></div>'
    )


def cell(caught, of):
    if caught == STOPPED:
        return "<td>stops</td>"
    if caught == 0:
        return f'<td style="{PASSED}">passed</td>'
    if caught == of:
        return f'<td style="{CAUGHT}">caught</td>'
    return f"<td>caught in {caught} of {of}</td>"
