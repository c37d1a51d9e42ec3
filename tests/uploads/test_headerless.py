"""Files without a header: what venues and programs publish is read rightly; what the cells do not tell is asked."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.errors import UploadError
from alphastream.uploads import read
from alphastream.uploads.columns import Proposal
from alphastream.uploads.headerless import propose_bare
from tests.uploads.test_bar_order import bars


def propose(text: str, symbol: str | None = None) -> Proposal:
    """What rows of a text seem to mean; columns are named by their numbers."""
    delimiter = ";" if ";" in text else ","
    rows = [line.split(delimiter) for line in text.strip().splitlines()]
    return propose_bare([str(at) for at in range(1, len(rows[0]) + 1)], rows, symbol=symbol)


def roles_of(proposal: Proposal) -> dict[str, int]:
    return {role: int(match.column) for role, match in proposal.roles.items()}


# Real layouts, invented numbers; roles in the order of the columns, "-" for what is not read.
PUBLISHED = {
    "Binance futures aggTrades": (
        "id price quantity - - time buyer_is_maker",
        """3359424123,94591.78,0.021,4410823990,4410823991,1735776000012,true
           3359424124,94591.77,0.5,4410823992,4410823992,1735776000340,false""",
    ),
    "Binance spot aggTrades, one row": (
        "id price quantity - - time buyer_is_maker -",
        "387460211,1419.35,4.021,410823990,410823991,1614556800012,True,True",
    ),
    "Binance futures trades": (
        "id price quantity - time buyer_is_maker",
        """4123000001,2342.11,0.5,1171.055,1723075200011,true
           4123000002,2342.12,1.5,3513.18,1723075200017,false""",
    ),
    "Binance klines with volumes of ten digits": (
        "time open high low close volume - - - - - -",
        """1722902400000,54018.8,57040.9,53950.0,56022.0,44747.3,1722988799999,2012345678.1,151,15000.1,900000000.1,0
           1722988800000,56022.0,57736.1,54558.6,55134.2,44111.7,1723075199999,1912345678.1,150,15010.1,910000000.1,0""",
    ),
    "Binance bookTicker": (
        "id bid - ask - time -",
        """4123000001,55108.6,3.5,55108.7,0.5,1723075200011,1723075200012
           4123000002,55108.5,3.1,55108.6,0.7,1723075200019,1723075200021""",
    ),
    "Kraken trades": ("time price quantity", "1438956180,3.0,81.85\n1438956180,3.0,0.42\n1438956202,3.00001,2.0"),
    "Kraken OHLCVT": (
        "time open high low close volume -",
        "1722470400,64620.1,64830.0,64440.0,64550.2,101.53,2210\n1722474000,64550.3,64600.9,64100.0,64190.1,143.2,2874",
    ),
    "Gate trades": (
        "time id price quantity -",
        "1640995200.123456,1234567,46211.2,0.01,1\n1640995201.123456,1234568,46211.3,0.02,2",
    ),
    "Gate candles": (
        "time volume close high low open",
        """1659312000,152.0441,23301.2,23355,23198.7,23296.4
           1659315600,101.8822,23250.9,23310,23201,23301.2
           1659319200,98.12,23188.4,23270,23150.2,23250.9""",
    ),
    "Bitfinex candles": (
        "time open close high low volume",
        """1723075200000,55108,55320,55511,54890,112.3
           1723078800000,55321,55011,55405,54998,98.7
           1723082400000,55012,55102,55210,54801,77.1""",
    ),
    "KuCoin candles, newest first": (
        "time open close high low volume -",
        """1723082400,55012,55102,55210,54801,77.1,4240000
           1723078800,55321,55011,55405,54998,98.7,5420000
           1723075200,55108,55320,55511,54890,112.3,6200000""",
    ),
    "Coinbase candles": (
        "time low high open close volume",
        "1722470400,3201.5,3244.8,3230.1,3218.0,5120.25\n1722474000,3188.2,3222.9,3218.0,3199.4,6011.50",
    ),
    "Bitstamp trades": ("time price quantity", "1723075200,55108,0.0214\n1723075201,55109,1.5\n1723075207,55102,0.004"),
    "HTX trades": (
        "id time price quantity buyer_is_maker",
        """102523573486,1723075200064,55108.7,0.012,buy
           102523573487,1723075200120,55108.6,0.3,sell
           102523573488,1723075200120,55108.5,0.1,sell""",
    ),
    "HistData ticks": (
        "time bid ask -",
        "20240808 000000142,1.092300,1.092410,0\n20240808 000000442,1.092310,1.092420,0",
    ),
    "HistData M1": (
        "time open high low close volume",
        "20120201 000000;1.306600;1.306600;1.306560;1.306560;0\n20120201 000100;1.306570;1.306570;1.306470;1.306560;0",
    ),
    "MetaTrader 4": (
        "time clock open high low close volume",
        """2007.07.19,03:00,1.38080,1.38090,1.37910,1.37930,174
           2007.07.19,04:00,1.37940,1.38000,1.37930,1.37960,99""",
    ),
    "MetaTrader 4, daily": (
        "time clock open high low close volume",
        """2024.08.06,00:00,2385.32,2399.66,2380.54,2390.10,81234
           2024.08.07,00:00,2390.23,2396.23,2373.17,2382.70,71234""",
    ),
    "Kibot": (
        "time clock open high low close volume",
        "09/30/2014,09:30,189.40,189.95,189.30,189.81,51234\n09/30/2014,09:31,189.80,190.02,189.70,189.92,20111",
    ),
    "Kibot ticks": (
        "time clock price bid ask quantity",
        "09/30/2014,09:30:00,189.40,189.39,189.41,100\n09/30/2014,09:30:00,189.41,189.40,189.41,300",
    ),
    "FirstRate": (
        "time open high low close volume",
        """2024-08-08 09:30:00,213.11,213.55,212.9,213.2,812345
           2024-08-08 09:31:00,213.2,213.4,212.7,212.81,201345""",
    ),
    "TrueFX": (
        "symbol time bid ask",
        "EUR/USD,20240808 00:00:00.142,1.09230,1.09241\nEUR/USD,20240808 00:00:00.442,1.09231,1.09240",
    ),
    "Polish mst": (
        "symbol time open high low close volume",
        "KGHM,20240808,132.5,134,131.15,133.2,512345\nKGHM,20240809,133.4,135.1,133,134.9,401234",
    ),
    "MetaStock ASCII": (
        "symbol - time clock open high low close volume -",
        """IBM,5,20240808,0930,189.40,189.95,189.30,189.81,51234,0
           IBM,5,20240808,0935,189.80,190.02,189.70,189.92,20111,0""",
    ),
    "MetaStock ASCII, daily": (
        "symbol - time clock open high low close volume -",
        """IBM,D,20240808,000000,189.40,189.95,189.30,189.81,51234,0
           IBM,D,20240809,000000,189.80,190.02,189.70,189.92,20111,0""",
    ),
    "Stooq without header": (
        "time clock open high low close volume",
        """20240802,153000,219.15,219.9,217.7,218.5,1000
           20240802,153500,218.5,219.9,217.7,219,2000""",
    ),
    "an index, a date and bars with an adjusted close": (
        "- time open high low close - volume",
        """0,2024-08-07,209.1,213.6,206.4,209.8,209.1,63516400
           1,2024-08-08,209.9,214.2,208.8,213.3,212.6,47161100
           2,2024-08-09,213.1,216.8,211.9,216.2,215.5,42201600""",
    ),
    "whole prices that rise": (
        "time open high low close volume",
        "2024-08-08,2400,2450,2380,2430,1000\n2024-08-09,2440,2480,2430,2470,1100",
    ),
    "Tokyo's numeric codes": (
        "time - open high low close volume",
        """2024-08-08,7203,2400,2450,2380,2430,1000
           2024-08-08,6758,12300,12500,12200,12450,1000
           2024-08-09,7203,2440,2480,2430,2470,1000
           2024-08-09,6758,12400,12700,12300,12650,1000""",
    ),
    "daily closes": ("time close", "2024-08-08,213.3\n2024-08-09,216.2\n2024-08-12,217.5"),
    "trades with a word and an exchange": (
        "time clock - symbol price quantity -",
        "20140128,04:00:00.123,TRADE,AAPL,505.1,100,ARCA\n20140128,09:30:01.456,TRADE,AAPL,506.2,350,ARCA",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_layout(name: str) -> None:
    words, text = PUBLISHED[name]
    proposal = propose("\n".join(line.strip() for line in text.splitlines()))
    assert proposal.problem is None
    assert roles_of(proposal) == {word: at for at, word in enumerate(words.split(), start=1) if word != "-"}
    assert {match.certainty for match in proposal.roles.values()} == {"likely"}
    assert proposal.notes[0].startswith("no header: read")


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("'2' (185.64) and '3' (370.87) is the price", "2024-01-02,185.64,370.87\n2024-01-03,184.25,370.6"),
        (
            "'2' (12) and '3' (11) and '4' (10.5) and '5' (10) are",
            "1722470400,12,11,10.5,10\n1722474000,10.2,12,11.1,9",
        ),
        ("'4' (10) and '5' (11) is the open and which the close", "1722470400,12,9,10,11,5"),
        (
            "milliseconds since midnight",
            "34200000,4500100,4500200,4499900,4500000,100\n34260000,4500000,4500300,4499800,4500100,90",
        ),
        ("which column is the time", "AAPL,213.3,100\nAAPL,213.4,120"),
        (
            "'1' (1723075200064) and '2' (1723075200164) is the time",
            "1723075200064,1723075200164,55108.7,0.5\n1723075260064,1723075262764,55108.6,0.1",
        ),
        ("'2' (AAPL) and '3' (MSFT) is the symbol", "1723075200,AAPL,MSFT,1.5,3\n1723075201,KO,PEP,1.6,400"),
        (
            "'2' (7001) and '3' (9001) is the id",
            "1723075200,7001,9001,55108.7,0.5\n1723075201,7002,9002,55108.6,0.01\n1723075202,7003,9003,55108.5,2",
        ),
        (
            "are bars, instruments or levels",
            "\n".join(f"{1723075200 + at},100.{at},120.{at},90,95.{at * 5 % 9}" for at in range(9)),
        ),
        ("which column is the price", "1723075200,buy\n1723075201,sell"),
    ],
)
def test_what_cells_do_not_tell_is_asked(asked: str, text: str) -> None:
    problem = propose(text).problem
    assert problem is not None
    assert asked in problem
    assert "choose the columns by hand" in problem


def test_the_files_name_tells_the_symbol() -> None:
    text = "1723075200,AAPL,MSFT,1.5,3\n1723075201,AAPL,PEP,1.51,400"
    assert roles_of(propose(text, "AAPL"))["symbol"] == 2


def test_the_id_of_ten_digits_is_no_time() -> None:
    text = "3700000001,1723075200064,55108.7,0.5\n3700000002,1723075200065,55108.6,2"
    assert roles_of(propose(text)) == {"id": 1, "time": 2, "price": 3, "quantity": 4}


def test_a_volume_of_ten_digits_is_no_time() -> None:
    text = "2020-04-16,7116.5,7167.1,7050.3,7096.1,1678324237\n2020-04-17,7095.9,7168.2,7080.1,7116.8,2244738711"
    assert roles_of(propose(text))["volume"] == 6


def check_is_question(error: UploadError, allowed: bool = True) -> None:
    """A refusal must be a question about columns, and is fine only where the rows may tell too little."""
    assert allowed
    assert "the cells do not tell" in str(error)


TIMES: Mapping[str, Callable[[int], str]] = {
    "seconds": lambda time: f"{time}",
    "milliseconds": lambda time: f"{time}000",
    "iso": lambda time: str(np.datetime64(time, "s")).replace("T", " "),
    "dotted date and clock": lambda time: str(np.datetime64(time, "s")).replace("T", ",").replace("-", "."),
    "digits": lambda time: str(np.datetime64(time, "s")).translate(str.maketrans("T", " ", "-:")),
}


@st.composite
def walks(draw: Any) -> tuple[str, list[str], Mapping[str, list[float]]]:
    """Bars of a walk as text without a header: the text, the names of its columns, and the values by name."""
    count = draw(st.integers(2, 60))
    columns = bars(count, draw(st.integers(0, 10_000)), draw(st.sampled_from([0.0, 0.001, 0.003])))
    level = draw(st.sampled_from([1e-3, 1.0, 500.0]))
    rng = np.random.default_rng(count)
    values = {name: np.round(column * level, 5) for name, column in zip("OHLC", columns, strict=True)}
    values["V"] = np.round(rng.lognormal(5, 1, count), draw(st.sampled_from([0, 4])))
    names = draw(st.one_of(st.just(list("OHLCV")), st.permutations("OHLCV")))
    spell = TIMES[draw(st.sampled_from(sorted(TIMES)))]
    lines = [
        ",".join([spell(1_700_000_000 + 3600 * at), *(f"{values[name][at]:.10g}" for name in names)])
        for at in range(count)
    ]
    if draw(st.booleans()):
        lines.reverse()
    return "\n".join(lines), list(names), {name: column.tolist() for name, column in values.items()}


@given(walks())
@settings(deadline=None, max_examples=150)
def test_bars_in_any_order_are_read_rightly_or_asked(walk: tuple[str, list[str], Mapping[str, list[float]]]) -> None:
    """Twenty rows and more, or the usual order: no wrong role; fewer rows of an order nobody writes tell too little."""
    text, names, values = walk
    count = len(values["O"])
    if count < 20 and names != list("OHLCV"):
        return
    try:
        upload = read("BTCUSDT.csv", text.encode())
    except UploadError as error:
        check_is_question(error, allowed=count < 20 or names != list("OHLCV"))
        return
    frame = upload.frames["BTCUSDT"]
    for name, role in zip("OHLCV", ("open", "high", "low", "close", "volume"), strict=True):
        assert frame[role].tolist() == pytest.approx(values[name], rel=1e-9), role


@given(st.integers(5, 80), st.integers(0, 10_000), st.permutations("TIPQS"), st.sampled_from(sorted(TIMES)))
@settings(deadline=None, max_examples=100)
def test_ticks_in_any_order_are_read_rightly_or_asked(count: int, seed: int, names: list[str], spelling: str) -> None:
    rng = np.random.default_rng(seed)
    prices = np.round(55_000 * np.exp(np.cumsum(rng.normal(0, 1e-4, count))), 1)
    amounts = np.round(rng.lognormal(0, 2, count), 4) + 0.0001
    cells = {
        "T": [TIMES[spelling](1_700_000_000 + at) for at in range(count)],
        "I": [str(3_700_000_001 + at) for at in range(count)],
        "P": [f"{price:.10g}" for price in prices],
        "Q": [f"{amount:.10g}" for amount in amounts],
        "S": [("buy", "sell")[at % 2] for at in range(count)],
    }
    text = "\n".join(",".join(cells[name][at] for name in names) for at in range(count))
    try:
        frame = read("BTCUSDT.csv", text.encode()).frames["BTCUSDT"]
    except UploadError as error:
        check_is_question(error)
        return
    assert frame["price"].tolist() == prices.tolist()
    assert frame["quantity"].tolist() == pytest.approx(amounts.tolist())


SOME_CELLS = """
    0 1 2 -1 0.5 1.5 1e999 1e-320 -0.0 99999999999999999999 20240808 20240809 153000 930 09:30 1723075200 1723075200064
    2024-08-08 nan null ? AAPL MSFT BTC/USDT buy sell b true False TRADE PT1M 12,37 3% 1.1 1.2 1.3 100 100.5 101
    """
CELLS = st.sampled_from(SOME_CELLS.split()) | st.just("")


@given(st.integers(1, 9).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1)))
@settings(deadline=None, max_examples=300)
def test_any_cells_are_judged(rows: list[list[str]]) -> None:
    columns = [f"column {at}" for at in range(1, len(rows[0]) + 1)]
    proposal = propose_bare(columns, rows)
    taken = [match.column for match in proposal.roles.values()]
    assert len(set(taken)) == len(taken)
    assert proposal.problem is not None or "time" in proposal.roles


def test_daily_bars_of_lean_are_ten_thousandths() -> None:
    """20240802 00:00 and whole hundreds: cents of equities; other whole numbers are asked about."""
    columns = bars(30, 3, 0.001)
    prices = np.round(np.stack(columns) * 200, 2)
    lines = [
        ",".join(
            [str(np.datetime64("2024-08-01") + at).replace("-", "") + " 00:00"]
            + [f"{cell * 10_000:.0f}" for cell in prices[:, at]]
            + [f"{1_000_000 + 7919 * at * at}"]
        )
        for at in range(30)
    ]
    upload = read("aapl.csv", "\n".join(lines).encode(), symbol="AAPL")
    frame = upload.frames["AAPL"]
    for row, role in enumerate(("open", "high", "low", "close")):
        assert frame[role].tolist() == prices[row].tolist()
    assert any("ten-thousandths" in note for note in upload.notes)
    odd = [line.replace("00,", "07,").replace(" 00:07", " 00:00") for line in lines]
    assert propose("\n".join(odd)).problem is not None
