"""The loss of `ridge` and its gradients for data that do not fit in memory, or lie elsewhere.

Both are sums over samples, equation :eq:`eq-stream`, so any cut into chunks gives the same result
up to rounding. A chunk is as large as the memory allows that its work may take. Dask is imported
only by the function that uses it.
"""

from collections import namedtuple
from functools import reduce

import numpy as np

from jacobians import ridge
from jacobians._arrays import numbers, real

MEMORY = 1 << 26  # bytes that the work on one chunk may take: 64 megabytes

Sums = namedtuple("Sums", "samples squares weights intercept W")


def loss_and_gradients(basis, x, y, lam, weights, intercept, memory=MEMORY):
    """What `ridge.loss` and `ridge.gradients` return, from one chunk of samples after the other.

    Equation :eq:`eq-stream`; chapter :doc:`/chapters/at_scale`.

    Parameters
    ----------
    basis : object with `W`, `transform` and `vjp`
    x : array-like, shape (N, D) or (N,)
        An array in memory, a `numpy.memmap`, or whatever else has a shape and can be sliced.
    y : array-like, shape (N,)
        Likewise.
    lam : float
    weights : array-like, shape (K,)
    intercept : float
    memory : int
        Bytes that the work on a chunk may take. The result needs more only if a single sample does.

    Returns
    -------
    loss : float
    gradients : ridge.Gradients

    Raises
    ------
    ValueError
        As `ridge.loss` does, with the numbers of the samples in question; or if memory is not a
        positive number of bytes.

    Examples
    --------
    >>> from jacobians import TanhBasis
    >>> x, y = np.array([0.0, 100.0]), np.array([0.5, 1.5])
    >>> loss, found = loss_and_gradients(TanhBasis([[1.0], [0.0]]), x, y, 0.5, [2.0], 0.5, memory=1)
    >>> loss, found.intercept
    (1.25, 0.5)
    """
    x, y, rows = prepared(basis, x, y, lam, weights, intercept, memory)
    parts = (
        part(basis, x[i : i + rows], y[i : i + rows], weights, intercept, i)
        for i in range(0, len(x), rows)
    )
    return finish(reduce(add, parts), lam, weights)


def on_dask(basis, x, y, lam, weights, intercept, memory=MEMORY, address=None):
    """The same sums, :eq:`eq-stream`, by Dask: on the threads of this machine, or on a cluster.

    Equation :eq:`eq-stream`.

    Parameters
    ----------
    basis, lam, weights, intercept :
        As in `loss_and_gradients`.
    x, y : dask.array.Array, or array-like
        A Dask array is read where its chunks are computed; any other is cut up here and sent.
    memory : int
        Bytes that the work on a chunk may take. Each thread works on a chunk of its own.
    address : str, optional
        Where the scheduler of a cluster listens, such as ``tcp://host:8786``. Its workers need this
        package. A chunk whose worker is lost is computed again by another.

    Returns
    -------
    loss : float
    gradients : ridge.Gradients

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If no scheduler answers at the address.
    ValueError
        As `loss_and_gradients`.
    """
    try:
        import dask
        import dask.array as da
        from distributed import Client
    except ImportError as error:
        raise ImportError(
            "streams.on_dask needs Dask, which is not installed: "
            "pip install 'dask[array,distributed]' brings it"
        ) from error
    x, y, rows = prepared(basis, x, y, lam, weights, intercept, memory)
    x, y = (
        v if isinstance(v, da.Array) else da.from_array(v, (rows, *v.shape[1:]), name=False)
        for v in (x, y)
    )
    x = x.rechunk((rows, *x.shape[1:]))
    y = y.rechunk({0: x.chunks[0]})
    starts = np.cumsum((0, *x.chunks[0][:-1])).tolist()
    parts = [
        dask.delayed(part)(basis, x_part, y_part, weights, intercept, i)
        for x_part, y_part, i in zip(
            x.to_delayed().ravel(), y.to_delayed().ravel(), starts, strict=True
        )
    ]
    while len(parts) > 1:  # a tree, so that no machine holds all parts
        parts = [dask.delayed(add_all)(parts[i : i + 8]) for i in range(0, len(parts), 8)]
    if address is None:
        (sums,) = dask.compute(parts[0], scheduler="threads")
    else:
        with Client(address, set_as_default=False) as client:
            sums = client.compute(parts[0]).result()
    return finish(sums, lam, weights)


def rows_per_chunk(D, K, memory=MEMORY):
    """How many samples of D inputs, for K units, fit into so many bytes: :eq:`eq-chunk`.

    Equation :eq:`eq-chunk`.

    A sample takes its inputs twice (as read, and as float64 with their 1) and K numbers four times
    (Phi, the outer product, and in the VJP Z and what the factor needs beside it). A chunk of many
    blocks takes less, whatever the number of threads: the VJP has only as many of them in hand.

    Examples
    --------
    >>> rows_per_chunk(D=8, K=3, memory=10**6)
    3472
    """
    memory = real(memory, "memory", ())
    if memory <= 0:
        raise ValueError(f"memory must be a positive number of bytes; got {memory:g}")
    return max(1, int(memory // (8 * (2 * D + 4 * K + 8))))


def prepared(basis, x, y, lam, weights, intercept, memory):
    """x and y if they can be sliced, and the number of samples in a chunk.

    What can be found wrong without reading the samples is found here, before hours of reading.
    """
    x, y = (v if hasattr(v, "shape") else numbers(v, name) for v, name in ((x, "x"), (y, "y")))
    if len(x.shape) not in (1, 2) or y.shape != x.shape[:1]:
        raise ValueError(f"x must be (N, D) or (N,) and y (N,); got {x.shape} and {y.shape}")
    if len(x) == 0:
        raise ValueError("x must hold at least one sample; got none")
    D1, K = basis.W.shape
    real(weights, "weights", (K,)), real(intercept, "intercept", ()), ridge.penalty(lam)
    return x, y, rows_per_chunk(D1 - 1, K, memory)


def part(basis, x, y, weights, intercept, first):
    """The sums over one chunk, whose first sample has the number `first`."""
    try:
        Phi, r, weights, _ = ridge.residuals(basis, x, y, 0.0, weights, intercept)
        dW = basis.vjp(x, ridge.outer(r, weights))
        squares = float(ridge.finite(lambda: r @ r, "the squares of the residuals"))
    except ValueError as error:
        raise ValueError(f"samples {first} to {first + len(x) - 1}: {error}") from error
    return Sums(len(r), squares, r @ Phi, float(r.sum()), dW)


def add(a, b):
    return Sums(*(i + j for i, j in zip(a, b, strict=True)))


def add_all(parts):
    return reduce(add, parts)


def finish(sums, lam, weights):
    """The loss and its gradients from the sums over all samples."""
    lam, weights, N = ridge.penalty(lam), real(weights, "weights"), sums.samples
    loss = sums.squares / (2 * N) + lam / 2 * float(weights @ weights)
    by_weights = sums.weights / N + lam * weights
    return loss, ridge.Gradients(by_weights, sums.intercept / N, sums.W / N)
