"""What to run on paper: the strategy and its costs as on the backtest page, without what only a backtest can do."""

from dataclasses import replace
from typing import Final

import streamlit as st

from alphastream.backtest import Definition
from alphastream.errors import AlphaStreamError
from alphastream.trading import VenueFunding
from config import Settings
from pipelines import Pipeline
from views.shared.controls import is_followed, sentence
from views.shared.cost_controls import broker_rules, venue_contracts
from views.shared.escaping import in_markdown
from views.shared.strategy_controls import choose_kind, choose_pairs, strategy_of

PAID: Final = (
    "What the venue has paid, at its time, its rate and its mark price, instead of the one rate above. It is booked "
    "when the venue has said it, on what was held at its time."
)


def definition_controls(pipeline: Pipeline, settings: Settings) -> Definition | None:
    """Ask for a strategy, its costs and its capital; None, and a sentence on the page, while they cannot be."""
    kind, capital = choose_kind(st.container(horizontal=True, vertical_alignment="bottom", gap="small"))
    try:
        chosen = choose_pairs(kind, tuple(pipeline.symbols), settings, capital, venue=pipeline.venue, open_list=True)
        if chosen is None:
            return None
        strategy = strategy_of(chosen)
        if not all(is_followed(pipeline, symbol) for symbol in strategy.symbols):
            return None
        rules = broker_rules(
            "ticks",
            strategy.symbols,
            venue_contracts(pipeline),
            pipeline.venue,
            has_books=pipeline.market is not None,
        )
        if pipeline.market_history is not None and st.toggle(
            "Funding as the venue pays it", key="venue_funding", help=PAID
        ):
            rules = replace(rules, funding=VenueFunding())
        return Definition(strategy, rules, capital)
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error, pipeline.venue)), icon=":material/rule:")
        return None
