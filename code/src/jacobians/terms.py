"""Rules for mistakes that add: a term that is forgotten or counted twice.

A penalty, half of a product, one triangle of a symmetric argument, or the way through a mean, a
norm or a normalising sum, which shows as an error of rank one or two.
"""

import numpy as np
from scipy.sparse.csgraph import connected_components

from jacobians.evidence import FIT, SLACK, Evidence, Finding, column, listed, places, plural, runs


def half_a_product(ev):
    """One term of a product rule alone: f = x g(x) entry by entry, or f = x x'."""
    m, n = ev.shape
    if ev.columns is not None:
        return None
    if m == n and m > 1 and not (ev.truth - np.diag(np.diag(ev.truth))).any():
        x, y = ev.x.ravel(), ev.y.ravel()
        with np.errstate(all="ignore"):
            one = y / x
            for candidate in (np.diag(one), np.diag(np.diag(ev.truth) - one)):
                if np.isfinite(candidate).all() and ev.is_(candidate, ev.error):
                    return Finding(
                        "product rule", "one term of the product rule alone: f = x g(x) needs "
                        "g(x) + x g'(x), and yours has one of the two",
                    )  # fmt: skip
    if ev.y.ndim == 2 and ev.y.shape[0] == ev.y.shape[1]:
        Y = ev.yours.reshape(ev.y.shape + (n,))
        both = (Y + Y.transpose(1, 0, 2)).reshape(m, n)
        if (
            ev.truth.any()
            and (np.abs(both - ev.truth) <= FIT * np.abs(ev.truth) + SLACK * ev.error).all()
        ):
            return Finding(
                "product rule",
                "one term of the product rule alone: yours and the same with the two axes of f "
                "exchanged make the whole together",
            )
    return None


def symmetric_argument(ev):
    """For a square matrix x: equal on symmetric moves."""
    if ev.x.ndim != 2 or ev.x.shape[0] != ev.x.shape[1] or len(ev.x) < 2 or ev.columns is not None:
        return None
    m, k = ev.shape[0], len(ev.x)
    Y, T, E = (a.reshape(m, k, k) for a in (ev.yours, ev.truth, ev.error))
    swap = (0, 2, 1)
    both, should = Y + Y.transpose(swap), T + T.transpose(swap)
    slack = FIT * np.maximum(np.abs(both), np.abs(should)) + SLACK * (E + E.transpose(swap))
    if not (np.abs(both - should) <= slack).all():
        return None
    upper = np.triu_indices(k, 1)
    low = upper[::-1]
    small = SLACK * E.max() + FIT * np.abs(T).max()
    if np.abs(T[:, upper[0], upper[1]]).max() <= small:
        how = "f reads the lower triangle of x only"
    elif np.abs(T[:, low[0], low[1]]).max() <= small:
        how = "f reads the upper triangle of x only"
    else:
        how = "they differ for x[i, j] and x[j, i] one by one"
    return Finding(
        "symmetric argument",
        f"right for symmetric moves of x, where both triangles move alike, and not for each entry: "
        f"{how}, and the formula counts both",
    )


def penalty(ev):
    """A gradient whose error is a known function of x: a penalty forgotten, or there twice."""
    if ev.shape[0] != 1:
        return None
    gap = (ev.yours - ev.truth)[0]
    error = ev.error[0]
    wrong = ev.wrong[0]
    x = ev.xs
    if wrong.sum() < 2:
        return None
    there = ev.second()
    for name, told, vector in (
        ("x", "the parameters", x),
        ("ones", "the same for every parameter", np.ones_like(x)),
        ("sign", "the signs of the parameters", np.sign(x)),
        ("cube", "the cubes of the parameters", x**3),
    ):
        part = wrong & (vector != 0)
        if not part[wrong].all():
            continue
        c = float(np.median(gap[part] / vector[part]))
        want = np.where(wrong, c * vector, 0.0)
        allowed = 1e-4 * np.abs(want) + SLACK * error + FIT * np.abs(ev.truth[0])
        if not (np.abs(gap - want) <= allowed).all() or (np.abs(want) <= 3 * allowed)[wrong].all():
            continue
        if there is not None and name != "ones":
            w2 = {"x": there.xs, "sign": np.sign(there.xs), "cube": there.xs**3}[name]
            gap2 = (there.yours - there.truth)[0]
            ok2 = np.abs(gap2 - np.where(wrong, c * w2, 0)) <= (
                1e-3 * np.abs(c * w2) + SLACK * there.error[0] + FIT * np.abs(there.truth[0])
            )
            if not ok2.all():
                continue
        where = "" if wrong.all() else f" in {places(ev, ev.wrong)[0]}"
        if name == "ones":
            return Finding(
                "constant error",
                f"the error is the same number, {c:.6g}, for every input{where}: a linear term "
                "(a sum or a mean of x) is forgotten or counted twice",
            )
        kind = "penalty missing" if c < 0 else "penalty twice"
        what = (
            "the gradient of a penalty is missing"
            if c < 0
            else ("the gradient of a penalty is there that f does not have, or it is counted twice")
        )
        form = {"x": "c/2 |x|^2", "sign": "c |x|_1", "cube": "c/4 sum x^4"}[name]
        return Finding(
            kind, f"the error is {c:.6g} times {told}{where}: {what} ({form}, c = {abs(c):.6g})"
        )
    return None


def constant_error(ev):
    """Yours is off by the same numbers at another point too: a linear term of f."""
    there = ev.second()
    if there is None:
        return None
    gap, gap2 = ev.yours - ev.truth, there.yours - there.truth
    slack = SLACK * (ev.error + there.error) + FIT * (np.abs(ev.truth) + np.abs(there.truth))
    slack += 1e-5 * np.abs(gap)
    if (np.abs(gap - gap2) > slack).any() or not (np.abs(gap) > 3 * slack)[ev.wrong].all():
        return None
    moved = np.abs(there.truth - ev.truth) > 3 * slack
    if not moved[ev.wrong].any():
        return None  # the derivative itself is constant there, and so is every mistake
    where, _ = places(ev, ev.wrong)
    values = gap[ev.wrong]
    shown = listed([f"{v:.6g}" for v in values], 6)
    is_ = "are" if plural(where) else "is"
    return Finding(
        "constant error",
        f"{where} {is_} off by a constant, the same at another point ({shown}): a term of f "
        f"that is "
        "linear in x is forgotten, or is there twice",
    )


# ------------------------------------------------------------------------------- what is held fixed


def low_rank(ev):
    """The error is u v' (or two such terms): a dependence through one quantity is missing."""
    if ev.columns is not None:
        return None
    gap = ev.yours - ev.truth
    rows, cols = np.flatnonzero(ev.wrong.any(axis=1)), np.flatnonzero(ev.wrong.any(axis=0))
    small = gap[np.ix_(rows, cols)]
    m, n = small.shape
    if min(m, n) < 2:
        return None
    # rows and columns may have very different sizes; scale them before looking at the rank
    r, c = np.abs(small).max(axis=1), np.abs(small).max(axis=0)
    r[r == 0], c[c == 0] = 1, 1
    scaled = small / np.sqrt(np.outer(r, c))
    s = np.linalg.svd(scaled, compute_uv=False)
    noise = SLACK * np.linalg.norm(ev.error[np.ix_(rows, cols)] / np.sqrt(np.outer(r, c)))
    floor = max(1e-6 * s[0], noise)
    rank = int((s > floor).sum())
    if rank == 0 or rank > 2 or rank >= min(m, n):
        return None
    told = normaliser(ev, gap, rank)
    if told is not None:
        return told
    if rank == 2 and min(m, n) < 4:
        return None
    where = places(ev, ev.wrong)[0]
    columns_ = f"in the columns {runs([column(ev, p) for p in cols])}"
    if rank == 1:
        u, _, vt = np.linalg.svd(gap, full_matrices=False)
        told = held_fixed(ev, u[:, 0], vt[0])
        if told:
            return told
        return Finding(
            "term of rank one",
            f"the error has rank one {columns_} and the rows {runs(rows)}: a term through one "
            "intermediate quantity, on which these outputs depend and which these inputs move, is "
            "missing or wrong",
        )
    return Finding(
        "term of rank two",
        f"the error has rank two ({where}): terms through two intermediate quantities are missing",
    )


def blockwise(ev):
    """The same term in each of several blocks that share neither outputs nor inputs: a batch."""
    if ev.columns is not None:
        return None
    m, n = ev.shape
    links = np.zeros((m + n, m + n), dtype=bool)
    links[:m, m:] = ev.firm | ev.wrong
    count, member = connected_components(links, directed=False)
    found = []
    for block in range(count):
        at = np.ix_(member[:m] == block, member[m:] == block)
        if not ev.wrong[at].any():
            continue
        y, x = ev.y.ravel()[at[0].ravel()], ev.x.ravel()[at[1].ravel()]
        parts = {"yours": ev.yours[at], "truth": ev.truth[at], "error": ev.error[at]}
        part = Evidence(**parts, wrong=ev.wrong[at], x=x, y=y, form=ev.form)
        told = diagonal_and_more(part) or low_rank(part)
        if told is None or found and told.kind != found[0].kind:
            return None
        found.append(told)
    if len(found) < 2:
        return None
    told = f"in each of {len(found)} blocks that share no input (the samples of a batch?): "
    return Finding(found[0].kind, f"{told}{found[0].told}; rows and columns count within a block")


def held_fixed(ev, u, v):
    """A rank-one error whose inputs' side is x, x about its mean, or the same for all."""
    x = ev.x.ravel()

    def along(a, b):
        size = np.linalg.norm(a) * np.linalg.norm(b)
        return size > 0 and abs(a @ b) >= (1 - 1e-6) * size

    if ev.shape[1] < 3:
        return None
    by_f = along(u, ev.y.ravel()) if ev.shape[0] > 1 else False
    for vector, what in (
        (np.ones_like(x), "the mean or the sum of x"),
        (x, "the norm |x|"),
        (x - x.mean(), "the standard deviation of x"),
    ):
        if along(v, vector):
            more = ", in proportion to f itself" if by_f else ""
            return Finding(
                "normaliser held fixed",
                f"the error has rank one: the dependence through {what} is missing or wrong{more}",
            )
    return None


def normaliser(ev, gap, rank):
    """f does not change when all inputs move alike, or when they are scaled: the claim does."""
    m, n = ev.shape
    if n < 2:
        return None
    x = ev.x.ravel()
    T, Y = ev.truth, ev.yours
    scale = np.abs(T) @ np.abs(x) + 1e-300
    alike = np.abs(T.sum(axis=1)) <= 1e-6 * np.abs(T).sum(axis=1) + SLACK * ev.error.sum(axis=1)
    claims = np.abs(Y.sum(axis=1)) > 1e-4 * np.abs(Y).sum(axis=1)
    along = np.abs(T @ x) <= 1e-6 * scale + SLACK * ev.error @ np.abs(x)
    claims_along = np.abs(Y @ x) > 1e-4 * (np.abs(Y) @ np.abs(x))
    centred = x - x.mean()
    about = np.abs(T @ centred) <= 1e-6 * scale + SLACK * ev.error @ np.abs(x)
    mean = alike.all() and claims.any()
    norm = along.all() and claims_along.any()
    spread_ = (
        alike.all() and about.all() and (np.abs(Y @ centred) > 1e-4 * np.abs(Y) @ np.abs(x)).any()
    )
    if mean and spread_:
        return Finding(
            "normaliser held fixed",
            "the dependence through the mean and the standard deviation is missing: f does not "
            "change when all inputs move alike or are stretched about their mean",
        )
    off = m == n and not (Y - np.diag(np.diag(Y))).any()
    if mean:
        more = "; everything off the diagonal is missing" if off else ""
        return Finding(
            "normaliser held fixed",
            "f does not change when all inputs move alike, and yours says that it does: the "
            f"dependence through a mean or a normalising sum is missing{more}",
        )
    if norm:
        more = "; everything off the diagonal is missing" if off else ""
        return Finding(
            "normaliser held fixed",
            "f does not change when x is scaled, and yours says that it does: the dependence "
            f"through the norm |x| is missing{more}",
        )
    return None


def invariant_gradient(ev):
    """One output that does not change as x is scaled or shifted, and an error along just that."""
    if ev.shape[0] != 1 or ev.shape[1] < 3 or ev.columns is not None:
        return None
    gap, x = (ev.yours - ev.truth)[0], ev.x.ravel()
    return (
        normaliser(ev, gap, 1)
        if any(
            abs(gap @ v) >= (1 - 1e-5) * np.linalg.norm(gap) * np.linalg.norm(v)
            for v in (x, np.ones_like(x))
        )
        else None
    )


def diagonal_and_more(ev):
    """Nothing off the diagonal, and the diagonal is wrong too: other inputs are forgotten."""
    m, n = ev.shape
    if m != n or m < 2 or ev.columns is not None:
        return None
    off = ~np.eye(m, dtype=bool)
    if ev.yours[off].any() or not (ev.wrong & off).any():
        return None
    return normaliser(ev, None, 0) or Finding(
        "diagonal only",
        "everything off the diagonal is missing, and the diagonal is wrong too: f mixes its inputs",
    )
