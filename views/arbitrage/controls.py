"""The form of what buying at one venue and selling at another is assumed to cost."""

from collections.abc import Sequence
from hashlib import sha256

import streamlit as st

from alphastream.arbitrage import FEES_AS_OF, Assumptions, default_taker_bps
from runtime.arbitrage.costs_file import Costs, fee_key
from runtime.arbitrage.service import AssetView
from views.shared.escaping import in_markdown
from views.shared.rights import change_submit_button


def costs_form(costs: Costs, assets: Sequence[AssetView]) -> Costs | None:
    """Ask for other costs; what they are once the button was pressed, None otherwise.

    Its keys are its own: other pages assume other costs. They change with the costs, so that a form begins with those
    that hold.
    """
    place = f"arbitrage_{sha256(repr(costs).encode()).hexdigest()[:8]}"
    fees = {
        fee_key(each.venue, is_perpetual=each.is_perpetual): default_taker_bps(
            each.venue, is_perpetual=each.is_perpetual
        )
        for asset in assets
        for each in asset.legs
    }
    with st.form(place, border=False):
        st.caption(
            f"Taker fees, bps of the value, as published in {FEES_AS_OF} without any discount: enter those of your "
            "account. They hold for everybody who uses this app, for alerts and for signals from now on."
        )
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        chosen = {
            name: float(
                row.number_input(
                    in_markdown(name),
                    -100.0,
                    500.0,
                    costs.taker_bps.get(name, fee),
                    0.5,
                    "%.6g",
                    key=f"{place}_{name}",
                    help=f"{fee:g} as published.",
                    width=175,
                )
            )
            for name, fee in sorted(fees.items())
        }
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")

        def number(label: str, high: float, value: float, step: float, key: str, words: str, low: float = 0.0) -> float:
            return float(
                row.number_input(label, low, high, value, step, "%.6g", key=f"{place}_{key}", help=words, width=175)
            )

        transfer = number(
            "Transfer, bps",
            1_000.0,
            costs.after.transfer_bps,
            1.0,
            "transfer",
            "Of moving the balances back between two spot venues. Withdrawal fees are fixed amounts: divide yours by "
            "the value you move. How long a transfer takes is not counted.",
        )
        holding = number(
            "Perpetual held, h",
            8_760.0,
            costs.after.holding_h,
            1.0,
            "holding",
            "A position with a perpetual is held so long, pays funding, and is closed by orders that pay both fees "
            "once more. It is assumed that the prices have met by then, which nobody promises.",
        )
        funding = number(
            "Funding, bps / 8 h",
            1_000.0,
            costs.funding_bps,
            0.25,
            "funding",
            "What longs pay shorts, where the venue has not said its rate.",
            -1_000.0,
        )
        half = number(
            "Half spread of trades, bps",
            1_000.0,
            costs.half_spread_bps,
            0.25,
            "half",
            "Where a venue's quotes are not read, they are made of its trades and this.",
        )
        if not change_submit_button("Assume these", icon=":material/check:"):
            return None
    kept = {name: fee for name, fee in costs.taker_bps.items() if name not in fees}
    others = {name: fee for name, fee in chosen.items() if fee != fees[name]}
    return Costs(kept | others, Assumptions(transfer, holding), funding, half)
