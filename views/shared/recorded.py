"""What this app has recorded, the files of its history included, as a source for pages."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import streamlit as st

from alphastream.errors import AlphaStreamError
from alphastream.history import Tape
from alphastream.history.amounts import Amount
from pipelines import Pipeline
from views.shared.clock_controls import moment_words
from views.shared.escaping import in_markdown
from views.shared.head_words import length_text
from views.shared.notices import no_feed
from views.shared.system import get_system

RECORDED: Final = "Recorded here"
PLAYED: Final = "Recording that plays"
MAX_TICKS: Final = 5_000_000
"""Ticks that a page loads at once: some 400 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A tape that pages read.

    Parameters
    ----------
    title : what it is, in a few words.
    now_ns : its present: that of this computer, or of the recording.
    pipeline : what records it; None where only files are left.
    """

    title: str
    tape: Tape
    now_ns: int
    pipeline: Pipeline | None

    def instruments(self) -> list[str]:
        """Instruments of which ticks are held."""
        return self.tape.instruments("ticks")

    def about(self, instruments: Iterable[str], start_ns: int, end_ns: int) -> Amount:
        """How many ticks of a time are held, more or less."""
        return sum((self.tape.about(name, start_ns, end_ns) for name in instruments), Amount(0, 0))

    def first_ns(self, names: Iterable[str]) -> int:
        """From when on something is held of the earliest of these instruments; now where nothing is."""
        held = self.instruments()
        return min((self.tape.span(name)[0] for name in names if name in held), default=self.now_ns)

    def legs(self, instruments: list[str]) -> list[str]:
        """Instruments, those of the first pair first."""
        if self.pipeline is None:
            return instruments
        pair = self.pipeline.first_pair
        first = [name for name in (pair.y, pair.x) if name in instruments]
        return [*first, *(name for name in instruments if name not in first)]


class Stretch(NamedTuple):
    """A time to read, UTC ns, the end not included, and why it is not the one that was asked for, or ""."""

    start_ns: int
    end_ns: int
    words: str


def played_once(pipeline: Pipeline | None, start_ns: int, end_ns: int) -> Stretch:
    """The time to read of a pipeline: of a recording that plays again and again, so much that no trade comes twice.

    What is computed over several laps finds the repetition: legs that come back to each other, profits that repeat.
    """
    asked = Stretch(start_ns, end_ns, "")
    repetition = pipeline.repetition() if pipeline is not None else None
    if pipeline is None or repetition is None:
        return asked
    held = max(start_ns, repetition.start_ns), min(end_ns, pipeline.now_ns() + 1)
    part = repetition.longest_lap(*held) if held[0] < held[1] else held
    if part == held:
        return asked
    length = length_text(repetition.period_ns)
    read = f"{moment_words(part[0], '%H:%M:%S')} to {moment_words(part[1], '%H:%M:%S')}"
    return Stretch(
        *part, f"A recording of {length} plays again and again. {read} is read, in which no trade comes twice."
    )


@contextmanager
def telling_failures() -> Iterator[None]:
    """Show in a sentence why what was recorded cannot be read: a folder that is closed, a bucket that is away."""
    try:
        yield
    except AlphaStreamError as error:
        st.error(in_markdown(error), icon=":material/error:", title="Nothing could be read")


def choose_source(row: Any, *, key: str) -> Source | None:
    """Ask which tape, where there are two; None, and a sentence on the page, where there is none."""
    system = get_system()
    found: dict[str, Source] = {}
    is_readable = False
    with telling_failures():
        for kind, name in (("replay", PLAYED), ("live", RECORDED)):  # files that cannot be read end this
            tape, pipeline = system.tape(kind), system.pipeline_of(kind)
            if tape is not None:
                now_ns = pipeline.now_ns() if pipeline is not None else time.time_ns()
                found = {name: Source(name, tape, now_ns, pipeline), **found}
        is_readable = True
    if not found:
        if is_readable:
            no_feed(system.failure, "No tape").show()
        return None
    name = next(iter(found))
    if len(found) > 1:
        name = str(row.selectbox("Tape", list(found), key=f"{key}_tape", bind="query-params", width=190))
    return found[name]


def ticks_text(count: int) -> str:
    """For example ``about 1,230,000 ticks``: blocks that reach beyond a time are counted by their share."""
    rounded = count if count < 10_000 else round(count, 3 - len(str(count)))
    return f"about {rounded:,} tick{'s'[: rounded != 1]}" if count else "no tick"
