"""A basket below the live figure: which legs, how weighted, and one figure of its closed bars."""

import streamlit as st

from alphastream.backtest import TickMarket
from alphastream.baskets import BasketSpec, basket_columns
from alphastream.errors import AlphaStreamError
from alphastream.pairs import PairSpec
from pipelines import Pipeline
from views.live.basket_charts import basket_figure
from views.shared.basket_controls import basket_legs, choose_weights, is_enough
from views.shared.clock_controls import plotted
from views.shared.controls import is_followed, sentence
from views.shared.elements import PLOT, is_dark
from views.shared.escaping import in_markdown
from views.shared.head_words import repeated_text
from views.shared.instruments import labels
from views.shared.recorded import played_once


def basket_panel(pipeline: Pipeline, pair: PairSpec, first_ns: int, last_ns: int) -> None:
    """Ask for legs and weights, and draw the basket.

    Parameters
    ----------
    pair : what the page shows: its bar, thresholds and kind of prices are those of the basket.
    first_ns, last_ns : time of the page's history, the end of a bar each.
    """
    venue = pipeline.venue
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    try:
        legs = basket_legs(row, tuple(pipeline.symbols), venue, open_list=pipeline.kind == "live")
        weights = choose_weights(row, len(legs))
        if not is_enough(legs, venue) or not all(is_followed(pipeline, leg) for leg in legs):
            return
        spec = BasketSpec(legs, pair.interval_ns, price=pair.price, entry=pair.entry, exit=pair.exit, **weights)
        ticks = {leg: pipeline.store.columns(leg, first_ns, last_ns) for leg in legs}
        silent = [leg for leg, found in ticks.items() if not len(found)]
        if silent:
            named = in_markdown(", ".join(labels(silent, venue).values()))
            st.caption(f"No trade yet in the time that the page shows: {named}.")
            return
        closed, (have, needed) = basket_columns(TickMarket(ticks, last_ns).bar_rows(legs, spec.interval_ns), spec)
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error, venue)), icon=":material/rule:")
        return
    if have < needed:
        st.caption(f"Calibrating {have}/{needed}: weights are not known before.")
    names = list(labels(legs, venue).values())
    st.plotly_chart(plotted(basket_figure(closed, spec, names, dark=is_dark())), key="basket_figure", config=PLOT)
    said = ["Closed bars; bar, prices, entry and exit are those of the pair above."]
    if played_once(pipeline, first_ns, last_ns).words:
        said.append(f"{repeated_text(pipeline.repetition()).capitalize()}.")
    st.caption(" ".join(said))
