"""The example of a basket of five ETFs: found, traded, and the same three times."""

import pandas as pd
import pytest

from alphastream.strategies import BasketThreshold
from alphastream.trading import BrokerRules
from alphastream.uploads import combine, read
from examples.basket_of_five import choose, main, synthetic_csv, tape, three_times


def test_the_planted_basket_is_found_and_traded_alike_three_times() -> None:
    frames = combine(read("synthetic_etfs.csv", synthetic_csv())).frames
    prices = pd.DataFrame({name: frame.set_index("time_ns")["close"] for name, frame in frames.items()})
    spec, sentence = choose(prices)
    assert set(spec.symbols) == {"FUND", "ETF1", "ETF2", "ETF3", "ETF4"}
    assert "after Benjamini-Hochberg 1 remains" in sentence
    result, *runs = three_times(tape(prices.iloc[600:]), BasketThreshold(spec), BrokerRules())
    assert len(result.fills) >= 50
    for run in runs:
        assert run.simulation.broker.orders == list(result.orders)
        assert run.simulation.account.fills == list(result.fills)
        assert run.simulation.account.cash == result.cash[-1]


def test_it_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    assert "day by day and in pieces the same" in capsys.readouterr().out
