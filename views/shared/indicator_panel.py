"""An indicator, shipped or of a user's file, over bars or series of a page: which, with what, of what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import streamlit as st

from alphastream.bars import Bars
from alphastream.core.types import Floats, Ints
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.indicators import INDICATORS
from alphastream.pairs import PairAnalytics
from alphastream.registry import registered_as
from views.shared.controls import sentence
from views.shared.elements import PLOT, is_dark
from views.shared.escaping import in_markdown
from views.shared.form_controls import Offered, require
from views.shared.indicator_charts import indicator_figure
from views.shared.user_code import told_in_words

SERIES: Final = ("spread", "zscore", "hedge_ratio", "correlation")
PRICES: Final = ("close", "open", "high", "low", "volume")
KEY: Final = "indicator"


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What an indicator may read: (T,) each, by name, at the ends of T bars."""

    time_ns: Ints
    values: Mapping[str, Floats]


def bars_as_columns(bars: Bars, interval_ns: int) -> Columns:
    """Prices and volume of bars."""
    return Columns(bars.start_ns + interval_ns, {name: getattr(bars, name) for name in PRICES})


def series_as_columns(answer: PairAnalytics) -> dict[str, Columns]:
    """Series of a pair, each by itself, by name."""
    known = (name for name in SERIES if name in answer.closed)
    return {name: Columns(answer.closed["time_ns"], {name: answer.closed[name]}) for name in known}


def indicator_panel(sources: Mapping[str, Callable[[], Columns]]) -> None:
    """Ask for an indicator and what it is of, and draw it.

    Parameters
    ----------
    sources : by name; one is read when it was chosen.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    name = str(row.selectbox("Indicator", list(INDICATORS), key=KEY, bind="query-params", width=200))
    source = str(row.selectbox("Of", list(sources), key=f"{KEY}_of", bind="query-params", width=200))
    cls = INDICATORS[name]
    try:
        found = sources[source]()
        asked_for = _inputs(row, cls, found.values)
        entry = registered_as(cls)
        if entry is not None and entry.about:
            st.caption(in_markdown(f"{entry.about} ({entry.home})"))
        with told_in_words(cls):
            made = require(cls, Offered(), f"{KEY}_{name}")
            rows, state = made.run(*asked_for.values())
            have, needed = made.progress(state)
            lines = _lines(rows, len(found.time_ns))
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error)), icon=":material/rule:")
        return
    if have < needed:
        st.caption(f"Calibrating {have}/{needed}.")
    figure = indicator_figure(found.time_ns, asked_for, lines, dark=is_dark())
    st.plotly_chart(figure, key=f"{KEY}_figure", config=PLOT)


def _inputs(row: Any, cls: type[Any], values: Mapping[str, Floats]) -> dict[str, Floats]:
    """The columns that an indicator reads, in its order: by name, or one that is chosen. Raises ParameterError."""
    wanted: tuple[str, ...] = getattr(cls, "inputs", ("value",))
    if len(wanted) == 1 and wanted[0] not in values:
        chosen = str(row.selectbox("Column", list(values), key=f"{KEY}_column", bind="query-params", width=120))
        return {chosen: values[chosen]}
    lacks = [name for name in wanted if name not in values]
    if lacks:
        raise ParameterError(
            f"{cls.__name__} reads {', '.join(wanted)}, and there is no {lacks[0]} here: choose bars of an instrument"
        )
    return {name: values[name] for name in wanted}


def _lines(rows: Any, count: int) -> dict[str, Floats]:
    """Columns of an indicator's rows. Raises ParameterError where one has another length than what was read."""
    lines = {item.name: getattr(rows, item.name) for item in fields(rows)}
    for name, values in lines.items():
        if values.shape != (count,):
            raise ParameterError(
                f"its {name} has the shape {values.shape} for {count} bars: one number a bar is needed"
            )
    return lines
