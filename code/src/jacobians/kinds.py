"""What kind of mistake a wrong Jacobian makes: rules for any function, tried from simple to far.

A rule gets the `Evidence` of one point and returns a `Finding` or None. The first rule that
explains *every* entry has the word; what none explains is told by its place. No rule knows a
particular function.
"""

import numpy as np

from jacobians.evidence import SLACK, Finding, common, input_, near, places, plural
from jacobians.factors import (
    activation,
    by_side,
    constant_factor,
    factor_name,
    line_factors,
    nameless_factors,
    part_factor,
    times,
    varying_part,
)
from jacobians.layouts import (
    alike_rows,
    block_transposed,
    inner_transposed,
    matched,
    misplaced,
    pattern_transposed,
    rearranged,
    rearranged_and_scaled,
    rearrangements,
    rotated,
)
from jacobians.terms import (
    blockwise,
    constant_error,
    diagonal_and_more,
    half_a_product,
    invariant_gradient,
    low_rank,
    penalty,
    symmetric_argument,
)


def zero(ev):
    if not ev.yours.any():
        return Finding("zero", "every entry is 0; f does change with x here")


def flat(ev):
    """f does not change with x at all here, and the claim says that it does."""
    if (np.abs(ev.truth) <= SLACK * ev.error).all():
        return Finding(
            "not zero",
            "f does not change with x here, and yours says that it does: are the paths missing "
            "that "
            "cancel the one you have (through a mean, a norm, a normalising sum)?",
        )


def not_zero(ev):
    """Entries that should be 0."""
    if (ev.firm & ev.wrong).any() or not (np.abs(ev.truth) <= SLACK * ev.error)[ev.wrong].all():
        return None
    where, _ = places(ev, ev.wrong)
    is_ = "are" if plural(where) else "is"
    return Finding(
        "not zero",
        f"{where} {is_} not 0, and should be: these outputs do not depend on these inputs here (a "
        "mask forgotten?)",
    )


def single_precision(ev):
    """Right to some 7 digits everywhere: the numbers have been through float32."""
    size = np.abs(ev.truth)
    off = np.abs(ev.yours - ev.truth)[ev.wrong] / np.maximum(size[ev.wrong], 1e-300)
    if off.max() > 2e-5:
        return None
    digits = int(0.05 - np.log10(off.max()))
    fits = np.array_equal(ev.yours, ev.yours.astype(np.float32).astype(float))
    if fits:
        return Finding("float32", f"right to {digits} digits only: computed in float32?")
    return Finding(
        "few digits",
        f"right to {digits} digits only: computed in lower precision, or by differences?",
    )


def factor_and_few(ev):
    """Two mistakes: one layout or factor explains nearly all, a few entries are wrong besides."""
    ways = [("", "", lambda M: M)]
    ways += [w for w in rearrangements(ev) if w[0] in ("transposed", "axes permuted", "vec order")]
    plain = 0
    for kind, told, make in ways:
        C, E = make(ev.truth), make(ev.error)
        with np.errstate(all="ignore"):
            q = np.where(np.abs(C) > 100 * E, ev.yours / C, np.nan)
        firm = np.isfinite(q)
        if firm.sum() < 3:
            continue
        values = np.sort(q[firm])
        best = None
        for c in {float(np.median(values)), 1.0, -1.0, *values[:: max(1, len(values) // 15)]}:
            if c == 0:
                continue
            good = ev.explained(c * C, abs(c) * E)
            if best is None or (good & firm).sum() > (best[1] & firm).sum():
                best = c, good
        c, good = best
        if not kind:
            plain = (good & ev.wrong).sum()
        elif (good & ev.wrong).sum() <= plain + 1:
            continue  # what the layout explains needs no other layout
        if (good & firm).sum() < max(0.5 * firm.sum(), 2) or good.all():
            continue
        if near(c, 1) and not kind:
            continue
        rest = ~good
        where, how = places(ev, rest)
        with np.errstate(all="ignore"):
            d = common(ev.yours / C, rest & firm)
        more = ""
        only = np.where(rest, (d or 0) * C, c * C)
        if d is not None and ev.is_(only, (abs(d) + abs(c)) * E):
            more = f" ({times(d / c)} besides)" if d else " (0)"
        first = told if kind else ""
        if not near(c, 1):
            scale = f"every entry {times(c)}{factor_name(ev, c, 1e-5)}"
            first = f"{first}; {scale}" if first else scale
        return Finding(
            f"{kind or ('sign' if near(c, -1) else 'constant factor')}, and more",
            f"two mistakes: {first}; and besides {where} {'are' if plural(where) else 'is'} "
            f"wrong{more}",
        )
    return None


def elsewhere(ev):
    """The derivative at another point than x."""
    if ev.columns is not None:
        return None
    points = [("0", np.zeros_like(ev.x)), ("-x", -ev.x), ("|x|", np.abs(ev.x))]
    if ev.y.shape == ev.x.shape:
        points.insert(0, ("f(x)", ev.y))
    points += [("x rounded to integers", np.round(ev.x)), ("2 x", 2 * ev.x), ("x / 2", ev.x / 2)]
    points += [("x + 1", ev.x + 1), ("x - 1", ev.x - 1), ("exp(x)", np.exp(np.minimum(ev.x, 50)))]
    if ev.x.ndim == 1 and ev.x.size > 1:
        points += [("x in reversed order", ev.x[::-1])]
    for name, there in points:
        if np.array_equal(there, ev.x) or not np.isfinite(there).all():
            continue
        found = ev.truth_at(there, ev.yours)
        if found is None:
            continue
        C, E = found
        with np.errstate(all="ignore"):
            if np.isfinite(E).all() and ev.differs(C, E) and ev.is_(C, E) and C.any():
                return Finding("another point", f"this is the derivative at {name}, not at x")
    return None


def by_place(ev):
    """What no rule explains: where, and how the error depends on x."""
    where, how = places(ev, ev.wrong)
    are = "are" if plural(where) or how in ("entries", "all") else "is"
    if how == "all":
        every = "every entry" if ev.wrong.all() else "every entry that is not 0"
        told = f"{every} is wrong, and no mistake we know explains them all"
    elif how == "entries":
        told = f"{where} are wrong"
    else:
        told = f"{where} {are} wrong, the rest is right"
    cols = np.flatnonzero(ev.wrong.any(axis=0))
    rows = np.flatnonzero(ev.wrong.any(axis=1))
    if ev.columns is not None:
        told += f" (looked at {len(ev.columns)} of {ev.x.size} inputs)"
    there = ev.second()
    depends = ""
    if there is not None:
        here_gap, there_gap = (ev.yours - ev.truth)[ev.wrong], (there.yours - there.truth)[ev.wrong]
        slack = SLACK * (ev.error + there.error)[ev.wrong] + 1e-4 * np.abs(here_gap)
        with np.errstate(all="ignore"):
            by_f = np.repeat((there.y.ravel() / ev.y.ravel())[:, None], ev.shape[1], 1)[ev.wrong]
            by_x = np.repeat((there.xs / ev.xs)[None], ev.shape[0], 0)[ev.wrong]
            if (np.abs(there_gap - here_gap) <= slack).all():
                depends = "the error is the same at another point: a constant"
            elif (np.abs(there_gap - by_x * here_gap) <= slack).all():
                depends = "each error is proportional to its input: linear in x"
            elif (np.abs(there_gap - by_f * here_gap) <= slack).all():
                depends = "the error is proportional to f"
    if not depends and (degree := growth(ev)) is not None:
        power = {0: "does not change", 1: "doubles: it is linear in x", 2: "grows fourfold: it is "
                 "quadratic in x"}.get(degree, f"grows 2^{degree}-fold")  # fmt: skip
        depends = f"when x is doubled the error {power}"
    if not depends and len(cols) <= 3 and len(rows) <= 3 and ev.wrong.size > 9:
        depends = (
            "a loop that ends early, an input used twice or an index?"
            if len(cols) > 1
            else (f"only {input_(ev, cols[0])}: an input that is used in several places?")
        )
    return Finding("by place", f"{told}{'; ' + depends if depends else ''}")


def growth(ev):
    """The power of x with which the error grows when x is doubled, or None."""
    there = ev.at(2 * ev.x)
    if there is None:
        return None
    gap, far = (ev.yours - ev.truth)[ev.wrong], (there.yours - there.truth)[ev.wrong]
    slack = SLACK * (ev.error + there.error)[ev.wrong] + 1e-4 * np.abs(far)
    return next((k for k in range(-3, 6) if (np.abs(far - 2.0**k * gap) <= slack).all()), None)


RULES = [
    zero, flat, single_precision, constant_factor, alike_rows, rearranged, not_zero, matched,
    block_transposed, part_factor, misplaced, half_a_product, penalty, invariant_gradient,
    activation, line_factors, inner_transposed, symmetric_argument, diagonal_and_more,
    rearranged_and_scaled, low_rank, blockwise, constant_error, rotated, by_side, factor_and_few,
    elsewhere, varying_part, nameless_factors, pattern_transposed, by_place,
]  # fmt: skip


def name(ev):
    """The finding of the first rule that explains every entry."""
    with np.errstate(all="ignore"):
        return next(found for rule in RULES if (found := rule(ev)) is not None)
