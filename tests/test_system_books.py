"""Quotes and books in the whole system: beside the trades, left out where nobody wants them or they cannot be kept."""

from pathlib import Path

from system import System
from tests.test_system import BTC, ETH, eventually, running, settings
from tools.exchange import LocalExchange, Rate


def test_books_and_marks_of_a_venue_come_beside_its_trades(tmp_path: Path) -> None:
    with (
        LocalExchange(pace=Rate(500), loop=True) as exchange,
        running(System(settings(tmp_path, exchange, BOOKS="on"))) as system,
    ):
        pipeline = system.pipeline
        assert pipeline is not None
        market = pipeline.market
        assert market is not None
        eventually(lambda: (book := market.book(BTC)) is not None and book.in_sequence)
        eventually(lambda: market.quote(ETH) is not None and market.mark(ETH) is not None)
        assert market.book("okx:BTC-USDT") is None
        eventually(lambda: len(market.samples(BTC, 0, 2**63 - 1)) > 2)
    assert (tmp_path / "var" / "books").is_dir()


def test_without_books_nothing_but_trades_is_asked_for(tmp_path: Path) -> None:
    with (
        LocalExchange(pace=Rate(500), loop=True) as exchange,
        running(System(settings(tmp_path, exchange))) as system,
    ):
        eventually(lambda: system.live is not None and system.live.ticks > 0)
        assert system.pipeline is not None
        assert system.pipeline.market is None
        assert not any("depth" in request or "bookTicker" in request for request in exchange.requests)


def test_books_that_cannot_be_kept_leave_the_trades_alone(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "books").write_text("a file, no folder")
    with (
        LocalExchange(pace=Rate(500), loop=True) as exchange,
        running(System(settings(tmp_path, exchange, BOOKS="on"))) as system,
    ):
        eventually(lambda: system.live is not None and system.live.ticks > 0)
        assert system.pipeline is not None
        assert system.pipeline.market is None
        assert system.pipeline.lines[0].outage
