"""The box of the live page on what holding the pair costs."""

from typing import Any, Final

import streamlit as st

from alphastream.errors import AlphaStreamError
from alphastream.instruments import in_words
from alphastream.pairs import PairSpec
from system import System
from views.live.tradable import NO_MARKET, Size, carry_frame, carry_of, side_of
from views.shared.clock_controls import moment_column
from views.shared.controls import sentence
from views.shared.escaping import in_markdown
from views.shared.fill_cost import chosen_fill_cost, parts_of

SIZE: Final = "leg_size"
DEFAULT = Size()


def chosen_size() -> Size:
    """What the page's controls ask about: the fee of a fill is its cost without the half spread, which books have."""
    notional = float(st.session_state.get(SIZE) or DEFAULT.notional)
    return Size(notional, parts_of(chosen_fill_cost()).fee_bps)


def size_in_address() -> dict[str, float]:
    """The same for a link."""
    return {SIZE: chosen_size().notional}


def size_controls(row: Any) -> None:
    """Ask for which size the executable prices are."""
    row.number_input(
        "Size in y",
        1.0,
        1e9,
        DEFAULT.notional,
        None,
        "%.8g",
        key=SIZE,
        bind="query-params",
        width=130,
        help="Notional of leg y, in its quote currency, for the executable z-score, the edge and the carry. Leg x "
        "follows by the hedge ratio.",
    )


def carry_panel(system: System, spec: PairSpec) -> None:
    """Funding, basis and liquidation of both legs, as of now."""
    pipeline = system.pipeline
    if pipeline is None or pipeline.market is None:
        st.caption(f"Nothing to show: {NO_MARKET}.")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    leverage = row.number_input("Leverage", 1.0, 125.0, 10.0, 1.0, key="carry_leverage", width=110)
    rate = row.number_input("Maintenance margin, %", 0.0, 50.0, 1.0, 0.1, key="carry_maintenance", width=170)
    answer = pipeline.engine.snapshot(spec)
    held = carry_of(answer, spec, pipeline.market, pipeline.instruments, pipeline.now_ns(), chosen_size())
    if isinstance(held, str) or answer is None:
        st.caption(in_markdown(in_words(f"Nothing to show: {held}.", pipeline.venue)))
        return
    try:
        frame = carry_frame(held, answer, float(leverage), float(rate) / 100.0, pipeline.venue)
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error, pipeline.venue)), icon=":material/error:")
        return
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        alt="Funding, basis and liquidation price of both legs",
        column_config={
            "units": number(format="%.6g", help="Of base, short negative, for the chosen size."),
            "price": number(format="%.8g", help="Mark price; of a spot leg the last trade."),
            "basis_bps": number("basis, bps", format="%+.2f", help="Mark price over index less 1."),
            "rate_bps": number("funding, bps", format="%+.3f", help="Expected at the next payment; longs pay it."),
            "every_h": number("every, h", format="%.4g"),
            "next": moment_column("next"),
            "payment": number("next payment", format="%+.4f", help="In quote units; negative is paid."),
            "a_day": number("a day", format="%+.4f", help="In quote units, at the rate expected now."),
            "liquidation": number("liquidation", format="%.8g", help="Opened now with a margin of its own."),
            "distance": st.column_config.NumberColumn(format="percent", help="Move of the mark price until then."),
        },
    )
    st.caption(f"{side_of(held)}, {held.gross:,.0f} of both legs; a day {held.a_day:+,.4f}, {held.share_a_day:+.4%}.")
    if held.why:
        st.caption(in_markdown(in_words(held.why, pipeline.venue)))
    st.caption(
        "Liquidation is that of isolated margin in the venue's first tier: margin and gain or loss are then worth the "
        "maintenance margin. Fees, funding until then and higher tiers are left out."
    )
