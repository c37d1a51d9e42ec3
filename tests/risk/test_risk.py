"""Exposure, tail risk, correlation breaks and limits against hand-made figures and slow references."""

import math

import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.risk import (
    Account,
    AveragePrices,
    Holding,
    Limits,
    RiskReport,
    breaches,
    closed,
    correlation_break,
    doubled,
    ewma_scaled,
    historical,
    measure,
    read_positions,
    tail_risk,
)

BTC, ETH, COIN = "binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT", "coinbase:BTC-USD"
HELD = (
    Holding("run", ETH, 10.0, 2_000.0, "ETH against BTC"),
    Holding("run", BTC, -0.5, 50_000.0, "ETH against BTC"),
    Holding("file", COIN, 0.25),
)
MARKS = {BTC: 52_000.0, ETH: 2_100.0, COIN: 52_010.0}
ACCOUNTS = (Account("run", 9_000.0, 4_500.0, 10_000.0, 10_500.0),)


def moves(rows: int = 2_000, seed: int = 3) -> dict[str, "np.typing.NDArray[np.float64]"]:
    draw = np.random.default_rng(seed)
    market, own = draw.standard_normal(rows), draw.standard_normal((rows, 3))
    return {name: 1e-4 * (market + 0.5 * own[:, at]) for at, name in enumerate((BTC, ETH, COIN))}


def report(**given: float) -> RiskReport:
    assets = {BTC: "BTC", ETH: "ETH", COIN: "BTC"}
    return measure(HELD, ACCOUNTS, MARKS, moves(), 7, assets=assets.__getitem__, **given)  # type: ignore[arg-type]


def test_exposures_add_up_by_every_group() -> None:
    found = report()
    assert found.total.net == pytest.approx(21_000.0 - 26_000.0 + 13_002.5)
    assert found.total.gross == pytest.approx(21_000.0 + 26_000.0 + 13_002.5)
    for name, groups in found.exposures.items():
        assert math.fsum(group.gross for group in groups) == pytest.approx(found.total.gross), name
        assert math.fsum(group.net for group in groups) == pytest.approx(found.total.net), name
    assert {each.name: each.net for each in found.exposures["asset"]} == pytest.approx({"BTC": -12_997.5, "ETH": 21e3})
    assert {each.name for each in found.exposures["venue"]} == {"binance-usdm", "coinbase"}
    (run,) = [each for each in found.exposures["account"] if each.name == "run"]
    assert run.pnl == pytest.approx(10 * 100.0 - 0.5 * 2_000.0)
    (unknown,) = [each for each in found.exposures["account"] if each.name == "file"]
    assert math.isnan(unknown.pnl)


def test_an_instrument_without_a_price_counts_nowhere_and_is_told() -> None:
    found = measure((*HELD, Holding("file", "okx:SOL-USDT", 5.0)), (), MARKS, moves(), 7)
    assert found.unpriced == ("okx:SOL-USDT",)
    assert found.total.gross == pytest.approx(report().total.gross)


def test_an_instrument_without_returns_is_a_refusal_not_a_smaller_risk() -> None:
    lacking = {name: each for name, each in moves().items() if name != COIN}
    found = measure(HELD, (), MARKS, lacking, 7)
    assert math.isnan(found.historical.value_at_risk)
    assert found.historical.refusal == f"no returns of {COIN} yet"


def test_the_tail_is_that_of_a_slow_reference() -> None:
    draw = np.random.default_rng(5)
    for rows, level in ((500, 0.95), (1_003, 0.99), (777, 0.975)):
        pnl = draw.standard_t(3, rows)
        losses = sorted((-pnl).tolist(), reverse=True)
        share, beyond, total = 1.0 - level, 0.0, 0.0
        for loss in losses:  # probability mass of one scenario after the other, until the share is used up
            mass = min(1.0 / rows, share - beyond)
            if mass <= 1e-15:
                break
            beyond += mass
            total += mass * loss
        found = tail_risk(pnl, level)
        assert found.expected_shortfall == pytest.approx(total / share)
        assert sum(loss > found.value_at_risk for loss in losses) <= rows * share
        assert sum(loss >= found.value_at_risk for loss in losses) > rows * share
        assert found.expected_shortfall >= found.value_at_risk


def test_too_few_scenarios_are_refused_with_how_many_it_takes() -> None:
    assert tail_risk(np.arange(499.0), 0.99).refusal == "needs 500 scenarios for 99.0%, there are 499"
    assert tail_risk(np.arange(500.0), 0.99).refusal == ""
    with pytest.raises(ParameterError, match=r"between 0\.5 and 1"):
        tail_risk(np.arange(500.0), 1.0)


def test_scaled_losses_follow_the_volatility_of_now() -> None:
    draw = np.random.default_rng(8)
    calm, wild = draw.standard_normal(3_000), 3.0 * draw.standard_normal(200)
    pnl = np.concatenate([calm, wild])[:, None]
    one = np.ones(1)
    before, after = historical(pnl, one, 0.99), ewma_scaled(pnl, one, 0.99)
    wanted = 3.0 * 2.326
    assert after.value_at_risk == pytest.approx(wanted, rel=0.25)
    assert before.value_at_risk < 0.75 * wanted


def test_losses_over_a_horizon_are_of_moves_that_do_not_overlap() -> None:
    pnl = np.random.default_rng(9).standard_normal((5_000, 1))
    found = historical(pnl, np.ones(1), 0.95, horizon_bars=10)
    assert found.scenarios == 500
    assert found.value_at_risk == pytest.approx(math.sqrt(10.0) * 1.645, rel=0.2)


def test_a_break_is_found_and_a_steady_pair_is_left_alone() -> None:
    draw = np.random.default_rng(11)
    market, y, x = draw.standard_normal(600), draw.standard_normal(600), draw.standard_normal(600)
    steady = correlation_break(market + 0.4 * y, market + 0.4 * x, 60)
    assert not steady.has_broken
    broken = np.where(np.arange(600) < 540, market, 0.0)
    assert correlation_break(broken + 0.4 * y, broken + 0.4 * x, 60).has_broken
    assert correlation_break(y[:80], x[:80], 60).refusal == (
        "needs 180 bars to compare the newest 60 with those before, there are 80"
    )


@pytest.mark.parametrize("kind", ["normal", "t4 in clusters"])
def test_few_looks_at_pairs_that_never_change_call_a_break(kind: str) -> None:
    """Correlation .8, 60 newest of 600 bars. Measured here: at most 1 % of single looks."""
    draw, calls, looks = np.random.default_rng(13), 0, 1_500
    for _ in range(looks):
        common, own = draw.standard_normal(600), draw.standard_normal((2, 600))
        if kind != "normal":
            scale = np.exp(0.5 * np.convolve(draw.standard_normal(700), 0.9 ** np.arange(100), "valid")[:600] * 0.4)
            fat = 1.0 / np.sqrt(draw.chisquare(4, 600) / 4.0)
            common, own = common * scale * fat, own * scale * fat
        calls += correlation_break(2.0 * common + own[0], 2.0 * common + own[1], 60).has_broken
    assert calls / looks <= 0.01


def test_what_if_is_the_report_of_other_holdings() -> None:
    def is_pair(each: Holding) -> bool:
        return bool(each.pair)

    twice = measure(doubled(HELD, is_pair), (), MARKS, moves(), 7)
    assert twice.total.gross == pytest.approx(report().total.gross + 47_000.0)
    assert measure(closed(HELD, is_pair), (), MARKS, moves(), 7).total.gross == pytest.approx(13_002.5)


def test_limits_are_told_in_words_and_unknown_values_pass_none() -> None:
    found = report()
    limits = Limits(gross=50_000.0, net=1e6, value_at_risk=1e9, drawdown=1_000.0, margin_use=0.4)
    assert [each.sentence for each in breaches(found, limits)] == [
        "Gross exposure is 60,002.50, the limit is 50,000.00.",
        "Drawdown of run is 1,500.00, the limit is 1,000.00.",
        "Share of the equity that must stay as margin of run is 50.0%, the limit is 40.0%.",
    ]
    nothing = measure((), (Account("run", 0.0, 1.0, 1.0, math.nan),), {}, {}, 7)
    assert breaches(nothing, limits) == ()
    with pytest.raises(ParameterError, match="gross exposure is -1"):
        Limits(gross=-1.0)


def test_the_factor_is_beta_to_the_mean_of_all() -> None:
    same = {name: moves()[BTC] for name in (BTC, ETH, COIN)}
    assert measure(HELD, (), MARKS, same, 7).factor == pytest.approx(report().total.net)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("symbol,units\nBTC,1", "needs quantity too"),
        ("symbol,quantity\nBTC", "line 2 has 1 cells"),
        ("symbol,quantity\nBTC,one", "line 2: quantity 'one' is no number"),
        ("symbol,quantity\nBTC,nan", "line 2: quantity 'nan' is no number"),
        ("symbol,quantity\nBTC,1e308", "line 2: quantity 1e308 is out of range"),
        (f"symbol,quantity\n{'B' * 65},1", "line 2: symbol 'BBB"),
        ("symbol,quantity,price\nBTC,1,0", "line 2: price 0 must be above 0"),
        ("symbol,quantity\n,1", "line 2 names no symbol"),
        ("symbol,symbol,quantity\nA,B,1", "more than once"),
    ],
)
def test_a_file_of_positions_that_cannot_be_read_says_why(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        read_positions(text)


def test_positions_are_read_with_what_the_file_knows() -> None:
    text = "\ufeffSymbol;Quantity;Price;Pair\nokx:BTC-USDT;-0.5;60000;BTC\n\nKO;10;;\n"
    first, second = read_positions(text)
    assert (first.instrument, first.units, first.price, first.pair) == ("okx:BTC-USDT", -0.5, 60_000.0, "BTC")
    assert second.instrument == "KO"
    assert math.isnan(second.price)


def test_the_average_price_is_that_of_what_is_open() -> None:
    paid = AveragePrices()
    for units, price, wanted in (
        (2.0, 100.0, 100.0),
        (2.0, 110.0, 105.0),
        (-1.0, 200.0, 105.0),  # a part is sold
        (-5.0, 120.0, 120.0),  # and more than all: the rest is short at this price
        (-2.0, 130.0, 125.0),
        (4.0, 90.0, 125.0),
        (1.0, 80.0, 80.0),
    ):
        paid.take(BTC, units, price)
        assert paid.prices[BTC] == pytest.approx(wanted)
