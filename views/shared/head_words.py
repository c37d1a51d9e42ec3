"""What rows of before the tape are, and when the rest will be there, in words."""

from typing import Final

from alphastream.cointegration import TEST_ROWS
from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.pairs import PairAnalytics
from alphastream.reports.metrics import utc
from alphastream.streaming.repeated_rows import rests_on_repetition
from alphastream.tape.repetition import Repetition

PACE_ROWS: Final = 100  # the newest rows by which the pace is told
REPEATED: Final = "recorded {span}, repeated"
SOURCES: Final = {"klines": "klines", "trades": "past trades", "repeated": "the recording, repeated"}


def clock_text(time_ns: int, now_ns: int) -> str:
    """A moment as its time of day, with the date where that is another day than now's."""
    at, now = utc(time_ns), utc(now_ns)
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%d %b %H:%M} UTC"


def length_text(length_ns: int) -> str:
    """A length of time in minutes and seconds, as "5 min 45 s"."""
    minutes, seconds = divmod(round(length_ns / SECOND), 60)
    return " ".join(
        filter(None, (f"{minutes} min" if minutes else "", f"{seconds} s" if seconds or not minutes else ""))
    )


def repeated_text(repetition: Repetition | None) -> str:
    """That a recording repeats itself, and how long it is; "" where none does."""
    return REPEATED.format(span=length_text(repetition.period_ns)) if repetition is not None else ""


def ready_ns(answer: PairAnalytics) -> int | None:
    """When the last step of calibration will have all it needs, at the pace of the newest bars.

    None where nothing is missing, and before the first two bars, whose pace nobody knows.
    """
    missing = sum(step.needed - step.have for step in answer.calibration if not step.done)
    ends = answer.closed["time_ns"][-PACE_ROWS:]
    if missing <= 0 or len(ends) < 2:
        return None
    pace_ns = (int(ends[-1]) - int(ends[0])) / (len(ends) - 1)
    return int(ends[-1]) + round(missing * max(pace_ns, answer.spec.interval_ns))


def waiting_text(answer: PairAnalytics | None, now_ns: int) -> str:
    """What is waited for while something calibrates: "fetching history 3/8", "ready at 18:40 UTC"."""
    if answer is None:
        return ""
    progress = answer.head.progress
    if progress.is_fetching:
        return f"fetching history {progress.done}/{progress.total}"
    if answer.calibrating is None:
        return ""
    return ready_text(answer, now_ns)


def ready_text(answer: PairAnalytics, now_ns: int | None = None) -> str:
    """When a calibration will be ready; "" where nothing is missing or nobody knows. Now is the newest bar's end."""
    at_ns = ready_ns(answer)
    if at_ns is None:
        return ""
    now_ns = int(answer.closed["time_ns"][-1]) if now_ns is None else now_ns
    return f"ready at {clock_text(max(at_ns, now_ns), now_ns)}"


def no_test(answer: PairAnalytics) -> str:
    """Why there is no test of a recording; "" of other rows."""
    return "No test over a recording that repeats itself" if rests_on_repetition(answer, TEST_ROWS) else ""


def bar_origins(answer: PairAnalytics, end_ns: Ints) -> list[str]:
    """Where bars that end at these times come from: for a file."""
    head = answer.head
    if head.repetition is not None:
        return ["the recording" if lap == 0 else SOURCES["repeated"] for lap in head.repetition.laps(end_ns).tolist()]
    before = SOURCES[head.source] if head.source is not None else "trades"
    return [before if end <= head.until_ns else "trades" for end in end_ns.tolist()]


def no_inference(answer: PairAnalytics, rows: int) -> str:
    """Why nothing is inferred from so many of the newest rows; "" where nothing speaks against it."""
    if not rests_on_repetition(answer, rows):
        return ""
    return f"{repeated_text(answer.head.repetition).capitalize()}: what a test would find here, the repetition made."


def figure_note(answer: PairAnalytics | None) -> str:
    """What the figure says of itself; "" where its rows happened."""
    return repeated_text(answer.head.repetition) if answer is not None and rests_on_repetition(answer) else ""
