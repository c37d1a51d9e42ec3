"""Tables and histograms of the health page: what is not known is not a number."""

from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest

from alphastream.core.durations import Durations
from alphastream.feeds.traffic import Break, Healed
from alphastream.tape.ring import Coverage, Gap
from health import Hole, InstrumentReport, PipelineReport, Report
from metrics import _instruments
from runtime.threads import Task
from views.health.charts import lags_figure
from views.health.tables import (
    breaks_frame,
    healed_frame,
    holes_frame,
    instruments_frame,
    lags_frame,
    size,
    threads_frame,
)

QUICK = Durations((0, 0, 90, 10, *[0] * 13), 0.4)
SLOW = Durations((*[0] * 16, 4), 900.0)


def test_bounds_of_buckets_are_called_bounds() -> None:
    rows = lags_frame({"received": QUICK, "durable": SLOW}).set_index("hop")
    assert list(rows.loc["exchange → received"]) == ["≤ 5 ms", "≤ 10 ms", "≤ 10 ms", "4 ms", 100]
    assert rows.loc["received → on the disk"]["50%"] == "> 100 s"


def test_a_histogram_shows_shares_from_the_first_bucket_used_to_the_last() -> None:
    figure = lags_figure({"received": QUICK, "painted": QUICK})
    assert [bar["name"] for bar in figure.data] == ["exchange → received", "received → painted"]
    assert list(figure.data[0]["x"]) == ["5 ms", "10 ms"]
    assert list(figure.data[0]["y"]) == [90.0, 10.0]
    assert len({bar["marker"]["color"] for bar in figure.data}) == 2
    assert lags_figure({}).data == ()


def test_breaks_are_newest_first_and_one_that_lasts_says_so() -> None:
    rows = breaks_frame([Break(1, "connecting", "lost", 2, 8.25), Break(2, "blocked", "HTTP 418")])
    assert list(rows["reason"]) == ["HTTP 418", "lost"]
    assert list(rows["without ticks"]) == ["still", "8.2 s"]
    assert list(rows["attempts"]) == [1, 2]


def test_holes_without_a_tick_beside_them_have_no_time() -> None:
    row = holes_frame([Hole("v:BTC", 3, 5, "lost", "the venue no longer keeps them", None, 7)], "v").iloc[0]
    assert (row["instrument"], row["missing"], row["state"]) == ("BTC", 3, "lost")
    assert pd.isna(row["after (UTC)"])
    assert row["before (UTC)"].value == 7


def test_what_was_healed_and_which_threads_run() -> None:
    rows = healed_frame([Healed("v:BTC", 1, 9, 9, 5), Healed("w:BTC", 20, 29, 8, 6)], "v")
    assert list(rows["instrument"]) == ["w:BTC", "BTC"]
    assert list(rows["ticks"]) == [8, 9]
    assert threads_frame([Task("ingest", "receives", 1, 2)]).iloc[0]["restarts"] == 2


@pytest.mark.parametrize(
    ("count", "words"), [(None, "–"), (0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (2 * 10**9, "2.0 GB")]
)
def test_sizes_are_in_words(count: int | None, words: str) -> None:
    assert size(count) == words


def test_what_ids_do_not_prove_is_no_number() -> None:
    """Not in the table, not in the figure, and left out of the metrics of holes; a numbered one beside it is there."""
    known, unknown = (Coverage(1, 9, 1, 9, 5, missing, 0) for missing in (4, None))
    each = (
        InstrumentReport("v:A", "v", "A", 5, 1.0, None, 9, known, (Gap(2, 5),)),
        InstrumentReport("v:B", "v", "B", 5, 1.0, None, 9, unknown, ()),
    )
    pipeline = cast(PipelineReport, SimpleNamespace(instruments=each, venue="v", kind="live"))
    assert list(instruments_frame(pipeline)["tape"]) == ["4 missing in 1", "cannot be known"]
    told = _instruments(cast(Report, SimpleNamespace(pipelines=[pipeline])))
    samples = {metric.name: [sample.labels["symbol"] for sample in metric.samples] for metric in told}
    assert samples["alphastream_tape_ticks"] == ["A", "B"]
    assert samples["alphastream_tape_missing_ticks"] == samples["alphastream_tape_gaps"] == ["A"]
