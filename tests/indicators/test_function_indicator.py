"""Functions of arrays as indicators: identity, streams, and what is refused."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.types import Floats
from alphastream.errors import LookAheadError, LookBackError, ParameterError
from alphastream.graph import Graph, Node, Source
from alphastream.indicators import INDICATORS, RSI, FunctionIndicator, check_look_ahead
from tests.indicators import own_functions as own
from tests.indicators.samples import SAMPLES, columns_of, market


def walk(rows: int = 700, seed: int = 1) -> Floats:
    """A price."""
    return 100.0 + np.cumsum(np.random.default_rng(seed).normal(size=rows))


@numba.njit
def _compiled(x: Floats, state: float = 0.0) -> tuple[Floats, float]:
    out = np.empty(x.size)
    for row in range(x.size):
        state = 0.9 * state + x[row]
        out[row] = state
    return out, state


STREAMED: dict[str, FunctionIndicator] = {
    "window": FunctionIndicator.of(own.mean, window=7),
    "long window": FunctionIndicator.of(own.mean, window=90),
    "look-back": FunctionIndicator.of(own.scaled, look_back=1),
    "state": FunctionIndicator.of(own.carried, speed=0.2),
    "compiled state": FunctionIndicator.of(_compiled),
    "two columns": FunctionIndicator.of(own.two, look_back=1),
    "ufunc": FunctionIndicator.of(np.log, look_back=1),
}


@pytest.mark.parametrize("name", STREAMED)
@given(cuts=st.lists(st.integers(0, 700), max_size=8))
@settings(max_examples=8, deadline=None)
def test_a_stream_has_the_bits_of_a_batch(name: str, cuts: list[int]) -> None:
    indicator, x = STREAMED[name], walk()
    whole, _ = indicator.run(x)
    state, pieces = None, []
    for begin, end in pairwise([0, *sorted(cuts), 700]):
        state = pickle.loads(pickle.dumps(state))
        rows, state = indicator.run(x[begin:end], state=state)
        pieces.append(rows)
    for column in vars(whole):
        np.testing.assert_array_equal(np.concatenate([vars(rows)[column] for rows in pieces]), vars(whole)[column])


def test_row_by_row_is_what_pandas_says() -> None:
    indicator, x, state = FunctionIndicator.of(own.mean, window=7), walk(300), None
    found = []
    for row in range(x.size):
        rows, state = indicator.run(x[row : row + 1], state=state)
        found.append(float(rows.value[0]))
    expected = [np.nan if row < 6 else x[row - 6 : row + 1].mean() for row in range(x.size)]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("function", [own.next_row, own.of_all, own.centred])
@pytest.mark.parametrize("rows", [50, 300, 2_000])
def test_a_function_that_peeks_is_refused_on_the_first_run(function: Callable[..., Any], rows: int) -> None:
    with pytest.raises(LookAheadError, match=f"{function.__name__}.*looks ahead: row") as caught:
        FunctionIndicator.of(function, look_back=20).run(walk(rows))
    assert 0 <= caught.value.row < rows
    with pytest.raises(LookAheadError):
        check_look_ahead(function, walk(rows))


def test_gaps_that_are_filled_from_behind_are_a_peek() -> None:
    x = walk(400)
    x[150:160] = np.nan
    with pytest.raises(LookAheadError, match="row 15"):
        FunctionIndicator.of(own.filled_from_behind, look_back=20).run(x)


def test_a_peek_is_refused_in_a_stream_too() -> None:
    indicator, x = FunctionIndicator.of(own.next_row, look_back=3), walk(40)
    _, state = indicator.run(x[:1])
    with pytest.raises(LookAheadError, match="row 0 was"):
        indicator.run(x[1:2], state=state)


def test_a_window_that_is_no_look_back_is_refused() -> None:
    with pytest.raises(LookBackError, match=r"smooth\(window=5\).*reads further back than 5 rows.*was taken for it"):
        FunctionIndicator.of(own.smooth, window=5).run(walk())
    with pytest.raises(ParameterError, match=r"has no parameter window.*give look_back="):
        FunctionIndicator.of(own.scaled)


def test_a_state_that_is_not_used_is_refused() -> None:
    with pytest.raises(ParameterError, match="its state needs to carry all that later rows depend on"):
        FunctionIndicator.of(own.forgetful).run(walk())


def test_identity_is_code_parameters_and_inputs_in_order() -> None:
    first, same = (FunctionIndicator.of(own.mean, window=7) for _ in range(2))
    assert first == same
    assert hash(first) == hash(same)
    assert first != FunctionIndicator.of(own.mean, window=8) != FunctionIndicator.of(own.mean, window=8, look_back=9)
    source = Source(("A",), 1, "bars")
    a, b = source["close"], source["open"]
    spread = FunctionIndicator.of(own.less, look_back=1)
    assert Node(spread, (a, b)) == Node(FunctionIndicator.of(own.less, look_back=1), (a, b)) != Node(spread, (b, a))
    graph = Graph([Node(spread, (a, b)), Node(FunctionIndicator.of(own.less, look_back=1), (a, b))])
    assert len(graph) == 1


def test_a_constant_that_a_function_reads_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = FunctionIndicator.of(own.scaled, look_back=1)
    monkeypatch.setattr(own, "SCALE", 3.0)
    assert FunctionIndicator.of(own.scaled, look_back=1) != before
    factor = 2
    closed = FunctionIndicator.of(lambda x: x * factor, look_back=1)
    factor = 3
    assert FunctionIndicator.of(lambda x: x * factor, look_back=1) != closed


def test_another_process_says_the_same_of_a_function_and_takes_its_state() -> None:
    indicator = FunctionIndicator.of(own.mean, window=7)
    script = (
        "from alphastream.indicators import FunctionIndicator; from tests.indicators import own_functions as own; "
        "print(FunctionIndicator.of(own.mean, window=7).digest)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == indicator.digest
    assert pickle.loads(pickle.dumps(indicator)) == indicator


def test_what_does_not_fit_is_said_in_words() -> None:
    indicator = FunctionIndicator.of(own.mean, window=7)
    with pytest.raises(ParameterError, match=r"mean has no parameter 'widow': did you mean window\?"):
        FunctionIndicator.of(own.mean, widow=7)
    with pytest.raises(ParameterError, match="needs to be callable"):
        FunctionIndicator.of(3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="one value for each row"):
        FunctionIndicator.of(lambda x: x[:-1], look_back=1).run(walk(50))
    _, state = indicator.run(walk(50))
    with pytest.raises(ParameterError, match="state does not belong to"):
        FunctionIndicator.of(own.mean, window=8).run(walk(50), state=state)


def test_no_rows_have_the_columns_of_rows() -> None:
    rows, state = STREAMED["two columns"].run(np.empty(0))
    assert set(vars(rows)) == {"up", "down"}
    assert state.rows == 0
    assert rows.value.size == 0  # the first of them, where none is named


def test_other_parameters_are_another_indicator() -> None:
    indicator = FunctionIndicator.of(own.mean, window=7)
    assert indicator.with_parameters(window=9) == FunctionIndicator.of(own.mean, window=9)
    assert indicator.with_parameters(window=9).look_back == 9


@pytest.mark.parametrize("name", INDICATORS)
def test_no_indicator_of_ours_looks_ahead(name: str) -> None:
    indicator: Any = SAMPLES[name]
    check_look_ahead(indicator, *columns_of(indicator, market(400)))


def test_an_estimator_has_its_parameters_already() -> None:
    with pytest.raises(ParameterError, match="has its parameters already"):
        check_look_ahead(RSI(14), walk(50), window=3)
