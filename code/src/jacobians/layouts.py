"""Rules for mistakes of layout: the right numbers at the wrong places, or summed into one.

`rearrangements`, `parts` and `reductions` say what such code would return; the rules look whether
it is what was claimed. `of_shape` is for arrays of another shape than expected.
"""

from itertools import combinations, permutations

import numpy as np

from jacobians.evidence import FIT, SLACK, Finding, common, input_, listed, near, output, runs
from jacobians.factors import factor_name

# ---------------------------------------------------------------------------------- ways to rewrite


def rearrangements(ev):
    """Matrices that code with a mistake of layout returns: (kind, told, how to make it from
    one)."""
    m, n = ev.shape
    if ev.columns is not None:
        return
    ys, xs = ev.y.shape, ev.x.shape
    full = ys + xs
    if m == n and m > 1:
        yield "transposed", "the matrix is transposed: rows and columns are exchanged", np.transpose
    for axes in permutations(range(len(full))) if 2 <= len(full) <= 5 else ():
        if list(axes) != sorted(axes) and tuple(full[a] for a in axes) == full:
            yield (
                "axes permuted",
                f"the axes are permuted: axes {list(axes)} of the expected array stand at "
                f"{list(range(len(full)))}",
                lambda M, axes=axes: M.reshape(full).transpose(axes).reshape(m, n),
            )
    yield from vec_orders(ys, xs, m, n)
    for name, shape, axis_first in (("f", ys, True), ("x", xs, False)):
        for axis, size in enumerate(shape):
            for order, told in orders(size):
                what = "the rows" if axis_first else "the columns"
                if len(shape) > 1:
                    what = f"along axis {axis} of {name} the places"
                place = axis if axis_first else axis + len(ys)
                yield (
                    told[0],
                    f"{what} {told[1]}",
                    lambda M, place=place, order=order: np.take(
                        M.reshape(full), order, axis=place
                    ).reshape(m, n),
                )


def vec_orders(ys, xs, m, n):
    out = np.arange(m).reshape(ys).ravel(order="F") if len(ys) > 1 else None
    into = np.arange(n).reshape(xs).ravel(order="F") if len(xs) > 1 else None
    told = "in column-major (Fortran) order; NumPy stacks rows (C order)"
    if out is not None and into is not None:
        yield (
            "vec order",
            f"rows and columns are {told}: vec(f) by vec(x), as with kron",
            lambda M: M[np.ix_(out, into)],
        )
    if out is not None:
        yield "vec order", f"the rows (entries of f) are {told}", lambda M: M[out]
    if into is not None:
        yield "vec order", f"the columns (entries of x) are {told}", lambda M: M[:, into]


def orders(size):
    """Orders of an axis that mistakes leave behind."""
    if size < 2:
        return
    at = np.arange(size)
    if size > 2:
        for shift in (1, -1):
            way = "one place too late" if shift == 1 else "one place too early"
            yield np.roll(at, shift), ("shifted", f"are shifted: they stand {way}, round the end")
        yield at[::-1], ("reversed", "stand in reversed order")
    for i, j in combinations(range(size), 2) if size <= 12 else ():
        order = at.copy()
        order[i], order[j] = j, i
        yield order, ("exchanged", f"{i} and {j} are exchanged")


def reductions(ev):
    """Summed or averaged over an axis and spread over it again, as broadcasting does."""
    if ev.columns is not None:
        return
    full = ev.y.shape + ev.x.shape
    many = len(ev.y.shape)
    for axis, size in enumerate(full):
        name = f"axis {axis} of f" if axis < many else f"axis {axis - many} of x"
        if size < 2:
            continue
        for how, take in (("summed", np.sum), ("averaged", np.mean)):
            yield (
                f"{how} over an axis",
                f"the array is {how} over {name} and repeated along it",
                lambda M, axis=axis, take=take: np.broadcast_to(
                    take(M.reshape(full), axis=axis, keepdims=True), full
                ).reshape(ev.shape),
            )


def parts(ev):
    """Parts of a square matrix that are kept alone."""
    m, n = ev.shape
    if m != n or m < 2 or ev.columns is not None:
        return
    told = "only the diagonal is there: everything off the diagonal is missing"
    sums = np.abs(ev.truth.sum(axis=1))
    if (sums <= 1e-6 * np.abs(ev.truth).sum(axis=1) + SLACK * ev.error.sum(axis=1)).all():
        told += " (f does not change when all inputs move alike: a normalising sum or a mean?)"
    yield "diagonal only", told, lambda M: np.diag(np.diag(M))
    for kind, told, take in (
        ("one triangle", "only the lower triangle is there", np.tril),
        ("one triangle", "only the upper triangle is there", np.triu),
    ):
        yield kind, told, take
    yield "diagonal missing", "the diagonal is missing", lambda M: M - np.diag(np.diag(M))


# ---------------------------------------------------------------------------------------- the rules


def rearranged(ev):
    ways = [*rearrangements(ev), *parts(ev), *reductions(ev)]
    alone = ev.shape[0] > 1 and ev.wrong.any(axis=1).sum() == 1
    for kind, told, make in ways:
        if alone and kind in ("exchanged", "shifted", "reversed"):
            continue  # one row says too little about the order of all
        C, E = make(ev.truth), make(ev.error)
        if ev.differs(C, E) and ev.is_(C, E):
            return Finding(kind, told)
    return None


def rearranged_and_scaled(ev):
    """Two mistakes at once: another layout, and one factor."""
    for kind, told, make in [*rearrangements(ev), *parts(ev), *reductions(ev)]:
        C, E = make(ev.truth), make(ev.error)
        if not ev.differs(C, E):
            continue
        with np.errstate(all="ignore"):
            c = common(ev.yours / C, np.abs(C) > 100 * E)
        if c and ev.is_(c * C, abs(c) * E):
            if near(c, -1):
                return Finding(f"{kind}, sign", f"two mistakes: {told}; and the sign is wrong")
            name = factor_name(ev, c, 1e-5)
            return Finding(
                f"{kind}, constant factor",
                f"two mistakes: {told}; and every entry is multiplied by {c:.6g}{name}",
            )
    return None


def alike_rows(ev):
    m, _ = ev.shape
    if m < 2 or not np.allclose(ev.yours, ev.yours[:1], rtol=1e-9, atol=0):
        return None
    total, error = ev.truth.sum(axis=0), ev.error.sum(axis=0)
    row = ev.yours[0]
    for name, c in (("the sum", 1.0), ("the mean", 1 / m)):
        if (np.abs(row - c * total) <= FIT * np.abs(row) + SLACK * c * error).all():
            return Finding(
                "cotangent ignored",
                f"all rows are alike: each is {name} over all outputs, as if the cotangent "
                "(the upstream gradient) were ignored",
            )
    if ev.form == "vjp":
        return Finding(
            "cotangent ignored", "the result is the same for every cotangent g: is g used?"
        )
    return Finding("rows alike", "all rows are alike, and they should differ")


def matched(ev):
    """Columns (or rows) that are other columns, or nothing: exchanged, shifted, repeated, left
    out."""
    if ev.columns is not None:
        return None
    for side, word, flip in (("columns", "column", False), ("rows", "row", True)):
        yours, truth, error = (
            a.T if flip else a for a in (ev.yours, ev.truth, ev.error)
        )  # (k, size): look at columns
        size = truth.shape[1]
        if size < 2 or size > 400:
            continue
        source, wrong_lanes = [], (ev.wrong.T if flip else ev.wrong).any(axis=0)
        for q in range(size):
            mine = yours[:, [q]]
            gap = np.abs(mine - truth)
            allowed = FIT * np.maximum(np.abs(mine), np.abs(truth)) + SLACK * error
            good = (gap <= allowed).all(axis=0)
            if good[q]:
                source.append(q)
            elif not mine.any():
                source.append(-1)
            elif good.any():
                misplaced_too = good & wrong_lanes  # of two alike rather one that is missing itself
                source.append(
                    int(np.flatnonzero(misplaced_too if misplaced_too.any() else good)[0])
                )
            else:
                break
        if len(source) < size:
            continue
        moved = [q for q in range(size) if source[q] not in (q,)]
        real = [q for q in moved if source[q] >= 0]
        if not real:
            continue  # only zeros: another rule has the words
        by_chance = size < 3 or float(yours[0, real[0]]).is_integer()
        if yours.shape[0] == 1 and len(real) < 2 and by_chance:
            continue
        return mapping(ev, side, word, source, moved, real, flip)
    return None


def mapping(ev, side, word, source, moved, real, flip):
    def name(p):
        return output(ev, p) if flip else input_(ev, p)

    zeros = [q for q in moved if source[q] < 0]
    shifts = {source[q] - q for q in real}
    of = "of the output" if flip else "by the input"
    if len(shifts) == 1 and len(real) > 1 or (len(shifts) == 1 and zeros):
        s = shifts.pop()
        told = (
            f"the {side} {runs(moved)} hold the derivative {of} "
            f"{'after' if s > 0 else 'before'} their own, {abs(s)} place{'s' * (abs(s) > 1)} "
            f"{'further on' if s > 0 else 'back'}: an index is off by {abs(s)}"
        )
        if zeros:
            told += f"; {word} {runs(zeros)} is zero"
        return Finding("index off by one" if abs(s) == 1 else "shifted", told)
    if sorted(source) == list(range(len(source))):
        if len(moved) == 2:
            a, b = moved
            return Finding(
                "exchanged", f"the {side} {a} and {b} ({name(a)} and {name(b)}) are exchanged"
            )
        pairs = listed([f"{q} holds {source[q]}" for q in moved])
        return Finding("reordered", f"the {side} stand in another order: {word} {pairs}")
    told = listed([f"{word} {q} holds the derivative {of} {name(source[q])}" for q in real])
    more = f"; {word} {runs(zeros)} is zero" if zeros else ""
    return Finding(
        "repeated",
        f"{told}: repeated where {name(real[0])} belongs (or its own inner factor is "
        f"missing){more}",
    )


def misplaced(ev):
    """In each wrong row the right numbers stand at the wrong inputs; or so in each column."""
    for side, flip in (("row", False), ("column", True)):
        yours, truth, error, wrong = (
            a.T if flip else a for a in (ev.yours, ev.truth, ev.error, ev.wrong)
        )
        told, shifts = [], set()
        for i in np.flatnonzero(wrong.any(axis=1)):
            at = np.flatnonzero(wrong[i])
            mine, real = np.argsort(yours[i, at]), np.argsort(truth[i, at])
            gap = np.abs(yours[i, at][mine] - truth[i, at][real])
            if not (gap <= FIT * np.abs(yours[i, at][mine]) + SLACK * error[i, at][real]).all():
                break
            stands = [int(at[k]) for k in mine if yours[i, at[k]] != 0]
            belongs = [int(at[k]) for k, j in zip(real, mine, strict=True) if yours[i, at[j]] != 0]
            shifts |= {a - b for a, b in zip(stands, belongs, strict=True)}
            name = input_ if not flip else output
            told.append(
                f"in {side} {i} ({input_(ev, i) if flip else output(ev, i)}) what belongs to "
                f"{listed([name(ev, k) for k in belongs])} stands at "
                f"{listed([name(ev, k) for k in stands])}"
            )
        else:
            one = shifts.pop() if len(shifts) == 1 else 0
            off = f": the index is {abs(one)} too {'large' if one > 0 else 'small'}" if one else ""
            kind = "index off by one" if abs(one) == 1 else "misplaced"
            return Finding(kind, f"{'; '.join(told[:3])}{off}")
    return None


def block_transposed(ev):
    """A square block of the matrix is transposed, the rest is right."""
    rows, cols = np.flatnonzero(ev.wrong.any(axis=1)), np.flatnonzero(ev.wrong.any(axis=0))
    m, n = ev.shape
    if ev.columns is not None or not ev.wrong.any():
        return None
    # the wrong entries leave out a diagonal: look at the smallest square that holds them
    size = max(np.ptp(rows), np.ptp(cols)) + 1
    if size < 2 or size >= max(m, n) and m == n or size > min(m, n):
        return None
    for top in range(max(0, rows[-1] - size + 1), min(rows[0], m - size) + 1):
        for left in range(max(0, cols[-1] - size + 1), min(cols[0], n - size) + 1):
            block = slice(top, top + size), slice(left, left + size)
            C, E = ev.truth.copy(), ev.error.copy()
            C[block], E[block] = ev.truth[block].T, ev.error[block].T
            if ev.differs(C, E) and ev.is_(C, E):
                return Finding(
                    "block transposed",
                    f"the block of rows {top} to {top + size - 1} and columns {left} to "
                    f"{left + size - 1} is transposed",
                )
    return None


def pattern_transposed(ev):
    """Zeros in the other triangle."""
    m, n = ev.shape
    if m != n or ev.columns is not None:
        return None
    there, mine = ev.firm, np.abs(ev.yours) > 1e-12 * np.abs(ev.yours).max()
    if np.array_equal(mine, there.T) and not np.array_equal(mine, there):
        return Finding(
            "pattern transposed",
            "the zeros stand where the transposed matrix has them: outputs and inputs are taken "
            "for "
            "each other, or a sum or a scan runs the other way",
        )
    return None


def inner_transposed(ev):
    """D1 A' D2 for D1 A D2: the outer factors are right, a matrix inside is transposed."""
    m, n = ev.shape
    if m != n or m < 3 or ev.columns is not None:
        return None
    T, E = ev.truth.T, ev.error.T
    firm = np.abs(T) > 100 * E
    if not firm.all() or (ev.yours == 0).any():
        return None
    Q = ev.yours / T
    rtol = 1e-5 + SLACK * (E / np.abs(T)).max()
    rank_one = Q[:, :1] * Q[:1, :] / Q[0, 0]
    if not (np.allclose(Q, rank_one, rtol=rtol) and np.allclose(np.diag(Q), 1, rtol=rtol)):
        return None
    return Finding(
        "inner matrix transposed",
        "transposed up to a factor for each row: the outer factors are right, a matrix inside the "
        "chain is transposed",
    )


def rotated(ev):
    """Yours is R J or J R for an orthogonal R: another frame."""
    m, n = ev.shape
    if ev.columns is not None:
        return None
    for side, k in (("outputs", m), ("inputs", n)):
        if k < 2 or min(m, n) < 2:
            continue
        Y, T, E = (
            a if side == "outputs" else a.T for a in (ev.yours, ev.truth, ev.error)
        )  # an orthogonal matrix from the left leaves Y'Y as it is
        size = np.linalg.norm(T)
        slack = 1e-5 + SLACK * np.linalg.norm(E) / size
        if slack < 0.02 and np.linalg.norm(Y.T @ Y - T.T @ T) <= slack * size**2:
            if np.linalg.matrix_rank(T, tol=10 * slack * size) > 1:
                return Finding(
                    "rotated frame",
                    f"the {side} are in another frame: yours is the expected matrix multiplied by "
                    f"an orthogonal matrix from the {'left' if side == 'outputs' else 'right'}",
                )
    return None


# ------------------------------------------------------------------------------ arrays of one shape


def of_shape(array, truth, error, x, y):
    """What an array of another shape than expected is, held against the right one.

    Parameters
    ----------
    array : ndarray
    truth, error : ndarray, shape (m, n)
    x, y : ndarray

    Returns
    -------
    Finding
    """
    full = y.shape + x.shape
    T, E = truth.reshape(full), error.reshape(full)
    told = f"expected {full}"
    if len(full) != 2 or full != truth.shape:
        told += f" or the matrix {truth.shape}"
    told = f"the shape is {array.shape}; {told}"

    def same(A, B, slack):
        return A.shape == B.shape and bool(
            (np.abs(A - B) <= FIT * np.maximum(np.abs(A), np.abs(B)) + SLACK * slack).all()
        )

    for sign, also in ((1, ""), (-1, ", and the sign is wrong")):
        A = sign * array
        if A.size == truth.size and same(A.reshape(T.shape), T, E):
            return Finding("other shape", f"{told}. The numbers are right: reshape them{also}")
        for axes in permutations(range(len(full))) if 2 <= len(full) <= 5 else ():
            if same(A, T.transpose(axes), E.transpose(axes)):
                n_y = y.ndim
                swap = list(axes) == [*range(n_y, len(full)), *range(n_y)]
                if swap or truth.shape == full:
                    return Finding(
                        "transposed",
                        f"the array is transposed: {told}; outputs come first, then inputs{also}",
                    )
                return Finding(
                    "axes permuted", f"the axes are permuted, {list(axes)}: {told}{also}"
                )
        if same(A, truth.T, error.T):
            return Finding("transposed", f"the matrix is transposed: {told}{also}")
        for number in (1, 2):
            for axes in combinations(range(array.ndim), number):
                for how, take in (("sum", np.sum), ("mean", np.mean)):
                    less = take(A, axis=axes)
                    if same(less, T, E) or same(less, truth, error):
                        which = listed([f"axis {a}" for a in axes])
                        length = listed([str(array.shape[a]) for a in axes])
                        return Finding(
                            "not summed",
                            f"{told}. Take the {how} over {which} (of length {length}): the input "
                            f"is shared by all of them{also}",
                        )
        for number in (1, 2):
            for axes in combinations(range(len(full)), number):
                for how, take in (("summed", np.sum), ("averaged", np.mean)):
                    if same(A, take(T, axis=axes), take(E, axis=axes)) or same(
                        A, take(T, axis=axes, keepdims=True), take(E, axis=axes, keepdims=True)
                    ):
                        which = listed(
                            [
                                f"axis {a} of f" if a < y.ndim else f"axis {a - y.ndim} of x"
                                for a in axes
                            ]
                        )
                        return Finding(
                            f"{how} over an axis", f"the array is {how} over {which}: {told}{also}"
                        )
        m, n = truth.shape
        if m == n and same(A.ravel(), np.diag(truth), np.diag(error)):
            rest = truth - np.diag(np.diag(truth))
            if (np.abs(rest) > SLACK * error + FIT * np.abs(truth).max()).any():
                return Finding(
                    "diagonal only",
                    f"{told}. These are the numbers of the diagonal; those off it are not zero and "
                    f"are missing{also}",
                )
            return Finding(
                "diagonal only",
                f"{told}. These are the numbers of the diagonal, and the rest is 0: np.diag makes "
                f"the matrix{also}",
            )
        if array.ndim == len(full):
            for axis in range(len(full)):
                for gone in range(full[axis]):
                    if same(A, np.delete(T, gone, axis), np.delete(E, gone, axis)):
                        name_ = (
                            f"axis {axis} of f" if axis < y.ndim else f"axis {axis - y.ndim} of x"
                        )
                        return Finding(
                            "left out", f"{told}: place {gone} of {name_} is left out{also}"
                        )
        if array.ndim == 2:
            for axis in range(2):
                for gone in range(truth.shape[axis]):
                    if same(A, np.delete(truth, gone, axis), np.delete(error, gone, axis)):
                        word = "row" if axis == 0 else "column"
                        return Finding("left out", f"{told}: {word} {gone} is left out{also}")
        if A.size == truth.size and same(A.ravel(order="F").reshape(T.shape), T, E):
            return Finding("other shape", f"{told}. The numbers are right, in Fortran order{also}")
    return Finding("other shape", told)
