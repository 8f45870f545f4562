"""Wrong Jacobians, each with its name: what the checker recognises, and what may be planted.

Every mistake is a function of the right pieces: the inputs X and X1 = [X 1], Z, Phi, and the right
compact Jacobian J of shape (N, D+1, K), whose last row along axis 1 is the factor S. It yields the
arrays that code with this mistake may return, the usual one first. The chapter
:doc:`/chapters/checking` shows the gallery.
"""

from collections import namedtuple
from itertools import combinations, permutations

import numpy as np

from jacobians.basis import TanhBasis, sech2, with_ones

#: `off` says which entries of a claimed array are wrong, where that is known: it spares trials.
Pieces = namedtuple("Pieces", "X X1 W Z Phi J off", defaults=(None,))
Mistake = namedtuple("Mistake", "name told wrong tanh_only four")

#: Every mistake by its name; the gallery of the chapter :doc:`/chapters/checking` shows them all.
MISTAKES = {}


def pieces(W, X, J):
    """The right pieces of a basis phi(X~ W) at parameters W and inputs X (N, D)."""
    X1 = with_ones(X)
    Z = X1 @ W
    return Pieces(X, X1, W, Z, np.tanh(Z), J)


def mistake(name, told, tanh_only=False, four=False):
    """Keep a wrong Jacobian under its name, with one sentence that tells what was done.

    `tanh_only` says that it is built from tanh itself and means nothing for another basis, `four`
    that its array has four axes: it is large.
    """

    def keep(wrong):
        MISTAKES[name] = Mistake(name, told, wrong, tanh_only, four)
        return wrong

    return keep


def planted(name, base=TanhBasis):
    """A class like `base` whose `jacobian` makes the mistake of this name, in its usual form.

    Chapter :doc:`/chapters/checking`.
    """

    class Planted(base):
        def jacobian(self, X):
            X = np.asarray(X, dtype=float)
            X = X[:, None] if X.ndim == 1 else X
            right = base.jacobian(self, X)
            return next(iter(MISTAKES[name].wrong(pieces(self.W, X, right))))

    return Planted


def outer(X1, S):
    """x~_nd s_nk for a factor S (N, K): the compact Jacobian that this factor gives."""
    return X1[:, :, None] * S[:, None, :]


# ------------------------------------------------------------------------------- the factor of tanh


@mistake("1 - phi", "the factor is 1 - phi; it should be 1 - phi^2", tanh_only=True)
def one_minus_phi(p):
    yield outer(p.X1, 1 - p.Phi)


@mistake("1 + phi^2", "the factor is 1 + phi^2; it should be 1 - phi^2", tanh_only=True)
def one_plus_phi_squared(p):
    yield outer(p.X1, 1 + p.Phi**2)


@mistake("1 - z^2", "the factor is 1 - z^2; it should be 1 - tanh(z)^2", tanh_only=True)
def one_minus_z_squared(p):
    yield outer(p.X1, 1 - p.Z**2)


@mistake("phi", "the factor is phi itself; it should be 1 - phi^2", tanh_only=True)
def phi_alone(p):
    yield outer(p.X1, p.Phi)


@mistake("extra phi", "every entry carries an extra factor phi", tanh_only=True)
def extra_phi(p):
    yield p.J * p.Phi[:, None, :]


@mistake("bias left out of z", "the factor is computed from z without its bias", tanh_only=True)
def bias_left_out(p):
    yield outer(p.X1, sech2(p.X @ p.W[:-1]))


# ------------------------------------------------------------------------------ inputs and the bias


@mistake("factor x missing", "the slopes' rows lack the factor x")
def x_missing(p):
    yield outer(np.ones_like(p.X1), p.J[:, -1])


@mistake("x squared", "the slopes' rows carry x^2 in place of x")
def x_squared(p):
    yield outer(p.X1**2, p.J[:, -1])


@mistake("bias row first", "the bias row comes first; it belongs last along axis 1")
def bias_first(p):
    yield np.roll(p.J, 1, axis=1)


@mistake("bias row missing", "the row of the bias is missing; axis 1 has D+1 places")
def bias_missing(p):
    yield p.J[:, :-1]


@mistake("bias row zero", "the row of the bias is zero; it should hold the factor 1 - phi^2")
def bias_zero(p):
    yield outer(np.column_stack([p.X, np.zeros(len(p.X))]), p.J[:, -1])


@mistake(
    "bias row times x", "the row of the bias is multiplied by x; a bias has the constant input 1"
)
def bias_times_x(p):
    for d in range(p.X.shape[1]):
        yield outer(np.column_stack([p.X, p.X[:, d]]), p.J[:, -1])


@mistake("slopes of two inputs swapped", "the rows of two inputs are exchanged along axis 1")
def inputs_swapped(p):
    rows = range(p.X.shape[1])
    if p.off is not None and p.off.any():  # of the hundreds of pairs only one can be it
        wrong = [d for d in np.flatnonzero(p.off.any(axis=(0, 2))) if d in rows]
        rows = wrong if len(wrong) == 2 else []
    for i, j in combinations(rows, 2):
        order = list(range(p.X.shape[1] + 1))
        order[i], order[j] = j, i
        yield p.J[:, order]


# ------------------------------------------------------------------------------- the units


@mistake("last unit left out", "the last unit is left out: a loop that ends one too early?")
def last_unit(p):
    yield p.J * (np.arange(p.J.shape[2]) < p.J.shape[2] - 1)
    yield p.J[:, :, :-1]


@mistake("first unit left out", "the first unit is left out: a loop that starts at 1?")
def first_unit(p):
    yield p.J * (np.arange(p.J.shape[2]) > 0)
    yield p.J[:, :, 1:]


@mistake("units in the wrong order", "the units stand in another order than in W")
def units_reordered(p):
    K = p.J.shape[2]
    yield p.J[:, :, ::-1]
    for order in permutations(range(K)) if K <= 5 else (np.roll(range(K), s) for s in range(1, K)):
        yield p.J[:, :, list(order)]


@mistake(
    "four indices", "the values are right, but the zeros are stored: keep only l = k", four=True
)
def four_indices(p):
    yield np.einsum("ndk,kl->nkdl", p.J, np.eye(p.J.shape[2]))


@mistake(
    "wrong delta",
    "entries of other units are not zero: unit k does not depend on W[:, l]",
    four=True,
)
def wrong_delta(p):
    S = p.J[:, -1]
    yield np.einsum("nk,nd,l->nkdl", S, p.X1, np.ones(S.shape[1]))


# ------------------------------------------------------------------------------- the whole array


@mistake("sign flipped", "every entry has the wrong sign")
def sign_flipped(p):
    yield -p.J


@mistake("summed over the samples", "the array is summed over the samples; keep axis 0")
def summed(p):
    yield p.J.sum(axis=0)
    yield p.J.sum(axis=0, keepdims=True)
    yield np.broadcast_to(p.J.sum(axis=0), p.J.shape)


@mistake("averaged over the samples", "the array is averaged over the samples; keep axis 0")
def averaged(p):
    yield p.J.mean(axis=0)
    yield p.J.mean(axis=0, keepdims=True)
    yield np.broadcast_to(p.J.mean(axis=0), p.J.shape)


@mistake("axes transposed", "the axes stand in another order than (N, D+1, K)")
def transposed(p):
    for axes in list(permutations(range(3)))[:0:-1]:
        yield p.J.transpose(axes)


@mistake("float32", "the numbers are right to 7 digits only: computed in float32?")
def float32(p):
    yield p.J.astype(np.float32)


@mistake("constant factor", "every entry is multiplied by the same number")
def doubled(p):
    yield 2 * p.J


@mistake("not a number", "some entries are NaN or infinite")
def not_a_number(p):
    yield np.where(np.arange(p.J.shape[2]) == 0, np.nan, p.J)


@mistake("wrong shape", "the array has another shape than (N, D+1, K)")
def wrong_shape(p):
    yield p.J.reshape(len(p.J), -1)
