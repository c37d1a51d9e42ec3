"""The control of what positions pay in funding: one rate, what the venue paid, or a file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from alphastream.carry import WithoutMark, payments_of_csv, recorded_funding
from alphastream.errors import ParameterError
from alphastream.feeds.market import FundingPayment
from alphastream.trading.broker.costs import BrokerRules
from views.backtest.data_controls import Data
from views.shared.escaping import in_markdown
from views.shared.instruments import labels

RATE, RECORD, FILE = "one rate", "as recorded", "file"
MAX_FILE_MB: Final = 5


def with_funding(rules: BrokerRules, data: Data, symbols: Sequence[str]) -> BrokerRules:
    """Ask where funding comes from, and put it into the rules.

    Raises
    ------
    ParameterError : a file cannot be read, or the mark of a payment is not known and nothing was said about that.
    """
    recorded = data.funding(symbols)
    offered = [RATE, *([RECORD] if recorded is not None else []), FILE]
    with st.expander("Funding", icon=":material/event_repeat:", key="funding_box"):
        chosen = st.segmented_control(
            "Funding from",
            offered,
            default=RATE,
            required=True,
            key="funding_from",
            bind="query-params",
            help="One rate: the one among the costs, every 8 hours, on the last trade. As recorded: what the venue "
            "paid, at its mark price. File: a CSV with the columns time, symbol, rate and, where it is known, mark.",
        )
        if chosen == RATE:
            return rules
        payments = recorded if chosen == RECORD else _of_file(symbols)
        if payments is None:
            st.caption("No file yet: no funding is charged.")
            return replace(rules, funding=None)
        return replace(rules, funding=recorded_funding(payments, without_mark=_asked(payments, data.venue)))


def _of_file(symbols: Sequence[str]) -> Mapping[str, Sequence[FundingPayment]] | None:
    file = st.file_uploader("Funding as CSV", "csv", key="funding_file", max_upload_size=MAX_FILE_MB)
    return None if file is None else payments_of_csv(file.getvalue(), symbols)


def _asked(payments: Mapping[str, Sequence[FundingPayment]], venue: str) -> WithoutMark:
    """Say what there is, and ask about payments without a mark."""
    names = labels(payments, venue)
    counts = ", ".join(f"{len(found)} of {names[symbol]}" for symbol, found in payments.items())
    st.caption(in_markdown(f"Payments: {counts or 'none of these symbols'}. A symbol without any pays none."))
    unmarked = sum(math.isnan(each.mark) for found in payments.values() for each in found)
    if not unmarked:
        return "refuse"
    may_stand = st.checkbox(
        f"Let the last trade stand for the mark price of {unmarked} payments",
        key="funding_without_mark",
        help="The venue or the file does not say the mark price of these payments, so what they cost is not known. The "
        "leg's last trade before is near it, and is not it.",
    )
    if not may_stand:
        raise ParameterError(
            f"the mark price of {unmarked} funding payments is not known, so what they cost is not either: let the "
            "last trade stand for it, or take another source of funding"
        )
    return "last trade"
