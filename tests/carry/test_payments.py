"""Rows of a venue and of files to what a ledger charges."""

import math

import pytest

from alphastream.carry import payments_of_csv, recorded_funding
from alphastream.errors import ParameterError
from alphastream.feeds.market import FundingPayment
from alphastream.trading.broker.costs import Due
from tests.carry.mark_prices import BTC, ETH, FIRST_NS, SECOND_NS

PAID = FundingPayment(BTC, FIRST_NS, 1e-4, 60_000.0)
UNMARKED = FundingPayment(ETH, FIRST_NS, -2e-4)


def test_each_payment_once_and_in_order() -> None:
    later = FundingPayment(BTC, SECOND_NS, 2e-4, 61_000.0)
    bare = FundingPayment(BTC, FIRST_NS, 1e-4)
    recorded = recorded_funding({BTC: [later, bare, PAID, PAID], ETH: []})
    assert recorded.rates == {BTC: ((FIRST_NS, 1e-4, 60_000.0), (SECOND_NS, 2e-4, 61_000.0)), ETH: ()}


def test_a_mark_that_nobody_knows_is_asked_for() -> None:
    with pytest.raises(
        ParameterError, match=r"mark price of 1 funding payments is not known \(.*ETHUSDT at 2024-08-08"
    ):
        recorded_funding({BTC: [PAID], ETH: [UNMARKED]})
    answered = recorded_funding({ETH: [UNMARKED]}, without_mark="last trade")
    assert answered.due(ETH, 0) == Due(FIRST_NS, -2e-4)


def test_two_that_differ_are_not_chosen_from() -> None:
    with pytest.raises(ParameterError, match="is there twice"):
        recorded_funding({BTC: [PAID, FundingPayment(BTC, FIRST_NS, 3e-4, 60_000.0)]})


def test_a_file_in_any_order_and_with_any_clock() -> None:
    content = (
        b"Symbol,Rate,Time,Mark\n"
        b"BTCUSDT,0.0002,2024-08-08T17:00:00Z,61000\n"
        b"BTCUSDT,0.0001,1723132800000,60000.10\n"
        b"XRPUSDT,oops,oops,\n"
        b"binance-usdm:ETHUSDT,-0.0002,2024-08-08 18:00:00+02:00,\n"
    )
    found = payments_of_csv(content, [BTC, ETH])
    assert found[BTC] == [
        FundingPayment(BTC, SECOND_NS, 2e-4, 61_000.0),
        FundingPayment(BTC, FIRST_NS, 1e-4, 60_000.10),
    ]
    (of_eth,) = found[ETH]
    assert (of_eth.time_ns, of_eth.rate, math.isnan(of_eth.mark)) == (FIRST_NS, -2e-4, True)
    assert list(payments_of_csv(content, ["BTCUSDT"])) == ["BTCUSDT"], "data without a venue"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"time,symbol\n", "lacks rate"),
        (b"", "no CSV"),
        (b"time,symbol,rate\nsoon,BTCUSDT,0.1\n", "line 2.*no time"),
        (b"time,symbol,rate\n,BTCUSDT,0.1\n", "line 2.*time"),
        (b"time,symbol,rate\n2024-08-08,BTCUSDT,inf\n", "line 2.*rate"),
        (b"time,symbol,rate,mark\n2024-08-08,BTCUSDT,0.1,-5\n", "line 2.*mark"),
        (b"time,symbol,rate\n\xff\xfe,BTCUSDT,0.1\n", "CSV"),
    ],
)
def test_a_file_that_is_none_says_where(content: bytes, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        payments_of_csv(content, [BTC])
