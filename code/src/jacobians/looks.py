"""One claimed derivative beside the truth: at x, near it, and far away if f is flat there.

Up to `FULL` inputs every entry is looked at; beyond it random directions come first.
"""

import warnings
from dataclasses import replace

import numpy as np

from jacobians import kinds
from jacobians.differences import EPS
from jacobians.evidence import Evidence, index, listed
from jacobians.layouts import of_shape
from jacobians.probes import Claim, Lane, Probe, matrix_of, unfinished
from jacobians.reports import KINK, RIGHT, UNJUDGED, WRONG, Report

WIDE = 8  # a right entry is within so many estimated errors of the truth,
CLOSE = 3e-9  # or relatively this close to it; float32 is 20 times worse
FULL = 64  # up to so many inputs every entry is looked at, beyond it random directions come first
NAMING = 400  # up to so many inputs every entry is looked at where something is wrong
SAMPLE = 64  # and beyond it so many columns


def examine(probe, claim):
    """The report on one claim."""
    name = claim.form

    def report(kind="", told="", **more):
        more.setdefault("remark", "")
        more["remark"] = " ".join(filter(None, [more["remark"], *_faults(probe)]))
        return Report(
            not told, told, subject=name, blame=f"{name} is wrong", kind=kind,
            evaluations=probe.evaluations, **more,
        )  # fmt: skip

    if probe.unstable:
        size = probe.unstable
        if size > 1e-7 * max(np.abs(probe.y).max(), 1e-300):
            return report(
                "f not repeatable",
                f"f gives two answers at one point: they differ by {size:.3g}. Random numbers, "
                "dropout, or a state that f keeps? A derivative cannot be checked against that",
            )
    if name == "vjp" and probe.m > NAMING:
        return _projected(probe, claim)
    if name == "jvp" and probe.n > NAMING:
        return _examine_products(probe, claim, report)
    x = probe.x
    try:
        array = claim.array(probe, x)
        twice = claim.array(probe, x)
    except NotImplementedError:
        return report("not written", f"{name} is not written yet")
    except Exception as error:
        return report("fails", f"{name} fails at x: {type(error).__name__}: {error}")
    if (found := unfinished(name, array)) is not None:
        return report(*found)
    if isinstance(array, Lane):
        return report(*_other_lane(probe, claim, array))
    array = np.real(array).astype(float)
    M = matrix_of(array, probe)
    if M is None:
        if probe.n > NAMING:
            full = probe.y.shape + probe.x.shape
            return report("other shape", f"the shape is {array.shape}; expected {full}")
        T, E, _, _ = probe.truth(x)
        found = of_shape(array, T, E, x, probe.y)
        return report(*found)
    if not isinstance(twice, Lane) and twice is not None:
        second = matrix_of(np.real(np.asarray(twice)).astype(float), probe)
        if second is None or not np.allclose(second, M, rtol=1e-6, atol=0, equal_nan=True):
            return report(
                "differs between calls",
                f"{name} gives another answer at its second call at the same x: does it keep or "
                "change something?",
            )
    if name != "jac" and (told := _not_linear(probe, claim, M)):
        return report("not linear", told)
    here = Look(probe, claim, x, M)
    if here.wrong_somewhere:
        return here.report(report)
    return _look_further(probe, claim, here, report)


class Look:
    """A claimed matrix beside the truth at one point: entry by entry, or along directions."""

    def __init__(self, probe, claim, point, M, directions_only=False):
        self.probe, self.claim, self.point, self.M = probe, claim, point, M
        self.columns, self.entries = None, False
        self.wrong_somewhere = False
        if probe.n > FULL or directions_only:
            self.wrong_somewhere = self.along_directions(2 if directions_only else 4)
            if self.wrong_somewhere and not directions_only:
                self.entry_by_entry(self.suspects() if probe.n > NAMING else None)
        else:
            self.entry_by_entry()

    def along_directions(self, count):
        probe, M = self.probe, self.M
        lengths = np.where(self.point.ravel() == 0, probe.lengths, np.abs(self.point.ravel()))
        share = np.abs(M).max(axis=0) * lengths
        some = share[share > 0]
        balanced = np.ones(probe.n)
        if some.size:  # no column is to hide the others
            balanced = np.minimum(1, np.median(some) / np.maximum(share, 1e-300))
        wrong = False
        for k, v in zip(range(count), probe.directions(11), strict=False):
            v = v * (balanced if k % 2 else 1.0) * lengths / probe.lengths
            if not self.agrees(v):
                wrong = True
                self.direction = v
                break
        return wrong

    def agrees(self, v):
        found = self.probe.slope(self.point, v)
        claimed = self.M @ v
        allowed = WIDE * found.error + CLOSE * (np.abs(self.M) @ np.abs(v)) + self.probe.rounding
        kink = np.isfinite(found.low)
        between = (claimed >= found.low - allowed) & (claimed <= found.high + allowed)
        good = np.abs(claimed - found.value) <= allowed
        self.blind = bool((np.abs(found.value) <= allowed).all())
        return bool((good | (kink & between)).all())

    def suspects(self):
        """Some columns of many: a wrong one by bisection, the first and last, and a sample."""
        probe, rng = self.probe, np.random.default_rng(5)
        members = np.arange(probe.n)
        while len(members) > 8 and probe.evaluations < 20 * probe.n:
            half = members[: len(members) // 2]
            v = np.zeros(probe.n)
            v[half] = self.direction[half]
            members = members[len(members) // 2 :] if self.agrees(v) else half
        sample = rng.choice(probe.n, SAMPLE, replace=False)
        return np.unique(np.concatenate([members[:8], [0, 1, probe.n - 2, probe.n - 1], sample]))

    def entry_by_entry(self, columns=None):
        probe, self.columns, self.entries = self.probe, columns, True
        Y = self.M if columns is None else self.M[:, columns]
        T, E, low, high = probe.truth(self.point, columns)
        self.T, self.E, self.Y, self.low, self.high = T, E, Y, low, high
        self.judge(T, E, low, high)
        close = np.abs(Y - T) <= 1e-4 * np.abs(T)
        if self.wrong.any() and close[self.wrong].all():  # so little may be the truth's own error
            at = np.flatnonzero(self.wrong.any(axis=0))
            real = at if columns is None else np.asarray(columns)[at]
            T2, E2, _, _ = probe.truth(self.point, real, step=2.0**-6 * 0.37)
            apart = np.abs(T2 - T[:, at])
            E = E.copy()
            E[:, at] = np.where(apart > E[:, at], np.maximum(E[:, at], apart), E[:, at])
            self.E = E
            self.judge(T, E, low, high)
        self.wrong_somewhere = bool(self.wrong.any())

    def judge(self, T, E, low, high):
        Y = self.Y
        lengths = np.array(
            [self.probe.length(self.point, p) for p in (
                range(self.probe.n) if self.columns is None else self.columns)]
        )  # fmt: skip
        # an entry that is as nothing beside what it is around x is rounding, in yours and in f
        rounding = self.probe.rounding[:, None] / lengths
        allowed = WIDE * E + CLOSE * np.abs(T) + rounding
        self.kink = np.isfinite(low)
        between = (Y >= low - allowed) & (Y <= high + allowed)
        known = np.isfinite(E)
        with np.errstate(all="ignore"):
            self.wrong = known & ~self.kink & (np.abs(Y - T) > allowed)
        self.wrong |= self.kink & ~between
        firm = np.where(known, np.abs(T), 0) * lengths
        rows, cols = firm.max(axis=1, initial=0), firm.max(axis=0, initial=0)
        small = np.where(known, allowed, np.inf) * lengths <= 1e-6 * np.minimum(
            rows[:, None], np.inf
        )
        small |= np.where(known, allowed, np.inf) * lengths <= 1e-6 * cols
        size = np.maximum(np.abs(T), np.abs(Y))
        vague = known & (E > 0.01 * size) & (Y != 0) & ~small & ~self.wrong & ~self.kink
        self.unjudged = (~known & ~self.kink) | vague
        with np.errstate(all="ignore"):
            zero = known & ~self.kink & (np.abs(T) <= allowed)
        self.blind_columns = zero.all(axis=0)
        self.blind = bool(zero.all())

    # ------------------------------------------------------------------------- what it says

    def reasons(self):
        reasons = {}
        shape = self.probe.y.shape, self.probe.x.shape
        for i, k in np.argwhere(self.unjudged)[:10_000]:
            p = int(k) if self.columns is None else int(self.columns[k])
            at = tuple(
                int(a) for a in np.unravel_index(i, shape[0]) + np.unravel_index(p, shape[1])
            )
            if np.isfinite(self.E[i, k]):
                reasons[at] = "smaller than what the rounding of f hides"
            else:
                reasons[at] = "f is not smooth or not defined around x"
        return reasons

    def states(self):
        states = np.full(self.wrong.shape, RIGHT)
        states[self.kink] = KINK
        states[self.unjudged] = UNJUDGED
        states[self.wrong] = WRONG
        return states

    def errors(self):
        if self.columns is not None:
            return None
        return (self.Y - self.T).reshape(self.probe.y.shape + self.probe.x.shape)

    def worst(self):
        """The worst entry worked out, in the indices of f and x."""
        T, Y = self.T, self.Y
        with np.errstate(all="ignore"):
            bad = np.where(self.wrong, np.abs(Y - T) / np.maximum(np.abs(T), np.abs(Y)), -1)
            bad = bad * 10 + np.where(self.wrong, np.abs(Y - T) / np.abs(Y - T).max(), 0)
        i, k = (int(a) for a in np.unravel_index(np.argmax(bad), bad.shape))
        p = k if self.columns is None else int(self.columns[k])
        out = index(self.probe.y.shape, i)
        into = index(self.probe.x.shape, p)
        return (
            f"For example, the derivative of f{out} by x{into} is {Y[i, k]:.6g} in yours and "
            f"{T[i, k]:.6g} in truth."
        )

    def evidence(self, again=None):
        probe = self.probe
        value = probe.value(self.point).reshape(probe.y.shape)

        def truth_at(point, M):
            if self.columns is not None or not probe.defined(point):
                return None
            v = next(probe.directions(13))
            found = probe.slope(point, v)  # along one direction first: it costs little
            allowed = 10 * WIDE * found.error + 1e-5 * (np.abs(M) @ np.abs(v))
            if not (np.abs(found.value - M @ v) <= allowed).all() or not self.affordable(9):
                return None
            T, E, low, _ = probe.truth(point)
            return None if np.isfinite(low).any() else (T, E)

        return Evidence(
            self.Y, self.truth_for_yours(), self.E, self.wrong, self.point, value,
            None if self.columns is None else np.asarray(self.columns), self.claim.form,
            again or (lambda: None), truth_at, self.at if again else (lambda point: None),
        )  # fmt: skip

    def truth_for_yours(self):
        """The truth, where any number between two sides is right the nearest to yours."""
        between = np.clip(self.Y, np.nan_to_num(self.low), np.nan_to_num(self.high))
        return np.where(self.kink, between, self.T)

    def affordable(self, each):
        probe = self.probe
        columns = probe.n if self.columns is None else len(self.columns)
        return probe.evaluations + each * columns <= 20 * probe.n + 200

    def again(self):
        """The same columns at a displaced point, for a rule that needs a second opinion."""
        for point in self.probe.displaced():
            if not np.array_equal(point, self.point) and (found := self.at(point)) is not None:
                return found
        return None

    def at(self, point):
        """The evidence of the same columns at another point, or None where it costs too much."""
        if not self.affordable(8) or not self.probe.defined(point):
            return None
        M = claimed(self.probe, self.claim, point)
        if M is None:
            return None
        other = Look.__new__(Look)
        other.probe, other.claim, other.point, other.M = self.probe, self.claim, point, M
        other.entry_by_entry(self.columns)
        return other.evidence()

    def report(self, report, remark=""):
        found = kinds.name(self.evidence(self.again))
        notes = [remark]
        if self.kink.any():
            notes.append(_kinks_told(self))
        notes.append(_noise_told(self.probe))
        return report(
            *found, errors=self.errors(), entry=self.worst(), states=self.states(),
            unjudged=self.reasons(), remark=" ".join(filter(None, notes)),
        )  # fmt: skip


def _noise_told(probe):
    largest = np.abs(probe.y).max()
    size = np.median(probe.noise) / largest if largest > 0 else 0.0
    if not 1e-11 < size < 1e-1:
        return ""
    said = "f itself computes in single precision" if 1e-9 < size < 1e-6 else "f itself is noisy"
    return f"{said[0]}{said[1:]} (noise of {size:.0e} of its size), which was allowed for."


def _kinks_told(look):
    at = np.argwhere(look.kink)
    i, k = at[0]
    p = int(k) if look.columns is None else int(look.columns[k])
    out, into = index(look.probe.y.shape, i), index(look.probe.x.shape, p)
    more = f" and {len(at) - 1} more entries" if len(at) > 1 else ""
    return (
        f"At x there is a kink in the derivative of f{out} by x{into}{more}: the one-sided values "
        "differ, and any number between them was taken for right."
    )


def claimed(probe, claim, point):
    """The claimed matrix at another point, or None where it fails there."""
    try:
        with np.errstate(all="ignore"):
            array = claim.array(probe, point)
    except Exception:
        return None
    if array is None or isinstance(array, Lane) or unfinished(claim.form, array) is not None:
        return None
    return matrix_of(np.real(array).astype(float), probe)


# ------------------------------------------------------------------------ around x, and far from it


def _look_further(probe, claim, here, report):
    """It is right at x; look at points around, and say what x alone could not show."""
    blind_everywhere = here.blind
    for point in probe.displaced():
        M = claimed(probe, claim, point)
        if M is None:
            continue
        there = Look(probe, claim, point, M, directions_only=True)
        blind_everywhere &= there.blind
        if there.wrong_somewhere:
            found = _at_other_point(probe, claim, here, point, M, report)
            if found is not None:
                return found
    remarks = []
    if here.entries and here.blind and not blind_everywhere:
        remarks.append(
            "At x the derivative is 0 as far as can be seen (an optimum, a zero residual, a "
            "saturated function): any multiple of it would pass there. Points around it were "
            "looked "
            "at as well."
        )
    elif here.entries and here.blind_columns.any() and not here.blind:
        which = listed([f"x{index(probe.x.shape, p)}" for p in np.flatnonzero(here.blind_columns)])
        remarks.append(f"At x f does not change with {which}; points around it were used as well.")
    if here.entries and here.blind:
        lost = _lost_in_saturation(probe, claim, here, report)
        if lost is not None:
            return lost
    if here.entries and blind_everywhere:
        far = _far_away(probe, claim, report)
        if isinstance(far, Report):
            return far
        remarks.append(far)
    if here.entries and here.kink.any():
        remarks.append(_kinks_told(here))
    if not here.entries:
        remarks.append(
            f"Looked along random directions through all {probe.n} inputs, not entry by entry."
        )
    return report(
        errors=here.errors() if here.entries else None,
        states=here.states() if here.entries else None,
        unjudged=here.reasons() if here.entries else {},
        remark=" ".join(filter(None, remarks)),
    )


def _at_other_point(probe, claim, here, point, M, report):
    there = Look.__new__(Look)
    there.probe, there.claim, there.point, there.M = probe, claim, point, M
    columns = None
    if probe.n > NAMING:
        there.columns = None
        there.wrong_somewhere = there.along_directions(4)
        if not there.wrong_somewhere:
            return None
        columns = there.suspects()
    there.entry_by_entry(columns)
    if not there.wrong_somewhere:
        return None
    if np.array_equal(M, here.M):
        return report(
            "another point",
            f"{claim.form} returns the same array at x and at a point near it, and the derivative "
            "is another there: is it computed at an old x?",
            entry=there.worst(), states=there.states(), unjudged=there.reasons(),
        )  # fmt: skip
    if here.entries and here.blind:
        why = (
            "At x itself the derivative is 0 as far as can be seen, and any multiple of it passes: "
            "what is told was found at a point near x."
        )
    else:
        why = "At x itself it passes; what is told was found at a point near x."
    return there.report(report, why)


def _lost_in_saturation(probe, claim, here, report):
    """Entries that are 0 in yours and not by a complex step, where f itself does not move."""
    opinion = _complex(probe, probe.x)
    beside = _complex(probe, probe.x * (1 + 16 * EPS))
    if opinion is None or beside is None:
        return None
    steady = np.abs(opinion - beside) <= 1e-3 * np.abs(opinion)  # not the rounding of a zero
    off = steady & (opinion != 0) & (here.Y == 0)
    if not off.any():
        return None
    here.T, here.E, here.wrong = opinion, 1e-9 * np.abs(opinion), off
    here.unjudged = np.zeros_like(off)
    told = (
        f"{int(off.sum())} of {off.size} entries are 0 where a complex step gives "
        f"{np.abs(opinion[off]).max():.3g} or less: f is saturated at x, and a subtraction such as "
        "1 - t^2 has lost every digit there"
    )
    return report(
        "saturated", told, errors=here.errors(), entry=here.worst(), states=here.states(),
        remark="For differences there is no verdict at x: f is flat as far as they see, and any "
        "formula would pass. Around x yours is right.",
    )  # fmt: skip


def _far_away(probe, claim, report):
    """f moves neither at x nor around it: look at points far away."""
    for point in _far(probe):
        M = claimed(probe, claim, point) if probe.defined(point) else None
        if M is None:
            continue
        there = Look(probe, claim, point, M)
        if there.blind:
            continue
        flat = (
            "At x and around it f is flat (saturated, or constant there): differences see nothing, "
            "any formula would pass, and there is no verdict; a point far from x was used."
        )
        return there.report(report, flat) if there.wrong_somewhere else flat
    return (
        "f does not change at x, nor at the other points that were tried: either it is constant or "
        "it is flat as far as can be seen, and any small number would pass."
    )


def _far(probe):
    rng = np.random.default_rng(3)
    for scale in (0.3, 0.1, 0.03, 0.01, 1e-3):
        yield probe.x * scale * rng.uniform(0.5, 1.5, probe.x.shape)
    yield rng.normal(size=probe.x.shape)
    yield probe.x * 10 * rng.uniform(0.5, 1.5, probe.x.shape)


def _complex(probe, point):
    """The derivative by a complex step, or None where f lets no complex number through."""
    if probe.n > FULL:
        return None
    columns = []
    for p in range(probe.n):
        z = point.astype(complex)
        z.flat[p] += 1e-200j
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                columns.append(np.imag(probe._call(z)).ravel() * 1e200)
        except Exception:
            return None
    found = np.array(columns).T
    return found if found.shape == (probe.m, probe.n) and np.isfinite(found).all() else None


def _faults(probe):
    return [f"{fault}." for fault in probe.faults]


# ----------------------------------------------------------------------------------------- products


def _not_linear(probe, claim, M):
    """The words for a product that is not linear in its vector, or an empty string."""
    rng = np.random.default_rng(2)
    vjp = claim.form == "vjp"
    shape = probe.y.shape if vjp else probe.x.shape
    v = rng.normal(size=probe.m if vjp else probe.n)
    try:
        got = claim.product(probe.x, v, shape)
    except Exception as error:
        return f"{claim.form} fails for a random vector: {type(error).__name__}: {error}"
    want = v @ M if vjp else M @ v
    size = np.abs(v) @ np.abs(M) if vjp else np.abs(M) @ np.abs(v)
    if got.shape == want.shape and not (np.abs(got - want) > 1e-5 * size.max()).any():
        return ""
    if vjp and probe.m > 1 and np.allclose(M, M[:1], rtol=1e-9):
        return ""  # the same for every cotangent: that has a name of its own
    if not vjp and np.allclose(M, M[:, :1], rtol=1e-9):
        return ""
    vector = "cotangent g" if vjp else "direction v"
    return (
        f"{claim.form} is not linear in its {vector}: for a random one it is not the sum of "
        f"what it "
        "gives for unit vectors"
    )


def _other_lane(probe, claim, lane):
    """A vjp or a jvp whose result has another shape."""
    arg = "cotangent" if claim.form == "vjp" else "direction"
    told = (
        f"{claim.form} returns the shape {lane.array.shape} for a unit {arg}; expected "
        f"{lane.expected}"
    )
    T, E, _, _ = probe.truth(probe.x) if probe.n <= NAMING else (None,) * 4
    if T is not None:
        row = T[lane.number] if claim.form == "vjp" else T[:, lane.number]
        err = E[lane.number] if claim.form == "vjp" else E[:, lane.number]
        target, nothing = row.reshape(lane.expected), np.zeros(())
        shape = (1, row.size)
        if claim.form == "vjp":
            found = of_shape(
                lane.array.astype(float), row.reshape(shape), err.reshape(shape), target, nothing
            )
            if found.kind != "other shape":
                return found
    return "other shape", told


def _projected(probe, claim):
    """A vjp of a function with many outputs: of a few random sums of them."""
    rng = np.random.default_rng(4)
    G = rng.normal(size=(8, probe.m))

    def f(x):
        return G @ probe.at(x)

    def jac(x):
        return np.array([np.ravel(claim.function(x, g.reshape(probe.y.shape))) for g in G])

    inner = Probe(f, probe.x)
    found = examine(inner, Claim("jac", jac))
    sums = f"f has {probe.m} outputs: the vjp was checked for 8 random cotangents (the rows)."
    return replace(
        found, subject="vjp", blame="vjp is wrong", evaluations=probe.evaluations, errors=None,
        remark=" ".join(filter(None, [found.remark, sums])),
    )  # fmt: skip


def _examine_products(probe, claim, report):
    """A jvp with many inputs: along directions; where it is wrong, some columns."""
    rng = np.random.default_rng(6)
    points = [probe.x, *probe.displaced()]
    for number, point in enumerate(points):
        for _ in range(3 if number == 0 else 1):
            v = probe.lengths * rng.uniform(0.5, 1.5, probe.n) * rng.choice([-1.0, 1.0], probe.n)
            found = probe.slope(point, v)
            try:
                got = claim.product(point, v, probe.x.shape)
            except Exception as error:
                if number:
                    continue
                return report("fails", f"jvp fails at x: {type(error).__name__}: {error}")
            if got.shape != found.value.shape:
                return report(
                    "other shape",
                    f"jvp returns {got.size} numbers; expected the shape {probe.y.shape}",
                )
            size = np.maximum(np.abs(found.value), np.abs(got))
            if (np.abs(got - found.value) > WIDE * found.error + 10 * CLOSE * size).any():
                columns = np.sort(rng.choice(probe.n, SAMPLE, replace=False))
                look = Look.__new__(Look)
                look.probe, look.claim, look.point = probe, claim, point
                M = np.zeros((probe.m, probe.n))
                for p in columns:
                    unit = np.zeros(probe.n)
                    unit[p] = 1
                    M[:, p] = claim.product(point, unit, probe.x.shape)
                look.M = M
                look.entry_by_entry(columns)
                look.again = lambda: None
                if look.wrong_somewhere:
                    return look.report(report)
                return report(
                    "by place",
                    f"along a random direction jvp is off by "
                    f"{np.abs(got - found.value).max():.3g}; "
                    f"the {SAMPLE} columns that were looked at are right",
                )
    return report(remark=f"Looked along random directions through all {probe.n} inputs.")
