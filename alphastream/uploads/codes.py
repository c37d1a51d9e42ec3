"""Columns of words as whole columns: symbols as numbers, kinds of rows as counts."""

from collections import Counter
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.uploads.cells import UNKNOWN_TRUTH, CellError, truths
from alphastream.uploads.symbols import distinct, normalise

MAX_SYMBOLS: Final = 20_000
BOOK_SIDES: Final = "askbid"  # the name of a column of trades, as it is folded
_SYMBOL_LENGTH: Final = 100


class Symbols:
    """Numbers symbols in the order they come."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def __call__(self, cells: Any) -> NDArray[np.int32]:
        """Codes of a batch as it is written, shape (T,)."""
        encoded = cells.dictionary_encode()
        own = [str(name).strip() for name in encoded.dictionary.to_pylist()]
        numbers = np.array([self._codes.setdefault(name, len(self._codes)) for name in own], dtype=np.int32)
        codes: NDArray[np.int32] = numbers[np.asarray(encoded.indices)]
        nameless = [self._codes[name] for name in own if not normalise(name)]
        if nameless:
            raise CellError(int(np.argmax(np.isin(codes, nameless))), "", "a symbol is needed")
        long = next((self._codes[name] for name in own if len(name) > _SYMBOL_LENGTH), None)
        if long is not None:
            row = int(np.argmax(codes == long))
            raise CellError(row, cells[row].as_py(), f"a symbol of at most {_SYMBOL_LENGTH} characters is needed")
        if len(self._codes) > MAX_SYMBOLS:
            row = int(np.argmax(codes >= MAX_SYMBOLS))
            raise CellError(
                row,
                cells[row].as_py(),
                f"{MAX_SYMBOLS:,} other symbols come before, and no more are read: is this the column of the symbol?",
            )
        return codes

    def settled(self, codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], list[str]]:
        """Codes of the whole file, and the symbols they number: different ones stay apart (``symbols.distinct``)."""
        spelt = list(distinct(self._codes).values())
        names = list(dict.fromkeys(spelt))
        if len(names) == len(spelt):
            return codes, names
        number = {name: at for at, name in enumerate(names)}
        return np.array([number[name] for name in spelt], dtype=np.int32)[codes], names


class Kinds:
    """Counts kinds of rows."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, cells: Any) -> Floats:
        """Nothing that a leg keeps."""
        for pair in pc.value_counts(pc.utf8_trim_whitespace(cells)).to_pylist():
            self.counts[pair["values"]] += pair["counts"]
        return np.empty(0)


def makers_sides(cells: Any) -> NDArray[np.int8]:
    """Whether the buyer was the maker, as ``truths`` has it, where the side is the maker's."""
    takers = truths(cells)
    return np.where(takers == UNKNOWN_TRUTH, takers, 1 - takers).astype(np.int8)


def book_sides(cells: Any) -> NDArray[np.int8]:
    """The same where the side is the book's that a trade was for: who sells, asks (Upbit's ask_bid)."""
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    return truths(pc.replace_substring_regex(pc.replace_substring_regex(lower, "^ask$", "sell"), "^bid$", "buy"))


def suffixed(symbols: Any, suffixes: Any) -> Any:
    """BRK and B as BRK.B; a symbol without a suffix alone."""
    joined = pc.binary_join_element_wise(pc.utf8_trim_whitespace(symbols), pc.utf8_trim_whitespace(suffixes), ".")
    return pc.utf8_rtrim(joined, ".")


def without_midnight(times: list[Any]) -> list[Any]:
    """A column of dates and one of times of day: dates without the midnight that some programs write behind them."""
    if len(times) == 1:
        return times
    return [pc.replace_substring_regex(times[0], r"[T ]+0{1,2}:00(:00(\.0+)?)?$", ""), *times[1:]]
