"""Compare any derivative with a numerical one, and say what is wrong with it.

The truth comes from the function alone, by extrapolated differences whose error is estimated entry
by entry (`differences`, `probes`); `looks` compares, and what is wrong is named by `kinds`.
"""

from dataclasses import replace

import numpy as np

from jacobians._arrays import real
from jacobians.evidence import index
from jacobians.looks import NAMING, claimed, examine
from jacobians.probes import Claim, Probe, array_of, numbers_of


def check_derivative(f, x, *, jac=None, vjp=None, jvp=None):
    """Check a derivative of any function that somebody wrote, and say what is wrong with it.

    Chapter :doc:`/chapters/checking`.

    Parameters
    ----------
    f : callable, or list of callables
        Takes an array of x's shape and returns a number or an array of one shape. A list is a
        chain, the first function first; then the derivatives are lists too, one for each link.
    x : array-like
        Of any shape. Two more points near it are looked at as well.
    jac : callable, optional
        ``jac(x)``: the Jacobian, of shape f(x).shape + x.shape or the matrix (f(x).size, x.size).
    vjp : callable, optional
        ``vjp(x, g)`` with g of f's shape: the vector-Jacobian product, of x's shape.
    jvp : callable, optional
        ``jvp(x, v)`` with v of x's shape: the Jacobian-vector product, of f's shape.

    Returns
    -------
    Report
        True if everything is right.

    Raises
    ------
    TypeError
        If f or a derivative cannot be called, or none is given.
    ValueError
        If x is not finite, or f fails at x or does not return numbers of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> report = check_derivative(lambda x: A @ x, [0.3, 0.7], jac=lambda x: A.T)
    >>> bool(report), report.kind
    (False, 'transposed')
    """
    claims = {"jac": jac, "vjp": vjp, "jvp": jvp}
    claims = {form: claim for form, claim in claims.items() if claim is not None}
    if not claims:
        raise TypeError("give at least one derivative to check: jac=, vjp= or jvp=")
    x = real(x, "x", copy=True)
    if x.size == 0:
        raise ValueError("x must hold at least one number")
    if isinstance(f, (list, tuple)):
        return _chain(list(f), x, claims)
    for name, function in {"f": f, **claims}.items():
        if not callable(function):
            raise TypeError(f"{name} must be a function; got {type(function).__name__}")
    probe = Probe(f, x)
    reports = {form: examine(probe, Claim(form, claim)) for form, claim in claims.items()}
    return _together(probe, reports, claims)


def _together(probe, reports, claims):
    """One report on several claims about one function."""
    reports = {form: replace(r, evaluations=probe.evaluations) for form, r in reports.items()}
    if len(reports) == 1:
        return next(iter(reports.values()))
    wrong = {form: r for form, r in reports.items() if not r.ok}
    right = [form for form, r in reports.items() if r.ok]
    names = " and ".join(reports)
    first = next(iter((wrong or reports).values()))
    if not wrong:
        differ = _disagree(probe, claims)
        if differ:
            return replace(
                first, ok=False, diagnosis=differ, kind="disagree", subject=names,
                blame=f"{names} disagree",
            )  # fmt: skip
        return replace(first, subject=f"Each of {names}")
    told = "; ".join(f"{form}: {r.diagnosis}" for form, r in wrong.items())
    if right:
        told += f"; {' and '.join(right)} {'is' if len(right) == 1 else 'are'} right"
    elif len({r.diagnosis for r in wrong.values()}) == 1:
        told = f"they agree with each other, and are wrong alike: {first.diagnosis}"
    return replace(
        first, diagnosis=told, subject=names,
        blame=f"{' and '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong",
    )  # fmt: skip


def _disagree(probe, claims):
    """Claims that f cannot tell apart, because it is noisy, and that differ all the same."""
    if max(probe.m, probe.n) > NAMING:
        return ""
    matrices = {form: claimed(probe, Claim(form, claim), probe.x) for form, claim in claims.items()}
    names = list(matrices)
    for a, first in enumerate(names):
        for second in names[a + 1 :]:
            A, B = matrices[first], matrices[second]
            if A is None or B is None:
                continue
            scale = np.maximum(np.abs(A), np.abs(B))
            rows, cols = scale.max(axis=1, keepdims=True), scale.max(axis=0, keepdims=True)
            off = np.abs(A - B) > 1e-6 * scale + 1e-9 * np.minimum(rows, cols)
            if off.any():
                i, p = np.argwhere(off)[0]
                return (
                    f"f is too noisy to say which is right, and {first} and {second} differ in "
                    f"{int(off.sum())} of {off.size} entries: by x"
                    f"{index(probe.x.shape, p)} f{index(probe.y.shape, i)} changes at "
                    f"the rate {A[i, p]:.6g} in the one and {B[i, p]:.6g} in the other"
                )
    return ""


# ------------------------------------------------------------------------------------------- chains


def _chain(functions, x, claims):
    """Each link at its own input, then the whole."""
    for form, claim in claims.items():
        if not isinstance(claim, (list, tuple)) or len(claim) != len(functions):
            raise TypeError(
                f"f is a chain of {len(functions)}: {form} must be a list of as many functions"
            )
    if not functions:
        raise TypeError("a chain needs at least one function")
    point, total, remarks = x, 0, []
    for k, function in enumerate(functions):
        try:
            found = check_derivative(
                function, point, **{form: claim[k] for form, claim in claims.items()}
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"link {k} of the chain: {error}") from error
        total += found.evaluations
        name = getattr(function, "__name__", "")
        name = f" ({name})" if name and name != "<lambda>" else ""
        if not found.ok:
            return replace(
                found, diagnosis=f"{found.diagnosis}", evaluations=total,
                blame=f"Link {k} of {len(functions)}{name}, {found.blame}",
                subject=f"link {k}",
                remark=" ".join(filter(None, [found.remark, _before(k)])),
            )  # fmt: skip
        if found.remark or found.unjudged:
            remarks.append(
                f"Link {k}{name}: {' '.join(filter(None, [found.remark, found.not_judged()]))}"
            )
        point = numbers_of(function(point.copy()))
    whole = check_derivative(_composed(functions), x, **_composed_claims(functions, claims))
    return replace(
        whole, subject=f"The chain of {len(functions)} links, each and as a whole,",
        blame="Each link is right and the whole is wrong",
        evaluations=total + whole.evaluations,
        remark=" ".join(filter(None, [whole.remark, *remarks])),
    )  # fmt: skip


def _before(k):
    return f"The links before it are right ({k} of them)." if k else ""


def _composed(functions):
    def whole(x):
        for function in functions:
            x = numbers_of(function(np.array(x, dtype=float)))
        return x

    return whole


def _composed_claims(functions, claims):
    def inputs(x):
        points = [np.array(x, dtype=float)]
        for function in functions:
            points.append(numbers_of(function(points[-1].copy())))
        return points

    def jac(x):
        points, J = inputs(x), None
        for k, link in enumerate(claims["jac"]):
            M = np.asarray(array_of(link(points[k].copy())), dtype=float)
            M = M.reshape(points[k + 1].size, points[k].size)
            J = M if J is None else M @ J
        return J

    def vjp(x, g):
        points = inputs(x)
        for k in reversed(range(len(functions))):
            g = np.asarray(claims["vjp"][k](points[k].copy(), np.array(g)))
        return g

    def jvp(x, v):
        points = inputs(x)
        for k in range(len(functions)):
            v = np.asarray(claims["jvp"][k](points[k].copy(), np.array(v)))
        return v

    ways = {"jac": jac, "vjp": vjp, "jvp": jvp}
    return {form: ways[form] for form in claims}
