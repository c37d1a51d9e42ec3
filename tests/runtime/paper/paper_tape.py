"""Trades for paper runs, and what a run on them must come to."""

import time
from collections.abc import Sequence

from alphastream.backtest import Book, compare
from alphastream.events import Tick
from runtime.paper.service import PaperService, PaperView
from storage import TickStore
from tests.backtest.test_live import START
from tests.runtime.paper.paper_pipeline import (
    SECOND,
    TapePipeline,
    eventually,
    history_of,
    see,
)

WARM_S = 40


def before_and_after(ticks: Sequence[Tick], at_s: float = WARM_S) -> tuple[list[Tick], list[Tick]]:
    cut_ns = START + round(at_s * SECOND)
    return [tick for tick in ticks if tick.time_ns < cut_ns], [tick for tick in ticks if tick.time_ns >= cut_ns]


def end_of(ticks: Sequence[Tick]) -> int:
    """How far a run can be played on these trades."""
    return (ticks[-1].time_ns - SECOND) // SECOND * SECOND


def same_as_history(view: PaperView, store: TickStore, at_least: int = 1) -> None:
    """Orders, fills, funding and equity are those of the backtest, to the last bit."""
    history = history_of(view, store)
    assert len(history.fills) >= at_least
    assert list(view.fills) == list(history.fills)
    assert list(view.orders) == list(history.orders)
    assert list(view.funding) == list(history.funding)
    assert view.cash == history.cash[-1]
    marks = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
    books = Book(view.orders, view.fills, view.funding), Book(history.orders, history.fills, history.funding)
    assert compare(*books, marks, view.outages, view.late) == []


def without(ticks: Sequence[Tick], symbol: str, from_s: float, to_s: float) -> tuple[list[Tick], list[Tick]]:
    """Trades of a symbol in some seconds taken out: the others, and those."""
    lost = [t for t in ticks if t.symbol == symbol and START + from_s * SECOND <= t.time_ns < START + to_s * SECOND]
    return [tick for tick in ticks if tick not in lost], lost


def goes_on(service: PaperService, pipeline: TapePipeline, name: str, left: Sequence[Tick] = ()) -> list[Tick]:
    """Let some seconds of trades arrive for a run that waits for them; what is left."""
    eventually(lambda: see(service, name).status == "waiting")
    if not left:
        at_ns = pipeline.now_ns() // SECOND * SECOND + SECOND
        ids = {symbol: held.last_id for symbol in ("ETH", "BTC") if (held := pipeline.store.coverage(symbol))}
        prices = {"ETH": 3_000.0, "BTC": 60_000.0}
        chunk = [Tick(symbol, last + 1, prices[symbol], 1.0, at_ns, at_ns, False) for symbol, last in ids.items()]
    else:
        chunk = [tick for tick in left if tick.time_ns < left[0].time_ns + 5 * SECOND]
    pipeline.feed(chunk)
    eventually(lambda: see(service, name).status == "running")
    return list(left[len(chunk) :])


def until_it_holds(service: PaperService, pipeline: TapePipeline, name: str, rest: Sequence[Tick]) -> list[Tick]:
    """Feed until the run holds a position; what is left."""
    left = list(rest)
    while left:
        bar_ns = left[0].time_ns // SECOND * SECOND + SECOND
        chunk = [tick for tick in left if tick.time_ns < bar_ns]
        left = left[len(chunk) :]
        pipeline.feed(chunk)
        time.sleep(0.03)
        if all(see(service, name).positions) and not see(service, name).open_orders:
            return left
    raise AssertionError("it never held a position")
