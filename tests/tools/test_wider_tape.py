"""A tape of more symbols than were recorded: contiguous ids, times in order, made symbols that say so."""

from tools.exchange.tape import Tape


def test_made_symbols_stand_beside_recorded_ones() -> None:
    recorded = Tape.read()
    wide = recorded.widened(5)
    assert set(wide.symbols) == {"BTCUSDT", "ETHUSDT", "MADE02USDT", "MADE03USDT", "MADE04USDT"}
    assert len(wide.positions["MADE02USDT"]) == len(recorded.positions["BTCUSDT"])
    assert len(wide.positions["MADE03USDT"]) == len(recorded.positions["ETHUSDT"])
    ids = [wide.trades[place].id for place in wide.positions["MADE02USDT"]]
    assert ids == list(range(1, len(ids) + 1))
    of_btc = [trade for trade in wide.trades if trade.symbol == "BTCUSDT"]
    assert of_btc == [trade for trade in recorded.trades if trade.symbol == "BTCUSDT"]
    lap = wide.at(len(wide) + wide.positions["MADE02USDT"][0])
    assert lap.id == len(ids) + 1


def test_no_made_symbol_moves_at_the_times_of_another() -> None:
    wide = Tape.read().widened(4)
    prices = {name: wide.trades[places[0]].price_text for name, places in wide.positions.items()}
    assert len(set(prices.values())) == 4
    first, made = (wide.positions[name] for name in ("BTCUSDT", "MADE02USDT"))
    moments = [{wide.trades[place].receive_ns for place in places} for places in (first, made)]
    assert not moments[0] & moments[1]


def test_fewer_than_there_are_change_nothing() -> None:
    recorded = Tape.read()
    assert recorded.widened(1).trades == recorded.trades
