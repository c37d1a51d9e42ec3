"""An indicator, shipped or of a user's file, over bars or series of a page: which, with what, of what."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

import numpy as np
import streamlit as st

from alphastream.bars import Bars
from alphastream.core.types import Floats, Ints
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.indicators import INDICATORS
from alphastream.pairs import PairAnalytics
from alphastream.registry import registered_as
from views.shared.clock_controls import plotted
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


def indicator_box() -> Any:
    """The box that the panel stands in; open at first where the address asks for an indicator."""
    asked_for = KEY in st.query_params
    return st.expander("Indicators", asked_for, icon=":material/show_chart:", on_change="rerun", key="indicators")


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
            lines, have, needed = _run(made, asked_for.values(), len(found.time_ns))
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error)), icon=":material/rule:")
        return
    if have < needed:
        st.caption(f"Calibrating {have}/{needed}.")
    figure = indicator_figure(found.time_ns, asked_for, lines, dark=is_dark())
    st.plotly_chart(plotted(figure), key=f"{KEY}_figure", config=PLOT)


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


def _run(made: Any, values: Iterable[Floats], count: int) -> tuple[dict[str, Floats], int, int]:
    """Columns of an indicator's rows, and its progress. Raises ParameterError where it gives something else."""
    name = type(made).__name__
    given = made.run(*values)
    if not (isinstance(given, tuple) and len(given) == 2 and is_dataclass(given[0])):
        raise ParameterError(
            f"{name}.run gave {_kind(given)}: give rows, a dataclass whose fields are arrays, and the next state"
        )
    rows, state = given
    lines = {item.name: np.asarray(getattr(rows, item.name)) for item in fields(rows)}
    for column, found in lines.items():
        if found.dtype.kind not in "fiub":
            raise ParameterError(f"its {column} holds {found.dtype.name}, not numbers: one number a bar is needed")
        if found.shape != (count,):
            raise ParameterError(
                f"its {column} has the shape {found.shape} for {count} bars: one number a bar is needed"
            )
    progress = made.progress(state)
    if not (isinstance(progress, tuple) and len(progress) == 2):
        raise ParameterError(
            f"{name}.progress gave {_kind(progress)}: give how many rows it has seen, and how many it needs"
        )
    return lines, *progress


def _kind(given: Any) -> str:
    """What something is, for a sentence: ``ndarray and dict`` of a tuple."""
    return " and ".join(type(each).__name__ for each in given) if isinstance(given, tuple) else type(given).__name__
