"""The books: ten trades done on paper, then the rules of round trips and funding."""

import pytest

from alphastream.errors import ParameterError
from alphastream.trading import (
    Account,
    BrokerRules,
    Fees,
    Fill,
    FixedLatency,
    RecordedFunding,
    SpreadRequest,
)
from tests.trading.engine.desk import MS, SECOND, Desk

# Half spread 20 bps, taker 10 bps, maker 2 bps, latency 0.25 s, at most half of a trade, 5 s until a spread is unwound,
# capital 10,000.
#
#  no  s      leg  trade   at most  units   price      units x price   fee       cash after
#  --  order 1 at 10: long, 10 Y against 20 X
#   -  10.2   Y    100     too early
#   1  10.3   Y    100     6        +6      100.20      601.20         0.6012     9,398.1988
#   2  10.4   X    50      50       -20      49.90     -998.00         0.998     10,395.2008
#   3  10.5   Y    101     10       +4      101.202     404.808        0.404808   9,989.987992
#  --  funding at 12: 10 Y x 102 x 0.1 %                               -1.02      9,988.967992
#  --  order 2 at 12: turned, -5 Y against -10 X
#   4  12.25  Y    102     50       -15     101.796   -1,526.94        1.52694   11,514.381052
#   5  12.5   X    51      100      +30      51.102    1,533.06        1.53306    9,979.787992
#  --  order 3 at 14: flat
#   6  14.3   Y    100     25       +5      100.20      501.00         0.501      9,478.286992
#   7  14.6   X    50.5    50       -10      50.399    -503.99         0.50399    9,981.773002
#  --  order 4 at 20: long again; X never trades, so at 25.25 order 5 sells what was bought of Y
#   8  20.5   Y    100     50       +10     100.20    1,002.00         1.002      8,978.771002
#   -  25.4   Y    99.5    too early for order 5
#   9  25.6   Y    99      50       -10      98.802    -988.02         0.98802    9,965.802982
#  --  order 6 at 30: 4 Y at 98 or better, which a trade at 98 is not enough for
#  10  31.0   Y    97.9    50       +4       98.00      392.00         0.0784     9,573.724582
FILLS = [
    # s, leg, units, price, trade price, fee, half spread, order, round trip, maker
    (10.3, "Y", 6.0, 100.2, 100.0, 0.6012, 1.2, 1, 1, False),
    (10.4, "X", -20.0, 49.9, 50.0, 0.998, 2.0, 1, 1, False),
    (10.5, "Y", 4.0, 101.202, 101.0, 0.404808, 0.808, 1, 1, False),
    (12.25, "Y", -10.0, 101.796, 102.0, 1.01796, 2.04, 2, 1, False),  # trade 4: closes round trip 1
    (12.25, "Y", -5.0, 101.796, 102.0, 0.50898, 1.02, 2, 2, False),  # and opens round trip 2
    (12.5, "X", 20.0, 51.102, 51.0, 1.02204, 2.04, 2, 1, False),
    (12.5, "X", 10.0, 51.102, 51.0, 0.51102, 1.02, 2, 2, False),
    (14.3, "Y", 5.0, 100.2, 100.0, 0.501, 1.0, 3, 2, False),
    (14.6, "X", -10.0, 50.399, 50.5, 0.50399, 1.01, 3, 2, False),
    (20.5, "Y", 10.0, 100.2, 100.0, 1.002, 2.0, 4, 3, False),
    (25.6, "Y", -10.0, 98.802, 99.0, 0.98802, 1.98, 5, 3, False),
    (31.0, "Y", 4.0, 98.0, 98.0, 0.0784, 0.0, 6, 4, True),
]
CASH = [9_398.1988, 10_395.2008, 9_989.987992, 9_988.967992, 11_514.381052, 9_979.787992, 9_478.286992, 9_981.773002]
CASH += [8_978.771002, 9_965.802982, 9_573.724582]
POSITIONS = [("Y", 6.0), ("X", -20.0), ("Y", 10.0), ("Y", 10.0), ("Y", -5.0), ("X", 10.0), ("Y", 0.0), ("X", 0.0)]
POSITIONS += [("Y", 10.0), ("Y", 0.0), ("Y", 4.0)]
RULES = BrokerRules(
    latency=FixedLatency(250 * MS),
    fees=Fees(taker_bps=10.0, maker_bps=2.0),
    half_spread_bps=20.0,
    max_share=0.5,
    timeout_ns=5 * SECOND,
    funding=RecordedFunding({"Y": ((12 * SECOND, 0.001), (40 * SECOND, 0.5))}),
)


def at(seconds: float) -> int:
    return round(seconds * SECOND)


def cents(value: float) -> object:
    return pytest.approx(value, rel=0, abs=1e-9)


def test_ten_trades_on_paper() -> None:
    desk = Desk(RULES)
    equity: list[float] = []
    states: list[str] = []
    desk.broker.funding.begin(at(10), until_ns=at(32))
    desk.mark(at(10), 100.0, 50.0)
    first = desk.move(at(10), 10.0, -20.0, direction=1)
    desk.trade("Y", at(10.2), 100.0, 100.0)
    desk.trade("Y", at(10.3), 100.0, 12.0)
    states.append(first.state)
    desk.trade("X", at(10.4), 50.0, 100.0)
    states.append(first.state)
    desk.trade("Y", at(10.5), 101.0, 20.0)
    equity.append(desk.mark(at(11), 101.0, 50.0))
    equity.append(desk.mark(at(12), 102.0, 51.0))
    desk.move(at(12), -5.0, 10.0, direction=-1)
    desk.trade("Y", at(12.25), 102.0, 100.0)
    desk.trade("X", at(12.5), 51.0, 200.0)
    equity.append(desk.mark(at(13), 102.0, 51.0))
    desk.move(at(14), 0.0, 0.0, direction=0)
    desk.trade("Y", at(14.3), 100.0, 50.0)
    desk.trade("X", at(14.6), 50.5, 100.0)
    equity.append(desk.mark(at(15), 100.0, 50.0))
    fourth = desk.move(at(20), 10.0, -20.0, direction=1)
    desk.trade("Y", at(20.5), 100.0, 100.0)
    equity.append(desk.mark(at(21), 100.0, 50.0))
    assert (fourth.state, desk.account.direction) == ("one leg", 1)
    desk.trade("Y", at(25.4), 99.5, 100.0)
    assert (fourth.state, desk.account.direction) == ("unwinding", 0)
    desk.trade("Y", at(25.6), 99.0, 100.0)
    assert fourth.state == "unwound"
    equity.append(desk.mark(at(26), 99.0, 50.0))
    desk.request(at(30), SpreadRequest((4.0, 0.0), limits=(98.0, None)))
    desk.trade("Y", at(30.5), 98.0, 100.0)
    desk.trade("Y", at(31), 97.9, 100.0)
    equity.append(desk.mark(at(32), 99.0, 50.0))

    assert states == ["open", "one leg"]
    expected = [9_999.987992, 9_988.967992, 9_979.787992, 9_981.773002, 9_978.771002, 9_965.802982, 9_969.724582]
    assert equity == [cents(value) for value in expected]
    for fill, (seconds, symbol, units, price, trade_price, fee, spread, order, round_trip, maker) in zip(
        desk.account.fills, FILLS, strict=True
    ):
        assert (fill.time_ns, fill.symbol, fill.order, fill.round_trip, fill.maker) == (
            at(seconds),
            symbol,
            order,
            round_trip,
            maker,
        )
        assert (fill.quantity, fill.price, fill.trade_price) == (cents(units), cents(price), cents(trade_price))
        assert (fill.fee, fill.spread_cost, fill.impact_cost) == (cents(fee), cents(spread), cents(0.0))
    assert [cash for *_, cash in desk.account.journal] == [cents(value) for value in CASH]
    names = desk.account.symbols
    assert [(names[leg], held) for _, leg, held, _ in desk.account.journal] == [
        (leg, cents(held)) for leg, held in POSITIONS
    ]
    (paid,) = desk.account.funding
    assert (paid.time_ns, paid.symbol, paid.amount, paid.round_trip) == (at(12), "Y", cents(-1.02), 1)
    assert [order.state for order in desk.broker.orders] == [
        "filled", "filled", "filled", "unwound", "filled", "filled",
    ]  # fmt: skip
    assert [order.leg_gap_ns for order in desk.broker.orders[:4]] == [at(0.1), at(0.25), at(0.3), None]


def fill(quantity: float, price: float = 10.0, round_trip: int = 1, fee: float = 1.0, time_ns: int = 5) -> Fill:
    return Fill(time_ns, "Y", quantity, price, price, fee, 0.5, 0.25, 1, round_trip)


def test_a_fill_through_zero_is_two_that_share_its_costs() -> None:
    account = Account(("Y",), 1_000.0)
    account.book(0, fill(3.0, round_trip=1))
    account.book(0, fill(-4.0, round_trip=2))
    closing, opening = account.fills[1:]
    assert (closing.quantity, closing.fee, closing.spread_cost, closing.impact_cost, closing.round_trip) == (
        -3.0, 0.75, 0.375, 0.1875, 1,
    )  # fmt: skip
    assert (opening.quantity, opening.fee, opening.spread_cost, opening.impact_cost, opening.round_trip) == (
        -1.0, 0.25, 0.125, 0.0625, 2,
    )  # fmt: skip
    assert account.cash == 1_000.0 - 30.0 - 1.0 + 40.0 - 1.0
    assert len(account.journal) == 2


def test_what_is_added_or_taken_off_stays_in_its_round_trip() -> None:
    account = Account(("Y",), 1_000.0)
    for quantity, round_trip in ((1.0, 1), (1.0, 2), (-0.5, 2), (-1.5, 2), (2.0, 3)):
        account.book(0, fill(quantity, round_trip=round_trip))
    assert [each.round_trip for each in account.fills] == [1, 1, 1, 1, 3]


def test_symbols_without_a_common_round_trip_count_their_own() -> None:
    account = Account(("Y", "X"), 1_000.0)
    account.book(0, fill(1.0, round_trip=0))
    account.book(1, fill(1.0, round_trip=0))
    account.book(0, fill(1.0, round_trip=0))
    account.book(0, fill(-3.0, round_trip=0))
    assert [each.round_trip for each in account.fills] == [1, 2, 1, 1, 3]
    assert account.round_trip == 3


def test_a_goal_ends_on_the_number_itself() -> None:
    account = Account(("Y",), 1_000.0)
    for goal in (None, None, 0.3):
        account.book(0, fill(0.1), goal)
    assert account.positions == [0.3]
    account.book(0, fill(-0.3), 0.0)
    assert account.positions == [0.0]


def test_funding_is_paid_on_what_was_held_when_it_fell_due() -> None:
    account = Account(("Y",), 1_000.0)
    account.book(0, fill(10.0, fee=0.0, time_ns=100))
    account.book(0, fill(-5.0, fee=0.0, time_ns=300))
    account.settle(0, 10.0, 20.0, 0.01, 200, 1)
    assert account.cash == 1_000.0 - 100.0 + 50.0 - 2.0
    assert account.journal[-1] == (300, 0, 5.0, 948.0)  # known at the end of the row, after the later fill
    assert (account.funding[0].time_ns, account.funding[0].amount) == (200, -2.0)


def test_equity_needs_prices_of_what_is_held_alone() -> None:
    account = Account(("Y", "X"), 1_000.0)
    account.book(0, fill(10.0, fee=0.0))
    assert account.equity([12.0, float("nan")]) == 1_020.0


@pytest.mark.parametrize("capital", [0.0, -5.0, float("nan")])
def test_an_account_without_capital_is_refused(capital: float) -> None:
    with pytest.raises(ParameterError, match="capital is"):
        Account(("Y",), capital)
