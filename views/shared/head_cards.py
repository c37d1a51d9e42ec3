"""The card of where bars come from, and cards of a recording that repeats itself. No Streamlit."""

from collections.abc import Iterable
from typing import Final

from alphastream.pairs import PairAnalytics
from alphastream.streaming.repeated_rows import rests_on_repetition
from views.component import Card, Tone
from views.shared.head_words import SOURCES, clock_text, repeated_text
from views.shared.metrics import UNKNOWN

NOT_TOLD: Final = "Not told of a recording that repeats itself: it would be made by the repetition."
REFUSED: Final = "not told of a repeated recording"
RESTS_ON: Final = "Computed over a recording that was repeated to fill the window: no market did this."
_INFERRED: Final = frozenset(
    (
        "result",
        "cointegration",
        "half-life",
        "correlation",
        "evidence",
        "ready",
        "ready-calibrated",
        "ready-reverts",
        "ready-edge",
    )
)
_OBSERVED: Final = frozenset(("price-y", "price-x", "head", "feed"))
_HELP: Final = (
    "Where the bars come from. What happened before this app began to receive trades is fetched from the venue, where "
    "it gives it: its own closed bars (klines), or its past trades where bars are shorter than those. They never enter "
    "the tape, and backtests and paper runs do not see them."
)


def head_card(answer: PairAnalytics | None, now_ns: int) -> Card:
    """Where the rows come from."""

    def card(value: str, sub: str, title: str = "", tone: Tone = "neutral") -> Card:
        more = " ".join(filter(None, (title, _HELP)))
        return {
            "id": "head",
            "label": "Bars from",
            "value": value,
            "sub": sub,
            "tone": tone,
            "title": more,
            "group": "",
        }

    if answer is None:
        return card(UNKNOWN, "")
    head, closed, progress = answer.head, answer.closed["time_ns"], answer.head.progress
    trouble = f"{progress.trouble[:1].upper()}{progress.trouble[1:]}." if progress.trouble else ""
    if progress.is_fetching:
        return card("fetching", f"{progress.done} of {progress.total} answers")
    if rests_on_repetition(answer):
        return card("a recording", repeated_text(head.repetition), NOT_TOLD, "warn")
    if head.source is None and trouble:
        return card("trades", "history cannot be fetched", trouble, "warn")
    if head.source is None or not len(closed) or int(closed[0]) > head.until_ns:
        since = f"since {clock_text(int(closed[0]) - answer.spec.interval_ns, now_ns)}" if len(closed) else ""
        return card("trades", since, trouble)
    return card(SOURCES[head.source], f"until {clock_text(head.until_ns, now_ns)}, then trades", trouble)


def marked(cards: Iterable[Card], answer: PairAnalytics | None) -> list[Card]:
    """The cards, where they rest on a recording that repeats itself with that below; what it would fake is taken back.

    What was traded last, and how the feed is, rests on nothing.
    """
    if answer is None or not rests_on_repetition(answer):
        return list(cards)
    words, found = repeated_text(answer.head.repetition), []
    for card in cards:
        title = f"{NOT_TOLD if card['id'] in _INFERRED else RESTS_ON} {card['title']}"
        if card["id"] in _INFERRED:
            card = {**card, "value": UNKNOWN, "sub": REFUSED, "tone": "neutral", "title": title}
        elif card["value"] != UNKNOWN and card["id"] not in _OBSERVED and not card["id"].startswith("ready-"):
            card = {**card, "sub": words, "title": title}
        found.append(card)
    return found
