"""Numbers for the letters of the book, all sizes different, and roads to derivatives."""

import mpmath
import numpy as np

N, D, K = 5, 3, 2
LAM = 0.37
SEED = 267  # with which no input and no parameter comes close to zero
rng = np.random.default_rng(SEED)
X, y = rng.standard_normal((N, D)), rng.standard_normal(N)
W = 0.8 * rng.standard_normal((D + 1, K))
w, w0 = rng.standard_normal(K), 0.6
X1 = np.column_stack([X, np.ones(N)])


def tanh(z):
    """By mpmath; a complex number goes through."""
    return complex(mpmath.tanh(z)) if np.iscomplexobj(z) else float(mpmath.tanh(z))


def features(W, X1=X1):
    """tanh of the sums, by NumPy's own tanh, for real and complex W."""
    return np.tanh(X1 @ W)


def complex_step(f, x):
    """All of df/dx by complex steps, the axes of f in front. No formula is used."""
    x = np.asarray(x, dtype=float)
    found = []
    for at in np.ndindex(x.shape):
        step = x.astype(complex)
        step[at] += 1e-30j
        found.append(np.imag(f(step)) / 1e-30)
    return np.moveaxis(np.array(found), 0, -1).reshape(np.shape(found[0]) + x.shape)


def along(f, x, step):
    """How f moves as x moves along a step, to first order."""
    return np.imag(f(x + 1e-30j * np.asarray(step))) / 1e-30


def loss(W, w, w0, X1=X1, y=y, lam=LAM):
    """The ridge loss in plain loops; complex numbers go through."""
    n_samples, n_units = len(y), len(w)
    total = 0.0
    for n in range(n_samples):
        prediction = w0
        for k in range(n_units):
            prediction += w[k] * np.tanh(sum(X1[n, d] * W[d, k] for d in range(len(W))))
        total += (prediction - y[n]) * (prediction - y[n])
    return total / (2 * n_samples) + lam / 2 * sum(each * each for each in w)


def best_weights(W, X1=X1, y=y, lam=LAM):
    """Weights and intercept of the smallest loss, by the normal equations with a column of ones."""
    columns = np.column_stack([np.tanh(X1 @ W), np.ones(len(y))])
    penalty = np.diag([lam] * W.shape[1] + [0.0])
    found = np.linalg.solve(columns.T @ columns / len(y) + penalty, columns.T @ y / len(y))
    return found[:-1], found[-1]


def smallest(*where):
    """The smallest value of a quadratic of several letters, by the parabola through its values.

    It has to lie where it is expected: a mistake that moves it may leave its value.
    """
    shapes = [np.shape(each) for each in where]
    sizes = [int(np.prod(shape)) for shape in shapes]
    cuts = np.cumsum(sizes)[:-1]

    def minimum(f):
        def value(v):
            parts = np.split(v, cuts)
            return f(*(p.reshape(s) if s else p[0] for p, s in zip(parts, shapes, strict=True)))

        unit = np.eye(sum(sizes))
        base = value(0 * unit[0])
        up, down = (np.array([value(s * e) for e in unit]) for s in (1, -1))
        gradient = (up - down) / 2
        hessian = np.diag(up + down - 2 * base)
        for i in range(len(unit)):
            for j in range(i):
                both = value(unit[i] + unit[j]) - up[i] - up[j] + base
                hessian[i, j] = hessian[j, i] = both
        best = -np.linalg.solve(hessian, gradient)
        found, predicted = value(best), base + gradient @ best / 2
        assert abs(found - predicted) < 1e-9 * (1 + abs(found)), "this is no quadratic"
        assert np.linalg.eigvalsh(hessian).min() > 0, "this has no smallest value"
        assert abs(f(*where) - found) < 1e-9 * (1 + abs(found)), "it does not lie there"
        return found

    return minimum
