"""Asking for a time of what was recorded: instruments, dates, bars, read on a click."""

from typing import Final

import streamlit as st

from alphastream.core.units import SECOND
from alphastream.graph import interval_name
from alphastream.history.amounts import Amount
from alphastream.uploads import Upload
from views.shared.escaping import in_markdown
from views.shared.instruments import labels
from views.shared.progress import computing
from views.shared.recorded import MAX_TICKS, Source, choose_source, played_once, telling_failures, ticks_text
from views.shared.recorded_bars import missing, read_bars
from views.shared.time_range import TimeRange, choose_time

BARS_S: Final = (1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400)
MAX_READ: Final = 500_000_000
"""Ticks in files that a page reads: they pass by, and take a minute or two."""
MAX_BARS: Final = 10_000_000
"""Bars of all instruments that a page holds: some 500 MB."""
EVERY: Final = "All instruments"
KEPT: Final = "recorded_upload"  # in the session: what was asked for, and what was read


@telling_failures()
def recorded_history() -> Upload | None:
    """Bars of what was recorded; None, and a sentence on the page, until somebody has them read."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    source = choose_source(row, key="history")
    if source is None:
        return None
    known = sorted({*source.instruments(), *source.tape.instruments("bars")})
    if not known:
        st.info("Nothing is recorded yet: open the live page, or import files.", icon=":material/database:")
        return None
    chosen = row.multiselect(
        "Instruments", [EVERY, *known], key="history_instruments", bind="query-params", width=380, max_selections=200
    )
    names = known if EVERY in chosen else [str(name) for name in chosen]
    lengths = {interval_name(length * SECOND): length * SECOND for length in BARS_S}
    bar = str(row.selectbox("Bars", list(lengths), 4, key="history_bars", bind="query-params", width=100))
    time = choose_time(row, source.now_ns, key="history", default="Last day")
    if time is None:
        return None
    once = played_once(source.pipeline, time.start_ns, time.end_ns)
    time = time._replace(start_ns=once.start_ns, end_ns=once.end_ns)
    if not names:
        st.caption("Choose two instruments or more.")
        return None
    asked = (source.title, tuple(names), bar, time.words)
    before, upload, said = st.session_state.get(KEPT, (None, None, ""))
    place = st.container(horizontal=True, vertical_alignment="center")
    reads = st.container()  # also where nothing is read: see ``computing``
    if place.button("Read", type="primary", icon=":material/download:", key="history_read"):
        with reads:
            upload, said = _read(source, names, time, lengths[bar]), once.words
        st.session_state[KEPT] = asked, upload, said
    elif before != asked:
        amount = source.about(names, time.start_ns, time.end_ns)
        place.caption(f"{ticks_text(amount.ticks)} to read.")
        return None
    if not isinstance(upload, Upload):
        return None
    venue = upload.venue
    st.caption(in_markdown(" ".join(filter(None, (f"{source.title}: {upload.files[0]}.", said)))))
    said = missing(upload, names, labels(names, venue))
    if said:
        st.warning(
            "  \n".join(map(in_markdown, said)), icon=":material/broken_image:", title="Not all of this time is there"
        )
    return upload


def _read(source: Source, names: list[str], time: TimeRange, interval_ns: int) -> Upload | None:
    """Read with a bar that grows; a click ends it at the next step."""
    problem = _too_much(source, names, time, interval_ns)
    if problem:
        st.error(problem, icon=":material/error:", title="Not read")
        return None
    upload = computing(
        "Reading",
        "",
        lambda tell: read_bars(
            source.tape,
            names,
            time.start_ns,
            time.end_ns,
            interval_ns,
            lambda share, _: tell(round(min(share, 1.0) * 1_000), 1_000),
        ),
        key="history",
    )
    if upload is None:
        st.info("Nothing was recorded of these instruments in this time.", icon=":material/database:")
    return upload


def _too_much(source: Source, names: list[str], time: TimeRange, interval_ns: int) -> str:
    """Why so much is not read, and what to do; "" where it is little enough."""
    each = {name: source.about([name], time.start_ns, time.end_ns) for name in names}
    total = sum(each.values(), Amount(0, 0))
    if total.in_files > MAX_READ:
        return f"{ticks_text(total.in_files)} are more than {MAX_READ:,}: choose a shorter time or fewer instruments."
    largest = max(names, key=lambda name: each[name].hot)
    if each[largest].hot > MAX_TICKS:
        return (
            f"{in_markdown(largest)} has {ticks_text(each[largest].hot)} that are in no file yet, and a page loads "
            f"{MAX_TICKS:,}: choose a shorter time, or have them sealed."
        )
    span_ns = min(time.end_ns, source.now_ns) - max(time.start_ns, min(source.first_ns(names), source.now_ns))
    bars = sum(min(amount.ticks, span_ns // interval_ns) for amount in each.values())
    if bars > MAX_BARS:
        return f"About {bars:,} bars are more than the {MAX_BARS:,} that a page holds: choose longer bars."
    return ""
