"""The contract of the stream: immutable, the same fold as the batch, four statuses, many kinds of input, files."""

import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.portfolio import (
    PositionConfig,
    PositionStream,
    SlidingWindow,
    StepResult,
    StreamFileError,
    is_compiled,
    optimise,
    warm_up,
)
from tests.portfolio.histories import KINDS, history

CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e6, max_turnover=400.0)
WINDOW = CONFIG.replace(covariance=SlidingWindow(window=20, n_factors=2))
CONFIGS = pytest.mark.parametrize("config", [CONFIG, WINDOW], ids=["weights", "window"])


def tail(stream: PositionStream, prices: Floats, signals: Floats) -> list[StepResult]:
    """Step by step through the rows."""
    results = []
    for price_row, signal_row in zip(prices, signals, strict=True):
        results.append(stream.step(price_row, signal_row))
        stream = results[-1].next_stream
    return results


def bits(results: list[StepResult]) -> list[tuple[str, str, str, str]]:
    """All digits of what was said."""
    return [(r.status, repr(r.cash_position), repr(r.risk_position), repr(r.volatility)) for r in results]


@CONFIGS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("assets", [1, 2, 9, 27])
def test_any_split_has_the_bits_of_the_batch(kind: str, assets: int, config: PositionConfig) -> None:
    prices, signals = history(kind, assets, rows=60)
    whole = optimise(prices, signals, config.replace(max_nan_fraction=0.99))
    stream = PositionStream.begin(map(str, range(assets)), config)
    for split in range(61):
        left, middle = stream.run(prices[:split], signals[:split])
        right, _ = middle.run(prices[split:], signals[split:])
        for field in ("cash_position", "risk_position", "volatility", "held"):
            joined = np.concatenate([getattr(left, field), getattr(right, field)])
            assert joined.tobytes() == getattr(whole, field).tobytes(), (split, field)
        assert [*left.status, *right.status] == whole.status.tolist()


@CONFIGS
@pytest.mark.parametrize("assets", [1, 2, 9])
def test_steps_have_the_bits_of_the_batch(assets: int, config: PositionConfig) -> None:
    prices, signals = history("nulls", assets)
    whole = optimise(prices, signals, config)
    names = [str(i) for i in range(assets)]
    stream = PositionStream.begin(names, config)
    for t, result in enumerate(tail(stream, prices, signals)):
        assert result.status == whole.status[t]
        for said, row in (
            (result.cash_position, whole.cash_position[t]),
            (result.risk_position, whole.risk_position[t]),
        ):
            assert said == (None if result.status != "valid" else dict(zip(names, none(row), strict=True)))
        assert result.volatility == dict(zip(names, none(whole.volatility[t]), strict=True))


def none(row: Floats) -> list[float | None]:
    """Values of a row as the dictionaries have them."""
    return [None if np.isnan(value) else float(value) for value in row]


@CONFIGS
def test_replay_from_a_checkpoint_and_from_a_file(config: PositionConfig, tmp_path: Path) -> None:
    prices, signals = history("nulls", 5)
    checkpoint = PositionStream.from_warmup(prices[:60], signals[:60], config)
    first = bits(tail(checkpoint, prices[60:], signals[60:]))
    assert bits(tail(checkpoint, prices[60:], signals[60:])) == first
    tail(checkpoint, prices[::-1], -signals)
    checkpoint.save(tmp_path / "stream")
    restored = PositionStream.load(tmp_path / "stream")
    assert (restored.assets, restored.config, restored.rows) == (checkpoint.assets, checkpoint.config, 60)
    assert bits(tail(restored, prices[60:], signals[60:])) == first
    assert [file.name for file in tmp_path.iterdir()] == ["stream"]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 109), max_size=6), st.sampled_from(["nulls", "flat start", "all missing"]))
def test_a_stream_never_changes(order: list[int], kind: str) -> None:
    prices, signals = history(kind, 3)
    streams = [PositionStream.begin("abc", CONFIG)]
    for row in prices[:30]:
        streams.append(streams[-1].step(row, signals[0]).next_stream)
    before = [stream.step(prices[50], signals[50]).cash_position for stream in streams]
    for at in order:
        streams[at % 31].run(prices[at:], signals[at:])
        streams[at % 31].matrix()
    assert [stream.step(prices[50], signals[50]).cash_position for stream in streams] == before


def test_neither_streams_nor_results_take_attributes() -> None:
    stream = PositionStream.begin("ab", CONFIG)
    result = stream.step([1.0, 2.0], [1.0, 1.0])
    for thing in (stream, result):
        for name in ("status", "assets", "rows", "other"):
            with pytest.raises(AttributeError):
                setattr(thing, name, 1)


@CONFIGS
def test_memory_is_fixed(config: PositionConfig) -> None:
    prices, signals = history("nulls", 4)
    stream = PositionStream.from_warmup(prices, signals, config)
    size = stream.nbytes
    for _ in range(20):
        stream = stream.run(prices, signals)[1]
    assert stream.nbytes == size
    assert stream.rows == 21 * 110


@pytest.mark.parametrize("kind", ["dict", "frame", "series", "array", "list", "matrix", "other dict"])
def test_rows_come_in_many_forms(kind: str) -> None:
    prices, signals = history("clean", 2)
    names = ["x", "y"]
    stream = PositionStream.from_warmup(prices[:-1], signals[:-1], CONFIG, assets=names)
    expected = stream.step(prices[-1], signals[-1]).cash_position
    rows = []
    for row in (prices[-1], signals[-1]):
        forms = {
            "dict": dict(zip(names, row.tolist(), strict=True)),
            "frame": pd.DataFrame({"date": ["today"], "y": [row[1]], "x": [row[0]]}),
            "series": pd.Series(row[::-1], index=["y", "x"]),
            "array": row,
            "list": row.tolist(),
            "matrix": row[np.newaxis],
            "other dict": {"y": np.float64(row[1]), "z": "more", "x": str(row[0])},
        }
        rows.append(forms[kind])
    assert stream.step(*rows).cash_position == expected


class PolarsLike:
    """As much of a polars frame as is used: columns, and series with to_numpy."""

    def __init__(self, columns: dict[str, Floats]) -> None:
        self.columns = list(columns)
        self._data = columns

    def __getitem__(self, name: str) -> "PolarsLike":
        return PolarsLike({name: self._data[name]})

    def __len__(self) -> int:
        return len(self.to_numpy())

    def to_numpy(self) -> Floats:
        return self._data[self.columns[0]]


def test_histories_come_in_many_forms() -> None:
    prices, signals = history("nulls", 2)
    expected = optimise(prices, signals, CONFIG)
    dates = pd.date_range("2026-01-01", periods=110)
    tables = []
    for table in (prices, signals):
        columns = {"a": table[:, 0], "b": table[:, 1]}
        frame = pd.DataFrame({"date": dates, **columns, "note": "x"})
        objects = {name: [None if np.isnan(v) else v for v in column] for name, column in columns.items()}
        tables.append([frame, columns, objects, PolarsLike(columns), pd.DataFrame(objects, dtype="Float64")])
    for price_table, signal_table in zip(*tables, strict=True):
        found = optimise(price_table, signal_table, CONFIG)
        assert found.assets == ("a", "b")
        assert found.cash_position.tobytes() == expected.cash_position.tobytes()


def test_polars_frames() -> None:
    polars = pytest.importorskip("polars")
    prices, signals = history("clean", 2)
    frames = [polars.DataFrame({"date": range(110), "a": t[:, 0], "b": t[:, 1]}) for t in (prices, signals)]
    found = optimise(frames[0], frames[1], CONFIG)
    assert found.cash_position.tobytes() == optimise(prices, signals, CONFIG).cash_position.tobytes()
    stream = PositionStream.from_warmup(frames[0][:-1], frames[1][:-1], CONFIG)
    assert stream.step(frames[0][-1:], frames[1][-1:]).cash_position == dict(
        zip("ab", found.cash_position[-1], strict=True)
    )


def test_columns_of_signals_follow_those_of_prices() -> None:
    prices, signals = history("clean", 2)
    ours = optimise({"a": prices[:, 0], "b": prices[:, 1]}, {"b": signals[:, 1], "a": signals[:, 0]}, CONFIG)
    assert ours.cash_position.tobytes() == optimise(prices, signals, CONFIG).cash_position.tobytes()


@pytest.mark.parametrize(
    ("prices", "signals", "words"),
    [
        ({"a": 1.0}, {"a": 1.0, "b": 1.0}, "prices has no b"),
        ({"a": 1.0, "b": 1.0}, {"a": 1.0, "B": 1.0}, "signals has no b: it has B"),
        ({"a": 1.0, "b": "dear"}, {"a": 1.0, "b": 1.0}, "prices of b is 'dear'"),
        ({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 1.0}, "price of b is 0, needs to be positive"),
        ({"a": -1.0, "b": 1.0}, {"a": 1.0, "b": 1.0}, "price of a is -1, needs to be positive"),
        ([1.0, 2.0, 3.0], [1.0, 1.0], "prices has 3 columns, needs 2: a, b"),
        (np.ones((2, 2)), [1.0, 1.0], "prices has 2 rows, step takes one"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}), [1.0, 1.0], "prices has 2 rows"),
    ],
)
def test_unusable_rows_are_refused_in_words(prices: object, signals: object, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        PositionStream.begin("ab", CONFIG).step(prices, signals)


def test_unusable_histories_are_refused_in_words() -> None:
    prices, signals = history("clean", 2)
    for arguments, words in [
        ((prices[:9], signals), "align the rows"),
        ((prices, signals[:, :1]), "needs 2"),
        (({"a": prices[:, 0]}, {"b": prices[:, 0]}), "lacks a; has b"),
        (({"a": ["x"]}, {"a": [1.0]}), "no column of numbers"),
        (({"a": [1.0], "b": [1.0, 2.0]}, {}), "align"),
        ((np.full((9, 2), np.nan), np.ones((9, 2))), "no price on 100%"),
        ((np.ones(3), np.ones(3)), "shape"),
        ((-prices, signals), "needs to be positive"),
    ]:
        with pytest.raises(ParameterError, match=words):
            optimise(*arguments, CONFIG)
    with pytest.raises(ParameterError, match="a given twice"):
        PositionStream.begin("aa", CONFIG)
    with pytest.raises(ParameterError, match="1 to 500"):
        PositionStream.begin(map(str, range(501)), CONFIG)


@pytest.mark.parametrize("damage", ["cut", "bit", "text", "empty", "other npz", "npy", "newer", "short", "missing"])
def test_files_that_cannot_be_read_say_so(damage: str, tmp_path: Path) -> None:
    prices, signals = history("clean", 3)
    path = tmp_path / "stream.npz"
    PositionStream.from_warmup(prices, signals, CONFIG).save(path)
    content = path.read_bytes()
    words = "damaged"
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "bit":
        at = content.index(b"block.npy") + 200
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    elif damage in ("text", "empty"):
        path.write_bytes(b"hello" if damage == "text" else b"")
    elif damage == "other npz":
        np.savez(path, x=np.ones(2))
        words = "not a position stream"
    elif damage == "npy":
        with path.open("wb") as file:
            np.save(file, np.ones(2))
        words = "not a position stream"
    elif damage == "missing":
        path.unlink()
        words = "no such file"
    else:
        with np.load(path) as found:
            fields = dict(found)
        if damage == "newer":
            fields["version"] = np.array(99)
            words = "format version 99"
        else:
            fields["block"] = fields["block"][:-1]
        np.savez(path, **fields)
    with pytest.raises(StreamFileError, match=words):
        PositionStream.load(path)


def test_the_largest_universe() -> None:
    prices, signals = history("clean", 500, rows=40)
    found = optimise(prices, signals, CONFIG.replace(max_turnover=None))
    assert found.status[-1] == "valid"
    windowed = optimise(prices, signals, WINDOW)
    assert windowed.status[-1] == "valid"


def test_config_is_strict_and_copies() -> None:
    wrong = {
        "vola": 0,
        "corr": 5,
        "clip": 0.0,
        "shrink": 1.1,
        "aum": -1.0,
        "denom_tol": 0.0,
        "position_scale": 0.0,
        "min_corr_denom": 0.0,
        "max_nan_fraction": 1.0,
        "cost_per_unit": -1.0,
        "max_turnover": 0.0,
        "covariance": 3,
    }
    for name, value in wrong.items():
        with pytest.raises(ParameterError, match=name):
            CONFIG.replace(**{name: value})
    for name in ("window", "n_factors", "max_components"):
        with pytest.raises(ParameterError, match=name):
            SlidingWindow(window=9, n_factors=3).replace(**{name: 0})
    with pytest.raises(ParameterError, match="max_components"):
        SlidingWindow(window=9, n_factors=3, max_components=4)
    with pytest.raises(ParameterError, match="has no colour"):
        CONFIG.replace(colour=1)
    with pytest.raises(TypeError, match="colour"):
        PositionConfig(vola=1, corr=1, clip=1.0, shrink=1.0, aum=1.0, colour=1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        CONFIG.vola = 3  # type: ignore[misc]
    assert CONFIG.replace(max_turnover=None).max_turnover is None
    assert CONFIG.max_turnover == 400.0
    assert CONFIG.rows_needed == 14


def test_warm_up_leaves_the_kernels_compiled() -> None:
    warm_up()
    assert is_compiled()


def guide(prices: Floats, signals: Floats, polars: Any) -> tuple[Any, Any]:
    """Frames as the streaming guide has them: a date and a column for each asset."""
    dates = pd.date_range("2026-01-01", periods=len(prices)).date.tolist()
    frames = (polars.DataFrame({"date": dates, "A": t[:, 0], "B": t[:, 1]}) for t in (prices, signals))
    return next(frames), next(frames)


def test_the_lines_of_the_streaming_guide() -> None:
    polars = pytest.importorskip("polars")
    prices, mu = guide(*history("clean", 2), polars)
    stream = PositionStream.from_warmup(prices=prices[:-1], mu=mu[:-1], cfg=CONFIG)
    result = stream.step(new_prices=prices[-1:], new_mu=mu[-1:])
    assert result.status == "valid"
    lazy = PositionStream.from_warmup(prices=prices[:-1].lazy(), mu=mu[:-1].lazy(), cfg=CONFIG)
    assert bits([lazy.step(prices[-1:].lazy(), mu[-1:].lazy())]) == bits([result])
    named = dataclasses.asdict(result)
    assert list(named) == ["status", "cash_position", "risk_position", "volatility", "reason", "next_stream"]
    assert named["cash_position"] == result.cash_position
    assert bits([named["next_stream"].step([1.0, 2.0], [1.0, 1.0])]) == bits([result.next_stream.step([1, 2], [1, 1])])
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.status = "warmup"  # type: ignore[misc]


@CONFIGS
def test_streams_and_results_pickle_and_go_on_with_the_same_bits(config: PositionConfig) -> None:
    prices, signals = history("nulls", 5)
    before, stream = PositionStream.begin("abcde", config).run(prices[:60], signals[:60])
    result = stream.step(prices[60], signals[60])
    for copied in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert bits([copied]) == bits([result])
        again = bits(tail(copied.next_stream, prices[61:], signals[61:]))
        assert again == bits(tail(result.next_stream, prices[61:], signals[61:]))
    kept = pickle.loads(pickle.dumps(stream))
    assert (kept.assets, kept.config, kept.rows) == (stream.assets, stream.config, 60)
    assert bits(tail(kept, prices[60:], signals[60:])) == bits(tail(stream, prices[60:], signals[60:]))
    positions = pickle.loads(pickle.dumps(before))
    assert positions.held.tobytes() == before.held.tobytes()
    assert list(dataclasses.asdict(positions)) == [field.name for field in dataclasses.fields(before)]
