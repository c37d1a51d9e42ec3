"""What the feed does and what the tape holds, as tables and figures in words. No Streamlit."""

from collections.abc import Mapping

import pandas as pd

from alphastream.core.units import MS
from lines import Line
from pipelines import Pipeline
from runtime.channel.hub import ChannelHealth
from views.shared.instruments import labels

UNKNOWN = "not known"


def tape_facts(pipeline: Pipeline, line: Line, channel: ChannelHealth) -> Mapping[str, str]:
    """Counts and delays of a line since the start, by what they count."""
    feed, store = line.ingest.health, line.store.health
    paint = sorted(channel.paint_ms)
    return {
        "ticks received": f"{feed.ticks:,}",
        "from trade to receipt": _milliseconds(feed.lag_ns),
        "venue's clock ahead of ours": _milliseconds(feed.clock_offset_ns),
        "backfilled": f"{feed.backfilled:,}",
        "reconnects": f"{feed.reconnects}",
        "messages rejected": f"{sum(feed.rejected.values())}",
        "batches not stored": f"{feed.failed_batches}",
        "pending writes": f"{store.pending:,}, the oldest for {store.durable_lag_s:.2f} s",
        "duplicates dropped": f"{store.duplicates:,}",
        "bars reopened by late trades": f"{pipeline.engine.reopened}",
        "browsers on the live channel": f"{channel.clients}",
        "times one was too slow and skipped ahead": f"{channel.skipped}",
        "from receipt to the screen, median of browsers": f"{paint[len(paint) // 2][0]:.0f} ms" if paint else UNKNOWN,
    }


def _milliseconds(time_ns: int | None) -> str:
    return UNKNOWN if time_ns is None else f"{time_ns / MS:,.0f} ms"


def coverage_frame(pipeline: Pipeline) -> pd.DataFrame:
    """What the tape holds of each symbol, and what it lacks."""
    rows = []
    for symbol, name in labels(pipeline.store.symbols(), pipeline.venue).items():
        held = pipeline.store.coverage(symbol)
        if held is None:
            continue
        missing = "whether complete cannot be known"
        if held.missing is not None:
            missing = f"{held.missing:,} trades missing in {len(pipeline.store.gaps(symbol))} gaps"
        anew = f", since ids began anew ({held.epoch} times)" if held.epoch else ""
        rows.append(
            {
                "symbol": name,
                "tape": ("complete" if held.complete else missing) + anew,
                "from (UTC)": pd.to_datetime(held.first_ns, utc=True),
                "to (UTC)": pd.to_datetime(held.last_ns, utc=True),
                "trades": held.ticks,
                "first id": held.first_id,
                "last id": held.last_id,
            }
        )
    return pd.DataFrame(rows)
