"""Rows of a published file, block by block: a month of a busy symbol is more than a gigabyte of text."""

import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from alphastream.core.units import DAY
from alphastream.errors import UploadError
from alphastream.history.published import SPOT_VENUES, PublishedFile
from alphastream.uploads.cells import CellError
from alphastream.uploads.containers import Part, parts_of
from alphastream.uploads.epochs import from_whole

_BLOCK_BYTES: Final = 2 * 2**20
_MOST_BYTES: Final = 2**40  # of a file: what comes out is read in blocks, however much it is
_FIRST_LINE: Final = 4096
_TIMES: Final = ("time", "close_time", "event_time")
_WHOLE: Final = ("id", "first_id", "last_id", "trades", *_TIMES)
_TRUTHS: Final = ("buyer_is_maker", "best_match")
_NOT_READ: Final = ("first_id", "last_id", "quote_quantity", "best_match", "close_time", "quote_volume", "any")
# How headers call what the columns hold, where they call it otherwise.
_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "id": ("agg_trade_id", "trade_id", "update_id"),
    "quantity": ("qty",),
    "quote_quantity": ("quote_qty",),
    "first_id": ("first_trade_id",),
    "last_id": ("last_trade_id",),
    "time": ("transact_time", "open_time", "transaction_time", "calc_time"),
    "buyer_is_maker": ("is_buyer_maker",),
    "best_match": ("is_best_match",),
    "trades": ("count",),
    "buy_volume": ("taker_buy_volume", "taker_buy_base_asset_volume"),
    "buy_quote_volume": ("taker_buy_quote_volume", "taker_buy_quote_asset_volume"),
    "quote_volume": ("quote_asset_volume",),
    "any": ("ignore",),
    "bid": ("best_bid_price",),
    "bid_quantity": ("best_bid_qty",),
    "ask": ("best_ask_price",),
    "ask_quantity": ("best_ask_qty",),
    "interval_hours": ("funding_interval_hours",),
    "rate": ("last_funding_rate",),
}
Arrays = dict[str, NDArray[Any]]


class Block(NamedTuple):
    """Rows of a file, in its order.

    Parameters
    ----------
    columns : by the names of ``PublishedFile.columns``, shape (T,) each, ``time_ns`` in UTC ns among them.
    left_out : rows that hold no trade, bar or quote: a price or a quantity of zero.
    read_bytes : of text, so far.
    """

    columns: Arrays
    left_out: int
    read_bytes: int


def part_of(file: PublishedFile, stream: BinaryIO) -> Part:
    """Return the one table in a file; UploadError where it is damaged, or holds another number of them."""
    if file.path.suffix == ".zip" and not zipfile.is_zipfile(stream):
        raise UploadError("this is no zip, or only its beginning: download it again", file=file.path.name)
    parts = parts_of(file.path.name, stream, _MOST_BYTES)
    if len(parts) != 1:
        raise UploadError(f"the zip holds {len(parts)} files: a published one holds one", file=file.path.name)
    return parts[0]


def blocks_of(file: PublishedFile, part: Part) -> Iterator[Block]:
    """Give the rows of a file, each block checked.

    Raises
    ------
    UploadError : the file is damaged, its columns are not those of its kind, a cell cannot be read, or a time lies
        outside the day or the month that the file's name says.
    """
    with part.open() as stream:
        has_header = _check_first_line(file, stream)
        if has_header is None:
            return
        counted = _Counted(stream)
        line = 1 + has_header
        for batch in _batches(file, counted, has_header):
            try:
                yield _checked(file, batch, counted.count, line)
            except CellError as error:
                raise UploadError(f"{error.seen!r} is no time", file=file.path.name, line=line + error.row) from error
            line += len(batch)


def _batches(file: PublishedFile, stream: "_Counted", has_header: bool) -> Iterator[pa.RecordBatch]:
    wanted = [name for name in file.columns if name not in _NOT_READ]
    types = {name: pa.int64() if name in _WHOLE else pa.float64() for name in wanted}
    types |= {name: pa.bool_() for name in wanted if name in _TRUTHS}
    try:
        yield from csv.open_csv(
            pa.PythonFile(stream, "r"),
            csv.ReadOptions(block_size=_BLOCK_BYTES, column_names=list(file.columns), skip_rows=int(has_header)),
            csv.ParseOptions(),
            csv.ConvertOptions(column_types=types, include_columns=wanted, null_values=[], check_utf8=False),
        )
    except pa.ArrowInvalid as error:
        raise UploadError(
            f"not the columns of {file.content} ({', '.join(file.columns)}): {_shortened(error)}", file=file.path.name
        ) from error


def _shortened(error: Exception) -> str:
    text = str(error).replace("\n", " ")
    return text if len(text) <= 160 else f"{text[:157]}..."


def _check_first_line(file: PublishedFile, stream: Any) -> bool | None:
    """Whether the first line is a header, None where there is no line at all."""
    first = stream.peek(_FIRST_LINE)[:_FIRST_LINE].split(b"\n")[0].decode("utf-8", "replace").strip()
    if not first:
        return None
    cells = [cell.strip().strip('"').lower() for cell in first.split(",")]
    is_header = not cells[0][:1].isdigit()
    known = all(
        cell.replace(" ", "_") in (word, *_HEADERS.get(word, ()))
        for cell, word in zip(cells, file.columns, strict=False)
    )
    if len(cells) == len(file.columns) and (known or not is_header):
        return is_header
    markets = {7: "futures", 8: "spot"} if file.content == "aggTrades" else {}
    markets = {6: "futures", 7: "spot"} if file.content == "trades" else markets
    here = "spot" if file.instrument.venue in SPOT_VENUES else "futures"
    other = markets.get(len(cells), here)
    hint = f"; so many have those of {other}" if other != here else ""
    raise UploadError(
        f"its first line has {len(cells)} columns ({', '.join(cells)[:80]}), {file.content} of "
        f"{file.instrument.venue} have {len(file.columns)}: {', '.join(file.columns)}{hint}",
        file=file.path.name,
    )


def _checked(file: PublishedFile, batch: pa.RecordBatch, read_bytes: int, line: int) -> Block:
    columns: Arrays = {
        name: column.to_numpy(zero_copy_only=False)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    time_ns = from_whole(columns.pop("time")).time_ns
    inside = (time_ns >= file.start_ns) & (time_ns < file.end_ns)
    if "event_time" in columns:  # a file of quotes holds what was sent in its day: a change may be a moment older
        event_ns = from_whole(columns.pop("event_time")).time_ns
        inside |= (event_ns >= file.start_ns) & (event_ns < file.end_ns) & (abs(event_ns - time_ns) < DAY)
    if not inside.all():
        row = int(np.argmin(inside))
        seen = np.datetime64(int(time_ns[row]), "ns").astype("M8[ms]")
        raise UploadError(f"{seen} UTC lies outside {file.period}", file=file.path.name, line=line + row)
    columns["time_ns"] = time_ns
    kept = _sound(file, columns)
    left_out = len(kept) - int(np.count_nonzero(kept))
    if left_out:
        columns = {name: column[kept] for name, column in columns.items()}
    return Block(columns, left_out, read_bytes)


def _sound(file: PublishedFile, columns: Arrays) -> NDArray[np.bool_]:
    if "rate" in columns:
        return np.isfinite(columns["rate"])
    if "open" in columns:
        _refuse_no_trades(file, columns)
        high, low = columns["high"], columns["low"]
        inner = np.stack([columns["open"], columns["close"]])
        ordered = (low > 0) & (high < np.inf) & (low <= inner).all(axis=0) & (inner <= high).all(axis=0)
        return np.asarray(ordered & (columns["volume"] > 0))
    if "bid" in columns:
        sides = np.stack([columns["bid"], columns["ask"]])
        quantities = np.stack([columns["bid_quantity"], columns["ask_quantity"]])
        fine = (sides > 0) & (sides < np.inf) & (quantities >= 0) & (quantities < np.inf)
        return np.asarray(fine.all(axis=0))
    price, quantity = columns["price"], columns["quantity"]
    fine = (price > 0) & (price < np.inf) & (quantity > 0) & (quantity < np.inf)
    return np.asarray(fine & (columns["id"] >= 0))


def _refuse_no_trades(file: PublishedFile, columns: Arrays) -> None:
    """Refuse bars of mark, index or premium prices: files of the same names, of which none has a volume."""
    if len(columns["volume"]) and not columns["volume"].any() and columns["trades"].any():
        raise UploadError(
            "none of its bars has a volume, though it counts: these look like bars of mark or index prices, not of "
            "trades",
            file=file.path.name,
        )


class _Counted:
    """A stream that counts what was read of it, as far as Arrow asks one for."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.count = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        found: bytes = self._stream.read(size)
        self.count += len(found)
        return found

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False
