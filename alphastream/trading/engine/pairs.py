"""What is traded, and to how many digits."""

import enum
from dataclasses import KW_ONLY, dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from alphastream.errors import ParameterError


@enum.unique
class PrecisionMode(enum.Enum):
    """What the precision of a pair counts."""

    DECIMAL_PLACES = 1
    SIGNIFICANT_DIGITS = 2
    TICK_SIZE = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A trading pair.

    Parameters
    ----------
    base_symbol : what is bought and sold: "BTC".
    quote_symbol : what it is paid in: "USDT".
    """

    base_symbol: str
    quote_symbol: str

    def __str__(self) -> str:
        return f"{self.base_symbol}/{self.quote_symbol}"


@dataclass(frozen=True, slots=True)
class PairInfo:
    """Digits that a venue takes for a pair.

    Parameters
    ----------
    base_precision, quote_precision : digits of amounts and of prices, counted as the mode says.
    precision_mode : digits after the point, significant digits, or steps of a tick size.
    base_tick_size, quote_tick_size : the steps, needed in mode TICK_SIZE, above 0.

    Examples
    --------
    >>> PairInfo(8, 2).truncate_quote(Decimal("101.239"))
    Decimal('101.23')
    """

    base_precision: int
    quote_precision: int
    _: KW_ONLY
    precision_mode: PrecisionMode = PrecisionMode.DECIMAL_PLACES
    base_tick_size: Decimal | None = None
    quote_tick_size: Decimal | None = None

    def __post_init__(self) -> None:
        if self.precision_mode is not PrecisionMode.TICK_SIZE:
            return
        for name, size in (("base_tick_size", self.base_tick_size), ("quote_tick_size", self.quote_tick_size)):
            if size is None or not size > 0:
                raise ParameterError(f"{name} is {size}: precision by tick size needs a size above 0")

    def round_base(self, value: Decimal, rounding: str | None = None) -> Decimal:
        """Round an amount of the base."""
        return self._rounded(value, self.base_precision, self.base_tick_size, rounding)

    def round_quote(self, value: Decimal, rounding: str | None = None) -> Decimal:
        """Round an amount of the quote."""
        return self._rounded(value, self.quote_precision, self.quote_tick_size, rounding)

    def truncate_base(self, value: Decimal) -> Decimal:
        """Cut an amount of the base, towards zero."""
        return self.round_base(value, ROUND_DOWN)

    def truncate_quote(self, value: Decimal) -> Decimal:
        """Cut an amount of the quote, towards zero."""
        return self.round_quote(value, ROUND_DOWN)

    def _rounded(self, value: Decimal, precision: int, tick_size: Decimal | None, rounding: str | None) -> Decimal:
        if tick_size is not None and self.precision_mode is PrecisionMode.TICK_SIZE:
            return (value / tick_size).to_integral_value(rounding or ROUND_HALF_UP) * tick_size
        if self.precision_mode is PrecisionMode.SIGNIFICANT_DIGITS:
            return value if value.is_zero() else round_decimal(value, precision - value.adjusted() - 1, rounding)
        return round_decimal(value, precision, rounding)


def round_decimal(value: Decimal, precision: int, rounding: str | None = None) -> Decimal:
    """Round to a number of digits.

    Parameters
    ----------
    value : what to round.
    precision : digits after the point; below 0: tens, hundreds.
    rounding : a mode of the decimal module; None: that of its context, half to even unless changed.

    Examples
    --------
    >>> round_decimal(Decimal("1.2345"), 2), round_decimal(Decimal("125"), -1)
    (Decimal('1.23'), Decimal('1.2E+2'))
    """
    return value.quantize(Decimal(1).scaleb(-precision), rounding=rounding)


def truncate_decimal(value: Decimal, precision: int) -> Decimal:
    """Cut to a number of digits, towards zero.

    Examples
    --------
    >>> truncate_decimal(Decimal("-1.239"), 2)
    Decimal('-1.23')
    """
    return round_decimal(value, precision, ROUND_DOWN)
