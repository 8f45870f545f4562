"""The tanh basis: its values and its Jacobian."""

import numpy as np


def phi(W, X):
    """phi = tanh(X~ W): (N, K) values for W (D+1, K), real or complex, and X (N, D)."""
    return np.tanh(X @ W[:-1] + W[-1])


class TanhBasis:
    """K tanh units with slopes W[:D] and biases W[D]; see equation eq-phi."""

    def __init__(self, W):
        self._W = np.array(W, dtype=float)
        self._W.setflags(write=False)

    @property
    def W(self):
        return self._W

    def _inputs(self, X):
        X = np.asarray(X, dtype=float)
        return X[:, None] if X.ndim == 1 else X

    def Z(self, X):
        return self._inputs(X) @ self.W[:-1] + self.W[-1]

    def transform(self, X):
        return np.tanh(self.Z(X))

    def jacobian(self, X):
        X = self._inputs(X)
        S = 1 / np.cosh(np.clip(self.Z(X), -710, 710)) ** 2
        X1 = np.column_stack([X, np.ones(len(X))])
        return X1[:, :, None] * S[:, None, :]
