"""Numerical derivatives of any function of an array.

A function ``f`` takes an array ``w`` and returns an array; its Jacobian here has the shape
``f(w).shape + w.shape``, outputs first (numerator layout). Costs count evaluations of ``f`` for P
parameters; with a sparsity pattern of C colours, C stands in the place of P.

All functions here take the same arguments:

f : callable
    Array of w's shape -> array, always of one shape.
w : array-like
    Where to differentiate; computed in float64.
steps : float or array-like of w's shape, optional
    The step of each parameter. The default is a power of the machine's precision, given with each
    function, times the size of the parameter (or 1 if that is larger): right for a function that
    bends over a length like that. A slope that multiplies x bends over 1/x: give its step.
pattern : array-like of bool, shape (f(w).size, w.size), optional
    Which outputs may depend on which parameters. Parameters that share no output move together.

They raise ValueError if w or a step is not finite, a step is not positive, or a shape is wrong.
"""

import numpy as np

EPS = np.finfo(float).eps


def forward(f, w, steps=None, pattern=None):
    """(f(w + h) - f(w)) / h, equation :eq:`eq-forward-error`: error O(h), P + 1 evaluations.

    The steps are EPS^(1/2).
    """
    w, steps = point(w, steps, EPS ** (1 / 2))
    base = np.asarray(f(w))

    def quotient(h):
        above = w + h
        return np.asarray(f(above)) - base, above - w

    return assemble(quotient, w, steps, pattern)


def central(f, w, steps=None, pattern=None):
    """(f(w + h) - f(w - h)) / 2h, equation :eq:`eq-central-error`: error O(h^2), 2P evaluations.

    The steps are EPS^(1/3); :eq:`eq-best-step` says which would be best.
    What is divided by is the step that was really taken, (w + h) - (w - h) in floating point.
    """
    w, steps = point(w, steps, EPS ** (1 / 3))

    def quotient(h):
        above, below = w + h, w - h
        return np.asarray(f(above)) - np.asarray(f(below)), above - below

    return assemble(quotient, w, steps, pattern)


def richardson(f, w, steps=None, pattern=None):
    """(4 D(h/2) - D(h)) / 3 for central differences D, equation :eq:`eq-richardson`: error O(h^4).

    4P evaluations, steps EPS^(1/5). The combination cancels the error of the second order
    (Richardson 1911).
    """
    w, steps = point(w, steps, EPS ** (1 / 5))
    return (4 * central(f, w, steps / 2, pattern) - central(f, w, steps, pattern)) / 3


def complex_step(f, w, steps=1e-30, pattern=None):
    """Im f(w + ih) / h, equation :eq:`eq-complex-step`: nothing is subtracted, so h can be tiny.

    P evaluations. The error is that of f itself (Squire and Trapp 1998). f must be analytic and let
    complex numbers through: no abs, no comparison, no conjugate, no cast to float.
    """
    w, steps = point(w, steps, EPS)

    def quotient(h):
        return np.imag(f(w + 1j * h)), h

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
    """
    pattern = np.asarray(pattern, dtype=bool)
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
    colours = np.arange(w.size) if pattern is None else colour(pattern)
    J = None
    for c in range(colours.max(initial=-1) + 1):
        members = np.flatnonzero(colours == c)
        h = np.zeros(w.size)
        h[members] = steps.flat[members]
        move, taken = quotient(h.reshape(w.shape))
        if J is None:
            J = np.zeros((move.size, w.size))
            if pattern is not None and np.shape(pattern) != J.shape:
                raise ValueError(
                    f"pattern must have the shape {J.shape}, outputs by parameters; "
                    f"got {np.shape(pattern)}"
                )
        for p in members:
            rows = slice(None) if pattern is None else np.asarray(pattern, dtype=bool)[:, p]
            J[rows, p] = move.ravel()[rows] / taken.flat[p]
    return J.reshape(move.shape + w.shape)


def point(w, steps, power):
    """w and its steps as float64 arrays of one shape, or a ValueError in words."""
    w = np.array(w, dtype=float)
    if w.size == 0 or not np.isfinite(w).all():
        raise ValueError("w must be a finite array with at least one number")
    if steps is None:
        steps = power * np.maximum(np.abs(w), 1.0)
    steps = np.asarray(steps, dtype=float)
    if steps.shape not in ((), w.shape):
        raise ValueError(f"steps must be a number or have w's shape {w.shape}; got {steps.shape}")
    if not (np.isfinite(steps).all() and (steps > 0).all()):
        raise ValueError("steps must be finite and positive")
    return w, np.broadcast_to(steps, w.shape)
