"""The tanh basis: its values, its Jacobian, and the Jacobian's two products.

Letters and shapes are the book's: N samples of D inputs, K units. ``X`` is (N, D), ``W`` is
(D+1, K) with the slopes in ``W[:D]`` and the biases in ``W[D]``; ``Z``, ``Phi`` and ``S`` are
(N, K).
"""

import numpy as np

BLOCK = 1 << 17  # numbers in a block of work: a megabyte, which stays in a core's cache


def phi(W, X):
    """The features as a pure function of their parameters, equations eq-z and eq-phi.

    Parameters
    ----------
    W : array, shape (D+1, K)
        Real or complex: a complex step goes through.
    X : array, shape (N, D)

    Returns
    -------
    ndarray, shape (N, K)
    """
    return np.tanh(X @ W[:-1] + W[-1])


def sech2(Z):
    """1 - tanh(z)^2, equation eq-tanh-prime, right to a few units in the last place.

    The subtraction would lose every digit on the way to |z| = 19. With e = exp(-2|z|) the same
    factor is 4 e / (1 + e)^2, where nothing cancels, down to where float64 itself ends (|z| = 354).

    Parameters
    ----------
    Z : array of float

    Returns
    -------
    ndarray
        Of the same shape; 0 where the value is too small for float64.
    """
    with np.errstate(over="ignore", under="ignore"):  # both end in the right 0
        E = np.abs(Z)
        E *= -2.0
        np.exp(E, out=E)
        S = E + 1.0
        S *= S
        np.divide(E, S, out=S)
        S *= 4.0
    return S


class TanhBasis:
    """K tanh units, phi_nk = tanh(sum_d a_dk x_nd + b_k).

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
        """z = X~ W, equation eq-z: shape (N, K)."""
        X = self._inputs(X)
        return X @ self.W[:-1] + self.W[-1]

    def transform(self, X):
        """phi = tanh z, equation eq-phi: shape (N, K)."""
        Z = self.Z(X)
        return np.tanh(Z, out=Z)

    def jacobian(self, X):
        """J[n, d, k] = d phi_nk / d W_dk = S_nk x~_nd, equation eq-compact.

        Returns
        -------
        ndarray, shape (N, D+1, K)
            The only entries that are not zero; the bias is the last d. In memory the samples lie
            side by side (`J.T` is contiguous): there are many of them, and few units.
        """
        X = self._inputs(X)
        J = np.empty((self.W.shape[1], self.W.shape[0], len(X)))
        for rows in blocks(len(X), sum(self.W.shape)):
            XT = np.ascontiguousarray(X[rows].T)
            S = self._S(XT)
            np.multiply(S[:, None, :], XT, out=J[:, :-1, rows])
            J[:, -1, rows] = S
        return J.transpose(2, 1, 0)

    def numerical_jacobian(self, X, eps=1e-6):
        """The same array by central differences, equation eq-central.

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
        J = np.empty((len(X), *self.W.shape))
        for d in range(len(self.W)):
            E = np.zeros_like(self.W)
            E[d] = eps
            J[:, d] = (phi(self.W + E, X) - phi(self.W - E, X)) / (2 * eps)
        return J

    def jvp(self, X, dW):
        """How the features move when W moves by dW: S o (X~ dW), equation eq-jvp.

        Parameters
        ----------
        dW : array-like, shape (D+1, K)

        Returns
        -------
        ndarray, shape (N, K)
        """
        X, dW = self._inputs(X), real(dW, "dW", self.W.shape)
        out = np.empty((self.W.shape[1], len(X)))
        for rows in blocks(len(X), sum(self.W.shape)):
            XT = np.ascontiguousarray(X[rows].T)
            np.multiply(self._S(XT), dW[:-1].T @ XT + dW[-1][:, None], out=out[:, rows])
        return out.T

    def vjp(self, X, G):
        """Carry the derivative G of a loss by the features to W: X~' (S o G), equation eq-vjp.

        Parameters
        ----------
        G : array-like, shape (N, K)

        Returns
        -------
        ndarray, shape (D+1, K)
        """
        X = self._inputs(X)
        G = real(G, "G", (len(X), self.W.shape[1]))
        out = np.zeros_like(self.W)
        for rows in blocks(len(X), sum(self.W.shape)):
            XT = np.ascontiguousarray(X[rows].T)
            SG = self._S(XT)
            SG *= G[rows].T
            out[:-1] += XT @ SG.T
            out[-1] += SG.sum(axis=1)
        return out

    def _S(self, XT):
        """S for a block of samples, transposed: (K, n) for inputs (D, n)."""
        Z = self.W[:-1].T @ XT
        Z += self.W[-1][:, None]
        return sech2(Z)

    def _inputs(self, X):
        X, D = real(X, "X"), len(self.W) - 1
        given = X.shape
        if X.ndim == 1:
            X = X[:, None]
        if X.ndim != 2 or X.shape[1] != D:
            expected = f"(N, {D})" if D > 1 else "(N, 1) or (N,)"
            raise ValueError(f"X must be {expected} for a basis of {D} inputs; got {given}")
        return X


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
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity")
    return array
