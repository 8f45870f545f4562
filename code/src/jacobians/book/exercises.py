"""Checks of the book's exercises: each takes the reader's function and says what is wrong with it.

In a chapter the reader's function is called `name`, and its check `check_name` stands here. The
expected values are numerical or come from another formula than the solution's; a wrong answer that
is often given is recognised and named.
"""

import numpy as np

from jacobians import checks, ridge
from jacobians.basis import TanhBasis, phi, sech2
from jacobians.checks import Report
from jacobians.differences import complex_step
from jacobians.evidence import Evidence
from jacobians.factors import constant_factor
from jacobians.kinds import single_precision, zero
from jacobians.layouts import rearranged
from jacobians.mistakes import MISTAKES

TOLERANCE = 1e-8  # relative to the largest expected entry
SEED = 1  # of the points that are looked at; who grades takes another, which no answer can know


def judge(name, got, want, known=()):
    """Compare what the function `name` returned with what it should have returned.

    Parameters
    ----------
    name : str
    got : object
        Whatever the reader's function returned.
    want : ndarray
    known : iterable of (str, ndarray)
        Wrong answers that are often given, each after the words that name its mistake.

    Returns
    -------
    Report
    """
    if got is None:
        return Report(False, f"{name} returns nothing: does it end with `return`?", subject=name)
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return Report(False, f"{name} should return numbers, not {got!r:.60}", subject=name)
    if got.size and np.isnan(got).all():
        return Report(False, f"{name} is not written yet: it returns NaN", subject=name)
    for told, wrong in known:
        if got.shape == wrong.shape and close(got, wrong):
            return Report(False, told, subject=name)
    if got.shape != want.shape:
        told = f"{name} should return the shape {want.shape}; it returned {got.shape}"
        return Report(False, told, subject=name)
    if close(got, want):
        return Report(True, errors=got - want, subject=name)
    errors = np.where(np.isfinite(got), np.abs(got - want), np.inf)
    worst = tuple(int(i) for i in np.unravel_index(errors.argmax(), want.shape))
    place = f"entry {list(worst)}" if worst else "the number"
    told = f"{place} is {got[worst]:.4g}; it should be {want[worst]:.4g}"
    kind = kind_of_mistake(got, want)
    return Report(False, f"{kind}: {told}" if kind else told, got - want, subject=name)


def kind_of_mistake(got, want):
    """What the rules of the checker say of an array that holds the wrong numbers, or nothing.

    Only the rules that speak of the array alone are asked: it need not be a derivative.
    """
    if want.ndim == 0 or not np.isfinite(got).all():
        return ""
    table = (-1, want.shape[-1])
    yours, truth = got.reshape(table), want.reshape(table)
    error = np.full(truth.shape, 1e-12 * np.abs(truth).max())
    y, x = np.zeros(want.shape[:-1]), np.zeros(want.shape[-1])
    ev = Evidence(yours, truth, error, np.abs(yours - truth) > error, x, y)
    for rule in (zero, single_precision, constant_factor, rearranged):
        if (found := rule(ev)) is not None:
            return "every entry is 0" if found.kind == "zero" else found.told
    return ""


def close(got, want):
    return bool(np.abs(got - want).max() <= TOLERANCE * max(np.abs(want).max(), 1e-300))


def example(N=5, D=3, K=2):
    """A point at which no two formulas agree by accident: W (D+1, K), X (N, D)."""
    rng = np.random.default_rng(SEED)
    return rng.normal(0, 0.5, (D + 1, K)) + 0.1, rng.normal(0, 1, (N, D))


def check_input_jacobian(function):
    """Check ``function(W, X)``, the Jacobian of the features by the inputs, shape (N, K, D).

    The exercise of the chapter :doc:`/chapters/jacobian`.

    Returns
    -------
    Report
    """
    W, X = example()
    A, Phi = W[:-1], phi(W, X)
    S = 1 - Phi**2
    want = np.stack([complex_step(lambda x: phi(W, x[None])[0], x) for x in X])
    known = [
        ("the axes are in the order (N, D, K); (N, K, D) is asked for", want.transpose(0, 2, 1)),
        ("1 - phi^2 is multiplied by x, as for the slopes; here the slope a is what x is "
         "multiplied by", S[:, :, None] * X[:, None, :]),
        ("the factor 1 - phi^2 is missing", np.broadcast_to(A.T, want.shape)),
        ("the factor is 1 - phi; it should be 1 - phi^2", (1 - Phi)[:, :, None] * A.T),
        ("the bias has come along: an input meets the slopes only, W[:-1]", S[:, :, None] * W.T),
    ]  # fmt: skip
    return judge("input_jacobian", function(W, X), want, known)


def check_bugs(named):
    """Check the reader's names for the bugs of three classes: ``{class: name}``.

    The exercise of the chapter :doc:`/chapters/checking`. Each class is asked by the checker
    itself, so that nothing here knows which bug it has.

    Returns
    -------
    Report
    """
    W, X = example()
    for basis, name in named.items():
        if isinstance(name, float) and np.isnan(name):
            told = f"the name for {basis.__name__} is not written yet; say what is wrong with it"
            return Report(False, told, subject="bugs")
        if name not in MISTAKES:
            told = f"{name!r} is not one of MISTAKES"
            return Report(False, told, subject="bugs")
        if not checks.check_jacobian(basis(W), X).diagnosis.startswith(MISTAKES[name].told):
            told = f"{basis.__name__} is wrong in another way than {name!r}: try the first sample"
            return Report(False, told, subject="bugs")
    return Report(True, subject="bugs")


def check_gaussian_jacobian(function):
    """Check ``function(W, X)``, the Jacobian of exp(-z^2) by W, shape (N, D+1, K).

    The exercise of the chapter :doc:`/chapters/checking`.

    Returns
    -------
    Report
    """
    W, X = example()
    X1 = np.column_stack([X, np.ones(len(X))])
    Phi = np.exp(-((X1 @ W) ** 2))

    def features(V):
        return np.exp(-((X1 @ V) ** 2))

    want = np.einsum("nkdk->ndk", complex_step(features, W))
    S = want[:, -1]
    known = [
        ("the factor is -2z; it should be -2z exp(-z^2)", X1[:, :, None] * (-2 * X1 @ W)[:, None]),
        ("the sign of the factor is wrong", -want),
        ("the factor lacks the 2 of z^2", want / 2),
        ("the factor is phi itself", X1[:, :, None] * Phi[:, None]),
        ("the factor is that of tanh; here it is the derivative of exp(-z^2)",
         TanhBasis(W).jacobian(X)),
        ("the slopes' rows lack the factor x", np.broadcast_to(S[:, None], want.shape)),
        ("the bias row comes first; it belongs last along axis 1", np.roll(want, 1, axis=1)),
    ]  # fmt: skip
    return judge("gaussian_jacobian", function(W, X), want, known)


def check_sly_factor(function):
    """Check a factor that `check_jacobian` accepts on random data and that is wrong all the same.

    The exercise of the chapter :doc:`/chapters/checking`: ``function(z)`` stands in the place of
    1 - tanh(z)^2, and must be off by more than one per cent for some ``|z| <= 300``.

    Returns
    -------
    Report
    """
    name, z = "sly_factor", np.linspace(-300, 300, 6001)
    with np.errstate(all="ignore"):
        got = np.asarray(function(z), dtype=float)
        if got.shape != z.shape:
            told = f"{name} should return the shape of z, {z.shape}; it returned {got.shape}"
            return Report(False, told, subject=name)
        if np.isnan(got).all():
            return Report(False, f"{name} is not written yet: it returns NaN", subject=name)

        class Sly(TanhBasis):
            def jacobian(self, X):
                X1 = np.column_stack([X, np.ones(len(X))])
                return X1[:, :, None] * function(X1 @ self.W)[:, None, :]

        found = checks.check_jacobian(Sly(example()[0]), example()[1])
    if not found.ok:
        return Report(False, f"the checker is not fooled: {found.diagnosis}", subject=name)
    if not (np.abs(got / sech2(z) - 1) > 0.01).any():
        told = f"the checker accepts it, and rightly: {name} is right to one per cent everywhere"
        return Report(False, told, subject=name)
    return Report(True, subject=f"As an answer, {name}")


def check_ridge_with_ones(function):
    """Check ``function(Phi, y, lam)``: intercept and weights as one vector, shape (K+1,).

    The exercise of the chapter :doc:`/chapters/basis_functions`, on :eq:`eq-ridge-solution`. The
    expected values come from `ridge.solve`, which centres and forms no normal equations.

    Returns
    -------
    Report
    """
    W, X = example(N=7)
    Phi, y, lam = phi(W, X), X[:, 0] + 3, 0.3
    N, K = Phi.shape
    weights, intercept = ridge.solve(Phi, y, lam)
    want = np.append(intercept, weights)
    Phi1 = np.column_stack([np.ones(N), Phi])
    E = np.diag([0.0] + K * [1.0])

    def with_penalty(matrix):
        return np.linalg.solve(Phi1.T @ Phi1 + matrix, Phi1.T @ y)

    known = [
        ("the intercept is penalised too; its place on the diagonal should be 0",
         with_penalty(N * lam * np.eye(K + 1))),
        ("the penalty is lam; multiplied by N, as the loss is a mean, it is N lam",
         with_penalty(lam * E)),
        ("the penalty is 2 N lam; the halves in the loss cancel, and N lam is left",
         with_penalty(2 * N * lam * E)),
        ("the penalty is missing", with_penalty(0 * E)),
        ("the intercept is penalised, and the weights are not",
         with_penalty(N * lam * (np.eye(K + 1) - E))),
        ("the intercept comes last; it should come first", np.append(weights, intercept)),
        ("the intercept is missing: w0 comes first, then w", weights),
    ]  # fmt: skip
    return judge("ridge_with_ones", function(Phi, y, lam), want, known)


def check_input_vjp(function):
    """Check ``function(W, X, G)``, the derivative of a loss carried back to the inputs: (N, D).

    G (N, K) is its derivative by the features. The exercise of the chapter
    :doc:`/chapters/chain_rule`.

    Returns
    -------
    Report
    """
    W, X = example()
    G = np.random.default_rng(2).normal(0, 1, (len(X), W.shape[1]))
    A, Phi = W[:-1], phi(W, X)
    S = 1 - Phi**2
    want = complex_step(lambda x: np.sum(G * phi(W, x)), X).reshape(X.shape)
    known = [
        ("the factor 1 - phi^2 is missing", G @ A.T),
        ("the factor is 1 - phi; it should be 1 - phi^2", ((1 - Phi) * G) @ A.T),
        ("G is missing: this is the sum of the features' derivatives, not the loss's", S @ A.T),
        ("the bias has come along: an input meets the slopes only, W[:-1]", (S * G) @ W.T),
        ("this is the way back to the slopes; to the inputs it is (S o G) times A transposed",
         X.T @ (S * G)),
        ("this is the way back to W; to the inputs it is (S o G) times A transposed",
         np.vstack([X.T @ (S * G), (S * G).sum(axis=0)])),
        ("the axes are in the order (D, N); (N, D) is asked for", want.T),
        ("the units are not summed over: (N, K, D) is the Jacobian, multiplied by G",
         (S * G)[:, :, None] * A.T),
    ]  # fmt: skip
    return judge("input_vjp", function(W, X, G), want, known)


def check_periodic(function):
    """Check ``function(day)``: the cosine and the sine of the year, shape (N, 2).

    An exercise of the chapter :doc:`/chapters/learning`.

    Returns
    -------
    Report
    """
    day = np.random.default_rng(SEED).uniform(0, 366, 5)
    turn = np.exp(2j * np.pi * day / 365.25)
    want = np.column_stack([turn.real, turn.imag])
    degrees = np.column_stack([np.cos(360 * day / 365.25), np.sin(360 * day / 365.25)])
    known = [
        ("the columns are sine and cosine; cosine comes first", want[:, ::-1]),
        ("the shape is (2, N); (N, 2) is asked for: a row is a sample", want.T),
        ("the angle lacks 2 pi: a year is a whole turn", as_columns(day / 365.25)),
        ("the day itself is taken as the angle; a year is a turn of 2 pi", as_columns(day)),
        ("the angle is in degrees; NumPy's cosine wants radians", degrees),
        ("the year has 365.25 days here, for the leap years", as_columns(2 * np.pi * day / 365)),
        ("the year has 365.25 days here, for the leap years", as_columns(2 * np.pi * day / 366)),
    ]
    return judge("periodic", function(day.copy()), want, known)


def as_columns(angle):
    return np.column_stack([np.cos(angle), np.sin(angle)])


def check_streamed_vjp(function):
    """Check ``function(basis, X, G, rows)``: the VJP, from chunks of so many samples at most.

    An exercise of the chapter :doc:`/chapters/at_scale`.

    Returns
    -------
    Report
    """
    W, X = example(N=11)
    G, rows = np.linspace(-1, 2, 22).reshape(11, 2), 4
    basis = Watched(W)
    chunks = [basis.vjp(X[i : i + rows], G[i : i + rows]) for i in range(0, 11, rows)]
    want = np.einsum("ndk,nk->dk", basis.jacobian(X), G)
    known = [
        ("the last chunk is missing: 11 samples make two chunks of 4 and one of 3",
         chunks[0] + chunks[1]),
        ("only the first chunk is there", chunks[0]),
        ("only the last chunk is there: add to what the others gave", chunks[2]),
        ("the chunks are averaged; the VJP is their sum", sum(chunks) / 3),
        ("the sum is divided by the number of samples; the VJP is a sum", sum(chunks) / 11),
        ("there is an axis of chunks left to sum over", np.array(chunks)),
    ]  # fmt: skip
    basis.sizes.clear()
    report = judge("streamed_vjp", function(basis, X.copy(), G.copy(), rows), want, known)
    if report.ok and max(basis.sizes, default=0) > rows:
        told = f"the sum is right, but a chunk has {max(basis.sizes)} samples, and rows is {rows}"
        return Report(False, told, subject="streamed_vjp")
    return report


class Watched(TanhBasis):
    """A basis that notes how many samples it was given at a time."""

    def __init__(self, W):
        super().__init__(W)
        self.sizes = []

    def _inputs(self, X):
        X = super()._inputs(X)
        self.sizes.append(len(X))
        return X


def check_rms_norm_jacobian(function):
    """Check ``function(z)``, the Jacobian of z / sqrt(mean(z^2)) for one sample, shape (K, K).

    An exercise of the chapter :doc:`/chapters/sharing`, :eq:`eq-rms-norm`.

    Returns
    -------
    Report
    """
    z = np.random.default_rng(SEED).normal(0, 1.5, 4)
    K, chi = len(z), np.sqrt(np.mean(z**2))
    I, outer = np.eye(K), np.outer(z, z) / chi**2
    want = complex_step(lambda z: z / np.sqrt(np.mean(z**2)), z)
    known = [
        ("chi is held fixed; it moves with every unit, and a term of rank one is missing", I / chi),
        ("the term of rank one lacks its 1/K, from the mean of the squares", (I - outer) / chi),
        ("the term of rank one has the wrong sign: a larger chi makes the outputs smaller",
         (I + outer / K) / chi),
        ("the term of rank one holds z where it should hold phi = z / chi",
         (I - np.outer(z, z) / K) / chi),
        ("a mean is taken away, as in layer norm; RMS norm has none",
         (I - 1 / K - outer / K) / chi),
        ("the 1/chi in front is missing", I - outer / K),
        ("only the diagonal is filled: the other units share chi", np.diag(np.diag(want))),
    ]  # fmt: skip
    return judge("rms_norm_jacobian", function(z.copy()), want, known)
