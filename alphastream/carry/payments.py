"""Funding that was paid, as rows of a venue or of a file, to what a ledger charges."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
import pandas as pd

from alphastream.books import MarketHistory
from alphastream.carry.funding_watch import MARK_STALE_NS
from alphastream.errors import ParameterError
from alphastream.feeds.market import FundingPayment
from alphastream.instruments import InstrumentId
from alphastream.trading.broker.costs import RecordedFunding

WithoutMark = Literal["refuse", "last trade"]
"""What to do with a payment whose mark nobody knows: refuse it, or take the leg's last trade, which is no mark."""

MAX_NAMED: Final = 3
NEEDED: Final = ("time", "symbol", "rate")
_UNIT_DIGITS: Final = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}  # seconds to nanoseconds, by digits of a time of today


def paid_between(history: MarketHistory, name: str, from_ns: int, until_ns: int) -> list[FundingPayment]:
    """Return the payments of a time, the end not included, with their marks as far as those are known.

    Where the venue's list has no mark, as at OKX and Bybit, it is that of the last mark price that was recorded before,
    unless that is older than ``MARK_STALE_NS``: then it stays NaN.
    """
    found = []
    for payment in history.funding(name, from_ns, until_ns):
        if math.isnan(payment.mark):
            marks = history.marks(name, payment.time_ns - MARK_STALE_NS, payment.time_ns + 1)
            if len(marks):
                newest = int(np.argmax(marks.time_ns))
                payment = msgspec.structs.replace(payment, mark=float(marks.mark[newest]))
        found.append(payment)
    return found


def recorded_funding(
    payments: Mapping[str, Sequence[FundingPayment]], *, without_mark: WithoutMark = "refuse"
) -> RecordedFunding:
    """Return what ledgers charge: every payment at its time, its rate and its mark.

    Parameters
    ----------
    payments : by the name that the ledger has for the instrument, in any order; one that is there twice counts once.
    without_mark : a payment is the position times the mark of its moment times its rate. Where that mark is not
        known the payment is not either, so that is refused; "last trade" says that the last trade of the leg may
        stand for it.

    Raises
    ------
    ParameterError : a payment has no mark and that was not answered, or two of one moment differ.
    """
    tables = {name: _each_once(found) for name, found in payments.items()}
    unmarked = [each for found in tables.values() for each in found if math.isnan(each.mark)]
    if unmarked and without_mark == "refuse":
        raise ParameterError(_question(unmarked))
    return RecordedFunding(
        {
            name: tuple(
                (each.time_ns, each.rate) if math.isnan(each.mark) else (each.time_ns, each.rate, each.mark)
                for each in found
            )
            for name, found in tables.items()
        }
    )


def _each_once(payments: Sequence[FundingPayment]) -> list[FundingPayment]:
    """Payments by time; of two that are the same, the one that knows its mark."""
    held: dict[int, FundingPayment] = {}
    for payment in payments:
        before = held.setdefault(payment.time_ns, payment)
        if not _same(before, payment):
            raise ParameterError(
                f"funding of {payment.instrument} at {_utc(payment.time_ns)} is there twice: a rate of "
                f"{before.rate:g} at {before.mark:g}, and one of {payment.rate:g} at {payment.mark:g}; keep one"
            )
        if math.isnan(before.mark):
            held[payment.time_ns] = payment
    return [held[when] for when in sorted(held)]


def _question(unmarked: Sequence[FundingPayment]) -> str:
    """Ask about payments without a mark."""
    named = ", ".join(f"{each.instrument} at {_utc(each.time_ns)}" for each in unmarked[:MAX_NAMED])
    more = f" and {len(unmarked) - MAX_NAMED} more" if len(unmarked) > MAX_NAMED else ""
    return (
        f"the mark price of {len(unmarked)} funding payments is not known ({named}{more}), so what they cost is not "
        "either: give their marks, or say that the leg's last trade may stand for them"
    )


def payments_of_csv(content: bytes, symbols: Sequence[str]) -> dict[str, list[FundingPayment]]:
    """Read funding from a CSV with the columns time, symbol, rate and, where it is known, mark; in any order.

    Parameters
    ----------
    content : times are UTC, as text (2024-08-08 16:00:00) or as seconds, ms, µs or ns since 1970. A rate of 0.0001 is
        one bp. An empty mark is one that is not known.
    symbols : names that rows may have, whole (``venue:symbol``) or as the venue calls them; others are left out.

    Raises
    ------
    ParameterError : it is no such file; says which line.

    Returns
    -------
    Payments by symbol, in the order of the file; symbols without any are left out.
    """
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, skipinitialspace=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise ParameterError(f"the funding file is no CSV that can be read: {error}") from error
    frame.columns = pd.Index([str(name).strip().lower() for name in frame.columns])
    if missing := [name for name in NEEDED if name not in frame.columns]:
        raise ParameterError(
            f"the funding file has the columns {', '.join(frame.columns)} and lacks {', '.join(missing)}: it needs "
            "time, symbol, rate and, where it is known, mark"
        )
    known = {name: name for name in symbols} | {name.partition(":")[2]: name for name in symbols if ":" in name}
    found: dict[str, list[FundingPayment]] = {}
    marks = frame["mark"] if "mark" in frame.columns else pd.Series([""] * len(frame), dtype=str)
    rows = zip(frame["time"], frame["symbol"], frame["rate"], marks, strict=True)
    for line, (time, symbol, rate, mark) in enumerate(rows, start=2):
        name = known.get(symbol.strip())
        if name is not None:
            mark_price = _number(mark, line, "mark") if mark.strip() else math.nan
            if mark_price <= 0.0:
                raise ParameterError(f"line {line} of the funding file: the mark is {mark}, give a price above 0")
            payment = FundingPayment(_id(name), _time_ns(time, line), _number(rate, line, "rate"), mark_price)
            found.setdefault(name, []).append(payment)
    return found


def _same(one: FundingPayment, other: FundingPayment) -> bool:
    marks_agree = one.mark == other.mark or math.isnan(one.mark) or math.isnan(other.mark)
    return one.rate == other.rate and marks_agree


def _id(name: str) -> InstrumentId:
    return name if isinstance(name, InstrumentId) else InstrumentId.parse(name, "file")


def _number(text: str, line: int, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"line {line} of the funding file: the {what} is {text!r}, give a number")
    return value


def _time_ns(text: str, line: int) -> int:
    text = text.strip()
    if text.isdecimal() and len(text) in _UNIT_DIGITS:
        return int(text) * _UNIT_DIGITS[len(text)]
    try:
        moment = pd.Timestamp(text)
    except ValueError as error:
        raise ParameterError(
            f"line {line} of the funding file: {text!r} is no time, write 2024-08-08 16:00:00"
        ) from error
    if pd.isna(moment):
        raise ParameterError(f"line {line} of the funding file: the time is missing, write 2024-08-08 16:00:00")
    return int((moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)).as_unit("ns").value)


def _utc(time_ns: int) -> str:
    return f"{np.datetime64(time_ns, 'ns').astype('M8[s]')} UTC".replace("T", " ")
