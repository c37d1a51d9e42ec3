"""Labels that part the prices of one symbol are asked about; sessions, conditions and sides are not."""

from collections.abc import Sequence

import numpy as np
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, read
from alphastream.uploads.contents import are_fields

CONTRACTS = ["expiry", "strike", "Contract Month", "Vencimento", "Verfall", "tenor", "行权价", "Basispreis", "Laufzeit"]


def shuffled(first: str, second: str) -> list[str]:
    """Sixty labels in no order."""
    return [(first, second)[at] for at in np.random.default_rng(12).integers(0, 2, 60)]


def ticks(column: str, labels: Sequence[str], prices: Sequence[float], name: str = "ACME.csv") -> Upload:
    """One row a second."""
    rows = [
        f"2024-08-08 {9 + at // 3600:02}:{at // 60 % 60:02}:{at % 60:02},{label},{price:.2f},1"
        for at, (label, price) in enumerate(zip(labels, prices, strict=True))
    ]
    return read(name, (f"time,{column},price,size\n" + "\n".join(rows) + "\n").encode())


def walk(count: int, start: float = 100.0) -> list[float]:
    return list(start * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 5e-4, count))))


def two(labels: Sequence[str], factor: float) -> list[float]:
    """Prices of a second instrument near the first one's."""
    return [
        price * (factor if label == labels[0] else 1) for label, price in zip(labels, walk(len(labels)), strict=True)
    ]


@pytest.mark.parametrize("column", ["pool", "epic", "product_key", "board", "dataset"])
@pytest.mark.parametrize("factor", [1.01, 1.1, 1.45])
def test_labels_with_levels_of_their_own_are_asked_about(column: str, factor: float) -> None:
    labels = shuffled("K1", "K2")
    with pytest.raises(UploadError, match=rf"ACME: several instruments .* column '{column}' \('K[12]', 'K[12]'\)"):
        ticks(column, labels, two(labels, factor))


def test_bursts_are_asked_about() -> None:
    labels = ["a1", "b2"] * 2
    labels = [label for label in labels for _ in range(20)]
    with pytest.raises(UploadError, match="column 'lane'"):
        ticks("lane", labels, two(labels, 5.0))


def test_the_answer_is_taken() -> None:
    text = "time,expiry,price,size\n" + "".join(
        f"2024-08-08 09:00:{at:02},{('SEP24', 'OCT24')[at % 2]},{(75.7, 74.9)[at % 2]},1\n" for at in range(20)
    )
    with pytest.raises(UploadError, match="choose the column as symbol"):
        read("CL.csv", text.encode())
    assert read("CL.csv", text.encode(), {"symbol": "expiry"}).symbols == ("SEP24", "OCT24")


def test_contracts_beside_a_symbol_are_asked_about() -> None:
    text = "time,symbol,product,price,size\n" + "".join(
        f"2024-08-08 09:00:{at:02},BTC,{('spot', 'perp')[at % 2]},{(100.0, 101.5)[at % 2] + at % 3 / 10},1\n"
        for at in range(40)
    )
    with pytest.raises(UploadError, match=r"column 'product' .* as contract \(role suffix\)"):
        read("trades.csv", text.encode())
    assert len(read("trades.csv", text.encode(), {"suffix": "product"}).symbols) == 2


@pytest.mark.parametrize("column", [*CONTRACTS, "Prezzo di esercizio"])
def test_names_that_say_it_are_enough(column: str) -> None:
    labels = shuffled("X10", "X15")
    with pytest.raises(UploadError, match="several instruments"):
        ticks(column, labels, walk(60))


def test_calls_and_puts_are_enough() -> None:
    with pytest.raises(UploadError, match="column 'kind_of' \\('C', 'P'\\)"):
        ticks("kind_of", ["C", "P"] * 20, walk(40))


@pytest.mark.parametrize("seed", range(20))
def test_labels_of_one_tape_part_nothing(seed: int) -> None:
    """Letters of exchanges and conditions in any order, sessions and rolled contracts in blocks."""
    rng = np.random.default_rng(seed)
    prices = list(np.round(100 * np.exp(np.cumsum(rng.normal(0, 1e-3, 400))), 2))
    letters = [("P", "Q", "D", "Z")[at] for at in rng.integers(0, 4, 400)]
    for column, labels in {
        "tape_letter": letters,
        "cond": ["" if letter != "Z" else "@ I" for letter in letters],
        "lot": [("100", "200", "300", "5")[at] for at in rng.integers(0, 4, 400)],
        "session_key": [("PRE", "REG", "POST")[at * 12 // 400 % 3] for at in range(400)],
        "expiry": ["SEP24"] * 200 + ["DEC24"] * 200,
    }.items():
        assert ticks(column, labels, prices).symbols == ("ACME",)


def test_sides_of_a_wide_spread_part_nothing() -> None:
    sides = shuffled("uptick", "downtick")
    assert ticks("tick_kind", sides, two(sides, 1.01)).symbols == ("ACME",)
    spread = [100.0 + 0.01 * (at % 2) for at in range(60)]
    assert ticks("flow", ["in", "out"] * 30, spread).symbols == ("ACME",)


def test_numbers_that_follow_the_price_part_nothing() -> None:
    prices = [100.0 + 3 * (at % 2) + at % 5 / 10 for at in range(60)]
    assert ticks("reference", [f"{price - 0.5:.0f}" for price in prices], prices).symbols == ("ACME",)


def test_bars_whose_starts_never_meet_are_asked_about() -> None:
    rows = [
        f"2024-08-08 {9 + at // 12:02}:{at % 12 * 5:02},{('Z24', 'U24')[at % 2]},{price},{price + 1},{price},{price}"
        for at, price in enumerate([100, 103] * 20)
    ]
    text = "time,contract_month,open,high,low,close\n" + "\n".join(rows)
    with pytest.raises(UploadError, match="column 'contract_month'"):
        read("ACME.csv", text.encode())


@pytest.mark.parametrize("column", ["field", "metric", "_field", "price_type", "kind", "name"])
@pytest.mark.parametrize(
    "cells", [("close", "open"), ("bid", "ask", "last"), ("mark", "last"), ("Eröffnung", "Schluss"), ("收盘", "开盘")]
)
def test_fields_in_rows_are_asked_about(column: str, cells: tuple[str, ...]) -> None:
    rows = [
        f"2024-08-08 00:0{minute}:00,{cell},{200 + minute + place / 10}"
        for minute in range(8)
        for place, cell in enumerate(cells)
    ]
    with pytest.raises(UploadError, match=rf"column '{column}' names fields|bid or ask"):
        read("ACME.csv", (f"timestamp,{column},value\n" + "\n".join(rows)).encode())


def test_fields_in_rows_of_days_and_of_wide_files_are_asked_about() -> None:
    """No person is told to choose them as symbol."""
    rows = [f"2024-08-{day:02},{field},{210 + day},{400 + day}" for day in range(1, 9) for field in ("open", "close")]
    for header in ("date,field,AAPL,MSFT", "date,field,value,weight"):
        with pytest.raises(UploadError, match=r"column 'field' names fields \('open', 'close'\)"):
            read("ACME.csv", "\n".join([header, *rows]).encode())


def test_series_of_fields_below_each_other_are_asked_about() -> None:
    """InfluxDB writes a series after the other: the first hundred rows are closes alone."""
    rows = [
        f"2024-08-08 {at // 60:02}:{at % 60:02}:00,{field},{100 + at / 100}"
        for field in ("close", "open")
        for at in range(300)
    ]
    with pytest.raises(UploadError, match="column '_field' names fields"):
        read("BTC.csv", ("_time,_field,_value\n" + "\n".join(rows)).encode())


def test_letters_of_fields_are_asked_about() -> None:
    with pytest.raises(UploadError, match="column 'kind' names fields"):
        ticks("kind", ["o", "h", "l", "c"] * 5, [100.0, 100.2, 99.9, 100.1] * 5)
    assert ticks("sale", ["o", "c"] * 10, [100.0, 100.1, 100.1, 100.0] * 5).symbols == ("ACME",)


def test_companies_may_be_named_like_fields() -> None:
    assert not are_fields(["LOW", "AAPL"])
    rows = [f"2024-08-08 09:00:0{at},{('LOW', 'OPEN')[at % 2]},{(240, 2.2)[at % 2]},5" for at in range(8)]
    assert read("t.csv", ("time,symbol,price,size\n" + "\n".join(rows)).encode()).symbols == ("LOW", "OPEN")
