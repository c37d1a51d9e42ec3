"""A leg as columns and nodes, and the same read from a growing tape."""

from pathlib import Path

import numpy as np
import pytest

from alphastream.books import BookColumns, BookView
from alphastream.core.units import SECOND
from alphastream.events import Tick
from alphastream.feeds.market import MarkPrice, Quote
from alphastream.graph import Node
from alphastream.microstructure import VPIN, FlowImbalance, quoted_spread_bps
from alphastream.microstructure.leg import Columns, LegSpec, analyse_leg, leg_nodes, leg_series
from alphastream.streaming import leg_flows
from alphastream.streaming.leg_flows import IDLE_S, LegFlow, LegFlows
from alphastream.tape.columns import TickColumns
from alphastream.windows import Trades
from storage import TickStore
from tests.windows.tapes import quoted, recorded

ETH = "binance-usdm:ETHUSDT"
SPEC = LegSpec(ETH, window=60, bucket=50.0, buckets=10)


class Samples:
    """A market that knows samples of one book."""

    def __init__(self, book: BookColumns) -> None:
        self._book = book

    def quote(self, name: str) -> Quote | None:
        return None

    def book(self, name: str) -> BookView | None:
        return None

    def mark(self, name: str) -> MarkPrice | None:
        return None

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        return self._book.between(from_ns, until_ns)


def recorded_book() -> BookColumns:
    """Best bid and offer of the recorded quotes."""
    rows = quoted()
    known = np.flatnonzero(np.isnan(rows.price))
    sides = (rows.bid, rows.bid, rows.ask, rows.ask)
    return BookColumns(rows.time_ns[known], rows.time_ns[known], *(side[known, np.newaxis] for side in sides))


def ticks() -> list[Tick]:
    return recorded("ETHUSDT").ticks(ETH)


def same(left: Columns, right: Columns) -> bool:
    return left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)


def test_the_measures_are_nodes_on_the_bars_of_the_leg() -> None:
    source = SPEC.source
    sides = source["buy_volume"], source["sell_volume"]
    assert leg_series(SPEC)["flow_imbalance"].of == Node(FlowImbalance(60), sides)
    assert leg_series(SPEC)["vpin"].of == Node(VPIN(50.0, 10), sides)
    assert leg_series(SPEC)["book_imbalance"] == source["book_imbalance"]
    assert len(leg_nodes(SPEC)) == 4


def test_without_a_book_its_columns_are_undefined() -> None:
    table = analyse_leg(Trades.of(recorded("ETHUSDT")), SPEC)
    assert np.isnan(table["quoted_spread_bps"]).all()
    assert np.isfinite(table["vpin"][-1])
    assert np.isfinite(table["price_impact"][-1])


def test_columns_of_the_book_are_its_newest_sample_before_the_bars_end() -> None:
    book, rows = recorded_book(), quoted()
    known = ~np.isnan(rows.price)
    trades = Trades(*(getattr(rows, name)[known] for name in ("time_ns", "price", "quantity", "buyer_is_maker")))
    table = analyse_leg(trades, SPEC, book)
    place = np.array([np.flatnonzero(book.time_ns < end)[-1] for end in table["time_ns"]])
    np.testing.assert_array_equal(table["quoted_spread_bps"], quoted_spread_bps(book)[place])


@pytest.mark.parametrize("chunk", [1, 37, 900])
def test_a_growing_tape_gives_the_bits_of_the_whole(tmp_path: Path, chunk: int) -> None:
    known = ticks()
    whole = analyse_leg(Trades.of(recorded("ETHUSDT")), SPEC)
    with TickStore(tmp_path / "tape.db") as store:
        flow = LegFlow(store, None, SPEC, keep=10_000)
        begin = 2_000
        store.append(known[:begin])
        answer = flow.refresh(known[begin - 1].time_ns)
        for place in range(begin, begin + 20 * chunk if chunk == 1 else len(known), chunk):
            store.append(known[place : place + chunk])
            answer = flow.refresh(known[-1].time_ns)
        rows = len(answer.closed["time_ns"])
        assert flow.reloads == 0
    assert same(answer.closed, {name: values[:rows] for name, values in whole.items()})
    if chunk > 1:
        assert same(answer.forming, {name: values[rows:] for name, values in whole.items()})


def test_a_trade_a_little_late_is_put_in_its_place(tmp_path: Path) -> None:
    known = ticks()[:1_000]
    place = next(row for row in range(500, 900) if 0 < known[row + 3].time_ns - known[row].time_ns < SECOND // 2)
    with TickStore(tmp_path / "tape.db") as store:
        flow = LegFlow(store, None, SPEC, keep=10_000)
        store.append(known[:place] + known[place + 1 : place + 4])
        flow.refresh(known[-1].time_ns)
        store.append(known[place : place + 1] + known[place + 4 :])
        answer = flow.refresh(known[-1].time_ns)
        assert flow.reloads == 0
        in_order = sorted(known, key=lambda tick: tick.time_ns)
    whole = analyse_leg(Trades.of(TickColumns.of(in_order)), SPEC)
    found = {name: answer.column(name) for name in whole}
    np.testing.assert_allclose(found["volume"], whole["volume"])
    np.testing.assert_array_equal(found["trades"], whole["trades"])


def test_a_late_trade_makes_everything_be_read_anew(tmp_path: Path) -> None:
    known = ticks()[:1_000]
    with TickStore(tmp_path / "tape.db") as store:
        flow = LegFlow(store, None, SPEC, keep=10_000)
        store.append(known[:500] + known[501:])
        flow.refresh(known[-1].time_ns)
        store.append(known[500:501])
        answer = flow.refresh(known[-1].time_ns)
        assert flow.reloads == 1
        whole = LegFlow(store, None, SPEC, keep=10_000).refresh(known[-1].time_ns)
    assert same(answer.closed, whole.closed)
    assert same(answer.forming, whole.forming)


def test_a_bucket_is_chosen_from_what_is_kept_and_again_where_that_has_grown(tmp_path: Path) -> None:
    known, spec = ticks(), LegSpec(ETH, window=60)
    with TickStore(tmp_path / "tape.db") as store:
        flow = LegFlow(store, None, spec, keep=10_000)
        nothing = flow.refresh(known[0].time_ns)
        assert nothing.spec.bucket == 0.0
        assert len(nothing.closed["vpin"]) == 0
        store.append(known[:300])
        small = flow.refresh(known[299].time_ns).spec.bucket
        store.append(known[300:])
        answer = flow.refresh(known[-1].time_ns)
        large = answer.spec.bucket
    volume = sum(tick.quantity for tick in known)
    assert 0.0 < small < large
    assert volume / 200 * 0.9 < large < volume / 200 * 4.0
    assert np.isfinite(answer.closed["vpin"][-1])


def test_a_book_is_read_beside_the_tape(tmp_path: Path) -> None:
    rows = quoted()
    known = [tick for tick in ticks() if tick.time_ns < rows.time_ns[-1]]
    with TickStore(tmp_path / "tape.db") as store:
        store.append(known)
        flow = LegFlow(store, Samples(recorded_book()), SPEC, keep=10_000)
        answer = flow.refresh(known[-1].time_ns)
        assert answer.has_book
        assert not LegFlow(store, None, SPEC, keep=10_000).refresh(known[-1].time_ns).has_book
    assert np.isfinite(answer.closed["quoted_spread_bps"]).mean() > 0.9


@pytest.mark.parametrize("keep", [2_000, 60])
def test_a_long_book_is_read_a_stretch_at_a_time(tmp_path: Path, keep: int, monkeypatch: pytest.MonkeyPatch) -> None:
    known = ticks()
    with TickStore(tmp_path / "tape.db") as store:
        store.append(known)
        market = Samples(recorded_book())
        whole = LegFlow(store, market, SPEC, keep).refresh(known[-1].time_ns)
        monkeypatch.setattr(leg_flows, "BOOK_STRETCH_NS", 10 * 10**9)
        parts = LegFlow(store, market, SPEC, keep).refresh(known[-1].time_ns)
    assert same(parts.closed, whole.closed)


def test_answers_are_shared_renewed_and_forgotten(tmp_path: Path) -> None:
    known, clock = ticks(), [0.0]
    with TickStore(tmp_path / "tape.db") as store:
        store.append(known[:100])
        flows = LegFlows(store, None, lambda: known[-1].time_ns, lambda: clock[0])
        first = flows.answer(SPEC)
        store.append(known[100:200])
        assert flows.answer(SPEC) is first
        clock[0] = 1.0
        second = flows.answer(SPEC)
        assert second.closed["trades"].sum() > first.closed["trades"].sum()
        clock[0] += IDLE_S
        assert flows.answer(SPEC).closed["trades"].sum() == second.closed["trades"].sum()


def test_an_answer_begins_anew_after_a_failure(tmp_path: Path) -> None:
    known, clock = ticks(), [0.0]

    class Failing(Samples):
        fails = False

        def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
            if self.fails:
                raise OSError("no disk")
            return super().samples(name, from_ns, until_ns)

    with TickStore(tmp_path / "tape.db") as store:
        market = Failing(recorded_book())
        flows = LegFlows(store, market, lambda: known[-1].time_ns, lambda: clock[0])
        store.append(known[:2_000])
        flows.answer(SPEC)
        market.fails, clock[0] = True, 2.0
        store.append(known[2_000:3_000])
        with pytest.raises(OSError, match="no disk"):
            flows.answer(SPEC)
        market.fails = False
        answer = flows.answer(SPEC)
        whole = LegFlow(store, market, SPEC, keep=2_000).refresh(known[-1].time_ns)
    assert same(answer.closed, whole.closed)
