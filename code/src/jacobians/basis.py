"""The tanh basis: its values, its Jacobian, and the Jacobian's two products.

Letters and shapes are the book's: N samples of D inputs, K units. ``X`` is (N, D), ``W`` is
(D+1, K) with the slopes in ``W[:D]`` and the biases in ``W[D]``; ``Z``, ``Phi`` and ``S`` are
(N, K).
"""

from numbers import Real

import numpy as np

from jacobians._arrays import FEW, all_finite, in_blocks, largest, numbers, real


def phi(W, X):
    """The features as a pure function of their parameters, equations :eq:`eq-z` and :eq:`eq-phi`.

    Parameters
    ----------
    W : array, shape (D+1, K)
        Real or complex: a complex step goes through.
    X : array, shape (N, D)

    Returns
    -------
    ndarray, shape (N, K)

    Examples
    --------
    >>> phi(np.array([[2.0], [-1.0]]), np.array([[0.5], [1.0]]))
    array([[0.        ],
           [0.76159416]])
    """
    Z = X @ W[:-1]
    Z += W[-1]
    return np.tanh(Z, out=Z)


def sech2(Z):
    """1 - tanh(z)^2 = 4e / (1 + e)^2 with e = exp(-2|z|), equation :eq:`eq-tanh-prime`.

    The subtraction loses every digit on the way to z = 19. In the quotient nothing cancels. At
    2 10^8 points, with AVX-512 and without, its error was 4.33 units in the last place at most,
    where float64 has a normal number for the value (to z = 354); beyond, where it has fewer digits,
    2.02 of the smallest number that there is. That was measured, against mpmath. An `exp` that is
    right to 0.52 units and the roundings that follow it could make it 5.1.

    Parameters
    ----------
    Z : array of float

    Returns
    -------
    ndarray
        Of the same shape.

    Examples
    --------
    >>> sech2(np.array([0.0, 1.0, 100.0]))
    array([1.00000000e+00, 4.19974342e-01, 5.53558611e-87])
    """
    with np.errstate(over="ignore", under="ignore"):  # for them 0 is right
        Y = np.array(2.0 * np.asarray(Z, dtype=float))
        S = logistic_slope(Y, np.empty_like(Y))
        S *= 4.0
    return S[()]


def logistic_slope(Y, room):
    """e / (1 + e)^2 with e = exp(-|y|), in place of y: the derivative of 1 / (1 + exp(-y)).

    Since tanh z = 2 / (1 + exp(-2z)) - 1, four of it at y = 2z are the derivative of tanh. What is
    worked on in blocks multiplies W by the 2 and a sum by the 4, and not every number.
    """
    bits = Y.view(np.uint64)
    bits |= SIGN  # -|y|, in one pass over memory where abs and a minus would take two
    E = np.exp(Y, out=Y)
    C = np.add(1.0, E, out=room)
    C *= C
    return np.divide(E, C, out=E)


SIGN = np.array(-0.0).view(np.uint64)  # the bit that tells -0.0 from 0.0


class TanhBasis:
    """K tanh units, phi_nk = tanh(sum_d a_dk x_nd + b_k).

    Chapter :doc:`/chapters/jacobian`, where its shapes are laid down in a ledger.

    Parameters
    ----------
    W : array-like, shape (D+1, K)
        Slopes in the first D rows, biases in the last. Copied, as float64.

    Raises
    ------
    ValueError
        If W is not a real, finite array with D >= 1 inputs and K >= 1 units.

    Notes
    -----
    Every method takes X as (N, D), or as (N,) for N samples of one input, and raises ValueError if
    it is not real, finite and of D inputs, or so large that X~ W is beyond float64. X is computed
    on in float64, block by block, whatever real type it has. No method changes the object.

    `workers` is how many threads may share the blocks of samples, -1 for as many as there are
    cores. By default it is that for large arrays, and one for small ones. The number changes no
    bit of a result. It multiplies the memory that the work takes. Where the matrix products are
    the larger part (D and K of about a hundred), they have threads of their own.

    Examples
    --------
    >>> basis = TanhBasis([[2.0, 0.5], [-1.0, 0.0]])
    >>> basis.transform([0.5, 1.0])
    array([[0.        , 0.24491866],
           [0.76159416, 0.46211716]])
    >>> basis.jacobian([0.5, 1.0]).shape
    (2, 2, 2)
    """

    def __init__(self, W):
        W = np.array(numbers(W, "W"), dtype=float)
        if W.ndim != 2 or W.shape[0] < 2 or W.shape[1] < 1:
            raise ValueError(
                "W must be (D+1, K), D >= 1 rows of slopes above one row of biases, "
                f"for K >= 1 units; got the shape {W.shape}"
            )
        most = len(W) * largest(W, "W")  # no |w| of a unit sum to more
        # As long as no |x| is larger, no sum on the way to 2z overflows: _usable need not look.
        self._reach = 8e307 / max(1.0, most) if most < 8e307 else -1.0
        W.flags.writeable = False
        self._W = W

    @property
    def W(self):
        """The parameters, (D+1, K), read-only."""
        return self._W

    def Z(self, X, workers=None):
        """z = X~ W, equation :eq:`eq-z`: shape (N, K)."""
        return self._each(X, lambda Z: Z, workers)

    def transform(self, X, workers=None):
        """phi = tanh z, equation :eq:`eq-phi`: shape (N, K)."""
        return self._each(X, lambda Z: np.tanh(Z, out=Z), workers)

    def jacobian(self, X, workers=None):
        """J[n, d, k] = d phi_nk / d W_dk = S_nk x~_nd, equation :eq:`eq-compact`.

        Returns
        -------
        ndarray, shape (N, D+1, K)
            The only entries that are not zero; the bias is the last d. In memory the samples lie
            side by side (`J.T` is contiguous): there are many of them, and few units.
        """
        X = self._inputs(X)
        D1, K = self.W.shape
        JT = np.empty((K, D1, len(X)))

        def block(rows, X1, Z, C):
            X1T, ZT, CT = X1.reshape(D1, -1), Z.reshape(K, -1), C.reshape(K, -1)
            X1T[:-1], X1T[-1] = self._usable(X[rows]).T, 1
            ST = logistic_slope(np.matmul(W2T, X1T, out=ZT), CT)
            ST *= 4.0
            np.multiply(ST[:, None, :], X1T, out=JT[:, :, rows])

        with np.errstate(over="ignore", under="ignore"):
            W2T = 2.0 * self.W.T
            for _ in in_blocks(block, len(X), D1, K, (D1, K, K), workers):
                pass
        return JT.T

    def numerical_jacobian(self, X, eps=1e-6):
        """The same array by central differences, equation :eq:`eq-central`.

        Units share no parameter, so one row of W moves for all units at once: 2(D+1) transforms
        give what one parameter at a time gives in 2(D+1)K, to the bit.

        Parameters
        ----------
        eps : float
            The step; the error is O(eps^2) and round-off.

        Raises
        ------
        ValueError
            If eps is not finite and positive, or is lost beside a parameter.
        """
        X = real(self._usable(self._inputs(X)), "X")
        if not (isinstance(eps, Real) and 0 < eps < np.inf):
            raise ValueError(f"eps must be a finite positive number; got {eps!r}")
        if (self.W + eps == self.W - eps).any():
            raise ValueError(f"eps must be large enough to move every parameter; got {eps!r}")
        D1, K = self.W.shape
        J = np.empty((D1, len(X), K))
        for d in range(D1):
            E = np.zeros_like(self.W)
            E[d] = eps
            np.subtract(phi(self.W + E, X), phi(self.W - E, X), out=J[d])
        J /= 2 * eps
        return J.transpose(1, 0, 2)

    def jvp(self, X, dW, workers=None):
        """How the features move when W moves by dW: ``S o (X~ dW)``, equation :eq:`eq-jvp`.

        Parameters
        ----------
        dW : array-like, shape (D+1, K)

        Returns
        -------
        ndarray, shape (N, K)

        Raises
        ------
        ValueError
            If X~ dW is beyond float64.
        """
        X, dW = self._inputs(X), numbers(dW, "dW", self.W.shape)
        D1, K = self.W.shape
        dPhi = np.empty((len(X), K))

        def block(rows, X1, Z, C):
            with_ones(self._usable(X[rows]), out=X1)
            S = logistic_slope(np.matmul(X1, W2, out=Z), C)
            np.multiply(S, np.matmul(X1, dW4, out=C), out=dPhi[rows])
            return all_finite(dPhi[rows])

        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            W2, dW4 = 2.0 * self.W, np.multiply(4.0, dW, dtype=float)
            usable = all(list(in_blocks(block, len(X), D1, K, (D1, K, K), workers)))
        if not usable:
            largest(dW, "dW")
            raise ValueError("X~ dW overflows: X and dW are finite, their product is not")
        return dPhi

    def vjp(self, X, G, workers=None):
        """Carry a loss's derivative G by the features to W: ``X~' (S o G)``, equation :eq:`eq-vjp`.

        Parameters
        ----------
        G : array-like, shape (N, K)

        Returns
        -------
        ndarray, shape (D+1, K)

        Raises
        ------
        ValueError
            If G is not finite, or the sums are beyond float64.
        """
        X = self._inputs(X)
        D1, K = self.W.shape
        G = numbers(G, "G", (len(X), K))

        def block(rows, X1, Z, C):
            with_ones(self._usable(X[rows]), out=X1)
            SG = logistic_slope(np.matmul(X1, W2, out=Z), C)
            SG *= G[rows]
            return X1.T @ SG

        dW = np.zeros((D1, K))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            W2 = 2.0 * self.W
            for part in in_blocks(block, len(X), D1, K, (D1, K, K), workers):
                dW += part
            dW *= 4.0
        if not all_finite(dW):  # NaN and infinity do not leave a sum
            largest(G, "G")
            raise ValueError("X~' (S o G) overflows: X and G are finite, the sums are not")
        return dW

    def _inputs(self, X):
        """X as (N, D), in the type that it came in."""
        X, D = numbers(X, "X"), len(self.W) - 1
        given = X.shape
        if X.ndim == 1:
            X = X[:, None]
        if X.ndim != 2 or X.shape[1] != D:
            expected = f"(N, {D})" if D > 1 else "(N, 1) or (N,)"
            raise ValueError(f"X must be {expected} for a basis of {D} inputs; got {given}")
        return X

    def _usable(self, X):
        """Some samples, if they are finite, and X~ W is."""
        # The length of all of them together tells at once, mostly.
        if X.size < FEW and X.dtype.char == "d" and np.vdot(X, X) ** 0.5 < self._reach:
            return X
        size = largest(X, "X")
        if size > self._reach:
            with np.errstate(over="ignore", invalid="ignore"):
                if not np.isfinite(with_ones(X) @ (2.0 * self.W)).all():
                    raise ValueError(
                        f"X~ W overflows: |x| is up to {size:.1e}, |w| up to "
                        f"{np.abs(self.W).max():.1e}, both finite, their product is not"
                    )
        return X

    def _each(self, X, function, workers):
        """function(z) for every sample, in place."""
        X = self._inputs(X)
        D1, K = self.W.shape
        Z = np.empty((len(X), K))

        def block(rows, X1):
            with_ones(self._usable(X[rows]), out=X1)
            function(np.matmul(X1, self.W, out=Z[rows]))

        for _ in in_blocks(block, len(X), D1, K, (D1,), workers):
            pass
        return Z


def with_ones(X, out=None):
    """X~ = [X 1]: the inputs with the constant one of the bias, in float64."""
    X1 = np.empty((len(X), X.shape[1] + 1)) if out is None else out
    X1[:, :-1], X1[:, -1] = X, 1
    return X1
