"""Decides what a browser needs to be told: the whole figure once, and after that the rows that changed.

A message is one JSON object, whoever carries it::

    {"figure": id, "seq": n, "base": {...} | null, "delta": {...} | null, "cards": [...]}

figure : names the rows that deltas refer to. It changes when rows can no longer be continued.
seq : grows by one with each message of a feed; a receiver skips what it has seen.
base : ``layout`` and ``data`` (traces without numbers; ``meta`` names their columns), ``columns`` with all rows, and
    ``from_row``, the number of the first.
delta : ``from_row`` and ``columns``: these rows replace everything from ``from_row`` on; and ``first_row``: rows before
    it fall off the front.
cards : all cards, in order.

Streamlit may drop a message in favour of a newer one. So a delta goes back to the first row that changed within the
last ``OVERLAP`` messages, and the base is repeated until the browser says that it holds the figure.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Literal, TypedDict

import numpy as np
import numpy.typing as npt
import orjson

from views.charts import MAX_POINTS, Columns, PairSeries, pair_figure, series_columns

OVERLAP: Final = 20
"""Messages that may get lost in a row before the browser has to ask for everything again: 5 s at 4 a second."""

_GUARD_DIGITS: Final = 2
"""Decimals sent beyond those shown, so that lines do not look like stairs."""

Tone = Literal["neutral", "flat", "long", "short", "ok", "warn"]
"""Drawn as a sign and read aloud as a word: neutral has none, a dash, ▲, ▼, ✓ and ● in this order."""


class Card(TypedDict):
    """One number with its name, above the chart.

    ``id`` (letters, digits, dashes) stays the same for the same card; ``value`` is the number as text, ``sub`` a
    smaller line below it, ``title`` what it means, shown on hover.
    """

    id: str
    label: str
    value: str
    sub: str
    tone: Tone
    title: str


class FigureFeed:
    """Makes the messages for one browser session and one place on a page.

    Parameters
    ----------
    name : beginning of the figure ids. Random, so that a browser which outlived the server is told everything anew.
    max_points : rows the figure shows at most.
    """

    def __init__(self, *, name: str | None = None, max_points: int = MAX_POINTS) -> None:
        self._name = secrets.token_hex(4) if name is None else name
        self._max_points = max_points
        self._figures = 0
        self._seq = 0
        self._acknowledged: str | None = None
        self._series: PairSeries | None = None
        self._first_row = 0
        self._changed: deque[int] = deque(maxlen=OVERLAP)
        self._template: dict[str, Any] = {}

    @property
    def figure(self) -> str:
        """Id of the figure that the latest message was about."""
        return f"{self._name}-{self._figures}"

    def acknowledge(self, figure: str | None) -> None:
        """Note which figure the browser says it holds; None where it lost count and needs everything."""
        self._acknowledged = figure

    def message(self, series: PairSeries, cards: Sequence[Card] = ()) -> bytes:
        """The next message.

        Parameters
        ----------
        series : all rows as they are now. What changed since the last call is found by comparing.
        cards : what the row of cards shows now.
        """
        series = series.last(self._max_points)
        self._continue(series)
        self._series = series
        self._seq += 1
        holds = self._acknowledged == self.figure
        payload = {
            "figure": self.figure,
            "seq": self._seq,
            "base": None if holds else self._base(series),
            "delta": self._delta(series) if holds else None,
            "cards": list(cards),
        }
        return orjson.dumps(payload, option=orjson.OPT_SERIALIZE_NUMPY)

    def _continue(self, series: PairSeries) -> None:
        """Number the rows as continuation of the rows before, or begin a new figure."""
        before = self._series
        dropped = None if before is None or _drawn_otherwise(before, series) else _rows_dropped(before, series)
        if before is None or dropped is None:
            self._figures += 1
            self._first_row = 0
            self._changed.clear()
            self._template = {}
            return
        self._first_row += dropped
        self._changed.append(self._first_row + _first_difference(before, series, dropped))

    def _base(self, series: PairSeries) -> dict[str, Any]:
        if not self._template:
            self._template = _template(series)
        return {**self._template, "from_row": self._first_row, "columns": self._columns(series, 0)}

    def _delta(self, series: PairSeries) -> dict[str, Any]:
        oldest = self._first_row
        start = max(oldest, min(self._changed, default=oldest + len(series)))
        return {"first_row": oldest, "from_row": start, "columns": self._columns(series, start - oldest)}

    def _columns(self, series: PairSeries, start: int) -> Columns:
        if not self._template:
            self._template = _template(series)
        decimals = self._template["layout"]["meta"]["decimals"]
        columns = series_columns(series)
        milliseconds = columns.pop("time")[start:].astype(np.int64)
        numbers = {name: np.round(values[start:], decimals[name] + _GUARD_DIGITS) for name, values in columns.items()}
        return {"time": milliseconds, **numbers}


def _template(series: PairSeries) -> dict[str, Any]:
    """Layout and traces without a number in them."""
    figure: dict[str, Any] = pair_figure(series).to_plotly_json()
    traces = [{key: value for key, value in trace.items() if key not in ("x", "y")} for trace in figure["data"]]
    for tag in figure["layout"]["annotations"]:
        tag.update(text="", y=0, visible=False)
    figure["layout"].pop("template", None)
    return {"layout": figure["layout"], "data": traces}


def _drawn_otherwise(before: PairSeries, after: PairSeries) -> bool:
    names = ("y_symbol", "x_symbol", "entry_z", "exit_z", "y_decimals", "x_decimals")
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _rows_dropped(before: PairSeries, after: PairSeries) -> int | None:
    """Rows of ``before`` that lie in front of the first row of ``after``; None where they do not join."""
    if not len(after):
        return 0 if not len(before) else None
    dropped = int(np.searchsorted(before.time_ns, after.time_ns[0]))
    joins = dropped < len(before) and before.time_ns[dropped] == after.time_ns[0]
    return dropped if joins else None


def _first_difference(before: PairSeries, after: PairSeries, dropped: int) -> int:
    """Index in ``after`` of the first row that is new or has another value than in ``before``."""
    common = min(len(before) - dropped, len(after))
    differs: npt.NDArray[np.bool_] = np.zeros(common, dtype=np.bool_)
    old = before.arrays()
    for name, now in after.arrays().items():
        then, current = old[name][dropped : dropped + common], now[:common]
        differs |= (then != current) & ~((then != then) & (current != current))
    return int(differs.argmax()) if differs.any() else common
