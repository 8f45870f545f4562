"""What a checker of derivatives is tried on: smooth functions, planted mistakes, public mistakes.

`FAMILIES` makes a random function of one family with its right Jacobian, `PLANTS` a wrong one of
one kind from it, and `PUBLIC` are mistakes that were reported in public, each in a few lines of our
own. The tests and the comparison with other checkers (checkers.py) try the same.

The right Jacobians come from a complex step of each function, written out here: nothing of what is
tried has a hand in them.
"""

from collections import namedtuple

import numpy as np

Trial = namedtuple("Trial", "family f jac x")
Plant = namedtuple("Plant", "kind wrong named")
FAMILIES, PLANTS = {}, {}


def by_complex_step(f):
    """The Jacobian of a function that lets complex numbers through, right to the last digits."""

    def jac(x):
        x = np.asarray(x, dtype=float)
        columns = []
        for p in range(x.size):
            z = x.astype(complex)
            z.flat[p] += 1e-200j
            columns.append(np.imag(f(z)).ravel() / 1e-200)
        return np.stack(columns, axis=1).reshape(np.shape(f(x)) + x.shape)

    return jac


def family(make):
    FAMILIES[make.__name__] = make
    return make


def draw(name, rng):
    """A random function of one family: Trial(family, f, jac, x)."""
    f, x = FAMILIES[name](rng)
    return Trial(name, f, by_complex_step(f), np.asarray(x, dtype=float))


def sizes(rng, low=2, high=6, count=1):
    found = rng.integers(low, high + 1, size=count)
    return [int(s) for s in found] if count > 1 else int(found[0])


# ------------------------------------------------------------------------------------ functions


@family
def products(rng):
    n = sizes(rng, 2, 5)
    a = rng.normal(size=(n + 1, n))
    return lambda x: np.stack([(a[i] @ x) * x[i % n] + a[i, 0] for i in range(n + 1)]), normal(rng, n)


@family
def quotients(rng):
    n, m = sizes(rng, 2, 5, 2)
    A, b = rng.normal(size=(m, n)), rng.uniform(0.2, 1, size=n)
    return lambda x: (A @ x) / (2 + (b * x) @ x), normal(rng, n)


@family
def norms(rng):
    n = sizes(rng, 3, 6)
    c = rng.normal(size=n)
    return lambda x: (x - 0.1 * c) / np.sqrt((x - 0.1 * c) @ (x - 0.1 * c)), normal(rng, n)


@family
def rotations(rng):
    v = rng.normal(size=3)

    def f(q):
        w, x, y, z = q
        n = q @ q
        R = [[w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
             [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
             [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z]]  # fmt: skip
        return np.array(R) @ v / n

    return f, normal(rng, 4)


@family
def softmax(rng):
    n = sizes(rng, 3, 6)
    A = np.eye(n) + 0.3 * rng.normal(size=(n, n))

    def f(x):
        e = np.exp(A @ x)
        return e / e.sum()

    return f, normal(rng, n)


@family
def scans(rng):
    n, k = sizes(rng, 3, 6), 0.3 + rng.uniform()

    def f(x):
        h, out = 0.2, []
        for t in x:
            h = np.tanh(k * h + t) + 0.1 * t * t
            out.append(h)
        return np.array(out)

    return f, normal(rng, n)


@family
def reactions(rng):
    k = 10.0 ** rng.uniform(-2, 2, size=4)

    def f(y):
        r = np.array([k[0] * y[0], k[1] * y[1] * y[2], k[2] * y[1] ** 2, k[3] * y[0] * y[2]])
        return np.array([-r[0] + r[1] - r[3], r[0] - r[1] - 2 * r[2], r[2] + 0.5 * r[3] - 0.3 * r[1]])

    return f, rng.uniform(0.2, 2, size=3)


@family
def logistic_loss(rng):
    n, N = sizes(rng, 3, 6), 12
    A, y, lam = rng.normal(size=(N, n)), rng.integers(0, 2, N), rng.uniform(0.1, 0.5)

    def f(w):
        z = A @ w
        return np.mean(np.log(1 + np.exp(z)) - y * z) + lam / 2 * (w @ w)

    return f, normal(rng, n)


@family
def sandwich(rng):
    a, b = sizes(rng, 2, 3, 2)
    A, B = rng.normal(size=(a, a)), rng.normal(size=(b, b))
    return lambda M: A @ np.sin(M) @ B, normal(rng, (a, b))


@family
def layer(rng):
    n, m = sizes(rng, 3, 5, 2)
    A, b = rng.normal(size=(m, n)) / np.sqrt(n), 0.3 * rng.normal(size=m)
    return lambda x: np.tanh(A @ x + b), normal(rng, n)


@family
def normalisation(rng):
    n = sizes(rng, 4, 6)
    g = rng.uniform(0.5, 2, size=n)

    def f(x):
        d = x - x.mean()
        return g * d / np.sqrt((d * d).mean() + 1e-3)

    return f, normal(rng, n)


@family
def fits(rng):
    t = np.linspace(0.1, 2, sizes(rng, 5, 8))
    s, y = rng.uniform(0.1, 2, t.shape), rng.normal(size=t.shape)
    return lambda p: (p[0] * np.exp(-p[1] * t) + p[2] * t**2 - y) / s, rng.uniform(0.5, 1.5, 3)


@family
def kernels(rng):
    X = np.sort(rng.normal(size=sizes(rng, 3, 4)))
    D2 = (X[:, None] - X) ** 2 + 0.2
    return lambda t: np.exp(2 * t[0]) * np.exp(-D2 / np.exp(2 * t[1])) + t[2] * D2, normal(rng, 3)


@family
def planes(rng):
    k = sizes(rng, 2, 4)
    c = rng.normal(size=k)
    return lambda z: np.array([np.sum(c * z[0] ** 2 * z[1]), np.sum(np.sin(z[0]) * z[1] ** 3),
                               np.sum(z[0] * z[1]) ** 2]), normal(rng, (2, k))  # fmt: skip


@family
def gathers(rng):
    n = sizes(rng, 3, 5)
    at, c = rng.integers(0, n, size=7), rng.normal(size=7)
    at[:n] = np.arange(n)
    return lambda x: np.sum(c * np.sin(x[at])) + 0.3 * np.prod(x), normal(rng, n)


@family
def pendulums(rng):
    g, l = rng.uniform(1, 10), rng.uniform(0.5, 2)

    def f(s):
        return np.array([s[1], -g / l * np.sin(s[0]) - 0.1 * s[1], s[3] * np.cos(s[2]),
                         s[0] * s[3] - s[2] ** 3])  # fmt: skip

    return f, normal(rng, 4)


def normal(rng, shape):
    """Numbers of both signs that are well away from 0 and from each other."""
    x = rng.uniform(0.3, 1.5, size=shape) * rng.choice([-1.0, 1.0], size=shape)
    return x


# -------------------------------------------------------------------------------- planted mistakes


def plant(kind, *named):
    """Keep a mistake: ``make(trial, rng)`` gives the wrong Jacobian as a function, or None.

    `named` are the names that tell its owner what is wrong.
    """

    def keep(make):
        PLANTS[kind] = Plant(kind, make, named)
        return make

    return keep


def matrix(trial, x):
    J = np.asarray(trial.jac(x))
    n = np.size(x)
    return J.reshape(J.size // n, n)


def on_matrix(trial, change):
    """A wrong Jacobian from a change of the right matrix."""

    def wrong(x):
        J = trial.jac(x)
        n = np.size(x)
        return change(J.reshape(J.size // n, n).copy(), x).reshape(J.shape)

    return wrong


def dims(trial):
    return matrix(trial, trial.x).shape


@plant("transposed", "transposed", "axes permuted")
def _(trial, rng):
    m, n = dims(trial)
    if m != n:
        return (lambda x: matrix(trial, x).T) if m > 1 else None
    return on_matrix(trial, lambda M, x: M.T)


@plant("sign", "sign")
def _(trial, rng):
    return lambda x: -trial.jac(x)


@plant("sign of a column", "sign of a part", "conjugate")
def _(trial, rng):
    n = dims(trial)[1]
    p = rng.integers(n)
    return on_matrix(trial, lambda M, x: M * np.where(np.arange(n) == p, -1, 1))


@plant("sign of a row", "sign of a part")
def _(trial, rng):
    m = dims(trial)[0]
    i = rng.integers(m)
    return on_matrix(trial, lambda M, x: M * np.where(np.arange(m) == i, -1, 1)[:, None]) if m > 1 else None


@plant("sign of a block", "sign of a part")
def _(trial, rng):
    m, n = dims(trial)
    if m < 3 or n < 3:
        return None

    def change(M, x):
        M[:2, :2] *= -1
        return M

    return on_matrix(trial, change)


@plant("factor 2", "constant factor")
def _(trial, rng):
    return lambda x: 2 * trial.jac(x)


@plant("factor 1/N", "constant factor")
def _(trial, rng):
    N = trial.x.size
    return lambda x: trial.jac(x) / N


@plant("factor of the norm", "constant factor", "row factors", "column factors")
def _(trial, rng):
    return lambda x: trial.jac(x) * np.linalg.norm(x)


@plant("degrees", "factor in a part", "factors in a part")
def _(trial, rng):
    n = dims(trial)[1]
    p = rng.integers(n)
    return on_matrix(trial, lambda M, x: M * np.where(np.arange(n) == p, 180 / np.pi, 1)) if n > 1 else None


@plant("half off the diagonal", "factor in a part")
def _(trial, rng):
    m, n = dims(trial)
    return on_matrix(trial, lambda M, x: M * (0.5 + 0.5 * np.eye(n))) if m == n and n > 2 else None


@plant("log parameter", "column factors", "factors in a part", "factor in a part")
def _(trial, rng):
    return on_matrix(trial, lambda M, x: M * np.exp(-x.ravel()))


@plant("factor x", "column factors", "factors in a part")
def _(trial, rng):
    return on_matrix(trial, lambda M, x: M * x.ravel())


@plant("weights", "row weights", "row factors", "factors in a part")
def _(trial, rng):
    m, n = dims(trial)
    s = rng.uniform(0.3, 3, size=m)
    return on_matrix(trial, lambda M, x: M * s[:, None]) if m > 2 and n > 1 else None


@plant("columns exchanged", "exchanged", "reordered", "reversed", "conjugate", "shifted")
def _(trial, rng):
    n = dims(trial)[1]
    if n < 2:
        return None
    order = np.arange(n)
    i, j = rng.choice(n, 2, replace=False)
    order[[i, j]] = j, i
    return on_matrix(trial, lambda M, x: M[:, order])


@plant("columns rolled", "shifted", "reordered", "index off by one", "exchanged")
def _(trial, rng):
    return on_matrix(trial, lambda M, x: np.roll(M, 1, axis=1)) if dims(trial)[1] > 2 else None


@plant("rows exchanged", "exchanged", "reordered", "reversed", "shifted")
def _(trial, rng):
    m = dims(trial)[0]
    if m < 2:
        return None
    order = np.arange(m)
    i, j = rng.choice(m, 2, replace=False)
    order[[i, j]] = j, i
    return on_matrix(trial, lambda M, x: M[order])


@plant("index off by one", "index off by one")
def _(trial, rng):
    n = dims(trial)[1]
    return on_matrix(trial, lambda M, x: np.column_stack([M[:, 1:], 0 * M[:, 0]])) if n > 2 else None


@plant("column left out", "zero in a part", "left out")
def _(trial, rng):
    n = dims(trial)[1]
    p = rng.integers(n)
    return on_matrix(trial, lambda M, x: M * (np.arange(n) != p)) if n > 1 else None


@plant("column missing", "left out", "other shape")
def _(trial, rng):
    return (lambda x: matrix(trial, x)[:, :-1]) if dims(trial)[1] > 1 else None


@plant("column repeated", "repeated")
def _(trial, rng):
    n = dims(trial)[1]
    return on_matrix(trial, lambda M, x: M[:, [*range(n - 1), 0]]) if n > 1 else None


@plant("diagonal only", "diagonal only", "zero in a part")
def _(trial, rng):
    m, n = dims(trial)
    return on_matrix(trial, lambda M, x: np.diag(np.diag(M))) if m == n and n > 2 else None


@plant("compact diagonal", "diagonal only")
def _(trial, rng):
    m, n = dims(trial)
    return (lambda x: np.diag(matrix(trial, x)).copy()) if m == n and n > 2 else None


@plant("one triangle", "one triangle", "zero in a part")
def _(trial, rng):
    m, n = dims(trial)
    return on_matrix(trial, lambda M, x: np.tril(M)) if m == n and n > 2 else None


@plant("rank one missing", "term of rank one", "normaliser held fixed", "diagonal only", "row factors")
def _(trial, rng):
    m, n = dims(trial)
    u, v = rng.normal(size=m), rng.normal(size=n)
    return on_matrix(trial, lambda M, x: M + np.outer(u * (x @ v.reshape(x.shape) if x.ndim == 1 else 1), v)) if min(m, n) > 2 else None


@plant("penalty missing", "penalty missing")
def _(trial, rng):
    return (lambda x: trial.jac(x) - 0.37 * x) if dims(trial)[0] == 1 else None


@plant("penalty twice", "penalty twice")
def _(trial, rng):
    return (lambda x: trial.jac(x) + 0.2 * x) if dims(trial)[0] == 1 else None


@plant("summed over outputs", "cotangent ignored", "summed over an axis", "other shape")
def _(trial, rng):
    m = dims(trial)[0]
    return on_matrix(trial, lambda M, x: np.tile(M.sum(axis=0), (m, 1))) if m > 1 else None


@plant("averaged over outputs", "cotangent ignored", "averaged over an axis")
def _(trial, rng):
    m = dims(trial)[0]
    return on_matrix(trial, lambda M, x: np.tile(M.mean(axis=0), (m, 1))) if m > 1 else None


@plant("vec order", "vec order", "axes permuted", "reordered", "exchanged", "transposed")
def _(trial, rng):
    x = trial.x
    if x.ndim != 2:
        return None
    order = np.arange(x.size).reshape(x.shape).ravel(order="F")
    return on_matrix(trial, lambda M, x: M[:, order])


@plant("not summed", "not summed")
def _(trial, rng):
    if dims(trial)[0] != 1:
        return None
    share = rng.dirichlet(np.ones(4))
    return lambda x: share.reshape(-1, *[1] * np.ndim(x)) * trial.jac(x)


@plant("float32", "float32", "few digits")
def _(trial, rng):
    return lambda x: np.asarray(trial.jac(x), dtype=np.float32)


@plant("at 2 x", "another point")
def _(trial, rng):
    return lambda x: trial.jac(2 * np.asarray(x))


@plant("at f(x)", "another point")
def _(trial, rng):
    f = trial.f
    return (lambda x: trial.jac(f(np.asarray(x)))) if np.shape(f(trial.x)) == trial.x.shape else None


@plant("stale", "another point")
def _(trial, rng):
    old = trial.jac(trial.x)
    return lambda x: old.copy()


@plant("rotated frame", "rotated frame")
def _(trial, rng):
    m, n = dims(trial)
    Q = np.linalg.qr(rng.normal(size=(m, m)))[0]
    return on_matrix(trial, lambda M, x: Q @ M) if 3 <= m <= n and trial.family not in ("softmax", "normalisation", "norms") else None


@plant("zero", "zero")
def _(trial, rng):
    return lambda x: 0 * trial.jac(x)


@plant("not a number", "not a number")
def _(trial, rng):
    return on_matrix(trial, lambda M, x: np.where(np.arange(M.size).reshape(M.shape) == 0, np.nan, M))


@plant("sign and a column", "sign, and more", "factors in a part", "sign of a part", "constant factor, and more", "factor in a part")
def _(trial, rng):
    n = dims(trial)[1]
    return on_matrix(trial, lambda M, x: -M * np.where(np.arange(n) == 1, 3, 1)) if n > 2 else None


@plant("factor and an entry", "constant factor, and more", "factors in a part")
def _(trial, rng):
    m, n = dims(trial)
    if m * n < 6:
        return None
    where = (np.arange(m * n) == m * n // 2).reshape(m, n)
    return on_matrix(trial, lambda M, x: 2 * M + where * (1 + np.abs(M).max()))


@plant("transposed and sign", "transposed, sign")
def _(trial, rng):
    m, n = dims(trial)
    M = matrix(trial, trial.x)
    return on_matrix(trial, lambda M, x: -M.T) if m == n and not np.allclose(M, M.T) else None


@plant("slope 1 - f", "activation slope")
def _(trial, rng):
    if trial.family != "layer":
        return None
    f = trial.f
    return on_matrix(trial, lambda M, x: M * ((1 - f(x)) / (1 - f(x) ** 2))[:, None])


@plant("inner transposed", "inner matrix transposed")
def _(trial, rng):
    m, n = dims(trial)
    if trial.family != "layer" or m != n:
        return None
    f = trial.f

    def change(M, x):
        s = 1 - f(x) ** 2
        return s[:, None] * (M / s[:, None]).T

    return on_matrix(trial, change)


@plant("accumulation", "accumulation overwritten", "factor in a part", "by place")
def _(trial, rng):
    if trial.family != "gathers":
        return None
    return on_matrix(trial, lambda M, x: M - np.where(np.arange(M.shape[1]) == 1, 0.7 * np.cos(x), 0))


@plant("conjugate", "conjugate")
def _(trial, rng):
    if trial.family != "planes":
        return None
    return lambda x: trial.jac(x) * np.array([1, -1])[:, None]


def tell(trial, wrong):
    """Whether a planted array differs at all from the right one at x or near it, and visibly."""
    for x in (trial.x, 1.1 * trial.x + 0.05):
        with np.errstate(all="ignore"):
            right, other = np.asarray(trial.jac(x)), np.asarray(wrong(x))
        if right.shape != other.shape or not np.isfinite(other).all():
            return True
        if (np.abs(right - other) > 1e-3 * np.abs(right).max()).any():
            return True
    return False


def planted(count, seed=0, families=None):
    """`count` wrong Jacobians: (trial, plant, wrong), kinds and families in turn."""
    rng, names, kinds = np.random.default_rng(seed), list(families or FAMILIES), list(PLANTS)
    made, turn = 0, 0
    while made < count:
        kind, name = kinds[turn % len(kinds)], names[rng.integers(len(names))]
        trial = draw(name, rng)
        wrong = PLANTS[kind].wrong(trial, rng)
        if wrong is not None and (kind == "float32" or tell(trial, wrong)):
            made += 1
            turn += 1
            yield trial, PLANTS[kind], wrong
        elif rng.random() < 0.02:
            turn += 1  # no family suits this kind soon enough


# ------------------------------------------------------------------------ right ones, made difficult


def kinked(rng):
    """A function with kinks, some of them exactly at x, and a right derivative."""
    n = sizes(rng, 3, 6)
    x, kind = normal(rng, n), rng.integers(5)
    x[rng.integers(n)] = 0.0
    side = rng.uniform(size=n)  # at a kink any number between the two sides is right
    A = rng.normal(size=(n, n))
    if kind == 0:
        return lambda x: np.maximum(x, 0), lambda x: np.diag(np.where(x == 0, side, x > 0)), x
    if kind == 1:
        return (lambda x: np.sum(np.abs(x)) + np.sum(np.sin(x)),
                lambda x: np.where(x == 0, 2 * side - 1, np.sign(x)) + np.cos(x), x)  # fmt: skip
    if kind == 2:
        x[:] = x[0]  # ties

        def most(x):
            g = np.zeros(n)
            g[np.argmax(x)] = 1
            return g

        return np.max, most, x
    if kind == 3:
        return (lambda x: A @ np.maximum(x, 0.1 * x),
                lambda x: A * np.where(x > 0, 1, np.where(x == 0, 0.1, 0.1)), x)  # fmt: skip
    return (lambda x: np.clip(x, -1, 1) ** 2,
            lambda x: np.diag(np.where(np.abs(x) < 1, 2 * x, 0.0)), np.where(x == 0, 1.0, x))  # fmt: skip


def rights(count, seed=0):
    """`count` right derivatives that are easily taken for wrong: (what, f, jac, x).

    Sizes of inputs and outputs from 1e-9 to 1e9, functions in float32, kinks at x.
    """
    rng, names = np.random.default_rng(seed), list(FAMILIES)
    for number in range(count):
        if number % 5 == 4:
            yield ("kink", *kinked(rng))
            continue
        trial = draw(names[number % len(names)], rng)
        m = np.size(trial.f(trial.x))
        large = 10.0 ** rng.uniform(-9, 9)
        way = number % 3
        s = 10.0 ** rng.uniform(-9, 9, size=trial.x.shape if way == 1 else ())
        u = large if way else large ** rng.uniform(0.5, 1, size=np.shape(trial.f(trial.x)) or None)
        f, jac = scaled(trial, s, u)
        single = number % 4 == 1
        if single:
            f = in_single(f, s)
        yield ("float32 " if single else "") + trial.family, f, jac, trial.x * s


def scaled(trial, s, u):
    def f(x):
        return u * trial.f(x / s)

    def jac(x):
        J = trial.jac(x / s)
        u_ = np.asarray(u)
        return u_.reshape(u_.shape + (1,) * (J.ndim - u_.ndim)) * J / s

    return f, jac


def in_single(f, s):
    """The function with its argument and its result rounded to float32."""
    return lambda x: np.asarray(f(np.asarray(x, dtype=np.float32).astype(float)), dtype=np.float32)
