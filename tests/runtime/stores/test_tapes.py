"""The tapes of several venues, read as one."""

from pathlib import Path

from alphastream.events import Tick
from runtime.stores.tapes import Tapes
from storage import TickStore

HERE, THERE = "binance-usdm:BTCUSDT", "okx:BTC-USDT"


def test_each_instrument_is_read_from_the_tape_of_its_venue(tmp_path: Path) -> None:
    with TickStore(tmp_path / "here.db") as here, TickStore(tmp_path / "there.db") as there:
        here.append([Tick(HERE, 1, 100.0, 1.0, 10, 11, True), Tick(HERE, 4, 101.0, 1.0, 20, 21, True)])
        there.append([Tick(THERE, 7, 99.0, 2.0, 15, 16, False)])
        tapes = Tapes({"binance-usdm": here, "okx": there})
        assert tapes.symbols() == [HERE, THERE]
        for store, name in ((here, HERE), (there, THERE)):
            assert tapes.coverage(name) == store.coverage(name)
            assert tapes.gaps(name) == store.gaps(name)
            assert tapes.last(name) == store.last(name)
            assert list(tapes.since(name)) == list(store.since(name))
            assert tapes.columns(name, 0, 99).ticks(name) == store.columns(name, 0, 99).ticks(name)
        assert tapes.gaps(HERE) == [(2, 3)]
        assert tapes.last("kraken:BTC/USD") is None
