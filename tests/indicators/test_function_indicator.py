"""A plain function as an estimator: its bits at any split, its refusals, its identity."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.types import Floats
from alphastream.errors import LookAheadError, LookBackError, ParameterError
from alphastream.graph import Graph, Node, Source
from alphastream.indicators import RSI, FunctionIndicator
from tests.estimators.test_conformance import same_bits, table
from tests.indicators import own_functions as own

SAMPLES = {
    "sliding window": FunctionIndicator.of(own.window_mean, window=7),
    "pandas": FunctionIndicator.of(own.pandas_zscore),
    "two inputs, a dict": FunctionIndicator.of(own.price_and_volume),
    "dataclass": FunctionIndicator.of(own.band, look_back=1, share=0.02),
    "tuple": FunctionIndicator.of(own.both, look_back=1),
    "ufunc": FunctionIndicator.of(np.log, look_back=1),
    "state": FunctionIndicator.of(own.carried_mean, cap=20),
    "numba with a state": FunctionIndicator.of(numba.njit(own.carried_mean), cap=20),
    "long look-back": FunctionIndicator.of(own.window_mean, window=150),
}
each = pytest.mark.parametrize("indicator", SAMPLES.values(), ids=SAMPLES.keys())


def series(indicator: FunctionIndicator, length: int, seed: int = 0) -> list[Floats]:
    rng = np.random.default_rng(seed)
    price = 100.0 + np.cumsum(rng.normal(0.0, 0.1, length))
    return [price, rng.uniform(1.0, 9.0, length)][: len(indicator.inputs)]


def in_pieces(indicator: FunctionIndicator, columns: list[Floats], cuts: list[int]) -> Floats:
    state, pieces = None, []
    for start, end in pairwise([0, *sorted(cuts), columns[0].size]):
        rows, state = indicator.run(*[column[start:end] for column in columns], state=state)
        pieces.append(table(rows))
        state = pickle.loads(pickle.dumps(state))
    return np.concatenate(pieces, axis=1)


@each
def test_row_by_row_gives_the_bits_of_one_run(indicator: FunctionIndicator) -> None:
    columns = series(indicator, 700)
    whole = table(indicator.run(*columns)[0])
    assert same_bits(whole, in_pieces(indicator, columns, list(range(1, 700))))


@each
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 2_500), max_size=10), seed=st.integers(0, 1_000))
def test_random_splits_give_the_bits_of_one_run(indicator: FunctionIndicator, cuts: list[int], seed: int) -> None:
    columns = series(indicator, 2_500, seed)
    assert same_bits(table(indicator.run(*columns)[0]), in_pieces(indicator, columns, cuts))


@each
def test_its_state_has_a_fixed_size_and_is_not_written(indicator: FunctionIndicator) -> None:
    columns = series(indicator, 6_000)
    largest = 0
    state = None
    for start in range(0, 6_000, 100):
        _, after = indicator.run(*[column[start : start + 100] for column in columns], state=state)
        if state is not None:
            before = pickle.dumps(state)
            indicator.run(*[column[:50] for column in columns], state=state)
            assert pickle.dumps(state) == before
        state = after
        largest = max(largest, after.kept.size + after.given.size)
    look_back = indicator.look_back or 0
    assert largest <= 6 * (look_back + 2 * max(256, 4 * look_back))


@each
def test_no_rows_have_the_same_columns(indicator: FunctionIndicator) -> None:
    columns = series(indicator, 30)
    empty, state = indicator.run(*[column[:0] for column in columns])
    rows, _ = indicator.run(*columns, state=state)
    assert empty.__match_args__ == rows.__match_args__
    assert table(empty).shape == (len(rows.__match_args__), 0)
    assert indicator.output == "value"
    assert same_bits(rows.value, getattr(rows, rows.__match_args__[0]))


def test_values_are_those_of_the_function() -> None:
    price, volume = series(SAMPLES["two inputs, a dict"], 2_000)
    rows, _ = SAMPLES["two inputs, a dict"].run(price, volume)
    expected = own.price_and_volume(price, volume)
    np.testing.assert_allclose(rows.vwap, expected["vwap"], rtol=1e-12)
    np.testing.assert_allclose(rows.total, expected["total"], rtol=1e-12)


def test_progress_counts_the_look_back() -> None:
    indicator = FunctionIndicator.of(own.window_mean, window=7)
    assert indicator.progress(None) == (0, 7)
    _, state = indicator.run(np.ones(3))
    assert indicator.progress(state) == (3, 7)


PEEKS: dict[str, tuple[Callable[..., Any], int]] = {
    "one row": (lambda x: np.append(x[1:], np.nan), 0),
    "one row, rolled": (lambda x: np.roll(x, -1), 0),
    "shift(-1)": (lambda x: pd.Series(x).shift(-1), 0),
    "the whole sample": (lambda x: (x - x.mean()) / x.std(), 0),
    "the last row": (lambda x: x - x[-1], 0),
    "a centred window": (lambda x: np.convolve(x, np.ones(5) / 5.0, "same"), 0),
    "a gap filled from behind": (lambda x: pd.Series(x).bfill(), 40),
    "sorted": (np.sort, 0),
}


@pytest.mark.parametrize(("function", "gap"), PEEKS.values(), ids=PEEKS.keys())
@pytest.mark.parametrize("pieces", [1, 2, 400])
def test_a_function_that_peeks_is_refused_with_the_row(function: Callable[..., Any], gap: int, pieces: int) -> None:
    price = series(SAMPLES["pandas"], 400, seed=4)[0]
    if gap:
        price[gap] = np.nan
    indicator = FunctionIndicator.of(function, look_back=30)
    with pytest.raises(LookAheadError, match=r"looks ahead: row \d+ was .* is ") as caught:
        in_pieces(indicator, [price], [400 * part // pieces for part in range(1, pieces)])
    assert isinstance(caught.value, ParameterError)
    before, after = caught.value.values
    assert before != after
    assert 0 <= caught.value.row < caught.value.known[0] < caught.value.known[1]
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.row) == (str(caught.value), caught.value.row)


@pytest.mark.parametrize("pieces", [1, 3, 500])
@pytest.mark.parametrize(
    ("function", "look_back"),
    [(np.cumsum, 20), (lambda x: pd.Series(x).ewm(span=20).mean(), 60), (lambda x: np.diff(x, prepend=np.nan), 1)],
    ids=["cumsum", "ewm", "diff"],
)
def test_a_look_back_that_is_too_short_is_refused(function: Callable[..., Any], look_back: int, pieces: int) -> None:
    price = series(SAMPLES["pandas"], 500)[0]
    indicator = FunctionIndicator.of(lambda x: function(x), look_back=look_back)
    with pytest.raises(LookBackError, match=r"reads further back than \d+ rows: row \d+ is .* give look_back="):
        in_pieces(indicator, [price], [500 * part // pieces for part in range(1, pieces)])


def test_a_window_that_is_not_enough_asks_for_the_look_back() -> None:
    def mean_change(value: Floats, window: int = 5) -> Any:
        return pd.Series(value).diff().rolling(window).mean()

    price = series(SAMPLES["pandas"], 100)[0]
    with pytest.raises(LookBackError, match="window=5 was taken for it; give look_back="):
        FunctionIndicator.of(mean_change).run(price)
    FunctionIndicator.of(mean_change, look_back=6).run(price)


def test_a_function_without_window_needs_a_look_back() -> None:
    with pytest.raises(ParameterError, match=r"both has no parameter window.* give look_back=.* argument state"):
        FunctionIndicator.of(own.both)
    with pytest.raises(ParameterError, match="look_back is 0, needs an integer"):
        FunctionIndicator.of(own.both, look_back=0)


def test_a_state_that_forgets_is_refused_with_the_row() -> None:
    def total(value: Floats, state: None = None) -> tuple[Floats, None]:
        return np.cumsum(value), None

    with pytest.raises(ParameterError, match=r"row \d+ is .* in one run and .* in two.* its state needs to carry"):
        FunctionIndicator.of(total).run(np.ones(100))


def test_a_state_written_in_place_is_a_copy() -> None:
    def total(value: Floats, state: Floats = np.zeros(1)) -> tuple[Floats, Floats]:  # noqa: B008
        out = state[0] + np.cumsum(value)
        state[0] = out[-1]
        return out, state

    indicator = FunctionIndicator.of(total)
    _, state = indicator.run([1.0, 2.0])
    for _ in range(2):
        assert indicator.run([3.0], state=state)[0].value.tolist() == [6.0]
    assert indicator.run([1.0, 2.0])[0].value.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x[1:], r"gives 'value' of shape \(255,\) for 256 rows"),
        (lambda x: 1.0, r"of shape \(\)"),
        (lambda x: np.array(["a"] * x.size), "needs real numbers"),
        (lambda x: {}, "returned nothing"),
        (lambda x: {"a b": x}, "names a column 'a b'"),
        (lambda x, state=None: x, r"needs \(output, state\)"),
    ],
)
def test_an_output_that_does_not_fit_is_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        FunctionIndicator.of(function, look_back=1).run(np.ones(10))


def test_wrong_parameters_and_inputs_are_refused() -> None:
    with pytest.raises(ParameterError, match="window_mean has no parameter 'windw': did you mean window"):
        FunctionIndicator.of(own.window_mean, windw=3)
    with pytest.raises(ParameterError, match=r"needs 2 inputs \(close, volume\), got 1"):
        SAMPLES["two inputs, a dict"].run(np.ones(5))
    with pytest.raises(ParameterError, match="takes no array"):
        FunctionIndicator.of(lambda window=3: window)
    with pytest.raises(ParameterError, match="needs to be callable"):
        FunctionIndicator.of(3)  # type: ignore[arg-type]
    _, state = SAMPLES["pandas"].run(np.ones(5))
    with pytest.raises(ParameterError, match="state does not belong to"):
        SAMPLES["sliding window"].run(np.ones(5), state=state)


def test_parameters_and_code_are_its_identity() -> None:
    one, twin = FunctionIndicator.of(own.window_mean, window=7), FunctionIndicator.of(own.window_mean, window=7)
    assert one == twin
    assert hash(one) == hash(twin)
    assert one != FunctionIndicator.of(own.window_mean, window=8)
    assert one != FunctionIndicator.of(own.window_mean, window=7, look_back=8)
    assert one.with_parameters(window=8) == FunctionIndicator.of(own.window_mean, window=8)
    assert one.with_parameters(window=8).look_back == 8
    assert copy.deepcopy(one) == one
    assert repr(one).startswith("FunctionIndicator(window_mean(window=7), code ")


def test_it_pickles_by_reference_and_is_the_same_in_another_process() -> None:
    indicator = FunctionIndicator.of(own.window_mean, window=7)
    content = pickle.dumps(indicator)
    assert pickle.loads(content) == indicator
    code = (
        "from alphastream.indicators import FunctionIndicator; from tests.indicators import own_functions as own; "
        "print(FunctionIndicator.of(own.window_mean, window=7).digest)"
    )
    root = Path(__file__).parent.parent.parent
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed},
        )
        assert found.stdout.strip() == indicator.digest


def test_other_code_behind_a_pickle_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    content = pickle.dumps(FunctionIndicator.of(own.window_mean, window=7))
    monkeypatch.setattr(own, "FACTOR", 3.0)
    with pytest.raises(ParameterError, match="has other code here"):
        pickle.loads(content)


def test_a_graph_computes_equal_functions_once() -> None:
    source = Source(("BTCUSDT",), 60 * 10**9)
    first = Node(FunctionIndicator.of(own.price_and_volume, window=5), (source["close"], source["volume"]))
    twin = Node(FunctionIndicator.of(own.price_and_volume, window=5), (source["close"], source["volume"]))
    other = Node(FunctionIndicator.of(own.price_and_volume, window=5), (source["volume"], source["close"]))
    assert first == twin
    assert first != other
    on_top = Node(RSI(window=3), (first["vwap"],))
    graph = Graph([first, twin, on_top])
    assert len(graph) == 2
    close, volume = series(SAMPLES["two inputs, a dict"], 50)
    rows = graph.run(source, {"close": close, "volume": volume})
    assert graph.runs[first] == 1
    assert same_bits(rows[on_top].rsi, RSI(window=3).run(rows[first].vwap)[0].rsi)
    assert pickle.loads(pickle.dumps(rows[first])).vwap.shape == (50,)
