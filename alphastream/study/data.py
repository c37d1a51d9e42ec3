"""What indicators read: columns of instruments, by name."""

from dataclasses import dataclass
from typing import Any

from alphastream.bar_rows import FIELDS, BarsSpec, column_of
from alphastream.errors import ParameterError
from alphastream.graph import Series, interval_name
from alphastream.strategies.pulse import unknown
from alphastream.study.frames import interval_of

COLUMNS = (*FIELDS, "time_ns")


@dataclass(frozen=True, slots=True)
class Data:
    """Bars of one instrument or of many, of one length.

    ``data["close"]`` is a series of the only instrument, ``data["BTCUSDT"]["close"]`` of one of many, and
    ``data.every("1h")`` the same instruments in longer bars. Nothing is read until a study runs.

    Parameters
    ----------
    spec : the instruments and the length of a bar.
    """

    spec: BarsSpec

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments."""
        return self.spec.symbols

    def every(self, every: str | int) -> "Data":
        """The same instruments in longer bars, such as "1h"; known when they have closed.

        Raises
        ------
        ParameterError
            No whole number of these bars makes one of those.
        """
        interval_ns = interval_of(every)
        if interval_ns % self.spec.interval_ns:
            raise ParameterError(
                f"bars of {interval_name(interval_ns)} are no whole number of bars of "
                f"{interval_name(self.spec.interval_ns)}: give a multiple"
            )
        return Data(BarsSpec(self.spec.symbols, interval_ns))

    def __getitem__(self, name: str) -> Any:
        """A ``Series`` of the only instrument, or one of the instruments as an ``Instrument``."""
        if name in self.spec.symbols:
            return Instrument(self.spec, name)
        if len(self.spec.symbols) == 1 or name == "time_ns":
            return Instrument(self.spec, self.spec.symbols[0])[name]
        raise ParameterError(unknown("the data", name, self.spec.symbols, 'write data["NAME"]["close"]'))


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument of many, on the rows of all."""

    spec: BarsSpec
    symbol: str

    def __getitem__(self, column: str) -> Series:
        if column == "time_ns":
            return self.spec.source[column]
        if column not in COLUMNS:
            raise ParameterError(unknown(f"data of {self.symbol}", column, COLUMNS, "choose one of them"))
        return self.spec.source[column_of(self.spec.symbols, self.symbol, column)]


def instruments(*symbols: str, every: str | int) -> Data:
    """Name instruments without any data: for a strategy that others run, as paper trading does."""
    return Data(BarsSpec(symbols, interval_of(every)))
