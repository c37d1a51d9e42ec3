"""A report as small tables, what matters first: a narrow screen shows no more than the first columns."""

import math
from collections.abc import Iterable
from typing import Final

import pandas as pd

from alphastream.books import MarketHealth
from alphastream.core.durations import BOUNDS_S, Durations
from alphastream.core.units import MS, SECOND
from alphastream.feeds.traffic import Break, Healed
from alphastream.instruments import bare
from health import Hole, PipelineReport, Report
from runtime.threads import Task
from views.shared.metrics import UNKNOWN

LAGS: Final = {
    "received": "exchange → received",
    "durable": "received → on the disk",
    "painted": "received → painted",
}


def instruments_frame(pipeline: PipelineReport) -> pd.DataFrame:
    """One row an instrument: what the tape holds, what it lacks, and how fast it grows."""
    rows = []
    for one in pipeline.instruments:
        held, missing = one.held, UNKNOWN
        if held is not None:
            missing = f"{held.missing:,} missing in {len(one.gaps)}" if held.missing else "complete"
            missing = missing if held.is_known else "cannot be known"
        rows.append(
            {
                "instrument": bare(one.symbol, pipeline.venue),
                "tape": missing,
                "ticks/s": one.rate,
                "quiet since (UTC)": _moment(one.quiet_ns),
                "ticks": held.ticks if held is not None else 0,
                "first id": held.first_id if held is not None else None,
                "last id": held.last_id if held is not None else None,
                "delivered": one.delivered,
            }
        )
    return pd.DataFrame(rows).astype({"first id": "Int64", "last id": "Int64"}) if rows else pd.DataFrame()


def books_frame(market: MarketHealth, venue: str, now_ns: int) -> pd.DataFrame:
    """One row an instrument: whether its book is in sequence, and how old quote, book and mark price are."""

    def age_s(arrived_ns: int) -> float | None:
        return max(now_ns - arrived_ns, 0) / SECOND if arrived_ns else None

    return pd.DataFrame(
        [
            {
                "instrument": bare(name, venue),
                "book": "in sequence" if one.in_sequence else one.reason,
                "made right": one.resyncs,
                "updates": one.updates,
                "quote, s ago": age_s(one.quote_ns),
                "book, s ago": age_s(one.book_ns),
                "mark, s ago": age_s(one.mark_ns),
            }
            for name, one in sorted(market.instruments.items())
        ]
    )


def holes_frame(holes: Iterable[Hole], venue: str) -> pd.DataFrame:
    """One row a range of missing ids."""
    return pd.DataFrame(
        [
            {
                "instrument": bare(hole.symbol, venue),
                "state": hole.state,
                "missing": hole.last_id - hole.first_id + 1,
                "first id": hole.first_id,
                "last id": hole.last_id,
                "after (UTC)": _moment(hole.from_ns),
                "before (UTC)": _moment(hole.to_ns),
                "reason": hole.reason,
            }
            for hole in holes
        ]
    )


def healed_frame(healed: Iterable[Healed], venue: str) -> pd.DataFrame:
    """One row a request that brought missing trades, newest first."""
    return pd.DataFrame(
        [
            {
                "instrument": bare(each.symbol, venue),
                "healed (UTC)": _moment(each.time_ns),
                "ticks": each.ticks,
                "first id": each.first,
                "last id": each.last,
            }
            for each in reversed(list(healed))
        ]
    )


def breaks_frame(breaks: Iterable[Break]) -> pd.DataFrame:
    """One row a time without a connection, newest first."""
    return pd.DataFrame(
        [
            {
                "since (UTC)": _moment(each.time_ns),
                "without ticks": f"{each.lasted_s:,.1f} s" if each.lasted_s is not None else "still",
                "reason": each.reason,
                "attempts": each.times,
                "state": each.state,
            }
            for each in reversed(list(breaks))
        ]
    )


def lags_of(pipeline: PipelineReport, report: Report) -> dict[str, Durations]:
    """How long ticks take, hop by hop, by the keys of LAGS; browsers tell of live trades alone."""
    found = {"received": pipeline.feed.traffic.lag, "durable": pipeline.store.durable_lags}
    if report.channel is not None and pipeline.kind == "live":
        found["painted"] = report.channel.painted
    return {name: durations for name, durations in found.items() if durations.total}


def lags_frame(lags: dict[str, Durations]) -> pd.DataFrame:
    """One row a hop: the bound of the bucket that half, nearly all and all but one in a hundred ticks kept."""
    return pd.DataFrame(
        [
            {
                "hop": LAGS[name],
                **{f"{share:.0%}": _at_most(each.at_most_s(share)) for share in (0.5, 0.95, 0.99)},
                "mean": _duration(each.sum_s / each.total),
                "counted": each.total,
            }
            for name, each in lags.items()
        ]
    )


def threads_frame(tasks: Iterable[Task]) -> pd.DataFrame:
    """One row a kind of thread."""
    return pd.DataFrame(
        [{"thread": task.name, "running": task.running, "restarts": task.restarts, "does": task.does} for task in tasks]
    )


def facts_frame(pipeline: PipelineReport, report: Report) -> pd.DataFrame:
    """Everything else, a name and a value a row."""
    feed, traffic, store, file = pipeline.feed, pipeline.feed.traffic, pipeline.store, pipeline.file
    facts = {
        "transport": traffic.transport or ("none: a recording is played" if pipeline.kind == "replay" else "none"),
        "bytes received": size(traffic.bytes_received),
        "reconnects": f"{feed.reconnects:,}",
        "connections renewed without a break": f"{feed.renewals:,}",
        "messages rejected": f"{sum(feed.rejected.values()):,}",
        "venue's clock ahead of ours": UNKNOWN
        if feed.clock_offset_ns is None
        else f"{feed.clock_offset_ns / MS:,.0f} ms",
        "REST weight, last minute": f"{traffic.rest_weight_minute:,} of {traffic.rest_weight_allowed:,} allowed"
        if traffic.rest_weight_allowed
        else UNKNOWN,
        "REST requests": f"{traffic.rest_requests:,}",
        "ticks refetched": f"{feed.backfilled:,}",
        "ticks waiting for the disk": f"{store.pending:,}, the oldest for {store.durable_lag_s:.2f} s",
        "ticks written": f"{store.written:,}",
        "duplicates dropped": f"{store.duplicates:,}",
        "ticks refused": f"{store.rejected:,}",
        "ticks given up, disk failed": f"{store.lost:,}",
        "ticks in damaged blocks": f"{store.damaged:,}",
        "file": file.path.name,
        "file size": size(file.size),
        "disk free": size(file.free),
        "kept in the file": f"{report.retention_hours:,} h",
        "memory now": size(report.memory.now),
        "memory at most": size(report.memory.most),
    }
    if report.channel is not None:
        facts |= {
            "browsers on the live channel": f"{report.channel.clients:,}",
            "messages that wait for them": f"{report.channel.waiting:,}",
            "messages they were too slow for": f"{report.channel.skipped:,}",
        }
    if report.webhooks_waiting is not None:
        facts["alerts waiting for webhooks"] = f"{report.webhooks_waiting:,}"
    return pd.DataFrame({"what": list(facts), "now": list(facts.values())})


def size(count: int | None) -> str:
    """Bytes in words; decimal units, as disks are sold."""
    if count is None:
        return UNKNOWN
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{count / step:,.1f} {unit}"
    return f"{count} bytes"


def _at_most(bound_s: float | None) -> str:
    if bound_s is None:
        return UNKNOWN
    return f"> {_duration(BOUNDS_S[-1])}" if math.isinf(bound_s) else f"≤ {_duration(bound_s)}"


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:,.3g} ms" if abs(seconds) < 1 else f"{seconds:,.3g} s"


def _moment(time_ns: int | None) -> pd.Timestamp | None:
    return pd.Timestamp(time_ns, tz="UTC") if time_ns is not None else None
