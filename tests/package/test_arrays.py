"""How an argument becomes an array or a sentence, and how blocks are shared out among threads."""

import os
import threading
import time
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jacobians._arrays import (
    BLOCK,
    LEAST_ROWS,
    PRODUCTS,
    in_blocks,
    largest,
    real,
    rows_in_a_block,
    threads,
)

# ------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        (1.0, 2.0),
        np.array([1, 2], np.int8),
        np.array([1, 2], np.float16),
        np.array([1, 2], np.longdouble),
        np.array([Fraction(1), Fraction(2)]),
        [Fraction(1), 2.0],
        [Decimal(1), 2],
        np.ma.array([1.0, 2.0]),
        np.ma.array([1.0, 2.0], mask=False),
    ],
    ids=lambda values: f"{type(values).__name__}-{np.asarray(values).dtype}",
)
def test_whatever_holds_real_numbers_becomes_float64(values):
    array = real(values, "v")
    assert type(array) is np.ndarray and array.dtype == np.float64
    assert np.array_equal(array, [1.0, 2.0])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.ma.masked_equal([1.0, 2.0], 2.0), "no masked entries"),
        ([np.ma.masked_equal([1.0, 2.0], 2.0), np.ones(2)], "no masked entries"),
        (np.ma.masked, "no masked entries"),
        (["1", "2"], r"array of numbers; got \['1', '2'\]"),
        ("1", "array of numbers; got '1'"),
        (b"1", "array of numbers"),
        (np.array(["1", 2.0], dtype=object), "array of numbers"),
        (np.array(["2012-01-01"], dtype="datetime64[D]"), "array of numbers"),
        (np.array([5], dtype="timedelta64[D]"), "array of numbers"),
        ([date(2012, 1, 1)], "array of numbers"),
        ([np.datetime64("2012-01-01"), 1.0], "array of numbers"),
        ([[1.0], [1.0, 2.0]], "array of numbers"),
        ({"a": 1}, "array of numbers"),
        (np.zeros(2, [("x", float)]), "array of numbers"),
        ([1j], "real; got complex numbers"),
        (np.array([1j], dtype=object), "array of numbers"),
        ([None], "array of numbers"),
        ([np.nan, 1.0], "finite; got NaN"),
        ([1.0, -np.inf], "finite; got NaN"),
        (np.array([np.nan], np.float32), "finite; got NaN"),
        ([10**400], "array of numbers"),
        (np.array([np.longdouble(10) ** 400]), "finite; got NaN or infinity"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("error")
def test_whatever_does_not_is_refused_in_words(values, said):
    if isinstance(values, np.ndarray) and values.dtype == np.longdouble and np.isinf(values).any():
        pytest.skip("a long double is no longer than a double here")
    with pytest.raises(ValueError, match=f"v must (be|have) (an )?{said}"):
        real(values, "v")


@pytest.mark.parametrize("type_", [np.int8, np.uint8, np.int64, np.float32, bool])
def test_the_largest_size_is_that_of_either_end_and_never_wraps(type_):
    info = np.iinfo(type_) if type_ not in (bool, np.float32) else None
    ends = [info.min, info.max] if info else [0, 1]
    assert largest(np.array(ends, type_), "v") == max(abs(float(end)) for end in ends)
    assert largest(np.empty(0, type_), "v") == 0


# --------------------------------------------------------------------------------------- blocks

counts = st.integers(1, 2000)


@given(counts, counts)
def test_a_block_stays_in_the_cache_and_leaves_blas_alone_or_is_large(D1, K):
    rows, large = rows_in_a_block(D1, K)
    assert rows >= 1
    if large:
        assert rows >= LEAST_ROWS
    else:
        assert rows * (D1 + K) <= BLOCK and rows * D1 * K <= PRODUCTS


@given(st.integers(0, 300_000), st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))
def test_blocks_cover_the_samples_once_and_in_order_for_every_number_of_workers(N, D1, K, workers):
    blocks = list(in_blocks(lambda rows: rows, N, D1, K, (), workers))
    assert [i for rows in blocks for i in (rows.start, rows.stop)] == sorted(
        i for rows in blocks for i in (rows.start, rows.stop)
    )
    assert sum(rows.stop - rows.start for rows in blocks) == N


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_as_many_threads_work_at_a_time_as_there_are_workers_and_no_more(workers):
    rows, together, busy, most = rows_in_a_block(2, 3)[0], threading.Barrier(workers), set(), []

    def work(rows):
        busy.add(rows.start)
        together.wait(60)  # nobody goes on before all workers have a block
        most.append(len(busy))
        together.wait(60)
        busy.remove(rows.start)

    list(in_blocks(work, 12 * rows, 2, 3, (), workers))
    assert len(most) == 12 and max(most) == workers


def test_results_that_nobody_has_fetched_do_not_pile_up():
    rows, begun = rows_in_a_block(2, 3)[0], []
    results = in_blocks(lambda rows: begun.append(rows), 50 * rows, 2, 3, (), 2)
    next(results)
    time.sleep(0.1)
    assert len(begun) <= 3
    results.close()
    assert len(begun) <= 3


def test_an_error_in_a_block_reaches_the_caller_and_stops_the_rest():
    rows, begun = rows_in_a_block(2, 3)[0], []

    def work(rows):
        begun.append(rows)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(in_blocks(work, 100 * rows, 2, 3, (), 2))
    assert len(begun) < 10


# -------------------------------------------------------------------------------------- workers


def test_the_number_of_workers_follows_the_convention_of_scipy(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert [threads(w, 100) for w in (1, 3, 20, -1, -2, -8)] == [1, 3, 20, 8, 7, 1]
    assert threads(np.int64(3), 100) == 3
    assert [threads(5, blocks) for blocks in (0, 1, 3)] == [1, 1, 3]
    for wrong in (0, -9, 1.0, "1"):
        with pytest.raises(ValueError, match="workers must be .* -1 for all 8; got"):
            threads(wrong, 100)


def test_by_default_it_is_every_core_for_large_arrays_and_one_for_small(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert threads(None, 1000) == 8 and threads(None, 12) == 3
    assert threads(None, 7) == threads(None, 1) == threads(None, 0) == 1
    assert threads(None, 1000, large=True) == threads(4, 1000, large=True) == 1
