"""The tanh basis: its values, its Jacobian, and the Jacobian's two products.

Letters and shapes are the book's: N samples of D inputs, K units. ``X`` is (N, D), ``W`` is
(D+1, K) with the slopes in ``W[:D]`` and the biases in ``W[D]``; ``Z``, ``Phi`` and ``S`` are
(N, K).
"""

import math

import numpy as np

BLOCK = 1 << 18  # numbers in a block of work: two megabytes, about what a core's cache holds


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
    """
    Z = X @ W[:-1]
    Z += W[-1]
    return np.tanh(Z, out=Z)


def sech2(Z, out=None):
    """1 - tanh(z)^2 = 1 / cosh(z)^2, equation :eq:`eq-tanh-prime`, right into the tails.

    The subtraction loses every digit on the way to z = 19. In the quotient nothing cancels: it is
    right to 5 units in the last place (4.2 measured, of which cosh's own rounding, doubled by the
    square, is the larger part) as long as float64 has a normal number for it, to z = 354.

    Parameters
    ----------
    Z : array of float
    out : array of float, optional
        Where the result goes; it may be Z itself, which saves a pass over memory.

    Returns
    -------
    ndarray
        Of the same shape; 0 where the value is too small for a normal number.
    """
    with np.errstate(over="ignore"):  # 1 / infinity is the right 0
        C = np.cosh(Z, out=out)
        C *= C
        return np.divide(1.0, C, out=C)


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
    it is not real, finite and of D inputs. No method changes the object.
    """

    def __init__(self, W):
        W = real(W, "W", copy=True)
        if W.ndim != 2 or W.shape[0] < 2 or W.shape[1] < 1:
            raise ValueError(
                "W must be (D+1, K), D >= 1 rows of slopes above one row of biases, "
                f"for K >= 1 units; got the shape {W.shape}"
            )
        W.flags.writeable = False
        self._W = W

    @property
    def W(self):
        """The parameters, (D+1, K), read-only."""
        return self._W

    def Z(self, X):
        """z = X~ W, equation :eq:`eq-z`: shape (N, K)."""
        X = self._inputs(X)
        return X @ self.W[:-1] + self.W[-1]

    def transform(self, X):
        """phi = tanh z, equation :eq:`eq-phi`: shape (N, K)."""
        Z = self.Z(X)
        return np.tanh(Z, out=Z)

    def jacobian(self, X):
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
        for rows in blocks(len(X), D1 + K):
            X1T = with_ones(X[rows]).T.copy()
            ZT = self.W.T @ X1T
            np.multiply(sech2(ZT, out=ZT)[:, None, :], X1T, out=JT[:, :, rows])
        return JT.transpose(2, 1, 0)

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
            If eps is not finite and positive.
        """
        X = self._inputs(X)
        if not (np.isscalar(eps) and np.isfinite(eps) and eps > 0):
            raise ValueError(f"eps must be a finite positive number; got {eps!r}")
        D1, K = self.W.shape
        J = np.empty((D1, len(X), K))
        for d in range(D1):
            E = np.zeros_like(self.W)
            E[d] = eps
            np.subtract(phi(self.W + E, X), phi(self.W - E, X), out=J[d])
        J /= 2 * eps
        return J.transpose(1, 0, 2)

    def jvp(self, X, dW):
        """How the features move when W moves by dW: ``S o (X~ dW)``, equation :eq:`eq-jvp`.

        Parameters
        ----------
        dW : array-like, shape (D+1, K)

        Returns
        -------
        ndarray, shape (N, K)
        """
        X, dW = self._inputs(X), real(dW, "dW", self.W.shape)
        D1, K = self.W.shape
        dPhi = np.empty((len(X), K))
        for rows in blocks(len(X), D1 + K):
            X1 = with_ones(X[rows])
            Z = X1 @ self.W
            np.multiply(sech2(Z, out=Z), X1 @ dW, out=dPhi[rows])
        return dPhi

    def vjp(self, X, G):
        """Carry a loss's derivative G by the features to W: ``X~' (S o G)``, equation :eq:`eq-vjp`.

        Parameters
        ----------
        G : array-like, shape (N, K)

        Returns
        -------
        ndarray, shape (D+1, K)
        """
        X = self._inputs(X)
        D1, K = self.W.shape
        G = real(G, "G", (len(X), K))
        dW = np.zeros((D1, K))
        for rows in blocks(len(X), D1 + K):
            X1 = with_ones(X[rows])
            Z = X1 @ self.W
            SG = sech2(Z, out=Z)
            SG *= G[rows]
            dW += X1.T @ SG
        return dW

    def _inputs(self, X):
        X, D = real(X, "X"), len(self.W) - 1
        given = X.shape
        if X.ndim == 1:
            X = X[:, None]
        if X.ndim != 2 or X.shape[1] != D:
            expected = f"(N, {D})" if D > 1 else "(N, 1) or (N,)"
            raise ValueError(f"X must be {expected} for a basis of {D} inputs; got {given}")
        return X


def with_ones(X):
    """X~ = [X 1]: the inputs with the constant one of the bias."""
    X1 = np.ones((len(X), X.shape[1] + 1))
    X1[:, :-1] = X
    return X1


def blocks(N, width):
    """Slices that cut N samples into blocks of at most BLOCK numbers, `width` for each sample."""
    n = max(1, BLOCK // width)
    return (slice(i, min(i + n, N)) for i in range(0, N, n))


def real(values, name, shape=None, copy=None):
    """The values as float64, or a ValueError that says what was expected and what came."""
    if np.iscomplexobj(values):
        raise ValueError(f"{name} must be real; got complex numbers")
    try:
        array = np.array(values, dtype=float, copy=copy)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers; got {values!r:.60}") from error
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}; got {array.shape}")
    # NaN shows in both ends, and looking for them copies nothing.
    least, largest = array.min(initial=0.0), array.max(initial=0.0)
    if not (math.isfinite(least) and math.isfinite(largest)):
        raise ValueError(f"{name} must be finite; got NaN or infinity")
    return array
