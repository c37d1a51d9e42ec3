"""The text that is written out is what Prometheus' own parser reads back."""

from prometheus_client.parser import text_string_to_metric_families

from alphastream.core.durations import BOUNDS_S, Durations
from runtime.monitoring.exposition import counter, gauge, histogram, text


def samples(written: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(written.decode())
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for one in families for each in one.samples}


def test_counters_and_gauges_come_back_with_their_labels() -> None:
    awkward = 'a"b\\c\nd'
    found = samples(
        text(
            [
                counter("ticks", "Ticks.", [({"venue": "v", "symbol": awkward}, 3)]),
                gauge("healthy", "Healthy.", [({}, 1.0)]),
                gauge("nothing", "No series yet.", []),
            ]
        )
    )
    assert found["alphastream_ticks_total", (("symbol", awkward), ("venue", "v"))] == 3
    assert found["alphastream_healthy", ()] == 1
    assert not [name for name, _ in found if "nothing" in name]


def test_a_histogram_is_cumulative_and_ends_with_all() -> None:
    durations = Durations((2, 0, 1, *[0] * 13, 4), 500.5)
    found = samples(text([histogram("lag_seconds", "Lag.", [({"kind": "live"}, durations)])]))
    bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
    buckets = [found["alphastream_lag_seconds_bucket", (("kind", "live"), ("le", bound))] for bound in bounds]
    assert buckets == [2, 2, 3, *[3] * 13, 7]
    assert found["alphastream_lag_seconds_count", (("kind", "live"),)] == durations.total == 7
    assert found["alphastream_lag_seconds_sum", (("kind", "live"),)] == 500.5
