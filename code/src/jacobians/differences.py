"""Numerical derivatives of any function of an array.

A function ``f`` takes an array ``w`` and returns an array; its Jacobian here has the shape
``f(w).shape + w.shape``, outputs first (numerator layout). Costs count evaluations of ``f`` for P
parameters; with a sparsity pattern of C colours, C stands in the place of P.

All functions here take the same arguments:

f : callable
    Array of w's shape -> array, always of one shape. It gets a copy of its argument and its result
    is copied: it may change the one and use the other again.
w : array-like
    Where to differentiate; computed in float64.
steps : float or array-like of w's shape, optional
    The step of each parameter. The default is a power of the machine's precision, given with each
    function, times the size of the parameter (or 1 if that is larger): right for a function that
    bends over a length like that. A slope that multiplies x bends over 1/x: give its step.
pattern : array-like of bool, shape (f(w).size, w.size), optional
    Which outputs may depend on which parameters. Parameters that share no output move together.

They raise ValueError if w or a step is not finite, a step is not positive or is lost in the spacing
of the numbers around w, if a shape is wrong, or if f does not return numbers of one shape.

`extrapolated` finds its steps itself and says how far each entry can be trusted. `slope` does that
for one direction, `roughness` measures the noise of f.
"""

from collections import namedtuple

import numpy as np

from jacobians._arrays import real

EPS = np.finfo(float).eps


def forward(f, w, steps=None, pattern=None):
    """(f(w + h) - f(w)) / h, equation :eq:`eq-forward-error`: error O(h), P + 1 evaluations.

    The steps are EPS^(1/2).

    Examples
    --------
    >>> round(float(forward(lambda w: w**2, 3.0)), 6)
    6.0
    """
    w, steps = point(w, steps, EPS ** (1 / 2))
    base = values(f, w)

    def quotient(h):
        above = w + h
        return values(f, above, base.shape) - base, above - w

    return assemble(quotient, w, steps, pattern)


def central(f, w, steps=None, pattern=None):
    """(f(w + h) - f(w - h)) / 2h, equation :eq:`eq-central-error`: error O(h^2), 2P evaluations.

    The steps are EPS^(1/3); :eq:`eq-best-step` says which would be best.
    What is divided by is the step that was really taken, (w + h) - (w - h) in floating point.

    Examples
    --------
    >>> round(float(central(lambda w: w**2, 3.0)), 9)
    6.0
    """
    w, steps = point(w, steps, EPS ** (1 / 3))

    def quotient(h):
        above, below = w + h, w - h
        up = values(f, above)
        return up - values(f, below, up.shape), above - below

    return assemble(quotient, w, steps, pattern)


def richardson(f, w, steps=None, pattern=None):
    """(4 D(h/2) - D(h)) / 3 for central differences D, equation :eq:`eq-richardson`: error O(h^4).

    4P evaluations, steps EPS^(1/5). The combination cancels the error of the second order
    (Richardson 1911).

    Examples
    --------
    >>> round(float(richardson(lambda w: w**3, 2.0)), 9)
    12.0
    """
    w, steps = point(w, steps, EPS ** (1 / 5))
    return (4 * central(f, w, steps / 2, pattern) - central(f, w, steps, pattern)) / 3


def complex_step(f, w, steps=1e-30, pattern=None):
    """Im f(w + ih) / h, equation :eq:`eq-complex-step`: nothing is subtracted, so h can be tiny.

    P evaluations. The error is that of f itself (Squire and Trapp 1998). f must be analytic and let
    complex numbers through: no abs, no comparison, no conjugate, no cast to float.

    Examples
    --------
    >>> float(complex_step(lambda w: w**3, 2.0))
    12.0
    """
    w, steps = point(w, steps, EPS)

    def quotient(h):
        return np.array(np.imag(f(w + 1j * h)), dtype=float), h

    return assemble(quotient, w, steps, pattern)


def colour(pattern):
    """Colours for the columns of a pattern, such that no row sees one colour twice.

    How many there must be: :eq:`eq-colour-count`. Greedy, the densest columns first (Curtis, Powell
    and Reid 1974); as few colours as possible where columns fall into groups that share their rows,
    as the units of a basis do.

    Parameters
    ----------
    pattern : array-like of bool, shape (rows, columns)

    Returns
    -------
    ndarray of int, shape (columns,)

    Examples
    --------
    >>> colour([[True, False, True], [False, True, False]]).tolist()
    [0, 0, 1]
    """
    pattern = np.asarray(pattern, dtype=bool)
    if pattern.ndim != 2:
        raise ValueError(f"pattern must be (rows, columns); got the shape {pattern.shape}")
    colours = np.full(pattern.shape[1], -1)
    taken = []  # for each colour, the rows that it already has
    for column in np.argsort(-pattern.sum(axis=0), kind="stable"):
        rows = pattern[:, column]
        free = next((c for c, seen in enumerate(taken) if not (seen & rows).any()), len(taken))
        if free == len(taken):
            taken.append(np.zeros(len(rows), dtype=bool))
        taken[free] |= rows
        colours[column] = free
    return colours


def assemble(quotient, w, steps, pattern):
    """The Jacobian from the moves of f and of w, one colour of parameters after the other."""
    if pattern is not None:
        pattern = np.asarray(pattern, dtype=bool)
        if pattern.ndim != 2 or pattern.shape[1] != w.size:
            raise ValueError(
                f"pattern must be outputs by parameters, (f(w).size, {w.size}); got {pattern.shape}"
            )
    colours = np.arange(w.size) if pattern is None else colour(pattern)
    J = None
    for c in range(colours.max(initial=-1) + 1):
        members = np.flatnonzero(colours == c)
        h = np.zeros(w.size)
        h[members] = steps.flat[members]
        move, taken = quotient(h.reshape(w.shape))
        lost = members[taken.flat[members] == 0]
        if len(lost):
            raise ValueError(
                f"the step {steps.flat[lost[0]]:.3g} is lost beside {w.flat[lost[0]]:.6g}: steps "
                "must be larger than the spacing of the numbers there"
            )
        if J is None:
            J = np.zeros((move.size, w.size))
            if pattern is not None and pattern.shape != J.shape:
                raise ValueError(
                    f"pattern must have the shape {J.shape}, outputs by parameters; "
                    f"got {pattern.shape}"
                )
        elif move.size != len(J):
            raise ValueError("f must return one shape; it returned another at a second point")
        for p in members:
            rows = slice(None) if pattern is None else pattern[:, p]
            J[rows, p] = move.ravel()[rows] / taken.flat[p]
    return J.reshape(move.shape + w.shape)


def point(w, steps, power):
    """w and its steps as float64 arrays of one shape, or a ValueError in words."""
    w = real(w, "w", copy=True)
    if w.size == 0:
        raise ValueError("w must hold at least one number")
    if steps is None:
        steps = power * np.maximum(np.abs(w), 1.0)
    steps = real(steps, "steps")
    if steps.shape not in ((), w.shape):
        raise ValueError(f"steps must be a number or have w's shape {w.shape}; got {steps.shape}")
    if not (steps > 0).all():
        raise ValueError("steps must be finite and positive")
    return w, np.broadcast_to(steps, w.shape)


def values(f, w, shape=None):
    """f at a copy of w, as a copy in float64: whatever f does to either, w and the result stay."""
    y = f(w.copy())
    try:
        if np.iscomplexobj(y):
            raise TypeError("complex")
        y = np.array(y, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"f must return real numbers; got {type(y).__name__}") from error
    if shape is not None and y.shape != shape:
        raise ValueError(f"f must return one shape; got {shape} and then {y.shape}")
    return y


# ------------------------------------------------------------------ steps that f chooses for itself

RATIO = 4.0  # from one step of the ladder to the next
MOST = 18  # steps of the ladder; 4^18 is 7e10, from a large parameter down to a short length
SPACINGS = (2.0**-20, 2.0**-30, 2.0**-40)  # of the points whose scatter is the noise
GOOD = 1e-10  # an estimate of this relative error is good enough to stop

#: The derivative along one line, for each output: `value`, its `error`, and where there is a kink
#: `low` and `high`, its one-sided values (else both are NaN).
Slope = namedtuple("Slope", "value error low high")


def extrapolated(f, w, pattern=None):
    """Extrapolated central differences over a ladder of steps, and an estimate of their error.

    Each parameter finds its own length: the ladder goes down until its extrapolations agree
    (Ridders 1982), and up again if the noise of f drowns them. About 6P evaluations if each
    parameter is as long as it is large, more where it is not.

    Parameters
    ----------
    f, w, pattern
        As for all functions here.

    Returns
    -------
    J, error : ndarray, shape f(w).shape + w.shape
        The error is an estimate, with the measured noise of f in it; infinite where none was found,
        half the distance between the one-sided values at a kink.

    Examples
    --------
    >>> J, error = extrapolated(lambda w: np.sin(1e4 * w), 0.5)
    >>> bool(abs(J - 1e4 * np.cos(5e3)) <= 8 * error), bool(error < 1e-3)
    (True, True)
    """
    w, lengths = point(w, None, 1.0)
    base = values(f, w)

    def at(v):
        return values(f, v, base.shape).ravel()

    noise = roughness(at, w, base.ravel())
    colours = np.arange(w.size) if pattern is None else colour(pattern)
    J, error = np.zeros((2, base.size, w.size))
    for c in range(colours.max(initial=-1) + 1):
        v = np.where(colours == c, lengths.ravel(), 0.0).reshape(w.shape)
        found = slope(line(at, w, v), base.ravel(), noise)
        for p in np.flatnonzero(colours == c):
            rows = slice(None) if pattern is None else np.asarray(pattern, dtype=bool)[:, p]
            J[rows, p] = found.value[rows] / lengths.flat[p]
            apart = np.fmax(found.error, (found.high - found.low) / 2)
            error[rows, p] = apart[rows] / lengths.flat[p]
    return J.reshape(base.shape + w.shape), error.reshape(base.shape + w.shape)


def line(at, w, v):
    """t -> (f(w + t v), the t that was really taken); None where f fails or is not finite."""
    largest = np.unravel_index(np.abs(v).argmax(), v.shape)  # () for a single number

    def along(t):
        there = w + t * v
        taken = (there[largest] - w[largest]) / v[largest]
        try:
            y = at(there)
        except Exception:  # outside f's domain: what f raises there is no answer to our question
            return None, taken
        return (y if np.isfinite(y).all() else None), taken

    return along


def lines(at, w, directions):
    """Several lines as one, their values one after the other: one ladder climbs them together."""
    each = [line(at, w, v) for v in directions]

    def along(t):
        found = [one(t) for one in each]
        if any(y is None for y, _ in found):
            return None, t
        taken = np.repeat([taken for _, taken in found], [y.size for y, _ in found])
        return np.concatenate([y for y, _ in found]), taken

    return along


def roughness(at, w, base, rng=None):
    """The noise of each output of f: its fourth differences over nine close points.

    Differences of a smooth function over so short a way vanish; what is left is rounding, in
    whatever precision f computes inside (Hamming 1973; More and Wild 2011).
    """
    rng = np.random.default_rng(1) if rng is None else rng
    size = np.where(w == 0, typical(w), np.abs(w))
    v = size * rng.uniform(0.5, 1.5, w.shape) * rng.choice([-1.0, 1.0], w.shape)
    noise, along, single = np.full(base.shape, np.nan), line(at, w, v), False
    for spacing in SPACINGS:
        points = [along(spacing * k)[0] for k in range(-4, 5) if k]
        if any(y is None for y in points):
            continue
        points = np.array([*points[:4], base, *points[4:]])
        fourth = np.diff(points, n=4, axis=0)
        squares = np.einsum("ij,ij->j", fourth, fourth)
        measured = np.sqrt(squares / (70 * len(fourth)))  # 70 = 1 + 16 + 36 + 16 + 1
        # what moves to one side only is flat beside a kink
        moves = (points[:4] != base).any(axis=0) & (points[5:] != base).any(axis=0)
        noise = np.fmin(noise, np.where(moves, measured, np.nan))
        if np.array_equal(base, base.astype(np.float32)) and moves.any():
            single = single or np.array_equal(points, points.astype(np.float32))
        if np.all(noise <= 1e4 * EPS * np.abs(points).max(axis=0)):
            break  # else a bend or a kink may look like noise: it shrinks with the spacing
    if np.isnan(noise).any():  # what stands still over a short way may be a coarse staircase
        points = [along(2.0**-12 * k)[0] for k in (-2, -1, 1, 2)]
        if all(y is not None for y in points):
            fourth = points[0] - 4 * points[1] + 6 * base - 4 * points[2] + points[3]
            stairs = np.isnan(noise) & (points[0] != base) & (points[3] != base)
            noise = np.where(stairs, np.abs(fourth) / np.sqrt(70), noise)
    noise = np.fmax(noise, EPS * np.abs(base))
    if single:  # results rounded to float32: where they stand still the scatter was not to be seen
        return np.maximum(noise, np.finfo(np.float32).eps / 2 * np.abs(base))
    return np.maximum(noise, _relative(noise, base) * np.abs(base))


def _relative(noise, base):
    """The noise beside f, if f looks as if it computed in float32 inside; else EPS."""
    size = np.abs(base)
    if 2 * np.count_nonzero(noise > 1e-9 * size) < np.count_nonzero(size):  # no need to sort
        return EPS
    share = noise[size > 0] / size[size > 0]
    share = np.median(share) if share.size else EPS
    return float(share) if 1e-9 < share < 1e-5 else EPS


def typical(w):
    """The size that a parameter of value 0 is given: that of the others, or 1."""
    others = np.abs(w[w != 0])
    return float(np.median(others)) if others.size else 1.0


def slope(along, base, noise, step=2.0**-6, room=1.0):
    """The derivative of t -> along(t) at 0, with its error, from a ladder of steps.

    Parameters
    ----------
    along : callable
        ``t -> (values or None, the t taken)``, as `line` makes it.
    base, noise : ndarray, shape (m,)
        The values at 0 and the noise of each.
    step : float
        Where the ladder begins; the length of the line is about 1.
    room : float
        How much longer the line may be: the size of the other parameters beside this one's.

    Returns
    -------
    Slope
    """
    best = descend(along, base, noise, step)
    drowned = (best.error > 1e-6 * np.abs(best.value)) & np.isnan(best.low)
    if room > RATIO**3 and (drowned & (best.error * room > 1e-6 * np.abs(base))).any():
        return _better(best, descend(along, base, noise, step * room), drowned)
    for higher in (RATIO**3, RATIO**6):  # noise has drowned it: perhaps the length is larger
        drowned = (best.error > 1e-6 * np.abs(best.value)) & np.isnan(best.low)
        if not (drowned & (best.value != 0)).any():
            break
        best = _better(best, descend(along, base, noise, step * higher, most=4), drowned)
    return best


def _better(best, other, where):
    """A longer step is welcome where it says the same with less noise, and nowhere else."""
    better = where & (np.abs(other.value - best.value) <= 3 * best.error)
    better &= other.error < best.error
    return best._replace(
        value=np.where(better, other.value, best.value),
        error=np.where(better, other.error, best.error),
    )


def descend(along, base, noise, step, most=MOST):
    """Go down the ladder from one step, keep for each output the estimate that is trusted most."""
    value, error = np.zeros_like(base), np.full_like(base, np.inf)
    low, high = np.full((2, base.size), np.nan)
    share = _relative(noise, base)
    old, bends, sides, failed, power, moved = [], [], [], 0, 2, np.zeros_like(base)
    down_ok = up_ok = False
    h = step
    for _ in range(most):
        (up, a), (down, b) = along(h), along(-h)
        up_ok, down_ok = up_ok or up is not None, down_ok or down is not None
        if np.any(a == 0) or np.any(b == 0):
            break  # the spacing of the numbers is reached
        if up is None or down is None:
            failed += 1
            one = up if down is None else down
            if one is None or failed <= 5:
                old, h = [], h / (2 * RATIO)
                continue
            # x lies on the edge of f's domain: one side has to do
            power, D, span = 1, (one - base) / (a if down is None else b), h
        else:
            if power == 1:
                old, power = [], 2
            D, span = (up - down) / (a - b), h
            right, left = (up - base) / a, (down - base) / b
            bends.append(right - left)
            sides.append((right, left))
        rounding = (2 / span) * noise
        if power == 2:  # far away f may be much larger, and its rounding with it
            far = np.maximum(np.abs(up), np.abs(down))
            rounding = np.maximum(rounding, (share / span) * far)
        still = D == 0
        if still.any():
            # an output that moved both ways at a larger step and stands still now is a staircase
            rounding = np.where(still & (moved > 0), moved / span, rounding)
        if power == 2:
            both = h * np.minimum(np.abs(right), np.abs(left))
            moved = np.where(still, moved, both)
        new, factor = [D], RATIO**power
        for a_old in old:
            new.append(new[-1] + (new[-1] - a_old) / (factor - 1))
            factor *= RATIO**power
        if old:  # a smaller step that contradicts what is held: that came from beyond f's length
            gap = np.abs(D - value) - 3 * rounding
            error[(gap > np.abs(old[0] - value)) & (gap > error)] = np.inf
        truncation = np.full_like(base, np.inf)
        for k in range(1, len(new)):
            gap = np.maximum(np.abs(new[k] - new[k - 1]), np.abs(new[k] - old[k - 1]))
            truncation = np.minimum(truncation, gap)
            gap = gap + rounding
            better = gap < error
            value, error = np.where(better, new[k], value), np.where(better, gap, error)
        old, h = new, h / RATIO
        if len(new) < 3:
            continue
        done = (error <= GOOD * np.abs(value)) | (truncation <= rounding) | (error < rounding)
        suspect = _apart(bends, sides, noise, span, 2)
        if (done | suspect).all() and (len(bends) >= 5 or not suspect.any()):
            break
    if len(bends) >= 5:
        kink = _apart(bends, sides, noise, h * RATIO, 4)
        if kink.any():
            (a1, b1), (a0, b0) = sides[-1], sides[-2]
            right = a1 + (a1 - a0) / (RATIO - 1)
            left = b1 + (b1 - b0) / (RATIO - 1)
            slack = np.abs(right - a1) + np.abs(left - b1) + 4 * noise / (h * RATIO)
            low = np.where(kink, np.minimum(right, left) - slack, low)
            high = np.where(kink, np.maximum(right, left) + slack, high)
    return Slope(value, error, low, high)


def _apart(bends, sides, noise, h, steps):
    """Where the one-sided quotients settle as the step shrinks, and stay apart: a kink."""
    last = np.abs(bends[-1]) if bends else np.zeros_like(noise)
    if len(bends) < steps:
        return np.zeros(noise.shape, dtype=bool)
    size = np.maximum(np.abs(sides[-1][0]), np.abs(sides[-1][1]))
    kink = (last > 1e-6 * size) & (last > 50 * noise / h)
    for before in bends[-steps:-1]:
        kink &= (last > 0.7 * np.abs(before)) & (last < 1.4 * np.abs(before))
    for one in (0, 1):
        kink &= np.abs(sides[-1][one] - sides[-2][one]) < 0.2 * last
    return kink
