"""Carry of a held pair, by hand; and where a leg is liquidated."""

import math
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.carry import funded, hedged_units, leg_carry, liquidation_distance, liquidation_price, pair_carry
from alphastream.errors import ParameterError
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.feeds.market import MarkPrice
from alphastream.instruments import InstrumentId
from tests.carry.mark_prices import BTC, ETH, HOUR

SPOT = InstrumentId("binance-spot", "BTCUSDT")


def rules(kind: Literal["spot", "perpetual", "future", ""]) -> Instrument:
    return Instrument(WireSymbol("BTCUSDT"), 0.1, 0.001, 1, 5.0, "TRADING", kind=kind)


MARK = MarkPrice(BTC, 60_000.0, 10, 11, 59_970.0, 1e-4, 8 * HOUR, 8 * HOUR)
OF_ETH = MarkPrice(ETH, 2_500.0, 10, 11, 2_500.5, -2e-4, 4 * HOUR, 4 * HOUR)


def test_both_legs_of_a_perpetual_pair() -> None:
    y, x = hedged_units(3_000.0, 60_000.0, 2_500.0, 0.5, "log")
    assert (y, x) == (0.05, -0.6), "half of the notional on the other side"
    held = pair_carry(
        leg_carry(BTC, y, 60_001.0, rules("perpetual"), MARK), leg_carry(ETH, x, 2_499.0, rules("perpetual"), OF_ETH)
    )
    assert held.y.payment == pytest.approx(-0.3), "0.05 x 60,000 x 0.01 %"
    assert held.x.payment == pytest.approx(-0.3), "short at a negative rate pays: 0.6 x 2,500 x 0.02 %"
    assert held.a_day == pytest.approx(-0.3 * 3 - 0.3 * 6)
    assert held.gross == pytest.approx(4_500.0)
    assert held.share_a_day == pytest.approx(-2.7 / 4_500.0)
    assert (held.y.next_ns, held.x.next_ns) == (8 * HOUR, 4 * HOUR)
    assert held.y.basis == pytest.approx(30.0 / 59_970.0)
    assert held.why == ""


def test_a_ratio_of_prices_is_units_against_units() -> None:
    assert hedged_units(-3_000.0, 60_000.0, 2_500.0, 20.0, "price") == (-0.05, 1.0)


def test_a_spot_leg_pays_nothing() -> None:
    held = pair_carry(leg_carry(SPOT, -0.05, 60_010.0, rules("spot"), None), leg_carry(BTC, 0.05, 60_001.0, None, MARK))
    assert (held.y.funded, held.y.payment, held.y.a_day) == ("none", 0.0, 0.0)
    assert held.a_day == pytest.approx(-0.9)
    assert held.gross == pytest.approx(0.05 * 60_010.0 + 0.05 * 60_000.0)


@pytest.mark.parametrize(
    ("kind", "mark", "said"),
    [
        ("", None, "does not say whether it pays funding"),
        ("perpetual", None, "no mark price has arrived"),
        ("perpetual", msgspec.structs.replace(MARK, mark=math.nan), "no mark price has arrived"),
        ("perpetual", msgspec.structs.replace(MARK, funding_rate=math.nan), "funding rate has not arrived"),
        ("perpetual", msgspec.structs.replace(MARK, interval_ns=0), "not known how often"),
    ],
)
def test_what_is_not_known_is_said(kind: Literal["perpetual", ""], mark: MarkPrice | None, said: str) -> None:
    held = pair_carry(
        leg_carry(BTC, 1.0, 60_000.0, rules(kind), mark), leg_carry(ETH, -1.0, 2_500.0, rules("perpetual"), OF_ETH)
    )
    assert said in held.why
    assert math.isnan(held.a_day)
    assert held.gross > 60_000.0, "the last trade stands in for a mark that has not arrived"
    assert math.isnan(held.share_a_day)


def test_who_pays_funding() -> None:
    assert funded(rules("future"), None) == "none"
    assert funded(rules(""), MARK) == "pays"
    assert funded(None, MarkPrice(SPOT, 1.0, 0, 0)) == "unknown"


def test_liquidation_prices_by_hand() -> None:
    # 60,000 x (1 - 1/10) / (1 - 0.004) and 60,000 x (1 + 1/10) / (1 + 0.004)
    assert liquidation_price(60_000.0, 1, 10.0, 0.004) == pytest.approx(54_216.867, abs=1e-3)
    assert liquidation_price(60_000.0, -1, 10.0, 0.004) == pytest.approx(65_737.052, abs=1e-3)
    assert liquidation_price(60_000.0, 1, 1.0, 0.004) == 0.0
    assert liquidation_distance(60_000.0, 60_000.0, 1, 10.0, 0.004) == pytest.approx(0.0963855, abs=1e-7)
    assert liquidation_distance(66_000.0, 60_000.0, -1, 10.0, 0.004) < 0.0


@given(
    entry=st.floats(1e-8, 1e8), side=st.sampled_from([1, -1]), leverage=st.floats(1.0, 90.0), rate=st.floats(0.0, 0.01)
)
def test_there_the_margin_is_the_maintenance_margin(
    entry: float, side: Literal[1, -1], leverage: float, rate: float
) -> None:
    price = liquidation_price(entry, side, leverage, rate)
    left = entry / leverage + side * (price - entry)
    if price:
        assert left == pytest.approx(rate * price, abs=1e-9 * entry)
    else:
        assert left >= 0.0


@pytest.mark.parametrize(
    ("entry", "leverage", "rate", "said"),
    [(0.0, 10.0, 0.01, "entry"), (1.0, 0.0, 0.01, "leverage"), (1.0, 100.0, 0.01, "closed at once")],
)
def test_a_leg_that_cannot_be_is_refused(entry: float, leverage: float, rate: float, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        liquidation_price(entry, 1, leverage, rate)
