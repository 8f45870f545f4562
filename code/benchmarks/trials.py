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
    return lambda x: np.stack([(a[i] @ x) * x[i % n] + a[i, 0] for i in range(n + 1)]), normal(
        rng, n
    )


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
        return np.array(
            [-r[0] + r[1] - r[3], r[0] - r[1] - 2 * r[2], r[2] + 0.5 * r[3] - 0.3 * r[1]]
        )

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
    return (
        on_matrix(trial, lambda M, x: M * np.where(np.arange(m) == i, -1, 1)[:, None])
        if m > 1
        else None
    )


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
    return (
        on_matrix(trial, lambda M, x: M * np.where(np.arange(n) == p, 180 / np.pi, 1))
        if n > 1
        else None
    )


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
    return (
        on_matrix(trial, lambda M, x: np.column_stack([M[:, 1:], 0 * M[:, 0]])) if n > 2 else None
    )


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


@plant(
    "rank one missing", "term of rank one", "normaliser held fixed", "diagonal only", "row factors"
)
def _(trial, rng):
    m, n = dims(trial)
    u, v = rng.normal(size=m), rng.normal(size=n)
    return (
        on_matrix(
            trial, lambda M, x: M + np.outer(u * (x @ v.reshape(x.shape) if x.ndim == 1 else 1), v)
        )
        if min(m, n) > 2
        else None
    )


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
    return (
        (lambda x: trial.jac(f(np.asarray(x)))) if np.shape(f(trial.x)) == trial.x.shape else None
    )


@plant("stale", "another point")
def _(trial, rng):
    old = trial.jac(trial.x)
    return lambda x: old.copy()


@plant("rotated frame", "rotated frame")
def _(trial, rng):
    m, n = dims(trial)
    Q = np.linalg.qr(rng.normal(size=(m, m)))[0]
    return (
        on_matrix(trial, lambda M, x: Q @ M)
        if 3 <= m <= n and trial.family not in ("softmax", "normalisation", "norms")
        else None
    )


@plant("zero", "zero")
def _(trial, rng):
    return lambda x: 0 * trial.jac(x)


@plant("not a number", "not a number")
def _(trial, rng):
    return on_matrix(
        trial, lambda M, x: np.where(np.arange(M.size).reshape(M.shape) == 0, np.nan, M)
    )


@plant(
    "sign and a column",
    "sign, and more",
    "factors in a part",
    "sign of a part",
    "constant factor, and more",
    "factor in a part",
)
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
    return on_matrix(
        trial, lambda M, x: M - np.where(np.arange(M.shape[1]) == 1, 0.7 * np.cos(x), 0)
    )


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


# ----------------------------------------------------------------------- right ones, made difficult


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
            lambda x: np.diag(np.where(np.abs(x) < 1, 2 * x, 0.0)),
            np.where(x == 0, 1.0, x))  # fmt: skip


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


# -------------------------------------------------------------------------- mistakes told in public

#: Each a Public(name, f, x, wrong, right, named): our own small form of a mistake that somebody
#: reported, with the kinds that tell its owner the point.
PUBLIC = []
Public = namedtuple("Public", "name f x wrong right named")


def public(name, x, *named):
    def keep(make):
        f, right, wrong = make()
        PUBLIC.append(Public(name, f, np.array(x, dtype=float), wrong, right, named))

    return keep


def entries(count, seed):
    return np.random.default_rng(seed).uniform(-1, 1, count)


@public("least squares wants points by parameters (SciPy leastsq)", [0.9, 1.4], "transposed")
def _():
    t = np.linspace(0, 2, 5)
    right = by_complex_step(lambda p: p[0] * np.exp(-p[1] * t))
    return lambda p: p[0] * np.exp(-p[1] * t), right, lambda p: right(p).T


@public("a stiff system's Jacobian with i and j exchanged", [0.7, 0.2, 0.4], "transposed")
def _():
    def f(y):
        return np.array(
            [y[1] * y[2] - 3 * y[0], 3 * y[0] - y[1] * y[2] - 5 * y[1] ** 2, 5 * y[1] ** 2]
        )

    right = by_complex_step(f)
    return f, right, lambda y: right(y).T


@public(
    "kron for a product of matrices, stacked by columns", entries(6, 1).reshape(3, 2), "vec order"
)
def _():
    A, B = entries(9, 2).reshape(3, 3), entries(4, 3).reshape(2, 2)
    right = by_complex_step(lambda M: A @ M @ B)
    return lambda M: A @ M @ B, right, lambda M: np.kron(B.T, A).reshape(3, 2, 3, 2)


@public("a parameter skipped, all columns one too early", [0.4, 1.1, 0.7], "index off by one")
def _():
    t = np.linspace(-1, 1, 5)
    right = by_complex_step(lambda p: p[0] + p[1] * t + np.sin(p[2] * t))
    return (lambda p: p[0] + p[1] * t + np.sin(p[2] * t), right,
            lambda p: np.column_stack([right(p)[:, 1:], 0 * t]))  # fmt: skip


@public("the matrix inside tanh transposed", entries(3, 4), "inner matrix transposed")
def _():
    A = entries(9, 5).reshape(3, 3) + np.eye(3)
    right = by_complex_step(lambda x: np.tanh(A @ x))
    return (lambda x: np.tanh(A @ x), right,
            lambda x: (1 - np.tanh(A @ x) ** 2)[:, None] * A.T)  # fmt: skip


@public("the minus of a residual lost", [0.5, -0.8], "sign")
def _():
    a, y = entries(6, 6), entries(6, 7)
    right = by_complex_step(lambda w: np.sum((y - w[0] * w[1] * a) ** 2))
    return lambda w: np.sum((y - w[0] * w[1] * a) ** 2), right, lambda w: -right(w)


@public("+1 for -1 in the block of the earlier state", entries(4, 8), "sign of a part")
def _():
    def f(x):
        return np.concatenate([x[2:] - x[:2], x[2:] * np.sin(x[:2])])

    right = by_complex_step(f)
    return f, right, lambda x: right(x) * (1 - 2 * np.pad(np.ones((2, 2)), (0, 2)))


@public(
    "2 forgotten for the entries off the diagonal", entries(9, 9).reshape(3, 3), "factor in a part"
)
def _():
    right = by_complex_step(lambda C: np.sum((C * C)[~np.eye(3, dtype=bool)]) + np.trace(C) ** 2)
    return (lambda C: np.sum((C * C)[~np.eye(3, dtype=bool)]) + np.trace(C) ** 2, right,
            lambda C: right(C) * (0.5 + 0.5 * np.eye(3)))  # fmt: skip


@public(
    "loss averaged over the batch, gradient not", entries(14, 10).reshape(7, 2), "constant factor"
)
def _():
    right = by_complex_step(lambda X: np.mean(np.sum(np.cos(X), axis=1)))
    return lambda X: np.mean(np.sum(np.cos(X), axis=1)), right, lambda X: 7 * right(X)


@public("an angle in degrees", [1.5, 50.0], "factor in a part")
def _():
    def f(p):
        return p[0] * np.stack([np.cos(np.pi / 180 * p[1]), np.sin(np.pi / 180 * p[1])])

    right = by_complex_step(f)
    return f, right, lambda p: right(p) * [1, 180 / np.pi]


@public("by sigma where log sigma is the parameter", [0.4, -0.3], "column factors")
def _():
    r = np.linspace(0.1, 2, 6)
    right = by_complex_step(lambda t: np.exp(t[0]) / (1 + r / np.exp(t[1])))
    return (lambda t: np.exp(t[0]) / (1 + r / np.exp(t[1])), right,
            lambda t: right(t) * np.exp(-t))  # fmt: skip


@public("the residuals' weights left out", [0.8, 0.3], "row weights")
def _():
    t, s = np.linspace(0, 2, 5), np.array([0.2, 0.4, 1.5, 2.0, 3.0])
    right = by_complex_step(lambda p: (p[0] * np.exp(p[1] * t) - 1) / s)
    return (lambda p: (p[0] * np.exp(p[1] * t) - 1) / s, right,
            lambda p: right(p) * s[:, None])  # fmt: skip


@public("everything of size 1e-9, and twice too large", entries(3, 11), "constant factor")
def _():
    right = by_complex_step(lambda x: 1e-9 * np.sum(x**3 + x))
    return lambda x: 1e-9 * np.sum(x**3 + x), right, lambda x: 2 * right(x)


@public("the conjugate of a gradient", entries(6, 12).reshape(2, 3), "conjugate")
def _():
    right = by_complex_step(lambda z: np.sum((z[0] ** 2 + z[1] ** 2) ** 2))
    return (lambda z: np.sum((z[0] ** 2 + z[1] ** 2) ** 2), right,
            lambda z: right(z) * [[1], [-1]])  # fmt: skip


@public("the gradient of a shared bias kept for each sample", entries(3, 13), "not summed")
def _():
    Z = entries(15, 14).reshape(5, 3)
    right = by_complex_step(lambda b: np.sum((Z + b) ** 2))
    return lambda b: np.sum((Z + b) ** 2), right, lambda b: 2 * (Z + b)


@public("softmax with the diagonal alone", entries(4, 15), "diagonal only", "normaliser held fixed")
def _():
    def f(z):
        return np.exp(z) / np.sum(np.exp(z))

    return f, by_complex_step(f), lambda z: np.diag(f(z) * (1 - f(z)))


@public("mean and deviation held fixed", entries(5, 16), "normaliser held fixed")
def _():
    def f(x):
        d = x - x.mean()
        return d / np.sqrt((d * d).mean())

    return f, by_complex_step(f), lambda x: np.eye(5) / x.std()


@public("the penalty's gradient forgotten", entries(4, 17), "penalty missing")
def _():
    right = by_complex_step(lambda w: np.sum(np.exp(w)) + 0.4 * np.sum(w * w))
    return (lambda w: np.sum(np.exp(w)) + 0.4 * np.sum(w * w), right,
            lambda w: np.exp(w))  # fmt: skip


@public("the heading held fixed", [0.8, 0.5, 0.3], "term of rank one", "factor in a part")
def _():
    def f(s):
        d, a = s[0] + s[1], s[2] + s[0] - 2 * s[1]
        return np.array([d * np.cos(a), d * np.sin(a), a])

    right = by_complex_step(f)

    def wrong(s):
        J, a = right(s), s[2] + s[0] - 2 * s[1]
        J[:2, :2] = np.array([[np.cos(a)] * 2, [np.sin(a)] * 2])
        return J

    return f, right, wrong


@public("= for += where an input is used twice", [0.4, -0.9, 0.6], "accumulation overwritten")
def _():
    c, at = np.array([0.7, 1.3, -0.4, 2.1]), np.array([0, 2, 1, 2])
    right = by_complex_step(lambda x: np.sum(c * np.exp(x[at])))

    def wrong(x):
        g = np.zeros(3)
        g[at] = c * np.exp(x[at])
        return g

    return lambda x: np.sum(c * np.exp(x[at])), right, wrong


@public("the upstream gradient ignored", entries(4, 18), "cotangent ignored")
def _():
    def f(x):
        return np.array([np.exp(x[0]) * x[1], np.sin(x[2]) + x[3] ** 2])

    right = by_complex_step(f)
    return f, right, lambda x: np.tile(right(x).sum(axis=0), (2, 1))


@public("both triangles counted, one read", [[1.4, 0.2], [0.2, 0.9]], "symmetric argument")
def _():
    def f(S):
        return S[0, 0] * S[1, 1] - S[1, 0] ** 2

    return (f, lambda S: np.array([[S[1, 1], 0], [-2 * S[1, 0], S[0, 0]]]),
            lambda S: np.array([[S[1, 1], -S[1, 0]], [-S[1, 0], S[0, 0]]]))  # fmt: skip


@public("f in float32, one column doubled", entries(3, 19), "factor in a part")
def _():
    A = entries(12, 20).reshape(4, 3)
    right = by_complex_step(lambda x: np.tanh(A @ x))
    return (lambda x: np.tanh(A.astype(np.float32) @ np.asarray(x, dtype=np.float32)), right,
            lambda x: right(x) * [1, 2, 1])  # fmt: skip


@public("the Jacobian in float32", entries(3, 21), "float32")
def _():
    A = entries(12, 22).reshape(4, 3)
    right = by_complex_step(lambda x: np.sin(A @ x))
    return lambda x: np.sin(A @ x), right, lambda x: right(x).astype(np.float32)


@public("checked at the optimum", [0.7, 1.2], "constant factor")
def _():
    t = np.linspace(0, 2, 5)
    y = 0.7 * np.exp(-1.2 * t)
    right = by_complex_step(lambda p: np.sum((p[0] * np.exp(-p[1] * t) - y) ** 2))
    return (lambda p: np.sum((p[0] * np.exp(-p[1] * t) - y) ** 2), right,
            lambda p: 2 * right(p))  # fmt: skip


@public("f writes into one buffer", entries(3, 23), "transposed")
def _():
    A, kept = entries(9, 24).reshape(3, 3), np.zeros(3)

    def f(x):
        np.matmul(A, x, out=kept)
        np.power(kept, 3, out=kept)
        return kept

    right = by_complex_step(lambda x: (A @ x) ** 3)
    return f, right, lambda x: right(x).T


@public("f changes its argument", entries(4, 25), "normaliser held fixed", "diagonal only")
def _():
    def f(x):
        x -= x.mean()
        return x**3

    return (f, by_complex_step(lambda x: (x - x.mean()) ** 3),
            lambda x: np.diag(3 * (x - x.mean()) ** 2))  # fmt: skip


@public("a fast wave whose inner factor is lost", [3.0, 0.4], "repeated", "factor in a part")
def _():
    t = np.array([2.0, 50, 300, 1200, 3000])
    right = by_complex_step(lambda p: np.cos(p[0] * t + p[1]))
    return (lambda p: np.cos(p[0] * t + p[1]), right,
            lambda p: -np.sin(p[0] * t + p[1])[:, None] * np.ones(2))  # fmt: skip
