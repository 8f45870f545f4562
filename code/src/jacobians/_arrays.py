"""What every module does with arrays: how an argument becomes one, and how blocks are shared out.

An argument becomes a float64 array, or a ValueError that says what was expected and what came.
Work on many samples is cut into blocks that stay in a core's cache, and blocks may be done by
several threads, since NumPy lets others run while it computes.
"""

import math
import operator
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from decimal import Decimal
from numbers import Real
from queue import SimpleQueue

import numpy as np

#: Numbers in a block of work: a megabyte, about what a core's cache holds.
BLOCK = 1 << 17
# OpenBLAS gives a product of fewer multiplications than twice its threshold of 2^18 to one thread.
# Above, its threads and ours would want the same cores, and its idle ones do not sleep.
PRODUCTS = (1 << 19) - 1
FEW = 10_000  # numbers whose sum of products OpenBLAS gives to one thread
LEAST_ROWS = 64  # with fewer, a matrix product does not reach its speed
# Numbers in a call of NumPy with which threads gain by themselves. Python's lock is free while it
# computes, and to get it back from another thread can take as long as computing some thousands.
LONG_ENOUGH = 1 << 15


# ---------------------------------------------------------------------------------- arguments


def real(values, name, shape=None, copy=None):
    """The values as float64, or a ValueError that says what was expected and what came."""
    array = numbers(values, name, shape)
    largest(array, name)
    return np.array(array, dtype=float, copy=copy)


def numbers(values, name, shape=None):
    """The values as an array of real numbers in the type that they came in, nothing copied."""
    if type(values) is not np.ndarray:
        parts = values if isinstance(values, list | tuple) else (values,)
        if any(isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part) for part in parts):
            raise ValueError(f"{name} must have no masked entries; fill them or leave them out")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O" and all(isinstance(v, Real | Decimal) for v in array.flat):
            array = array.astype(float)  # fractions, integers beyond 64 bits
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be an array of numbers; got {values!r:.60}") from error
    kind = array.dtype.kind
    if kind == "c":
        raise ValueError(f"{name} must be real; got complex numbers")
    if kind not in "biuf":
        raise ValueError(f"{name} must be an array of numbers; got {values!r:.60}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}; got {array.shape}")
    return array


def largest(array, name):
    """The largest size of an entry, or a ValueError if there is NaN or infinity.

    Both show in the two ends, and looking for the ends copies nothing.
    """
    least, most = float(array.min(initial=0)), float(array.max(initial=0))
    if not (math.isfinite(least) and math.isfinite(most)):
        raise ValueError(f"{name} must be finite; got NaN or infinity")
    return max(-least, most)


def all_finite(array):
    """Whether all entries are: what their sum of squares tells soonest, mostly."""
    few = array.size < FEW and math.isfinite(np.vdot(array, array))
    return few or bool(np.isfinite(array).all())


# ------------------------------------------------------------------------------------- blocks


def rows_in_a_block(D1, K):
    """How many samples of D1 numbers are worked on at a time, for K units; and whether by BLAS.

    Returns
    -------
    rows : int
    large : bool
        Whether matrix products are the larger part of the work, so that BLAS's threads serve it
        best and ours stay out of their way.
    """
    fit, quiet = BLOCK // (D1 + K), PRODUCTS // (D1 * K)
    return (max(fit, LEAST_ROWS), True) if quiet < LEAST_ROWS else (max(1, min(fit, quiet)), False)


def in_blocks(work, N, D1, K, widths, workers=None):
    """work(rows, *room) for every block of N samples: the results, in the blocks' order.

    The cut depends on the sizes alone, so the results are the same whoever does the work. No more
    results wait to be fetched than there are workers. `room` are arrays to work in, one for each
    of the `widths`, with a row for each sample of the block. A worker keeps its own from block to
    block: memory that is given back comes anew from the system, a page at a time, at a price like
    the work's.
    """
    n, large = rows_in_a_block(D1, K)
    if N <= n and workers is None:
        return (work(slice(0, N), *[np.empty((N, width)) for width in widths]),)
    if workers is None and n * K < LONG_ENOUGH:
        workers = 1
    return shared_out(work, N, n, widths, threads(workers, -(-N // n), large))


def shared_out(work, N, n, widths, workers):
    rooms = SimpleQueue()
    for _ in range(workers):
        rooms.put([np.empty((min(n, N), width)) for width in widths])

    def furnished(first):
        room, rows = rooms.get(), slice(first, min(first + n, N))
        try:
            return work(rows, *(array[: rows.stop - first] for array in room))
        finally:
            rooms.put(room)

    if workers == 1:
        yield from map(furnished, range(0, N, n))
        return
    pool, waiting = ThreadPoolExecutor(workers), deque()
    try:
        for first in range(0, N, n):
            waiting.append(pool.submit(copy_context().run, furnished, first))  # np.errstate too
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # after an error, or Control-C, what has not begun does not begin
        pool.shutdown(cancel_futures=True)


def threads(workers, blocks, large=False):
    """How many threads to take, from `workers` in SciPy's convention and the number of blocks."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if workers is None:
        wanted = min(cores, blocks // 4)  # a thread takes as long to begin as a block to do
    else:
        try:
            wanted = operator.index(workers)
        except TypeError:
            wanted = 0
        wanted = wanted if wanted > 0 else cores + 1 + wanted if wanted < 0 else 0
        if wanted < 1:
            raise ValueError(
                f"workers must be a whole number of threads, or -1 for all {cores}; got {workers!r}"
            )
    return 1 if large else max(1, min(wanted, blocks))
