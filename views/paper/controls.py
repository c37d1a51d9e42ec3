"""What to run on paper: the strategy and its costs as on the backtest page, without what only a backtest can do."""

from typing import Final

import streamlit as st

from alphastream.backtest import Definition
from alphastream.errors import AlphaStreamError
from alphastream.strategies import PositionOptimiser, Strategy
from alphastream.trading.broker.costs import Contract
from config import Settings
from system import Pipeline
from views.backtest.controls import HELP, INNOVATION, OPTIMISER, ZSCORE, take_model, threshold
from views.backtest.cost_controls import broker_rules
from views.backtest.data_controls import Data
from views.portfolio.controls import portfolio_controls
from views.shared.controls import is_followed, number, pair_controls, sentence

CAPITAL: Final = 100_000.0


def definition_controls(pipeline: Pipeline, settings: Settings) -> Definition | None:
    """Ask for a strategy, its costs and its capital; None, and a sentence on the page, while they cannot be."""
    data = Data(tuple(pipeline.symbols), "ticks", None, pipeline.title, _contracts(pipeline))
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    kind = str(
        row.segmented_control(
            "Strategy",
            [ZSCORE, INNOVATION, OPTIMISER],
            default=ZSCORE,
            required=True,
            key="strategy",
            help=HELP["strategy"],
            bind="query-params",
        )
    )
    capital = number(row, "Capital", 100.0, 1e12, CAPITAL, "capital", HELP["capital"], 10_000.0, "%.0f", 150)
    try:
        strategy = _strategy(kind, data, settings, capital)
        if strategy is None or not all(is_followed(pipeline, symbol) for symbol in strategy.symbols):
            return None
        return Definition(strategy, broker_rules(data, strategy.symbols), capital)
    except AlphaStreamError as error:
        st.warning(sentence(error), icon=":material/rule:")
        return None


def _strategy(kind: str, data: Data, settings: Settings, capital: float) -> Strategy | None:
    if kind == OPTIMISER:
        asked = portfolio_controls(data.symbols, settings, capital=capital)
        return None if asked is None else PositionOptimiser(asked.pairs, asked.config, asked.style)
    take_model(kind)
    spec = pair_controls(data.symbols, settings, open_list=True)
    return None if spec is None else threshold(kind, spec)


def _contracts(pipeline: Pipeline) -> dict[str, Contract]:
    return {
        symbol: Contract(lot=each.step_size, tick=each.tick_size, min_notional=each.min_notional)
        for symbol, each in pipeline.ingest.instruments.items()
    }
