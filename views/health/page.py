"""The health page: whether the app does what it was asked for, what the tape holds, how late, and what went wrong."""

from typing import Any, Final

import streamlit as st

from alphastream.instruments import bare
from health import SHOWN_HOLES, PipelineReport, Report, holes, report_of, troubles
from system import System
from views.component.pulse import pulse
from views.health.charts import lags_figure
from views.health.tables import (
    books_frame,
    breaks_frame,
    facts_frame,
    healed_frame,
    holes_frame,
    instruments_frame,
    lags_frame,
    lags_of,
    size,
    threads_frame,
)
from views.shared.clock_controls import moment_column
from views.shared.elements import PLOT, is_dark, metric_row, table_height
from views.shared.escaping import in_markdown
from views.shared.metrics import UNKNOWN, Metric, plain
from views.shared.page_head import page_head
from views.shared.system import get_system

BEAT_S: Final = 1.0  # the browser says after two seconds that the server is silent
REFRESH_S: Final = 5.0
PROOFS: Final = {
    "sequence": "The venue numbers its updates: of a book in sequence none is missing.",
    "checksum": "The venue's checksum proves the best levels of a book in sequence.",
    "unknown": "Whether an update is missing cannot be known; a book whose sides cross is made right.",
}
KINDS: Final = {"live": "Live", "replay": "Recording"}


def page() -> None:
    """What moves every second, then what is looked at more rarely."""
    page_head("Health")
    system = get_system()
    st.fragment(_now, run_every=BEAT_S, key="health_now")(system)
    st.fragment(_account, run_every=REFRESH_S, key="health_account")(system)
    _meanings()


def _now(system: System) -> None:
    """The verdict, ages, and each feed in a line of figures."""
    report = report_of(system)
    found = troubles(report)
    if found:
        lines = "\n".join(f"- {in_markdown(words)}" for words in found)
        st.error(lines, icon=":material/error:", title="Not what was asked for")
    else:
        st.success(_words_of(report.pipelines[0]), icon=":material/check:")
    for pipeline in report.pipelines:
        st.subheader(in_markdown(f"{KINDS[pipeline.kind]}: {plain(pipeline.feed.feed)}"))
        _beat(pipeline, system)
        metric_row(_figures(pipeline, report), key=f"health_figures_{_place(pipeline)}")
        st.dataframe(
            instruments_frame(pipeline),
            hide_index=True,
            height=table_height(len(pipeline.instruments)),
            placeholder=UNKNOWN,
            key=f"health_instruments_{_place(pipeline)}",
            alt="Instruments: what the tape holds and lacks",
            # Most of the time no instrument is quiet, and an empty column only takes room.
            column_order=_columns(pipeline),
            column_config={
                "quiet since (UTC)": _moments("quiet since", "By its own pace it would trade, and others do."),
                "instrument": st.column_config.TextColumn(width=110),
                "tape": st.column_config.TextColumn(width=130, help="Ids missing between the first and the last."),
                "ticks/s": st.column_config.NumberColumn(
                    format="%.1f", width=70, help="Delivered, mean of about the last ten seconds."
                ),
                "ticks": st.column_config.NumberColumn(format="localized", help="On the tape."),
                "first id": st.column_config.NumberColumn(format="%d"),
                "last id": st.column_config.NumberColumn(format="%d"),
                "delivered": st.column_config.NumberColumn(format="localized", help="Since the start."),
            },
        )


def _place(pipeline: PipelineReport) -> str:
    """What tells the elements of one feed from those of another."""
    return f"{pipeline.kind}_{pipeline.venue}"


def _columns(pipeline: PipelineReport) -> list[str] | None:
    names = list(instruments_frame(pipeline).columns)
    if any(one.quiet_ns is not None for one in pipeline.instruments):
        return None
    return [name for name in names if name != "quiet since (UTC)"]


def _words_of(pipeline: PipelineReport) -> str:
    if pipeline.kind == "replay":
        return "A recording is played."
    return (
        "Another process records live trades; this one shows them." if pipeline.follows else "Live trades are recorded."
    )


def _beat(pipeline: PipelineReport, system: System) -> None:
    """How long ago each instrument traded; in the browser, where it goes on counting."""
    moments = {bare(one.symbol, pipeline.venue): one.last_tick_ns for one in pipeline.instruments}
    pace = system.settings.replay_speed if pipeline.kind == "replay" else 1.0
    pulse(pipeline.now_ns, moments, pace=pace, key=f"pulse_{_place(pipeline)}")


def _figures(pipeline: PipelineReport, report: Report) -> list[Metric]:
    rates = [one.rate for one in pipeline.instruments if one.rate is not None]
    counts = [one.held.missing for one in pipeline.instruments if one.held is not None]
    known = [count for count in counts if count is not None]
    missing, of_what = f"{sum(known):,}", "ids" if len(known) == len(counts) else "ids, where trades are numbered"
    if counts and not known:
        missing, of_what = "cannot be known", "trades are not numbered"
    trades = "recorded trades" if pipeline.kind == "replay" else "live trades"
    return [
        Metric("State", pipeline.feed.state, f"of {trades}", help=pipeline.feed.reason),
        Metric("Ticks a second", f"{sum(rates):,.1f}" if rates else UNKNOWN, "mean of ten seconds"),
        Metric("Missing on the tape", missing, of_what),
        Metric("Waiting for the disk", f"{pipeline.store.pending:,}", f"oldest {pipeline.store.durable_lag_s:.2f} s"),
        Metric("Tape", size(pipeline.file.size), f"{size(pipeline.file.free)} free"),
        Metric("Memory", size(report.memory.now), f"at most {size(report.memory.most)}"),
    ]


def _account(system: System) -> None:
    """Holes, delays, breaks, counts and threads; runs again every five seconds."""
    report = report_of(system)
    kinds = [each.kind for each in report.pipelines]
    for pipeline in report.pipelines:
        of = KINDS[pipeline.kind].lower()
        if kinds.count(pipeline.kind) > 1:
            of = in_markdown(f"{of} {pipeline.venue}")
        st.subheader(f"Holes, {of}")
        _holes(system, pipeline)
        st.subheader(f"Delays, {of}")
        _delays(pipeline, report)
        if pipeline.kind == "live":
            st.subheader(f"Breaks of the connection, {of}")
            _breaks(pipeline)
            _books(pipeline, of)
        st.subheader(f"Counts, {of}")
        st.dataframe(
            facts_frame(pipeline, report),
            hide_index=True,
            height="content",
            key=f"health_facts_{_place(pipeline)}",
            alt="Counts since the start",
            column_config={
                "what": st.column_config.TextColumn(width=210),
                "now": st.column_config.TextColumn(width=200),
            },
        )
    st.subheader("Threads")
    st.dataframe(
        threads_frame(report.threads),
        hide_index=True,
        key="health_threads",
        alt="Threads of the process",
        column_config={
            "thread": st.column_config.TextColumn(width=150),
            "running": st.column_config.NumberColumn(width=70),
            "restarts": st.column_config.NumberColumn(
                width=70, help="Times its work ended by a defect and began again; the log has each."
            ),
            "does": st.column_config.TextColumn(width=380),
        },
    )


def _holes(system: System, pipeline: PipelineReport) -> None:
    running = system.pipeline_of(pipeline.kind)
    if running is None:
        return
    torn = [one for one in pipeline.instruments if one.gaps]
    each = max(1, SHOWN_HOLES // max(1, len(torn)))
    found = [hole for one in torn[:SHOWN_HOLES] for hole in holes(running, one.symbol, each)]
    unknown = [bare(one.symbol, pipeline.venue) for one in pipeline.instruments if one.held and not one.held.is_known]
    if unknown:
        names = in_markdown(", ".join(unknown))
        st.caption(f"{names}: the venue does not number its trades, so what is missing cannot be known.")
    if not found and len(unknown) < len(pipeline.instruments):
        st.caption("None: between the first and the last id of each instrument nothing is missing.")
    if found:
        st.dataframe(
            holes_frame(found, pipeline.venue),
            hide_index=True,
            height=table_height(len(found)),
            placeholder=UNKNOWN,
            key=f"health_holes_{_place(pipeline)}",
            alt="Missing ranges of ids",
            column_config={
                "after (UTC)": _moments("after", "Of the tick before the hole."),
                "before (UTC)": _moments("before", "Of the tick behind it."),
                "reason": st.column_config.TextColumn(width="large"),
            },
        )
        if sum(len(one.gaps) for one in pipeline.instruments) > len(found):
            st.caption("The newest holes of each instrument; the table above counts all.")
    healed = pipeline.feed.traffic.healed
    if healed:
        st.caption(f"Healed: the newest {len(healed)} answers that brought missing trades.")
        st.dataframe(
            healed_frame(healed, pipeline.venue),
            hide_index=True,
            height=table_height(len(healed)),
            key=f"health_healed_{_place(pipeline)}",
            alt="Healed ranges of ids",
            column_config={"healed (UTC)": _moments("healed")},
        )


def _delays(pipeline: PipelineReport, report: Report) -> None:
    lags = lags_of(pipeline, report)
    if not lags:
        st.caption("No tick was counted yet.")
        return
    st.dataframe(
        lags_frame(lags),
        hide_index=True,
        key=f"health_lags_{_place(pipeline)}",
        alt="How long ticks take",
        column_config={"hop": st.column_config.TextColumn(width=170)},
    )
    st.plotly_chart(lags_figure(lags, dark=is_dark()), key=f"health_lags_chart_{_place(pipeline)}", config=PLOT)
    st.caption(
        "Since the start, in buckets: the bounds say that so many ticks took at most so long. From the exchange to "
        "here by the venue's clock, as far as it was asked. On the disk: in the file, as a transaction of SQLite; a "
        "power cut may still take the last ones. Painted is what browsers with an open live page tell."
    )


def _breaks(pipeline: PipelineReport) -> None:
    breaks = pipeline.feed.traffic.breaks
    if not breaks:
        st.caption("None since the start.")
        return
    st.dataframe(
        breaks_frame(breaks),
        hide_index=True,
        height=table_height(len(breaks)),
        key=f"health_breaks_{_place(pipeline)}",
        alt="Breaks of the connection, newest first",
        column_config={
            "since (UTC)": _moments("since"),
            "without ticks": st.column_config.TextColumn(width=100),
            "reason": st.column_config.TextColumn(width="large"),
        },
    )


def _books(pipeline: PipelineReport, of: str) -> None:
    """Quotes, books and mark prices, where they were asked for.

    Parameters
    ----------
    of : whose, for the heading.
    """
    market = pipeline.market
    if market is None:
        if pipeline.outage:
            st.subheader(f"Books, {of}")
            st.caption(f"No books are received: {in_markdown(pipeline.outage)}")
        return
    st.subheader(f"Books, {of}")
    st.caption(f"**{market.state}**: {in_markdown(market.reason)}. {PROOFS[market.completeness]}")
    st.dataframe(
        books_frame(market, pipeline.venue, pipeline.now_ns),
        hide_index=True,
        height=table_height(len(market.instruments)),
        placeholder=UNKNOWN,
        key=f"health_books_{_place(pipeline)}",
        alt="Books: in sequence or not, and how old",
        column_config={
            "book": st.column_config.TextColumn(width="medium"),
            "made right": st.column_config.NumberColumn(help="Times after a loss or a break of the connection."),
            "updates": st.column_config.NumberColumn(format="localized", help="Applied since the start."),
            **{
                f"{kind}, s ago": st.column_config.NumberColumn(format="%.1f", help="Since the newest arrived.")
                for kind in ("quote", "book", "mark")
            },
        },
    )


def _moments(label: str, help_text: str | None = None) -> Any:
    return moment_column(label, "YYYY-MM-DD HH:mm:ss.SSS", width=170, help=help_text)


def _meanings() -> None:
    """What words on this page mean, and where programs find the same."""
    with st.expander("What this means", icon=":material/help:"):
        st.markdown(
            "- **live**: trades arrive. **backfilling**: they arrive, and missing ones are fetched. **connecting**: "
            "on the way to the first trade. **stalled**: the connection is open and carries no trades. **blocked**: "
            "the venue turns this address away. **stopped**: ended.\n"
            "- A hole is **open** while it is only known of, **healing** while the venue is asked for it, **lost** "
            "when the venue does not give it any more. What was fetched is listed as healed.\n"
            "- Ages count in the browser. Where the server is silent for two seconds, the box with its time says so.\n"
            "- Programs find the verdict at `/healthz` and the figures at `/metrics`; docs/operations.md has rules "
            "for alerts."
        )


page()
