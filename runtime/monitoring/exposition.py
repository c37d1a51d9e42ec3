"""Figures in Prometheus' text format 0.0.4."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from alphastream.core.durations import BOUNDS_S, Durations

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
PREFIX: Final = "alphastream_"

__all__ = ["CONTENT_TYPE", "Labels", "Metric", "Series", "counter", "gauge", "histogram", "text"]

Labels = Mapping[str, str]
Series = Sequence[tuple[Labels, float]]
"""Values by their labels; the labels of one family have the same names."""


def gauge(name: str, help_text: str, series: Series) -> Metric:
    """A value that goes up and down."""
    return _filled(GaugeMetricFamily(PREFIX + name, help_text, labels=_names(series)), series)


def counter(name: str, help_text: str, series: Series) -> Metric:
    """A value that only grows while the process runs; the name without ``_total``."""
    return _filled(CounterMetricFamily(PREFIX + name, help_text, labels=_names(series)), series)


def histogram(name: str, help_text: str, series: Sequence[tuple[Labels, Durations]]) -> Metric:
    """Durations in buckets, in seconds."""
    family = HistogramMetricFamily(PREFIX + name, help_text, labels=list(series[0][0]) if series else None)
    for labels, durations in series:
        bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
        buckets = [(bound, float(count)) for bound, count in zip(bounds, accumulate(durations.counts), strict=True)]
        family.add_metric(list(labels.values()), buckets, durations.sum_s)
    return family


def text(families: Iterable[Metric]) -> bytes:
    """Write families out, and what Prometheus' own library says of the process (on Linux)."""
    registry = CollectorRegistry()
    registry.register(_Families(families))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _names(series: Series) -> list[str] | None:
    return list(series[0][0]) if series else None


def _filled(family: GaugeMetricFamily | CounterMetricFamily, series: Series) -> GaugeMetricFamily | CounterMetricFamily:
    for labels, value in series:
        family.add_metric(list(labels.values()), value)
    return family


class _Families(Collector):
    """Families that are there already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families
