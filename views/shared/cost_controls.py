"""The controls of what trading costs: fills, fees, slippage, funding, and what a venue takes of each symbol."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import streamlit as st

from alphastream.core.units import MS
from alphastream.registry import registered
from alphastream.trading.broker.costs import (
    BrokerRules,
    Contract,
    Fees,
    FillRule,
    FixedFunding,
    FixedLatency,
    PowerImpact,
)
from alphastream.trading.broker.margin import Margin
from alphastream.trading.broker.orders import OnTimeout
from pipelines import Pipeline
from views.shared.escaping import in_markdown
from views.shared.fill_cost import FEE, FEE_BPS, HALF_SPREAD, HALF_SPREAD_BPS, take_fill_cost
from views.shared.form_controls import Offered, require
from views.shared.instruments import label

RowKind = Literal["ticks", "bars"]
"""What orders meet: trades, or bars."""

FILLS: Final[dict[str, FillRule]] = {
    "next trade": "next_trade",
    "next open": "next_open",
    "next close": "next_close",
    "same close": "same_close",
}
IN_BOOKS: Final = "recorded depth"
AS_ABOVE: Final = "as above"
MODELS: Final = {
    "fees": ("Fee model", "fee_bps"),
    "impact": ("Impact model", "impact_bps"),
    "latency": ("Latency model", "delay_ns"),
    "funding": ("Funding model", "due"),
}
"""Fields of ``BrokerRules`` that a class of others may stand for: what the control is called, and by which method."""
TIMEOUTS: Final[dict[str, OnTimeout]] = {"unwind": "unwind", "match": "match", "keep": "keep"}

HELP: Final = {
    "model": "A class of a file in user/, instead of the numbers above. Sweeps know few of them and say so.",
    "fill": "Which trade an order meets, decided when a bar has closed. Next trade: the leg's first one after the "
    "latency. Next open: the first of its next bar. Next close: the last of its next bar. Same close: the very price "
    "that the signal was made of. Recorded depth, where books were recorded: none of them, but the levels of the first "
    "book after the latency, from the best on; what they do not hold stays unfilled.",
    "taker": "Fee of each fill, in bps of its notional. All orders here are taker orders; none rests in the "
    "book, so there is no maker fee. 5 is Binance USDS-M without discounts.",
    "half_spread": "Half of the bid-ask spread in bps, paid by each fill on top of the trade's price: a trade in the "
    "tape may have been on the other side of the book.",
    "impact": "Bps that an order moves the price against itself if it is as large as everything that traded in the bar "
    "it was decided on; less for smaller ones, with the square root of their share. 0: none.",
    "latency": "From the end of a bar until an order can meet a trade, in ms; for fills at the next trade. A trade of "
    "Binance futures is on the wire some 150 ms after it happened, and the order has to travel too.",
    "share": "Largest share of one trade's quantity that an order may take, in %; the rest waits for later trades. 0: "
    "an order is filled whole at one trade, however small that was.",
    "timeout": "Seconds after which what is not filled is cancelled. 0: an order waits until the next decision.",
    "on_timeout": "What happens to an order that is not filled in time. Unwind: what was filled is closed again. "
    "Match: the leg that is ahead is cut back to the share of the other. Keep: it stays as it is, perhaps one leg.",
    "funding": "What a long position pays to the shorts every 8 hours (00, 08, 16 UTC), in bps of its notional; "
    "negative: receives. The true rates differ from time to time and by symbol.",
    "limit": "Most that an order may make of the gross notional, both legs together, over the equity; one beyond it is "
    "refused. 20 is what Binance lets accounts younger than 60 days have. Where equity falls to 1 % of the gross "
    "notional, the maintenance margin, everything is closed at the next trades with a liquidation fee of 1.25 %, and "
    "the run ends.",
    "lot": "Smallest step of a quantity; orders are cut down to it. 0: none.",
    "tick": "Smallest step of a price; fills are moved to the next one against you. 0: none.",
    "least": "Minimum value of an order in the quote currency; smaller ones are rejected, unless they close. 0: none.",
}


def broker_rules(
    kind: RowKind,
    symbols: Sequence[str],
    known: Mapping[str, Contract],
    venue: str = "",
    *,
    has_books: bool = False,
) -> BrokerRules:
    """Ask how orders are filled and what that costs.

    Parameters
    ----------
    kind : of the rows that orders meet; each begins with another rule.
    known : steps of price and quantity, where the venue publishes them.
    venue : whose symbols are printed bare.
    has_books : orders can be filled in recorded books.

    Raises
    ------
    ParameterError
        Where a setting cannot be.
    """
    take_fill_cost()
    with st.expander("Fills and costs", icon=":material/payments:", key="costs"):
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        fill = _fill(row, kind, has_books)
        taker = _field(row, "Fee, bps", -100.0, 500.0, FEE_BPS, FEE, 0.5)
        half_spread = impact = share = 0.0
        if fill != "recorded_depth":  # a book has its own
            half_spread = _field(row, "Half spread, bps", 0.0, 500.0, HALF_SPREAD_BPS, HALF_SPREAD, 0.25)
            impact = _field(row, "Impact, bps", 0.0, 10_000.0, 0.0, "impact", 1.0)
        funding = _field(row, "Funding, bps / 8 h", -1_000.0, 1_000.0, 0.0, "funding", 0.25)
        latency = 0.0
        if fill in ("next_trade", "recorded_depth"):
            latency = _field(row, "Latency, ms", 0.0, 3_600_000.0, 250.0, "latency", 50.0)
        if fill != "recorded_depth":
            share = _field(row, "Max share of a trade, %", 0.0, 100.0, 0.0, "share", 5.0)
        timeout = _field(row, "Timeout, s", 0.0, 864_000.0, 0.0, "timeout", 10.0)
        on_timeout = "unwind"
        if timeout:
            on_timeout = str(
                row.selectbox(
                    "On timeout",
                    list(TIMEOUTS),
                    key="on_timeout",
                    help=HELP["on_timeout"],
                    bind="query-params",
                    width=110,
                )
            )
        limit = _field(row, "Leverage limit", 0.1, 99.0, Margin().max_leverage, "limit", 1.0)
        own = _own_models(symbols, venue, has_impact=fill != "recorded_depth")
        contracts = _contracts(known, symbols, venue)
    _warn(fill, kind, latency)
    rules = BrokerRules(
        fill=fill,
        latency=FixedLatency(round(latency * MS)),
        fees=Fees(taker_bps=taker),
        half_spread_bps=half_spread,
        impact=PowerImpact(impact),
        funding=FixedFunding(funding) if funding else None,
        max_share=share / 100.0 if share else None,
        timeout_ns=round(timeout * 1e9) if timeout else None,
        on_timeout=TIMEOUTS[on_timeout],
        contracts=contracts,
        margin=Margin(max_leverage=limit),
    )
    return replace(rules, **own)


def _own_models(symbols: Sequence[str], venue: str, *, has_impact: bool) -> dict[str, Any]:
    """Cost models that somebody registered, by what of the rules each stands for; where there are any."""
    found: dict[str, Any] = {}
    for part, (words, member) in MODELS.items():
        own = {each.name: each.made for each in registered("costs") if hasattr(each.made, member)}
        if not own or (part == "impact" and not has_impact):
            continue
        chosen = str(
            st.selectbox(
                words, [AS_ABOVE, *own], key=f"model_{part}", help=HELP["model"], bind="query-params", width=220
            )
        )
        if chosen != AS_ABOVE:
            found[part] = require(own[chosen], Offered(symbols, venue=venue))
    return found


def venue_contracts(pipeline: Pipeline) -> dict[str, Contract]:
    """Steps of price and quantity of each symbol whose venue publishes them."""
    return {
        symbol: Contract(lot=each.step_size, tick=each.tick_size, min_notional=each.min_notional)
        for symbol, each in pipeline.instruments.items()
    }


def _fill(row: Any, kind: RowKind, has_books: bool) -> FillRule:
    # Trades and bars begin with another rule each, so each has a key of its own.
    first, key = ("next trade", "fill") if kind == "ticks" else ("next open", "fill_bars")
    offered: dict[str, FillRule] = {**FILLS, IN_BOOKS: "recorded_depth"} if has_books else FILLS
    chosen = row.selectbox(
        "Fill at", list(offered), list(offered).index(first), key=key, help=HELP["fill"], bind="query-params", width=140
    )
    return offered[str(chosen)]


def _warn(fill: FillRule, kind: RowKind, latency_ms: float) -> None:
    if fill == "same_close":
        st.warning(
            "The close is known when the bar is over, and then nobody trades at it any more: a result of this kind "
            "cannot be achieved. It is here to compare with textbooks and other software.",
            icon=":material/report:",
            title="Fills at the price that the signal was made of",
        )
    if fill == "next_trade" and kind == "bars" and latency_ms:
        st.caption(
            f"Bars only have an opening price: an order that arrives {latency_ms:g} ms after a bar has begun misses "
            "its open and is filled a bar later. Set the latency to 0, or fill at the next open."
        )


def _contracts(known: Mapping[str, Contract], symbols: Sequence[str], venue: str) -> dict[str, Contract]:
    st.caption("Lot, tick and minimum order" + (", as the venue publishes them." if known else "; 0 for none."))
    contracts = {}
    for symbol in symbols:
        steps, shown = known.get(symbol, Contract()), label(symbol, venue)
        name = in_markdown(shown)
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        contracts[symbol] = Contract(
            lot=_step(row, f"{name} lot", "lot", symbol, shown, steps.lot),
            tick=_step(row, f"{name} tick", "tick", symbol, shown, steps.tick),
            min_notional=_step(row, f"{name} min order", "least", symbol, shown, steps.min_notional),
        )
    return contracts


def _step(row: Any, words: str, what: str, symbol: str, shown: str, default: float) -> float:
    key = f"{what}_{shown}"
    written = st.query_params.get(f"{what}_{symbol}")
    if shown != symbol and written is not None and key not in st.session_state:
        st.session_state[key] = _amount(written, default)  # a link with full names
    value = row.number_input(
        words, 0.0, 1e9, default, None, "%.8g", key=key, help=HELP[what], bind="query-params", width=160
    )
    return float(default if value is None else value)


def _amount(text: str, default: float) -> float:
    """A number of an address, 0 to 1e9; ``default`` where it is none."""
    try:
        amount = float(text)
    except ValueError:
        return default
    return amount if 0.0 <= amount <= 1e9 else default


def _field(row: Any, label: str, low: float, high: float, default: float, key: str, step: float) -> float:
    value = row.number_input(
        label, low, high, default, step, "%.6g", key=key, help=HELP[key], bind="query-params", width=145
    )
    return float(default if value is None else value)
