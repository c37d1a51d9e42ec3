"""The tear sheet of a run, where a page has one: by the calendar, ratios that move, ways down, benchmark, legs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from alphastream.performance import Performance, tails, worst_drawdowns
from alphastream.reports import run_tables as tables
from alphastream.reports.basis import Basis, basis_of
from alphastream.reports.benchmark_section import beside
from alphastream.reports.benchmarks import benchmark_names, held_benchmark
from alphastream.reports.calendar_table import CalendarTable, calendar_table, strength, strongest
from alphastream.reports.curve_charts import benchmark_figure, distribution_figure, rolling_figure
from alphastream.reports.run import Run
from alphastream.reports.run_report import profit_of
from alphastream.reports.run_words import BAND, held_words, is_annual, span
from alphastream.reports.sheet_charts import drawdown_figure, exposure_figure, legs_figure
from views.shared.clock import moments_form
from views.shared.clock_controls import chosen_zone, moment_column, plotted
from views.shared.elements import PLOT, is_dark, table_height
from views.shared.escaping import in_markdown
from views.shared.metrics import UNKNOWN
from views.shared.uploads import session_cached

BENCHMARK: Final = "benchmark"
"""Key of the choice of a benchmark, also in the address."""
HELP: Final = (
    "What the run is held beside, over the same rows. Held: bought at the first price and left alone. In equal "
    "parts: the same amount of every leg is bought at the beginning. Cash: nothing happens."
)
UP, DOWN = "86,180,233", "230,159,0"
TWO: Final = ("figure", "value", "what it is")


def tear_sheet(run: Run, performance: Performance, names: Mapping[str, str]) -> None:
    """Everything below a heading of its own; where the run is too short for a part, that says so.

    Parameters
    ----------
    names : how symbols are printed.
    """
    if not len(run) or not run.equity[0] > 0.0:
        st.info("The run has no row with equity: there is nothing to show.", icon=":material/hourglass_empty:")
        return
    basis, dark = basis_of(run), is_dark()
    st.caption(in_markdown(span(run)))
    _calendar(run)
    _drawdowns(run, dark)
    _rolling(run, basis, performance, dark)
    _distribution(run, basis, dark)
    _benchmark(run, basis, performance, names, dark)
    _legs(run, performance, names, dark)
    _exposure(run, performance, dark)


def _figure(run: Run, name: str, dark: bool, make: Callable[[], Any], *parts: Any) -> None:
    drawn = session_cached(f"drawn_{name}", [run, dark, *parts], make)
    st.plotly_chart(plotted(drawn), key=f"sheet_{name}", config=PLOT)


def _table(lines: Sequence[tuple[str, ...]], heads: tuple[str, ...], key: str, says: str) -> None:
    frame = pd.DataFrame(lines, columns=list(heads))
    st.dataframe(frame, hide_index=True, height="content", key=key, alt=says)


def _calendar(run: Run) -> None:
    found: CalendarTable = session_cached("calendar_of_run", [run], lambda: calendar_table(run))
    st.subheader(found.title, anchor="calendar")
    st.caption(in_markdown(found.says))
    if not found.unit:
        return
    shade = strongest(found.frame[found.shaded])

    def colour(value: Any) -> str:
        return f"background-color: rgba({UP if value >= 0.0 else DOWN},{strength(value, shade):.2f})"

    numbers = [name for name in found.frame.columns if name not in ("year", "day", "hour from")]
    styled = found.frame.style.map(colour, subset=pd.Index(found.shaded))
    st.dataframe(
        styled.format(_signed, subset=pd.Index(numbers), na_rep=UNKNOWN),
        hide_index=True,
        height=table_height(len(found.frame)),
        placeholder=UNKNOWN,
        key="sheet_calendar",
        alt=f"{found.title} in percent",
    )


def _signed(value: object) -> str:
    """A number with its sign; nothing has none."""
    return f"{value:+,.3f}" if isinstance(value, float) and value else "0"


def _drawdowns(run: Run, dark: bool) -> None:
    st.subheader("Worst drawdowns", anchor="drawdowns")
    frame = session_cached("made_drawdown_frame", [run], lambda: tables.drawdowns_frame(run))
    if frame.empty:
        st.caption("Equity never fell below a peak.")
        return
    _figure(run, "drawdowns", dark, lambda: drawdown_figure(run, worst_drawdowns(run.time_ns, run.equity), dark=dark))
    exact = moments_form(frame["peak"], frame["trough"], zone=chosen_zone())
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame)),
        key="sheet_drawdown_table",
        alt="Worst drawdowns, the deepest first",
        column_config={
            "depth, %": st.column_config.NumberColumn(
                format="%.3f", help="Of the equity at the peak, at ends of bars."
            ),
            "peak": moment_column("from (peak)", exact),
            "trough": moment_column("to (trough)", exact),
            "recovered": "recovered, UTC",
            "length": st.column_config.TextColumn(help="From the peak until equity was back, or until the end."),
        },
    )


def _rolling(run: Run, basis: Basis, performance: Performance, dark: bool) -> None:
    st.subheader("Rolling Sharpe ratio", anchor="rolling")
    if len(basis) <= basis.window:
        st.caption(f"Not defined: it needs {basis.window + 1:,} {basis.words}, and the run has {len(basis):,}.")
        return
    annual = is_annual(performance)
    unit = "annualised" if annual else f"of one {basis.word}, not annualised: the run is shorter than a week"
    st.caption(f"Over the newest {basis.window:,} {basis.words}, {unit}. {BAND}")
    _figure(run, "rolling", dark, lambda: rolling_figure(basis, annual=annual, dark=dark))


def _distribution(run: Run, basis: Basis, dark: bool) -> None:
    st.subheader(f"Distribution of the returns of a {basis.word}", anchor="distribution")
    if len(basis) < 2 or not float(np.ptp(basis.returns)) > 0.0:
        st.caption("Not defined: returns do not vary.")
        return
    _figure(run, "distribution", dark, lambda: distribution_figure(basis, dark=dark))
    ends = tails(basis.returns)
    left, right = st.columns(2)
    with left:
        _table(tables.moments_rows(basis), TWO, "sheet_moments", "Moments of the returns")
    with right:
        heads = ("of the returns", "value at risk", "shortfall")
        _table(tables.losses_rows(ends), heads, "sheet_losses", "Losses of one period")
    st.caption(
        f"Losses of one {basis.word}, read off its {ends.rows:,} returns and of no law: value at risk is passed in the "
        "rest of them, shortfall is the mean from there on. Worse than the worst that was seen is possible. The dashed "
        "line is a normal law with the same mean and deviation, to compare with, not assumed."
    )


def _benchmark(run: Run, basis: Basis, performance: Performance, names: Mapping[str, str], dark: bool) -> None:
    st.subheader("Beside a benchmark", anchor="benchmark")
    shown = dict(names)
    chosen = st.selectbox("Benchmark", benchmark_names(run, shown), key=BENCHMARK, bind="query-params", help=HELP)
    held = held_benchmark(run, str(chosen), shown)
    found = beside(run, basis, held.levels, annual=is_annual(performance))
    curve = np.asarray(run.equity) / run.equity[0]
    _figure(
        run,
        "benchmark",
        dark,
        lambda: benchmark_figure(run.time_ns, curve, found.levels / found.levels[0], found.name, dark=dark),
        held.name,
    )
    _table(found.rows, TWO, "sheet_benchmark_table", found.caption)
    st.caption(in_markdown(f"{found.says} {found.caption}. {held.meaning}"))


def _legs(run: Run, performance: Performance, names: Mapping[str, str], dark: bool) -> None:
    st.subheader("Profit by leg", anchor="legs")
    if not run.fills:
        st.caption("Nothing was traded.")
        return
    _figure(run, "legs", dark, lambda: legs_figure(run, profit_of(run), dark=dark, names=names))
    frame = session_cached("made_legs_frame", [run], lambda: tables.symbols_frame(run, performance))
    signed = {name: st.column_config.NumberColumn(format="%+,.2f") for name in ("gross", "funding", "net")}
    plain = {name: st.column_config.NumberColumn(format="%,.2f") for name in ("fees", "spread", "impact")}
    st.dataframe(
        frame.assign(symbol=[names.get(each, each) for each in frame["symbol"]]),
        hide_index=True,
        height=table_height(len(frame)),
        key="sheet_legs_table",
        alt="Profit by leg; the last row is the account's",
        column_config={"symbol": "leg", **signed, **plain},
    )
    st.caption("Each column adds up to its last row to the cent, and the last of net is the profit of the run.")


def _exposure(run: Run, performance: Performance, dark: bool) -> None:
    st.subheader("Exposure and leverage", anchor="exposure")
    if not run.fills:
        st.caption("Nothing was held.")
        return
    st.caption(in_markdown(held_words(performance)))
    _figure(run, "exposure", dark, lambda: exposure_figure(run, performance.exposure, dark=dark))
