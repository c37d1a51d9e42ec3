"""Everything about a run in one HTML file."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.graph import interval_name
from alphastream.performance import (
    DeflatedSharpe,
    Performance,
    ProfitOverTime,
    deflated_sharpe,
    profit_over_time,
    summarise,
    tails,
    worst_drawdowns,
)
from alphastream.performance.metrics import YEAR_NS
from alphastream.reports import document as doc
from alphastream.reports import run_tables as tables
from alphastream.reports.basis import Basis, basis_of
from alphastream.reports.benchmark_section import benchmark_levels, benchmark_section, beside
from alphastream.reports.benchmarks import HeldBenchmark
from alphastream.reports.calendar_table import calendar_table, strongest
from alphastream.reports.curve_charts import benchmark_figure, distribution_figure, rolling_figure
from alphastream.reports.document import Section
from alphastream.reports.look import dressed
from alphastream.reports.metrics import duration
from alphastream.reports.run import Run
from alphastream.reports.run_charts import backtest_figure, cost_figure
from alphastream.reports.run_words import (
    BAND,
    CAVEATS,
    ended_as,
    ending,
    figures,
    held_words,
    is_annual,
    span,
    statistics,
    troubles,
)
from alphastream.reports.settings import rules_of
from alphastream.reports.sheet_charts import drawdown_figure, exposure_figure, legs_figure
from alphastream.reports.trade_tables import exit_reasons, round_trips_frame
from alphastream.trading.broker.costs import BrokerRules

if TYPE_CHECKING:
    import plotly.graph_objects as go

Trials: TypeAlias = float | Sequence[float] | Floats | None
Names: TypeAlias = Mapping[str, str] | None

FIRST: Final = 100
"""Round trips, orders and fills of which a report has the lines."""
FEW: Final = 30
"""Closed round trips below which their statistics are said to be of few."""


def performance_of(run: Run, trials: Trials = None) -> Performance:
    """What a run was worth; ``trials`` that are Sharpe ratios deflate its own, see ``luck_of``."""
    trips: dict[int, set[str]] = {}
    for fill in run.fills:
        trips.setdefault(fill.round_trip, set()).add(fill.symbol)
    return summarise(
        run.time_ns,
        run.equity,
        run.symbols,
        run.positions,
        run.marks,
        run.fills,
        run.funding,
        capital=run.capital,
        lead=run.symbols[0] if any(len(symbols) > 1 for symbols in trips.values()) else None,
        trial_sharpes=None if trials is None or np.ndim(trials) == 0 else np.asarray(trials, dtype=np.float64),
        ended_ns=None if run.ended is None else run.ended.time_ns,
    )


def luck_of(performance: Performance, trials: Trials) -> DeflatedSharpe | None:
    """The run against the trials that it was chosen from; None where nobody says how many those were."""
    if trials is None:
        return None
    if np.ndim(trials) == 0:
        ratios = performance.ratios
        return deflated_sharpe(ratios.moments.over_many_rows(ratios.factor), trials=float(np.asarray(trials)))
    return performance.deflated


def run_figure(run: Run, *, dark: bool = False, performance: Performance | None = None) -> "go.Figure":
    """Equity, drawdown, positions and what was recorded, on paper of its own."""
    _require_rows(run)
    found = performance_of(run) if performance is None else performance
    return dressed(backtest_figure(run, found, dark=dark), dark=dark)


def run_figures(run: Run, *, benchmark: Any = None, dark: bool = False) -> "dict[str, go.Figure]":
    """Every figure of the report, by name; those for which there is too little are left out."""
    _require_rows(run)
    performance, basis = performance_of(run), basis_of(run)
    made = {"books": backtest_figure(run, performance, dark=dark)}
    if performance.drawdown.depth:
        made["drawdowns"] = drawdown_figure(run, worst_drawdowns(run.time_ns, run.equity), dark=dark)
    if len(basis) > basis.window:
        made["rolling"] = rolling_figure(basis, annual=is_annual(performance), dark=dark)
    if _varies(basis):
        made["distribution"] = distribution_figure(basis, dark=dark)
    if benchmark is not None:
        levels, name = benchmark_levels(benchmark.levels if isinstance(benchmark, HeldBenchmark) else benchmark, run)
        made["benchmark"] = benchmark_figure(
            run.time_ns, np.asarray(run.equity) / run.equity[0], levels / levels[0], name, dark=dark
        )
    if run.fills:
        made["symbols"] = legs_figure(run, profit_of(run), dark=dark)
        made["exposure"] = exposure_figure(run, performance.exposure, dark=dark)
        made["costs"] = cost_figure(performance.split, dark=dark)
    return {name: dressed(figure, dark=dark) for name, figure in made.items()}


def run_html(
    run: Run,
    *,
    benchmark: Any = None,
    trials: Trials = None,
    rules: BrokerRules | None = None,
    settings: Iterable[tuple[str, str]] = (),
    performance: Performance | None = None,
    luck: DeflatedSharpe | None = None,
    names: Names = None,
    thresholds: tuple[float | None, float | None] = (None, None),
) -> str:
    """The report as text; parameters as in ``write_report``.

    Parameters
    ----------
    performance, luck : where they were computed already.
    names : how symbols are printed; None: as they are.
    thresholds : entry and exit of the z-score, where the strategy has them.
    """
    title = f"Run: {run.name}"
    if not len(run) or not run.equity[0] > 0.0:
        said = "The run has no row." if not len(run) else "Nothing was left at the end of the first row."
        return doc.document(title, [doc.words(f"{said} There is nothing to report.", "warning")], [])
    found = performance_of(run, trials) if performance is None else performance
    luck = luck_of(found, trials) if luck is None else luck
    basis = basis_of(run)
    opening = [doc.words(span(run)), doc.cards(figures(run, found, luck))]
    opening += [doc.words(sentence, "warning") for sentence in troubles(run)]
    if run.ended is not None:
        opening.append(doc.words(f"{ended_as(run.ended)}. {ending(run.ended)}", "warning"))
    sections = [
        _summary(run, found, basis),
        _books(run, found, names, thresholds),
        _calendar(run),
        _drawdowns(run),
        _rolling(basis, found),
        _returns(basis),
        *([] if benchmark is None else [_benchmark(run, found, basis, benchmark)]),
        _symbols(run, found, names),
        _exposure(run, found),
        _costs(run, found),
        _round_trips(run, found, names),
        _orders(run),
        _fills(run),
        _assumed(run, rules, settings),
        Section("When not to trust this", (doc.bullets([*_doubts(run, found, luck), *CAVEATS]),)),
    ]
    return doc.document(title, opening, sections)


def _require_rows(run: Run) -> None:
    if not len(run) or not run.equity[0] > 0.0:
        raise ParameterError(f"{run.name} has no row with equity: there is nothing to draw, run it over longer data")


def _varies(basis: Basis) -> bool:
    return len(basis) > 1 and float(np.ptp(basis.returns)) > 0.0


def profit_of(run: Run) -> ProfitOverTime:
    """Profit of each symbol as it grew."""
    return profit_over_time(run.time_ns, run.symbols, run.positions, run.marks, run.fills, run.funding)


def _summary(run: Run, found: Performance, basis: Basis) -> Section:
    heads = ("figure", "value", "what it is")
    return Section("Summary", (doc.pairs_table(tables.summary_rows(run, found, basis), "Figures of the run", heads),))


def _books(run: Run, found: Performance, names: Names, thresholds: tuple[float | None, float | None]) -> Section:
    entry, exit_ = thresholds
    fall = found.drawdown
    says = (
        f"Equity from {found.capital:,.2f} to {found.equity:,.2f}, lowest {float(np.min(run.equity)):,.2f}, highest "
        f"{float(np.max(run.equity)):,.2f}; drawdown at most {fall.depth:.3%}; positions of each symbol at their marks."
    )
    figure = backtest_figure(run, found, entry=entry, exit_=exit_, names=names)
    return Section("Equity, drawdown and positions", (doc.drawing(figure, "books", says),))


def _calendar(run: Run) -> Section:
    found = calendar_table(run)
    if not found.unit:
        return Section(found.title, (doc.words(found.says),))
    shade = strongest(found.frame[found.shaded])
    return Section(found.title, (doc.table(found.frame, found.says, decimals=3, shade=shade),))


def _drawdowns(run: Run) -> Section:
    frame = tables.drawdowns_frame(run)
    if frame.empty:
        return Section("Worst drawdowns", (doc.words("Equity never fell below a peak."),))
    says = f"The {len(frame)} deepest, none of which overlap, times in UTC; the length is until equity was back"
    figure = drawdown_figure(run, worst_drawdowns(run.time_ns, run.equity))
    alt = f"Drawdown at most {float(frame['depth, %'].min()):.3f} %; the worst are shaded, with their numbers."
    return Section("Worst drawdowns", (doc.drawing(figure, "drawdowns", alt), doc.table(frame, says)))


def _rolling(basis: Basis, found: Performance) -> Section:
    title = f"Rolling Sharpe ratio and volatility over {basis.window:,} {basis.words}"
    if len(basis) <= basis.window:
        return Section(
            title, (doc.words(f"Not defined: needs {basis.window + 1:,} {basis.words}, has {len(basis):,}."),)
        )
    unit = "annualised" if is_annual(found) else f"of one {basis.word}, not annualised"
    says = f"Plain Sharpe ratio and volatility of the newest {basis.window:,} {basis.words}, {unit}. {BAND}"
    return Section(title, (doc.drawing(rolling_figure(basis, annual=is_annual(found)), "rolling", says),))


def _returns(basis: Basis) -> Section:
    title = f"Distribution of the returns of a {basis.word}"
    if not _varies(basis):
        return Section(title, (doc.words("Not defined: returns do not vary."),))
    ends = tails(basis.returns)
    lowest, highest = float(basis.returns.min()), float(basis.returns.max())
    says = f"{len(basis):,} returns from {lowest:+.3%} to {highest:+.3%}, beside a normal law."
    parts = [doc.drawing(distribution_figure(basis), "distribution", says)]
    parts.append(doc.pairs_table(tables.moments_rows(basis), "Their moments", ("figure", "value", "what it is")))
    if ends.far:
        heads = ("how far", "below the mean", "above", "a normal law gives on each side")
        parts.append(doc.pairs_table(tables.tails_rows(ends), "Returns far from the mean", heads))
    caption = f"Losses of one {basis.word}, read off the returns"
    parts.append(doc.pairs_table(tables.losses_rows(ends), caption, ("level", "value at risk", "shortfall")))
    return Section(title, tuple(parts))


def _benchmark(run: Run, found: Performance, basis: Basis, benchmark: Any) -> Section:
    held = benchmark if isinstance(benchmark, HeldBenchmark) else None
    levels = benchmark if held is None else held.levels
    return benchmark_section(
        run, beside(run, basis, levels, annual=is_annual(found)), "" if held is None else held.meaning
    )


def _symbols(run: Run, found: Performance, names: Names) -> Section:
    if not run.fills:
        return Section("Profit by symbol", (doc.words("Nothing was traded."),))
    frame = tables.symbols_frame(run, found)
    says = (
        f"Profit of each of {len(run.symbols)} symbols after costs, before them, and what costs and funding took, "
        f"as they grew; together {found.profit:+,.2f}."
    )
    caption = "Quote currency. Each column adds up exactly to its last line, which is the account's."
    return Section(
        "Profit by symbol",
        (
            doc.drawing(legs_figure(run, profit_of(run), names=names), "symbols", says),
            doc.table(frame, caption, decimals=2),
        ),
    )


def _exposure(run: Run, found: Performance) -> Section:
    if not run.fills:
        return Section("Exposure", (doc.words("Nothing was held."),))
    return Section("Exposure", (doc.drawing(exposure_figure(run, found.exposure), "exposure", held_words(found)),))


def _costs(run: Run, found: Performance) -> Section:
    split = found.split
    if not run.fills:
        return Section("Costs", (doc.words("Nothing was traded, so nothing was paid."),))
    says = f"Gross {split.gross:+,.2f}, after fees, spread, impact and funding net {split.net:+,.2f}."
    heads = ("kind", "quote currency", "share of the gross profit", "bps of what was traded")
    return Section(
        "Costs",
        (
            doc.drawing(cost_figure(split), "costs", says),
            doc.pairs_table(tables.costs_rows(run, found), "Costs by kind; what was received is negative", heads),
        ),
    )


def _cut(shown: int, whole: int, what: str) -> str:
    return f"The first {shown:,} of {whole:,} {what}." if shown < whole else f"All {whole:,} {what}."


def _round_trips(run: Run, found: Performance, names: Names) -> Section:
    trips = found.round_trips
    if not trips:
        return Section("Round trips", (doc.words("None."),))
    frame = round_trips_frame(trips[:FIRST], run.symbols, exit_reasons(run.orders, run.fills), names)
    caption = f"{_cut(len(frame), len(trips), 'round trips')} Quote currency, times in UTC"
    return Section(
        "Round trips",
        (doc.pairs_table(statistics(found), "All of them together"), doc.table(frame, caption)),
    )


def _orders(run: Run) -> Section:
    if not run.orders:
        said = "None." if not run.fills else "Not kept by the compiled path: its fills say what was traded."
        return Section("Orders", (doc.words(said),))
    frame = tables.orders_frame(run.orders[:FIRST])
    return Section("Orders", (doc.table(frame, _cut(len(frame), len(run.orders), "orders")),))


def _fills(run: Run) -> Section:
    if not run.fills:
        return Section("Fills", (doc.words("None."),))
    frame = tables.fills_frame(run, FIRST)
    return Section("Fills", (doc.table(frame, _cut(len(frame), len(run.fills), "fills")),))


def _assumed(run: Run, rules: BrokerRules | None, settings: Iterable[tuple[str, str]]) -> Section:
    given = list(settings)
    lines = [
        ("strategy", run.name),
        ("symbols", ", ".join(run.symbols)),
        ("bars", interval_name(run.interval_ns)),
        ("capital", f"{run.capital:,.2f}"),
    ]
    lines = [line for line in lines if line[0] not in {name for name, _ in given}] + given
    lines += [] if rules is None else [line for line in rules_of(rules) if line not in given]
    parts = [doc.pairs_table(lines, "What the run was asked for")]
    if rules is None and not given:
        parts.append(doc.words("The rules of fills and costs were not given to this report.", "soft"))
    return Section("What was assumed", tuple(parts))


def _doubts(run: Run, found: Performance, luck: DeflatedSharpe | None) -> list[str]:
    """What this run in particular gives reason to doubt."""
    closed, lasted = found.round_trip_statistics.closed, found.end_ns - found.start_ns
    lines = []
    if run.fills and closed < FEW:
        lines.append(f"Only {closed} round trips were closed: hit rate, profit factor and mean profit are of few.")
    if lasted < YEAR_NS and math.isfinite(found.ratios.sharpe):
        lines.append(
            f"The Sharpe ratio is from {duration(lasted)}, less than a year: see its standard error. Other times are "
            "not in it."
        )
    if luck is None:
        lines.append(
            "How many settings were tried before this one was not given to this report, so that no Sharpe ratio is "
            "deflated for it. The best of many looks good by luck alone."
        )
    elif not math.isfinite(luck.probability):
        lines.append(f"Deflated for {luck.trials:,.0f} trials, the Sharpe ratio is not defined for these returns.")
    else:
        lines.append(
            f"Of {luck.trials:,.0f} trials without skill the best is expected to have a Sharpe ratio of "
            f"{luck.expected_maximum:+.4f} of a bar; this one has {luck.sharpe:+.4f}, and with a probability of "
            f"{luck.probability:.0%} its true one is above that."
        )
    return lines
