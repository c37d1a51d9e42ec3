"""What holds for every fold in the registry, whatever it estimates.

One file although it is long: a new estimator runs through all of it by its line in the registry.
"""

import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import (
    ESTIMATORS,
    BasketHedge,
    BasketValue,
    Difference,
    DiscountedRegression,
    Fold,
    FrozenHedge,
    HalfLife,
    HedgedValue,
    KalmanHedge,
    ResidualHalfLife,
    RollingCorrelation,
    RollingEngleGranger,
    RollingHuber,
    RollingOLS,
    RollingTLS,
    RowPace,
    Settled,
    State,
    ThresholdSignal,
    ZScore,
    run_each,
    run_many,
    warm_up,
)
from alphastream.indicators import INDICATORS
from alphastream.microstructure import CumulativeDelta, FlowImbalance, KyleLambda
from alphastream.monitoring import RelationMonitor
from tests.indicators.samples import SAMPLES as INDICATOR_SAMPLES
from tests.indicators.samples import columns_of, market

ELSEWHERE: dict[str, type[Fold[Any]]] = {  # folds that live in rooms of their own
    "RelationMonitor": RelationMonitor,
    "CumulativeDelta": CumulativeDelta,
    "FlowImbalance": FlowImbalance,
    "KyleLambda": KyleLambda,
    **INDICATORS,
}
SAMPLES: dict[str, Fold[Any]] = {
    "RollingOLS": RollingOLS(window=7),
    "RollingTLS": RollingTLS(window=7),
    "RollingHuber": RollingHuber(window=7),
    "DiscountedRegression": DiscountedRegression(window=7),
    "FrozenHedge": FrozenHedge(train=7, hold=4),
    "BasketHedge": BasketHedge(legs=3, train=12, hold=5),
    "BasketHedge, johansen": BasketHedge(legs=3, train=12, hold=1, method="johansen", log=True),
    "BasketHedge, sparse": BasketHedge(legs=3, train=12, hold=4, method="sparse", kept=2),
    "BasketHedge, pca": BasketHedge(legs=3, train=12, method="pca"),
    "BasketHedge, fixed": BasketHedge(legs=3, train=12, method="fixed", weights=(2.0, -1.0, 3.0)),
    "BasketValue": BasketValue((2.0, -1.0, 3.0)),
    "KalmanHedge": KalmanHedge(),
    "KalmanHedge, diffuse": KalmanHedge(delta=1e-3, obs_var=0.1, start="diffuse", burn_in=5),
    "KalmanHedge, ols": KalmanHedge(delta=1e-3, obs_var=0.1, start="ols", burn_in=6),
    "ZScore": ZScore(window=7),
    "RollingCorrelation": RollingCorrelation(window=7),
    "Difference": Difference(),
    "RowPace": RowPace(),
    "HedgedValue": HedgedValue(),
    "HalfLife": HalfLife(window=7),
    "ResidualHalfLife": ResidualHalfLife(window=7),
    "ResidualHalfLife, keeps last": ResidualHalfLife(window=7, keeps_last=True),
    "RollingEngleGranger": RollingEngleGranger(window=30),
    "Settled": Settled(rows=9),
    "RollingEngleGranger, rescaled": RollingEngleGranger(window=30, rescaled=True, keeps_last=True),
    "ThresholdSignal": ThresholdSignal(entry=1.0, exit=0.2),
    "ThresholdSignal, stops": ThresholdSignal(entry=0.8, exit=0.1, stop=1.5, time_stop=4, cool_down=3),
    "RelationMonitor": RelationMonitor(alarm_rows=50.0),
    "CumulativeDelta": CumulativeDelta(),
    "FlowImbalance": FlowImbalance(window=7),
    "KyleLambda": KyleLambda(window=60),
    **INDICATOR_SAMPLES,
}
TESTS = {
    "HalfLife",
    "ResidualHalfLife",
    "ResidualHalfLife, keeps last",
    "RollingEngleGranger",
    "RollingEngleGranger, rescaled",
}  # a few rows or another scale mean something else to them
DISCOUNTED = {"DiscountedRegression"}  # a row fades and never leaves
ROLLING = [
    name
    for name, estimator in SAMPLES.items()
    if hasattr(estimator, "window") and name not in TESTS | DISCOUNTED and name.split(",")[0] not in ELSEWHERE
]
KEEPS_OUTPUT_ON_NAN = {"ThresholdSignal", "RelationMonitor"}

each = pytest.mark.parametrize("estimator", SAMPLES.values(), ids=SAMPLES.keys())


def run(estimator: Fold[Any], columns: list[Floats], state: State | None = None) -> tuple[Any, State]:
    return estimator.run(*columns, state=state)  # type: ignore[attr-defined, no-any-return]


def table(rows: Any) -> Floats:
    """Fields of rows as (fields, T)."""
    return np.array([getattr(rows, field.name) for field in fields(rows)])


def series(estimator: Fold[Any], length: int, seed: int = 0) -> list[Floats]:
    """Bars, a cointegrated pair around 100 with a third series that wanders, or one mean-reverting series."""
    if type(estimator).__name__ in INDICATORS:
        return columns_of(estimator, market(length, seed, move=0.3))
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(rng.normal(size=length))
    y = 5.0 + 0.7 * x + rng.normal(size=length)
    if estimator.inputs == ("time_ns",):
        return [1e4 + np.cumsum(rng.integers(1, 5, length), dtype=np.float64)]
    if len(estimator.inputs) == 1:
        return [rng.normal(size=length)]
    return [x, y, 0.7 + np.cumsum(rng.normal(0.0, 0.01, length))][: len(estimator.inputs)]


def with_gaps(columns: list[Floats], seed: int = 1) -> list[Floats]:
    rng = np.random.default_rng(seed)
    gappy = [column.copy() for column in columns]
    for column in gappy:
        column[rng.random(column.size) < 0.1] = np.nan
        column[rng.random(column.size) < 0.03] = np.inf
    return gappy


def in_pieces(estimator: Fold[Any], columns: list[Floats], cuts: list[int]) -> tuple[Floats, State]:
    state: State | None = None
    pieces = []
    edges = [0, *sorted(cuts), columns[0].size]
    for start, end in pairwise(edges):
        rows, state = run(estimator, [column[start:end] for column in columns], state)
        pieces.append(table(rows))
    assert state is not None
    return np.concatenate(pieces, axis=1), state


def same_bits(left: Floats, right: Floats) -> bool:
    return left.shape == right.shape and left.tobytes() == right.tobytes()


def test_every_estimator_of_the_registry_has_a_sample() -> None:
    known = ESTIMATORS | ELSEWHERE
    assert set(known) == {name.split(",")[0] for name in SAMPLES}
    assert all(known[name.split(",")[0]] is type(estimator) for name, estimator in SAMPLES.items())


def test_warm_up_runs_beside_its_users() -> None:
    thread = Thread(target=warm_up)
    thread.start()
    warm_up()
    thread.join()


def test_a_kernel_without_a_folder_to_cache_in_is_compiled_all_the_same() -> None:
    nowhere: dict[str, Any] = {}
    exec("def double(value):\n    return 2.0 * value", nowhere)
    assert kernel(nowhere["double"])(3.0) == 6.0


def test_the_import_stays_light() -> None:
    """The slow libraries are oracles and on-demand tools: the first paint of a page does not wait for them."""
    slow = {"statsmodels", "sklearn", "pandas", "scipy.signal", "scipy.optimize"}
    code = f"import sys, alphastream.estimators; print(sorted({slow!r} & set(sys.modules)))"
    root = Path(__file__).parent.parent.parent
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.strip() == "[]"


@each
def test_every_split_in_two_gives_the_bits_of_one_run(estimator: Fold[Any]) -> None:
    columns = with_gaps(series(estimator, 40))
    whole, end = run(estimator, columns)
    for cut in range(41):
        pieces, state = in_pieces(estimator, columns, [cut])
        assert same_bits(table(whole), pieces), f"split at {cut}"
        assert same_bits(end.values, state.values)


@each
@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_random_splits_give_the_bits_of_one_run(estimator: Fold[Any], data: st.DataObject, seed: int) -> None:
    columns = series(estimator, 300, seed)
    columns[0][150] = 1e9  # so that the sums are made afresh out of turn
    cuts = data.draw(st.lists(st.integers(0, 300), max_size=12))
    whole, end = run(estimator, columns)
    pieces, state = in_pieces(estimator, columns, cuts)
    assert same_bits(table(whole), pieces)
    assert same_bits(end.values, state.values)


@each
def test_row_by_row_gives_the_bits_of_one_run(estimator: Fold[Any]) -> None:
    columns = with_gaps(series(estimator, 200))
    whole, _ = run(estimator, columns)
    pieces, _ = in_pieces(estimator, columns, list(range(1, 200)))
    assert same_bits(table(whole), pieces)


@each
def test_nothing_looks_ahead(estimator: Fold[Any]) -> None:
    columns = series(estimator, 60)
    whole = table(run(estimator, columns)[0])
    for length in (1, 20, 33):
        prefix = table(run(estimator, [column[:length] for column in columns])[0])
        assert same_bits(np.ascontiguousarray(whole[:, :length]), prefix)


@each
def test_state_is_a_value_of_fixed_size(estimator: Fold[Any]) -> None:
    columns = series(estimator, 500)
    _, early = run(estimator, [column[:30] for column in columns])
    before = early.values.copy()
    first, late = run(estimator, [column[30:] for column in columns], early)
    again, _ = run(estimator, [column[30:] for column in columns], early)
    assert same_bits(early.values, before)
    assert same_bits(table(first), table(again))
    assert late.values.nbytes == early.values.nbytes
    with pytest.raises(ValueError, match="read-only"):
        early.values[0, 0] = 1.0
    with pytest.raises(FrozenInstanceError):
        early.values = before  # type: ignore[misc]


@each
def test_a_pickled_state_goes_on(estimator: Fold[Any]) -> None:
    columns = series(estimator, 60)
    _, state = run(estimator, [column[:30] for column in columns])
    rest = [column[30:] for column in columns]
    restored: State = pickle.loads(pickle.dumps(state))
    assert same_bits(table(run(estimator, rest, restored)[0]), table(run(estimator, rest, state)[0]))


@each
def test_rows_before_are_not_written_again(estimator: Fold[Any]) -> None:
    columns = series(estimator, 60)
    rows, state = run(estimator, columns)
    before = table(rows).copy()
    run(estimator, columns, state)
    assert same_bits(table(rows), before)


@each
def test_inputs_are_not_written(estimator: Fold[Any]) -> None:
    columns = with_gaps(series(estimator, 60))
    before = [column.copy() for column in columns]
    run(estimator, columns)
    assert all(same_bits(now, then) for now, then in zip(columns, before, strict=True))


@each
def test_no_rows_change_nothing(estimator: Fold[Any]) -> None:
    columns = series(estimator, 30)
    empty = [column[:0] for column in columns]
    rows, state = run(estimator, empty)
    assert table(rows).shape == (len(fields(rows)), 0)
    assert same_bits(table(run(estimator, columns, state)[0]), table(run(estimator, columns)[0]))
    _, state = run(estimator, columns)
    assert same_bits(run(estimator, empty, state)[1].values, state.values)


@each
def test_rows_are_float64_of_the_length_of_the_input(estimator: Fold[Any]) -> None:
    rows, _ = run(estimator, series(estimator, 30))
    for field in fields(rows):
        column = getattr(rows, field.name)
        assert column.dtype == np.float64
        assert column.shape == (30,)


@each
def test_a_row_with_a_gap_is_nan_and_leaves_no_trace(estimator: Fold[Any]) -> None:
    columns = with_gaps(series(estimator, 120))
    valid = np.logical_and.reduce([np.isfinite(column) for column in columns])
    rows = table(run(estimator, columns)[0])
    dense = table(run(estimator, [column[valid] for column in columns])[0])
    assert same_bits(np.ascontiguousarray(rows[:, valid]), dense)
    if type(estimator).__name__ not in KEEPS_OUTPUT_ON_NAN and not getattr(estimator, "keeps_last", False):
        assert np.isnan(rows[:, ~valid]).all()


@each
def test_progress_says_when_the_rows_begin(estimator: Fold[Any]) -> None:
    _, needed = estimator.progress(None)
    columns = series(estimator, needed + 10)
    assert estimator.progress(None) == (0, needed)
    rows = table(run(estimator, columns)[0])
    state: State | None = None
    for t in range(needed + 10):
        have, _ = estimator.progress(state)
        assert have == min(t, needed)
        if t < needed - 1:
            assert np.isnan(rows[:, t]).all()
        if t > needed:
            assert np.isfinite(rows[:, t]).all()
        _, state = run(estimator, [column[t : t + 1] for column in columns], state)
    assert estimator.progress(state) == (needed, needed)


@each
def test_strided_integer_and_read_only_inputs_are_read_alike(estimator: Fold[Any]) -> None:
    columns = [np.round(column * 10.0) for column in series(estimator, 50)]
    expected = table(run(estimator, columns)[0])
    strided = [np.repeat(column, 3)[::3] for column in columns]
    frozen = [column.copy() for column in columns]
    for column in frozen:
        column.flags.writeable = False
    whole_numbers: list[Any] = [column.astype(np.int32) for column in columns]
    lists: list[Any] = [column.tolist() for column in columns]
    for variant in (strided, frozen, whole_numbers, lists):
        assert same_bits(table(run(estimator, variant)[0]), expected)


@each
def test_wrong_shapes_are_refused_by_name(estimator: Fold[Any]) -> None:
    columns = series(estimator, 10)
    square = [column.reshape(5, 2) for column in columns]
    with pytest.raises(ParameterError, match=rf"{estimator.inputs[0]} has shape \(5, 2\), needs \(T,\)"):
        run(estimator, square)
    with pytest.raises(ParameterError, match="holds"):
        run(estimator, [np.array(["a"] * 10)] * len(columns))
    if len(columns) > 1:
        names = " and ".join(estimator.inputs)
        with pytest.raises(ParameterError, match=rf"{names} need equal shapes, have \(10,\) and \(9,\)"):
            run(estimator, [columns[0], columns[1][:9], *columns[2:]])


@each
def test_a_state_of_something_else_is_refused(estimator: Fold[Any]) -> None:
    columns = series(estimator, 10)
    other: Fold[Any] = ZScore(window=3) if not isinstance(estimator, ZScore) else RollingOLS(window=3)
    _, foreign = run(other, series(other, 10))
    with pytest.raises(ParameterError, match="state belongs to"):
        run(estimator, columns, foreign)
    with pytest.raises(ParameterError, match="needs to be what run returned"):
        run(estimator, columns, foreign.values)  # type: ignore[arg-type]
    _, of_two = run_many(estimator, *[np.column_stack([column, column]) for column in columns])
    with pytest.raises(ParameterError, match="state holds 2 pairs"):
        run(estimator, columns, of_two)


@each
def test_parameters_are_its_identity(estimator: Fold[Any]) -> None:
    twin = replace(estimator)  # type: ignore[type-var]
    assert twin == estimator
    assert hash(twin) == hash(estimator)
    columns = series(estimator, 30)
    _, state = run(estimator, columns)
    run(twin, columns, state)
    for parameter in fields(estimator):  # type: ignore[arg-type]
        with pytest.raises(FrozenInstanceError):
            setattr(estimator, parameter.name, 3)


@pytest.mark.parametrize("name", ROLLING)
@pytest.mark.parametrize("window", [1, 0, -5, 2.0, True, "7", None])
def test_a_window_that_is_none_is_refused(name: str, window: Any) -> None:
    with pytest.raises(ParameterError, match=r"window is .* needs an integer ≥ 2"):
        ESTIMATORS[name](window=window)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ROLLING)
@pytest.mark.parametrize("tick", [1e9, 1e12, 12_345.678])
def test_a_bad_tick_that_left_the_window_leaves_no_trace(name: str, tick: float) -> None:
    estimator = ESTIMATORS[name](window=100)  # type: ignore[call-arg]
    for at in range(len(estimator.inputs)):
        clean = series(estimator, 1_000)
        glitched = [column.copy() for column in clean]
        glitched[at][350] = tick
        expected = table(run(estimator, clean)[0])[:, 451:]
        rows = table(run(estimator, glitched)[0])[:, 451:]
        size = np.abs(expected).max(axis=1, keepdims=True)
        assert np.max(np.abs(rows - expected) / size) <= 1e-12


@pytest.mark.parametrize("name", ROLLING)
@pytest.mark.parametrize("scale", [2.0**-26, 2.0**26])
def test_the_size_of_prices_does_not_matter(name: str, scale: float) -> None:
    estimator = SAMPLES[name]
    columns = series(estimator, 100)
    rows, _ = run(estimator, columns)
    scaled, _ = run(estimator, [column * scale for column in columns])
    for field in fields(rows):
        factor = 1.0 if field.name in {"hedge_ratio", "correlation", "zscore"} else scale
        np.testing.assert_allclose(getattr(scaled, field.name), getattr(rows, field.name) * factor, rtol=1e-9)


@pytest.mark.parametrize("name", ROLLING)
def test_a_flat_stretch_is_nan_and_passes(name: str) -> None:
    estimator = SAMPLES[name]
    columns = series(estimator, 120)
    columns[0][40:60] = 0.1 + 0.2  # no binary fraction: sums of it round
    rows, _ = run(estimator, columns)
    first = getattr(rows, fields(rows)[0].name)
    flat = np.zeros(120, dtype=bool)
    flat[46:60] = True
    assert np.isnan(first[flat]).all()
    assert np.isfinite(first[~flat][7:]).all()


@each
def test_many_pairs_in_one_call_have_the_bits_of_each(estimator: Fold[Any]) -> None:
    pairs = [with_gaps(series(estimator, 80, seed), seed) for seed in range(5)]
    columns = [np.column_stack(legs) for legs in zip(*pairs, strict=True)]
    first, state = run_many(estimator, *[column[:33] for column in columns])
    second, state = run_many(estimator, *[column[33:] for column in columns], state=state)
    together = np.concatenate([table(first), table(second)], axis=1)
    for place, pair in enumerate(pairs):
        alone, end = run(estimator, pair)
        assert same_bits(np.ascontiguousarray(together[:, :, place]), table(alone))
        assert same_bits(state.values[place], end.values[0])
    have = min(int(state.values[place, 0]) for place in range(5))
    assert estimator.progress(state) == (min(have, estimator.min_observations), estimator.min_observations)


@each
def test_pairs_with_states_of_their_own_have_the_bits_of_each(estimator: Fold[Any]) -> None:
    """Pair p begins p calls later than the first, and each call takes another number of rows."""
    pairs = [with_gaps(series(estimator, 80, seed), seed) for seed in range(4)]
    states: list[State | None] = [None] * 4
    begun, found = [0] * 4, [[np.empty((len(fields(estimator.row_type)), 0))] for _ in pairs]
    for call, rows in enumerate([1, 40, 0, 1, 7, 1]):
        ready = range(min(call + 1, 4))
        news = [[column[begun[p] : begun[p] + rows] for column in pairs[p]] for p in ready]
        before = [None if (state := states[p]) is None else state.values.copy() for p in ready]
        for p, (new, state) in zip(ready, run_each(estimator, news, [states[p] for p in ready]), strict=True):
            assert before[p] is None or same_bits(states[p].values, before[p])  # type: ignore[union-attr, arg-type]
            assert not state.values.flags.writeable
            states[p], begun[p] = state, begun[p] + rows
            found[p].append(table(new))
    for p, pair in enumerate(pairs):
        alone, end = run(estimator, [column[: begun[p]] for column in pair])
        assert same_bits(np.concatenate(found[p], axis=1), table(alone))
        assert same_bits(states[p].values, end.values)  # type: ignore[union-attr]


def test_pairs_with_states_of_their_own_need_equal_lengths() -> None:
    with pytest.raises(ParameterError, match="equal number and length"):
        run_each(ZScore(window=3), [[np.ones(2)], [np.ones(3)]], [None, None])
    with pytest.raises(ParameterError, match="equal number and length"):
        run_each(RollingOLS(window=3), [[np.ones(2), np.ones(2)], [np.ones(2)]], [None, None])
    assert run_each(ZScore(window=3), [], []) == []


def test_many_pairs_need_a_table() -> None:
    with pytest.raises(ParameterError, match=r"x has shape \(5,\), needs \(T, P\)"):
        run_many(RollingOLS(window=3), np.ones(5), np.ones(5))
    with pytest.raises(ParameterError, match=r"needs 2 inputs \(x, y\), got 1"):
        run_many(RollingOLS(window=3), np.ones((5, 2)))
