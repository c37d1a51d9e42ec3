"""Labels in columns without a role: whether they part the prices of one symbol into those of several instruments.

A tape has many columns of few labels, and most part nothing: sessions, conditions, the letters of exchanges. Labels of
instruments show in turns: the price steps far from the row before, and hardly from the last row of its own label. Names
such as expiry say it themselves, and labels such as open and close are no instruments but fields. All are asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.uploads.cells import CellError, floats
from alphastream.uploads.columns import listed
from alphastream.uploads.contents import are_fields, question_of_fields
from alphastream.uploads.growing import Growing
from alphastream.uploads.layout import Layout
from alphastream.uploads.memory import Reservation
from alphastream.uploads.source import Source
from alphastream.uploads.words import fields_of, fold, word_set

Codes = NDArray[np.int16]

_MOST_LABELS: Final = 1_000
_MOST_COLUMNS: Final = 30
_BLOCK: Final = 2**18  # rows
_FAR: Final = 3.0  # a step to another instrument is so many times the instrument's own
_VERY_FAR: Final = 10.0
_SHARE: Final = 0.8  # of the turns between labels
_FEW: Final = 2  # turns that tell where all are very far
_TURNS: Final = 4  # in a file of one symbol
_MANY: Final = 12  # in one of many symbols, where chance would have many tries
_LEAST_STEP: Final = 5e-4  # log: bids and asks, and venues of one instrument, lie nearer than that
_LEAST_TICKS: Final = 4.5  # so do the sides of a spread of one tick or a few,
_WIDE: Final = 0.02  # log: unless these are coarse
_EQUAL: Final = 1e-9  # log: nearer prices differ by rounding alone
_NEAR: Final = 0.2  # log: numbers that follow the price are prices, too
_SHOWN: Final = 4
_SIDES: Final = word_set(
    "b s buy sell bid ask a n buyer seller long short bought sold true false t f yes no 0 1 -1 up down + - maker taker "
    "uptick downtick plustick minustick zeroplustick zerominustick aggressive passive c v compra venta venda kauf "
    "verkauf achat vente"
)
_LETTERS: Final = word_set("o h l c")  # fewer may be exchanges or conditions of a tape
_RIGHTS: Final = word_set("c p call put calls puts ce pe")
_CONTRACTS: Final = word_set(
    "currency ccy curr quotecurrency quoteasset quoteccy pricecurrency devise wahrung moneda moeda valuta tenor root "
    "rootsymbol exp expdate expirydt maturitydate vencimento vencto verfall verfallstag falligkeit echeance scadenza "
    "vencimiento contractmonth contractexpiry markettype instrumenttype contracttype producttype shareclass 通貨 币种 "
    "行权价 行权价格 执行价 权利行使価格 満期 满期月 交割月 合约月份 結算月份 basispreis ausubungspreis laufzeit "
    "prixdexercice prezzodiesercizio strikeprijs precioejercicio preciodeejercicio precodeexercicio 만기 만기월"
)


@dataclass(frozen=True, slots=True)
class Labels:
    """One column of few labels.

    Parameters
    ----------
    column : its name.
    codes : which label a row has, shape (T,).
    names : the labels.
    """

    column: str
    codes: Codes
    names: list[str]


def labels_of(source: Source, memory: Reservation) -> list[Labels]:
    """Columns without a role that hold few labels; none of a wide file, whose columns name their symbols."""
    table = source.table
    place = {column: at for at, column in enumerate(table.columns)}
    columns = []
    for column in source.unused() if source.layout.shape != "wide" else []:
        cells = [row[place[column]] for row in table.rows if len(row) > place[column]]
        if len(set(cells)) <= max(2, len(cells) // 2):
            columns.append(column)
    columns = columns[:_MOST_COLUMNS]
    numbers: dict[str, dict[str, int]] = {column: {} for column in columns}
    codes = {column: Growing() for column in columns}
    if columns:
        with source.batches(columns) as batches:
            for batch in batches:
                memory.grow(2 * len(codes) * len(batch[columns[0]]))
                for column in list(codes):
                    encoded = pc.utf8_trim_whitespace(batch[column]).dictionary_encode()
                    known = numbers[column]
                    own = [known.setdefault(str(name), len(known)) for name in encoded.dictionary.to_pylist()]
                    if len(known) > _MOST_LABELS:
                        del codes[column]
                    else:
                        codes[column].add(np.array(own, dtype=np.int16)[np.asarray(encoded.indices)])
    return [
        Labels(column, grown.whole(), list(numbers[column]))
        for column, grown in codes.items()
        if len(numbers[column]) > 1
    ]


def question(labels: Sequence[Labels], layout: Layout, name: str, price: Floats, rows: NDArray[np.int64]) -> str | None:
    """What to ask about a leg whose rows seem to be of several instruments; None where they do not.

    Parameters
    ----------
    labels : of the file.
    name : the leg's symbol.
    price : above zero, in the order of time, shape (T,).
    rows : 0-based rows of the file, in the same order.
    """
    parting = []
    for some in labels:
        codes = some.codes[rows]
        present = [some.names[code] for code in np.unique(codes)]
        if len(present) < 2:
            continue
        if are_fields(present) or _LETTERS <= {label.lower() for label in present} <= _LETTERS | {"v"}:
            return f"{name}: {question_of_fields(some.column, present)}"
        said = _says_contract(some.column, present)
        if said and layout.kind == "ticks":
            apart = _turns(codes, price)[0] > 0
        else:
            apart = levels_apart(codes, price, _MANY if "symbol" in layout.roles else _TURNS) and (
                said or _may_name(present, price, codes, some.names)
            )
        if apart:
            parting.append(f"column {some.column!r} ({_shown(present)})")
    if not parting:
        return None
    what = "contract (role suffix)" if "symbol" in layout.roles else "symbol"
    return (
        f"{name}: several instruments seem to be in one file, told apart by {' or '.join(parting)}: choose the column "
        f"as {what}; if it tells no instruments apart, delete it"
    )


def levels_apart(codes: Codes, price: Floats, least: int) -> bool:
    """Whether labels take turns at price levels of their own.

    Parameters
    ----------
    codes : labels of the rows in the order of time, shape (T,).
    price : above zero, shape (T,).
    least : how many turns must be seen; fewer will do where all steps are very far and the file has one symbol.

    Examples
    --------
    >>> levels_apart(np.array([0, 1, 0, 1, 0, 1], np.int16), np.array([100.0, 103, 100.1, 103.2, 100.2, 103.1]), 4)
    True
    >>> levels_apart(np.array([0, 1, 0, 1, 0, 1], np.int16), np.array([100.0, 100.1, 100, 100.3, 100.2, 100]), 4)
    False
    """
    turns, far, very_far = _turns(codes, price)
    return (turns >= least and far >= _SHARE * turns) or (_FEW <= turns < least <= _TURNS and very_far == turns)


def _turns(codes: Codes, price: Floats) -> tuple[int, int, int]:
    """How often a label comes back, and how often then the step from another label is far, and very far."""
    turns = far = very_far = 0
    for begin in range(0, len(codes), _BLOCK):
        own, logs = codes[begin : begin + _BLOCK], np.log(price[begin : begin + _BLOCK])
        order = np.argsort(own, kind="stable")
        before = np.full(len(own), -1)
        same = own[order[1:]] == own[order[:-1]]
        before[order[1:][same]] = order[:-1][same]
        back = np.flatnonzero(before[1:] < np.arange(len(own) - 1)) + 1
        back = back[before[back] >= 0]
        if not len(back):
            continue
        crossed = np.abs(logs[back] - logs[back - 1])
        moved = np.abs(logs[back] - logs[before[back]])
        turns += len(back)
        apart = crossed > np.maximum(_FAR * moved, _LEAST_STEP)
        if not apart.any():
            continue
        if 2 * np.count_nonzero(apart) > len(back):  # what one tick is takes long, and is seldom needed
            gaps = np.diff(np.unique(logs))
            apart &= crossed > min(_LEAST_TICKS * min(gaps[gaps > _EQUAL], default=0.0), _WIDE)
        far += int(np.count_nonzero(apart))
        very_far += int(np.count_nonzero(apart & (crossed > _VERY_FAR * moved)))
    return turns, far, very_far


def _may_name(present: Sequence[str], price: Floats, codes: Codes, names: Sequence[str]) -> bool:
    """Whether labels may name instruments: no sides, and no numbers that follow the price."""
    if all(label.lower() in _SIDES for label in present):
        return False
    if len(present) > max(_SHOWN, len(np.unique(price)) // 2):
        return False
    try:
        numbers = floats(pa.array(names, pa.string()))[codes]
    except CellError:
        return True
    with np.errstate(divide="ignore", invalid="ignore"):
        follows = np.abs(np.log(numbers / price)) < _NEAR
    return not bool(follows.mean() > 0.5)


def _says_contract(column: str, present: Sequence[str]) -> bool:
    """Whether a column says by its name or its labels what instruments it tells apart."""
    fields = fields_of(column)
    filled = {label.lower() for label in present if label}
    if "suffix" in fields:
        return True  # BRK has none, and BRK.B has one
    return len(filled) > 1 and ("expiry" in fields or fold(column) in _CONTRACTS or filled <= _RIGHTS)


def _shown(names: Sequence[str]) -> str:
    return f"{listed([name[:40] for name in names[:_SHOWN]])}{', ...' if len(names) > _SHOWN else ''}"
