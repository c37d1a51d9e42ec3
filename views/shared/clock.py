"""Times as people read them: in UTC, or on the clocks of a place. No Streamlit, and the clock is never looked at.

Everything is computed, stored and exported in UTC; a zone is put on last, when something is shown. Offsets come from
the zone's own history, so that each moment has the one that held then.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from alphastream.core.units import DAY, SECOND
from alphastream.errors import ParameterError
from alphastream.reports.palette import GREY

UTC: Final = "UTC"
AHEAD_NS: Final = 400 * DAY
"""How far beyond the newest row of a live figure its offsets are known."""
_MARKED_NS: Final = 40 * DAY  # in longer figures an hour is nothing to see
_MS: Final = 1_000_000
_SAME: Final = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Zulu", "Universal"})


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> str:
    """A zone's name; UTC under whichever of its names.

    Raises
    ------
    ParameterError
        Where nobody knows a zone of that name.
    """
    if name in _SAME:
        return UTC
    known = _known()
    if name in known:
        return name
    near = get_close_matches(name, known, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else "choose a place such as Europe/Berlin"
    raise ParameterError(f"tz={name}: no time zone has this name, {hint}")


def offset_ns(zone: str, time_ns: int) -> int:
    """How far the clocks of a zone are ahead of UTC at a moment."""
    ahead = _moment(time_ns, zone).utcoffset()
    return int((ahead or timedelta()) / timedelta(seconds=1)) * SECOND


def _moment(time_ns: int, zone: str) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND, ZoneInfo(zone)).replace(microsecond=time_ns % SECOND // 1_000)


def turns(zone: str, from_ns: int, to_ns: int) -> list[tuple[int, int]]:
    """The offset at ``from_ns``, and each change of it before ``to_ns``: when, UTC ns, and the offset from then on."""
    found = [(from_ns, offset_ns(zone, from_ns))]
    for start in range(from_ns, to_ns, DAY):
        low, high = start, min(start + DAY, to_ns)
        after = offset_ns(zone, high)
        if after == found[-1][1]:
            continue
        while high - low > SECOND:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_ns(zone, middle) == found[-1][1] else (low, middle)
        found.append((high // SECOND * SECOND, after))
    return found


def on_clocks(times: Any, zone: str) -> npt.NDArray[np.datetime64]:
    """What clocks of a zone show at times in UTC: datetime64 in milliseconds, without a zone."""
    at = pd.DatetimeIndex(pd.to_datetime(np.asarray(times), utc=True))
    return at.tz_convert(zone).tz_localize(None).to_numpy().astype("datetime64[ms]")


def moment_text(time_ns: int, form: str = "%Y-%m-%d %H:%M:%S", zone: str = UTC) -> str:
    """A moment with the name of its zone, for example ``18:02:05 CEST``.

    >>> moment_text(1_723_161_256_000_000_000, "%H:%M:%S")
    '23:54:16 UTC'
    >>> moment_text(1_723_161_256_000_000_000, "%H:%M", "Asia/Tokyo")
    '08:54 JST'
    """
    at = _moment(time_ns, zone)
    name = at.strftime("%Z")
    return f"{at.strftime(form)} {name if name.isalpha() else f'UTC{_hours(offset_ns(zone, time_ns))}'}"


def _hours(ahead_ns: int) -> str:
    """``+02:00``."""
    minutes = abs(ahead_ns) // (60 * SECOND)
    return f"{'-' if ahead_ns < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def column_name(name: str, zone: str) -> str:
    """The heading of a column of times: ``opened, UTC`` or ``opened, New York time``."""
    return f"{name}, {UTC if zone == UTC else place_time(zone)}"


def moments_form(*columns: pd.Series, zone: str = UTC) -> str:
    """How a table shows times so that nothing of them is lost: days alone where all of them begin one.

    >>> days, trades = (pd.Series(pd.to_datetime(each)) for each in (["2020-01-02", None], ["2020-01-02 10:00:00.25"]))
    >>> moments_form(days), moments_form(days, zone="Asia/Tokyo"), moments_form(days, trades)
    ('YYYY-MM-DD', 'YYYY-MM-DD HH:mm', 'YYYY-MM-DD HH:mm:ss.SSS')
    """
    times = pd.concat([pd.to_datetime(column, utc=True) for column in columns]).dropna()
    steps = {"min": "YYYY-MM-DD HH:mm", "s": "YYYY-MM-DD HH:mm:ss"}
    if zone == UTC:
        steps = {"D": "YYYY-MM-DD", **steps}
    return next((form for step, form in steps.items() if (times.dt.floor(step) == times).all()), f"{steps['s']}.SSS")


def place_time(zone: str) -> str:
    """``New York time``."""
    return f"{zone.rpartition('/')[2].replace('_', ' ')} time"


def axis_title(zone: str, offsets: Iterator[int] | list[int]) -> str:
    """The title of a time axis: the zone, and how far its clocks are ahead of UTC over what is shown."""
    if zone == UTC:
        return UTC
    return f"{zone}, UTC{' and '.join(_hours(each) for each in sorted(set(offsets)))}"


# ---- figures that are drawn once ---------------------------------------------------------------------------------


def in_zone(figure: go.Figure, zone: str) -> go.Figure:
    """A figure whose time axes are in UTC, with the clocks of a zone instead; that one stays as it is.

    Where clocks go back within it, an hour is shown twice; a line with words says where.
    """
    if zone == UTC:
        return figure
    figure = go.Figure(figure)
    layout = figure.layout.to_plotly_json()
    axes = {name: axis for name, axis in layout.items() if name.startswith("xaxis") and _is_utc(axis)}
    ids = {f"x{name.removeprefix('xaxis')}" for name in axes}
    spans: list[int] = []
    for trace in figure.data:
        if (getattr(trace, "xaxis", None) or "x") in ids and trace.x is not None and len(trace.x):
            spans += _span(trace.x)
            trace.x = on_clocks(trace.x, zone)
    if not spans:
        spans = [0]
    changes = turns(zone, min(spans), max(spans) + 1)
    put = _reader(zone)
    for name, axis in axes.items():
        words = str(axis["title"]["text"])
        title = axis_title(zone, [ahead for _, ahead in changes])
        figure.layout[name].title.text = f"{words.removesuffix(UTC)}{title}"
        if axis.get("range") is not None:
            figure.layout[name].range = [put(each) for each in axis["range"]]
    for each in (*figure.layout.shapes, *figure.layout.annotations):
        if each.xref in ids:
            for end in ("x0", "x1", "x"):
                if end in each and isinstance(each[end], str):
                    each[end] = put(each[end])
    if max(spans) - min(spans) <= _MARKED_NS:
        for shape in _marks(changes):
            figure.add_shape(shape)
    return figure


def _is_utc(axis: Mapping[str, Any]) -> bool:
    return str(axis.get("title", {}).get("text", "")).endswith(UTC)


def _span(times: Any) -> list[int]:
    at = pd.DatetimeIndex(pd.to_datetime(np.asarray(times), utc=True)).as_unit("ns").dropna()
    return [int(at.min().value), int(at.max().value)] if len(at) else []


def _reader(zone: str) -> Callable[[Any], str]:
    return lambda text: str(on_clocks([text], zone)[0])


def _marks(changes: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """Where clocks were put forward or back, and from when to when."""
    for (_, before), (at_ns, after) in pairwise(changes):
        then, now = (pd.Timestamp(at_ns + ahead) for ahead in (before, after))
        yield {
            "type": "line",
            "xref": "x",
            "x0": str(then),
            "x1": str(then),
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": GREY, "width": 1, "dash": "dot"},
            "label": {
                "text": f"clocks go from {then:%H:%M} to {now:%H:%M}",
                "textposition": "end",
                "font": {"size": 10},
            },
        }


# ---- figures that are updated in the browser ---------------------------------------------------------------------


def put_offsets(layout: dict[str, Any], zone: str, times_ns: npt.NDArray[np.int64]) -> None:
    """Tell a live figure which offsets to add to the UTC times of its rows, and its visitor which zone that is."""
    if zone == UTC:
        return
    first_ns, last_ns = (int(times_ns[0]), int(times_ns[-1])) if len(times_ns) else (0, 0)
    found = turns(zone, first_ns, last_ns + AHEAD_NS)
    seen = [ahead for at_ns, ahead in found if at_ns <= last_ns]
    layout["meta"]["offsets"] = [[at_ns // _MS, ahead // _MS] for at_ns, ahead in found]
    axis = layout["xaxis"]
    axis["title"] = {**axis["title"], "text": axis_title(zone, seen)}
    axis["uirevision"] = (
        f"{axis.get('uirevision', layout['uirevision'])}, {zone}"  # what was zoomed to were other times
    )


def offset_now(zone: str, times_ns: npt.NDArray[np.int64]) -> int:
    """The offset at the newest row: a live figure begins anew when it changes."""
    return offset_ns(zone, int(times_ns[-1])) if len(times_ns) and zone != UTC else 0
