"""What /healthz and /metrics answer: a report as a verdict, and as metrics named as Prometheus recommends."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from alphastream.core.units import HOUR, SECOND
from health import PipelineReport, Report, troubles
from runtime.monitoring.exposition import Labels, Metric, Series, counter, gauge, histogram, text

STATES: Final = ("connecting", "live", "stalled", "backfilling", "blocked", "stopped")
STATES_OF_BOOKS: Final = ("connecting", "live", "stalled", "blocked", "stopped")


def health_answer(report: Report, *, with_reasons: bool) -> tuple[int, bytes]:
    """The status and the JSON that /healthz answers: 200 while the process does what it was asked for, else 503.

    Parameters
    ----------
    with_reasons : whether whoever asks may read why, and how the feeds are; else only the verdict is told.
    """
    found = troubles(report)
    verdict: dict[str, Any] = {"status": "failing" if found else "ok"}
    if with_reasons:
        verdict |= {
            "reasons": found,
            "asked": report.asked,
            "feeds": [
                {
                    "kind": each.kind,
                    "venue": each.venue,
                    "state": each.feed.state,
                    "ticks": each.feed.ticks,
                    "durable_lag_s": round(each.store.durable_lag_s, 3),
                    "books": each.market.state if each.market is not None else None,
                }
                for each in report.pipelines
            ],
        }
    return 503 if found else 200, orjson.dumps(verdict)


def metrics_text(report: Report) -> bytes:
    """Every metric of a report, in Prometheus' text format."""
    return text(families(report))


def families(report: Report) -> list[Metric]:
    """Every metric of a report. ``kind`` tells live from recorded trades, so that no sum mixes them."""
    healthy = gauge("healthy", "1 while the process does what it was asked for.", [({}, float(not troubles(report)))])
    feeds = [({"kind": each.kind, "venue": each.venue}, each) for each in report.pipelines]
    return [
        healthy,
        *_instruments(report),
        *_feeds(feeds),
        *_traffic(feeds),
        *_books(feeds),
        *_published(feeds),
        *_tapes(feeds, report.retention_hours),
        *_channel(report),
        *_threads(report),
    ]


def _instruments(report: Report) -> Iterable[Metric]:
    each = [
        ({"kind": pipeline.kind, "venue": one.venue, "symbol": one.name}, one)
        for pipeline in report.pipelines
        for one in pipeline.instruments
    ]

    def held(name: str) -> Series:
        return [(labels, getattr(one.held, name)) for labels, one in each if one.held is not None]

    yield counter(
        "ticks", "Ticks the feed delivered, refetched ones among them.", [(k, one.delivered) for k, one in each]
    )
    yield gauge(
        "last_tick_timestamp_seconds",
        "Trade time of the newest delivered tick, in the feed's time.",
        [(k, one.last_tick_ns / SECOND) for k, one in each if one.last_tick_ns is not None],
    )
    yield gauge("tape_ticks", "Ticks on the tape.", held("ticks"))
    yield gauge("tape_first_id", "Smallest trade id on the tape.", held("first_id"))
    yield gauge("tape_last_id", "Largest trade id on the tape.", held("last_id"))
    numbered = [(k, one, one.held.missing) for k, one in each if one.held is not None and one.held.missing is not None]
    yield gauge(
        "tape_missing_ticks",
        "Ids missing between the smallest and the largest; of instruments whose trades the venue numbers.",
        [(k, missing) for k, _, missing in numbered],
    )
    yield gauge("tape_gaps", "Ranges of missing ids, of the same.", [(k, len(one.gaps)) for k, one, _ in numbered])


Feeds = Sequence[tuple[Labels, PipelineReport]]


def _feeds(feeds: Feeds) -> Iterable[Metric]:
    states = [({**k, "state": state}, float(p.feed.state == state)) for k, p in feeds for state in STATES]
    yield gauge("feed_state", "1 for the state the feed is in.", states)
    yield counter("feed_reconnects", "Connections after the first.", [(k, p.feed.reconnects) for k, p in feeds])
    yield counter(
        "feed_renewals",
        "Connections that took over from another without a moment between.",
        [(k, p.feed.renewals) for k, p in feeds],
    )
    yield gauge(
        "feed_quiet_instruments",
        "Instruments that do not trade as they did, while others do.",
        [(k, len(p.feed.quiet)) for k, p in feeds],
    )
    rejected = [({**k, "reason": why}, float(n)) for k, p in feeds for why, n in p.feed.rejected.items()]
    yield counter("feed_rejected_messages", "Messages that were no trades and should not have come.", rejected)
    yield counter("feed_refetched_ticks", "Ticks fetched to close gaps.", [(k, p.feed.backfilled) for k, p in feeds])
    yield gauge(
        "feed_unfillable_ticks",
        "Missing ids that the venue does not give any more.",
        [(k, sum(lost.last - lost.first + 1 for lost in p.feed.unfillable)) for k, p in feeds],
    )
    yield counter(
        "feed_failed_batches", "Batches that the tape did not take.", [(k, p.feed.failed_batches) for k, p in feeds]
    )
    yield gauge(
        "feed_clock_offset_seconds",
        "Venue's clock minus this machine's.",
        [(k, p.feed.clock_offset_ns / SECOND) for k, p in feeds if p.feed.clock_offset_ns is not None],
    )


def _traffic(feeds: Feeds) -> Iterable[Metric]:
    each = [(labels, pipeline.feed.traffic) for labels, pipeline in feeds]
    transports = [({**k, "transport": t.transport}, 1.0) for k, t in each if t.transport]
    yield gauge("feed_transport_info", "What reads the stream.", transports)
    yield counter("feed_received_bytes", "Payloads of the stream's messages.", [(k, t.bytes_received) for k, t in each])
    yield counter("rest_requests", "REST requests sent to the venue.", [(k, t.rest_requests) for k, t in each])
    yield counter("rest_weight", "What the venue counts for them.", [(k, t.rest_weight) for k, t in each])
    limits = [(k, float(t.rest_weight_allowed)) for k, t in each if t.rest_weight_allowed]
    yield gauge("rest_weight_limit_per_minute", "What the venue allows an address a minute.", limits)
    yield histogram(
        "receive_lag_seconds",
        "From trade to arrival, corrected by the difference of the clocks; refetched ticks are not in it.",
        [(k, t.lag) for k, t in each],
    )


def _books(feeds: Feeds) -> Iterable[Metric]:
    each = [(labels, pipeline.market) for labels, pipeline in feeds if pipeline.market is not None]
    kept = [(labels, pipeline.kept) for labels, pipeline in feeds if pipeline.kept is not None]
    states = [({**k, "state": state}, float(m.state == state)) for k, m in each for state in STATES_OF_BOOKS]
    yield gauge("books_state", "1 for the state that quotes, books and mark prices are in.", states)
    missing = [
        (k, float(bool(pipeline.outage))) for k, pipeline in feeds if pipeline.market is not None or pipeline.outage
    ]
    yield gauge("books_unavailable", "1 where they were asked for and cannot be received.", missing)
    yield gauge("books_connections", "Their connections that are open.", [(k, m.connections) for k, m in each])
    yield counter("books_reconnects", "Connections after the first of each.", [(k, m.reconnects) for k, m in each])
    lost = [(k, sum(not one.in_sequence for one in m.instruments.values())) for k, m in each]
    yield gauge("books_out_of_sequence", "Books that may lack an update and are made right.", lost)
    resyncs = [(k, sum(one.resyncs for one in m.instruments.values())) for k, m in each]
    yield counter("books_resyncs", "Times a book was made right after a loss.", resyncs)
    rejected = [({**k, "reason": why}, float(n)) for k, m in each for why, n in m.rejected.items()]
    yield counter("books_rejected_messages", "Messages that were none of it and should not have come.", rejected)
    yield gauge("books_pending_samples", "Samples that wait for the disk.", [(k, s.pending) for k, s in kept])
    yield counter("books_written_samples", "Samples made durable.", [(k, s.written) for k, s in kept])
    yield counter("books_lost_samples", "Samples given up while the disk failed.", [(k, s.lost) for k, s in kept])
    failing = [(k, float(s.last_error is not None)) for k, s in kept]
    yield gauge("books_store_failing", "1 while the newest write of samples failed.", failing)
    yield counter("books_sealed_samples", "Samples moved to the history.", [(k, s.sealed) for k, s in kept])
    failing = [(k, float(s.sealing_error is not None)) for k, s in kept]
    yield gauge("books_sealing_failing", "1 while old samples cannot be moved to the history.", failing)


def _published(feeds: Feeds) -> Iterable[Metric]:
    each = [({**labels, "sink": sink.sink}, sink) for labels, pipeline in feeds for sink in pipeline.published]
    yield counter("published_ticks", "Ticks that a bus or a database has acknowledged.", [(k, s.sent) for k, s in each])
    failing = [(k, float(bool(s.trouble))) for k, s in each]
    yield gauge("publish_failing", "1 while nothing can be sent there; the tape keeps it.", failing)
    behind = [(k, s.behind_s) for k, s in each if s.behind_s is not None]
    yield gauge("publish_behind_seconds", "From the arrival of the newest tick there to its acknowledgement.", behind)


def _tapes(feeds: Feeds, retention_hours: int) -> Iterable[Metric]:
    each = [(labels, pipeline.store) for labels, pipeline in feeds]
    yield gauge("store_pending_ticks", "Ticks that wait for the disk.", [(k, s.pending) for k, s in each])
    yield counter("store_written_ticks", "Ticks made durable.", [(k, s.written) for k, s in each])
    yield counter("store_duplicate_ticks", "Ticks dropped: their id was known.", [(k, s.duplicates) for k, s in each])
    yield counter(
        "store_rejected_ticks",
        "Ticks refused: unusable numbers, or an id that ran backwards.",
        [(k, s.rejected) for k, s in each],
    )
    yield counter("store_lost_ticks", "Ticks given up while the disk failed.", [(k, s.lost) for k, s in each])
    yield counter(
        "store_damaged_ticks", "Ticks whose block in the file had been altered.", [(k, s.damaged) for k, s in each]
    )
    yield gauge(
        "store_failing", "1 while the newest write failed.", [(k, float(s.last_error is not None)) for k, s in each]
    )
    yield gauge(
        "store_oldest_pending_seconds",
        "How long the oldest waiting tick has waited.",
        [(k, s.durable_lag_s) for k, s in each],
    )
    yield histogram("durable_lag_seconds", "From the tape to the disk.", [(k, s.durable_lags) for k, s in each])
    follows = [(k, float(p.follows)) for k, p in feeds]
    yield gauge("store_follows", "1 while another process records and this one shows it.", follows)
    files = [(labels, pipeline.file) for labels, pipeline in feeds]
    yield gauge("store_file_bytes", "Size of the tape's files.", [(k, f.size) for k, f in files if f.size is not None])
    yield gauge(
        "store_disk_free_bytes", "Free on the tape's disk.", [(k, f.free) for k, f in files if f.free is not None]
    )
    yield gauge(
        "store_retention_seconds",
        "Older ticks are moved to the history, or deleted without one.",
        [({}, retention_hours * HOUR / SECOND)],
    )
    yield counter("store_sealed_ticks", "Ticks moved to the history.", [(k, s.sealed) for k, s in each])
    yield gauge(
        "store_sealing_failing",
        "1 while old ticks cannot be moved to the history.",
        [(k, float(s.sealing_error is not None)) for k, s in each],
    )


def _channel(report: Report) -> Iterable[Metric]:
    channel = report.channel
    if report.webhooks_waiting is not None:
        waiting = float(report.webhooks_waiting)
        yield gauge("webhook_waiting_messages", "Alerts that wait to be sent.", [({}, waiting)])
    if channel is None:
        return
    yield gauge("channel_waiting_messages", "Messages that were made and not sent yet.", [({}, channel.waiting)])
    yield gauge("channel_clients", "Browsers on the live channel.", [({}, channel.clients)])
    yield gauge("channel_topics", "Figures that somebody looks at.", [({}, channel.topics)])
    yield counter("channel_sent_messages", "Messages sent to browsers.", [({}, channel.sent)])
    yield counter("channel_skipped_messages", "Times a browser was too slow for one.", [({}, channel.skipped)])
    yield histogram(
        "painted_seconds",
        "From arrival to the browser's frame that showed it, as browsers on the live page tell it.",
        [({}, channel.painted)],
    )
    yield counter("channel_refused", "Connections and requests refused.", [({}, channel.refused)])


def _threads(report: Report) -> Iterable[Metric]:
    each = [({"task": task.name}, task) for task in report.threads]
    yield gauge("threads", "Threads that run, by what they do.", [(k, task.running) for k, task in each])
    yield counter(
        "thread_restarts", "Times a thread's work began again after a defect.", [(k, task.restarts) for k, task in each]
    )
