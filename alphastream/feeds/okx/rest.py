"""Answers of OKX's REST interface. An error may come with HTTP 200: its code says so."""

from typing import Final, Generic, Literal, TypeVar

import msgspec

from alphastream.core.units import MS
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.answers import decimals, decode
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.feeds.okx.contracts import UNIT, Contract
from alphastream.feeds.okx.endpoints import TITLE
from alphastream.feeds.okx.trades import Trade
from alphastream.instruments import InstrumentId

_Row = TypeVar("_Row")


class Answer(msgspec.Struct, Generic[_Row]):
    """What surrounds every answer; ``code`` is "0" for success."""

    code: str
    data: list[_Row]
    msg: str = ""


class _Listed(msgspec.Struct, rename="camel"):
    """A row of instruments. Swaps name their currencies by the contract's value and settlement."""

    inst_id: str
    inst_type: str
    tick_sz: str = ""
    lot_sz: str = ""
    state: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_type: str = ""
    ct_val_ccy: str = ""


class _Time(msgspec.Struct):
    ts: int


_KINDS: Final[dict[str, Literal["spot", "perpetual", "future"]]] = {
    "SPOT": "spot",
    "SWAP": "perpetual",
    "FUTURES": "future",
}
_TRADES: Final = msgspec.json.Decoder(Answer[Trade], strict=False)
_LISTED: Final = msgspec.json.Decoder(Answer[_Listed])
_TIME: Final = msgspec.json.Decoder(Answer[_Time], strict=False)


def rows(decoder: "msgspec.json.Decoder[Answer[_Row]]", body: bytes, what: str) -> list[_Row]:
    """Return the rows of an answer; FeedError where it is none, or says no."""
    try:
        answer = decode(TITLE, decoder, body, what)
    except FeedError:
        refusal = _refusal(body)
        if refusal is None:
            raise
        raise FeedError(f"{TITLE} refused {what}: {refusal}") from None
    if answer.code != "0":
        raise FeedError(f"{TITLE} refused {what}: code {answer.code}, {answer.msg or 'without a word'}")
    return answer.data


def parse_trades(body: bytes) -> list[Trade]:
    """Return the trades of an answer, newest first. Raises FeedError."""
    return rows(_TRADES, body, "history-trades")


def parse_server_time(body: bytes) -> int:
    """Return the clock in UTC ns. Raises FeedError."""
    found = rows(_TIME, body, "time")
    if len(found) != 1:
        raise FeedError(f"{TITLE} answered time with {len(found)} times: needs one")
    return found[0].ts * MS


def parse_listing(venue: str, body: bytes) -> tuple[dict[str, Instrument], dict[str, Contract]]:
    """Return the rules by full name, and the contracts by symbol. Raises FeedError.

    Only spot pairs and swaps paid in their quote currency have the status "TRADING".
    """
    found: dict[str, Instrument] = {}
    contracts: dict[str, Contract] = {}
    for row in rows(_LISTED, body, "instruments"):
        try:
            contract = UNIT
            if row.inst_type != "SPOT":
                contract = Contract.of(row.ct_val, row.ct_mult or "1")
            found[InstrumentId(venue, row.inst_id)] = _instrument(row, contract)
        except ParameterError as error:
            raise FeedError(f"{TITLE} answered instruments with a name that cannot be: {error}") from error
        except (ArithmeticError, ValueError):  # what is only announced has no sizes yet
            found[InstrumentId(venue, row.inst_id)] = _unmeasured(row)
            continue
        if row.inst_type == "SWAP" and row.ct_type == "linear":
            contracts[row.inst_id] = contract
    return found, contracts


def _instrument(row: _Listed, contract: Contract) -> Instrument:
    names = row.inst_id.split("-")
    return Instrument(
        symbol=WireSymbol(row.inst_id),
        tick_size=float(row.tick_sz),
        step_size=round(float(row.lot_sz) * contract.size, 15),
        price_decimals=decimals(row.tick_sz),
        min_notional=0.0,
        status=_status(row),
        base=row.base_ccy or row.ct_val_ccy or names[0],
        quote=row.quote_ccy or row.settle_ccy or names[1],
        kind=_KINDS.get(row.inst_type, ""),
        contract_size=contract.size,
    )


def _unmeasured(row: _Listed) -> Instrument:
    return Instrument(WireSymbol(row.inst_id), 0.0, 0.0, 0, 0.0, _status(row))


def _status(row: _Listed) -> str:
    if row.ct_type == "inverse":
        return "INVERSE"
    return "TRADING" if row.state == "live" else row.state


def _refusal(body: bytes) -> str | None:
    """Return what an answer without rows says; None where it says nothing."""
    try:
        answer = msgspec.json.decode(body, type=_Refusal)
    except (ValueError, RecursionError):
        return None
    return f"code {answer.code}, {answer.msg}" if answer.code != "0" else None


class _Refusal(msgspec.Struct):
    code: str
    msg: str = ""
