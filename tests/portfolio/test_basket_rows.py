"""Signals of legs from baskets: z-scores times weights, summed where baskets share a leg; the optimiser takes them."""

import numpy as np

from alphastream.baskets import BasketSpec, analyse_basket
from alphastream.portfolio import PositionConfig
from alphastream.portfolio.allocation import allocate
from alphastream.portfolio.basket_rows import basket_rows
from tests.strategies.test_basket import SECOND, SYMBOLS, trades


def test_signals_are_zscores_times_weights_of_baskets_whose_legs_all_traded() -> None:
    market = trades(4)
    logs = BasketSpec(SYMBOLS[:3], SECOND, "ols", 60)
    units = BasketSpec(SYMBOLS[1:], SECOND, "johansen", 50, "price")
    answers = [analyse_basket(market.bar_rows(spec.symbols, SECOND), spec) for spec in (logs, units)]
    rows = basket_rows(answers)
    assert rows.assets == SYMBOLS
    expected = np.zeros(rows.prices.shape)
    known = np.zeros(rows.prices.shape, dtype=bool)
    for answer in answers:
        closed, count = answer.closed, len(answer.spec.symbols)
        first = SYMBOLS.index(answer.spec.symbols[0])
        for row, when in enumerate(closed["time_ns"]):
            at = int(np.searchsorted(rows.time_ns, when))
            if np.isnan(closed["zscore"][row]) or not all(closed[f"trades_{leg + 1}"][row] for leg in range(count)):
                continue
            for leg in range(count):
                share = closed[f"w_{leg + 1}"][row]
                if answer.spec.price == "price":
                    share *= closed[f"price_{leg + 1}"][row] / closed["price_1"][row]
                expected[at, first + leg] -= closed["zscore"][row] * share
                known[at, first + leg] = True
    assert known.any()
    np.testing.assert_allclose(rows.signals, np.where(known, expected, np.nan), rtol=1e-12)
    np.testing.assert_allclose(basket_rows(answers, "momentum").signals, -rows.signals)
    config = PositionConfig(vola=20, corr=50, clip=4.2, shrink=0.5, aum=1e6)
    assert np.isfinite(allocate(rows, config).positions.held[-1]).all()
