"""What this process holds, as a history's readers and SQL see it: ticks, books and funding beside them, signals."""

from pathlib import Path

import numpy as np
import pytest

from alphastream.arbitrage import Signal
from alphastream.books import QuoteColumns
from alphastream.events import Tick
from alphastream.feeds.market import FundingPayment
from alphastream.history import Tape
from alphastream.history.layout import KINDS
from alphastream.history.places import Place
from alphastream.history.tables import SCHEMAS
from alphastream.instruments import InstrumentId
from runtime.stores.market_store import MarketStore
from runtime.stores.recorded import Recorded
from storage import Origin, TickStore

SECOND = 10**9
BEGIN = 1_723_161_255 * SECOND
BTC, ETH = InstrumentId("binance-usdm", "BTCUSDT"), InstrumentId("binance-usdm", "ETHUSDT")
SIGNAL = Signal(
    "BTC/USDT", str(BTC), "okx:BTC-USDT", BEGIN, BEGIN + 1, BEGIN + 2, 3e-4, 8e-4, 0.25, 15_000.0, 2 * 10**7, "quotes"
)


def ticks(symbol: InstrumentId, count: int, step_ns: int) -> list[Tick]:
    return [
        Tick(symbol, number + 1, 100.0 + number % 7, 1.0, BEGIN + number * step_ns, BEGIN + number * step_ns + 5, False)
        for number in range(count)
    ]


def test_all_kinds_are_read_by_a_tape(tmp_path: Path) -> None:
    with (
        TickStore(tmp_path / "a.db", origin=Origin("binance-usdm", "host")) as store,
        MarketStore(tmp_path / "books.db") as kept,
    ):
        store.append(ticks(BTC, 3_000, SECOND))
        store.append(reversed(ticks(ETH, 1_000, 2 * SECOND)))  # late ones come with smaller ids
        kept.add(BTC, QuoteColumns.of([(BEGIN, BEGIN + 1, 100.0, 1.0, 101.0, 2.0)]))
        kept.add_funding([FundingPayment(BTC, BEGIN, 1e-4)])
        tape = Tape(Place(tmp_path / "history"), Recorded([store], [kept], lambda: [SIGNAL]))
        assert tape.instruments() == [str(BTC), str(ETH)]
        assert tape.instruments("quotes") == tape.instruments("funding") == tape.instruments("signals") == [str(BTC)]
        assert tape.span(str(BTC)) == (BEGIN, BEGIN + 2_999 * SECOND)
        assert tape.span(str(BTC), "quotes") == (BEGIN, BEGIN)
        assert (np.diff(tape.ticks(str(ETH)).time_ns) > 0).all()
        within = (BEGIN + 10 * SECOND, BEGIN + 20 * SECOND)
        assert tape.ticks(str(BTC), *within).id.tolist() == list(range(11, 21))
        query = "SELECT symbol, count(*) AS n FROM ticks GROUP BY ALL ORDER BY ALL"
        for answer in (tape.sql(query, *within), tape.sql_apart(query, *within).rows):
            assert answer.to_pylist() == [{"symbol": "BTCUSDT", "n": 10}, {"symbol": "ETHUSDT", "n": 5}]
        (row,) = tape.sql("SELECT ask - bid AS spread, rate FROM quotes, funding").to_pylist()
        assert row == {"spread": 1.0, "rate": 1e-4}
        (row,) = tape.sql("SELECT venue, asset, instrument_b, profit_pct, error_ms FROM signals").to_pylist()
        assert list(row.values()) == ["binance-usdm", "BTC/USDT", "okx:BTC-USDT", pytest.approx(0.03), 20.0]
        assert tape.sql("FROM signals", BEGIN + 1).num_rows == 0
        for kind in KINDS:
            assert tape.sql(f"FROM {kind}").column_names == ["venue", "symbol", *SCHEMAS[kind].names]


def test_how_much_is_held_is_known_without_reading(tmp_path: Path) -> None:
    with TickStore(tmp_path / "a.db", origin=Origin("binance-usdm", "host"), flush_s=0.01) as store:
        store.append(ticks(BTC, 25_000, SECOND))
        tape = Tape(Place(tmp_path / "history"), Recorded([store]))
        for _ in range(2):  # while it waits for the file, and from the file
            whole = tape.about(str(BTC))
            assert (whole.in_files, whole.hot, whole.ticks) == (0, 25_000, 25_000)
            part = tape.about(str(BTC), BEGIN + 1_000 * SECOND, BEGIN + 13_000 * SECOND).ticks
            assert part == pytest.approx(12_000, abs=2)  # ticks of one pace: a block's share of time is that of ticks
            assert tape.about(str(BTC), BEGIN - SECOND, BEGIN).ticks == 0
            assert tape.about("okx:BTC-USDT").ticks == 0
            store.close()
            store = TickStore(tmp_path / "a.db", read_only=True)
            tape = Tape(Place(tmp_path / "history"), Recorded([store]))
        store.close()
