"""From the answers of many pairs to the rows of the table: what each cell says, and by what it is sorted."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from alphastream.core.units import SECOND
from alphastream.graph import interval_name
from alphastream.pairs import MODELS, SETTLING, PairAnalytics, PairSpec
from alphastream.streaming.repeated_rows import rests_on_repetition
from runtime.channel.tables import Cell, TableRow
from views.shared.cards import evidence_card, half_life_card, newest, newest_closed
from views.shared.clock import UTC, moment_text
from views.shared.fill_cost import hedge_notional, round_trip_bps
from views.shared.head_cards import REFUSED
from views.shared.instruments import label
from views.shared.metrics import UNKNOWN
from views.shared.readiness import edge_bps, fresh_limit_s
from views.shared.watching import pair_text

SPARK_POINTS: Final = 60
"""Closed bars of the small line."""
NO_TIMES: Final = np.empty(0, np.int64)
NO_POINTS: Final = np.empty(0)
SIDES: Final = {1: ("Long", "long"), -1: ("Short", "short"), 0: ("Flat", "flat")}

COLUMNS: Final = (
    ("pair", "Pair", "y / x: a long spread buys y and sells hedge ratio times as much of x. Opens the live page."),
    (
        "zscore",
        "z-score",
        "Distance of the spread from its mean, in standard deviations, on the last closed bar; below it that of the "
        "bar still forming. The line shows the last 60 closed bars and the forming one, dashed the entry.",
    ),
    (
        "signal",
        "Signal",
        "From closed bars only, and since the end of the bar that made it. A signal is not a fill.",
    ),
    (
        "half_life",
        "Half-life",
        "Time until half of a deviation has gone, of one fixed ratio over the newest bars in which both legs traded. "
        "Only means something where the pair is cointegrated.",
    ),
    (
        "evidence",
        "p since start",
        "The chance that legs which nothing holds together ever look this much like a pair, however often one looks, "
        "counted since this app began to compute the pair. Of each pair alone: of many some are small by chance.",
    ),
    (
        "edge",
        "Edge after cost",
        "Move of the spread from now to the exit less the cost of a round trip, in bps of y's notional, as in the "
        "readiness of the live page. Not a forecast.",
    ),
    ("age", "Older leg", "Time since the last trade of the leg that traded longer ago."),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a table shows whoever looks: equal ones share a topic.

    Parameters
    ----------
    specs : a request for each pair, in the order of the list.
    fill_cost : fee and half spread of a fill, in bps of its notional.
    refused : symbols that cannot be followed, and why.
    zone : whose clocks show since when a signal stands.
    """

    specs: tuple[PairSpec, ...]
    fill_cost: float
    refused: tuple[tuple[str, str], ...] = ()
    zone: str = UTC


def head(shown: Shown, venue: str) -> dict[str, Any]:
    """What of the table does not move: its columns, the legs of each row and when they are old."""
    return {
        "columns": [{"name": name, "label": words, "help": more} for name, words, more in COLUMNS],
        "points": SPARK_POINTS,
        "entry": shown.specs[0].entry if shown.specs else 2.0,
        "stale_ms": round(fresh_limit_s(shown.specs[0]) * 1_000) if shown.specs else 2_000,
        "legs": {
            pair_text((spec.y, spec.x), venue): [label(spec.y, venue), label(spec.x, venue)] for spec in shown.specs
        },
    }


def watch_row(
    answer: PairAnalytics | None,
    spec: PairSpec,
    fill_cost: float,
    venue: str,
    refused: Mapping[str, str] | None = None,
    zone: str = UTC,
) -> TableRow:
    """The row of a pair.

    Parameters
    ----------
    fill_cost : fee and half spread of a fill, in bps of its notional.
    refused : symbols that cannot be followed, and why.
    """
    key = pair_text((spec.y, spec.x), venue)
    pair: Cell = (" / ".join(key.split("~")), f"{MODELS[spec.model]} {spec.window}, {interval_name(spec.interval_ns)}")
    why = next((refused[leg] for leg in (spec.y, spec.x) if leg in refused), None) if refused else None
    if why is not None:
        unknown: Cell = (UNKNOWN,)
        cells = {name: unknown for name, *_ in COLUMNS} | {"pair": pair, "signal": ("Refused", why, "warn")}
        return TableRow(key, cells, NO_TIMES, NO_POINTS)
    half_life = half_life_card(answer)
    evidence = evidence_card(answer)
    test = answer.cointegration if answer is not None else None
    refusal = test.refusal if test is not None else None
    lasts = test.half_life_s if test is not None else math.nan
    repeats = answer is not None and rests_on_repetition(answer, len(answer.closed["time_ns"]))
    times, points = _spark(answer)
    cells = {
        "pair": pair,
        "zscore": _zscore(answer, spec),
        "signal": _signal(answer, spec, zone),
        "half_life": (half_life["value"], refusal or half_life["sub"], "", _sorted_by(lasts)),
        "evidence": (
            evidence["value"],
            REFUSED if repeats and evidence["value"] == UNKNOWN else evidence["sub"],
            evidence["tone"] if evidence["value"] != UNKNOWN else "",
            _sorted_by(newest_closed(answer, "evidence_p"), 4),
        ),
        **_moving(answer, spec, fill_cost),
        "age": ("",),
    }
    return TableRow(key, cells, times, points)


def moved_row(
    before: PairAnalytics | None, row: TableRow, answer: PairAnalytics | None, fill_cost: float
) -> TableRow | None:
    """The row of a new answer that has the closed bars of the one before: only what moves with each trade is new.

    None where closed bars are others, or what is said of them.
    """
    if before is None or answer is None or before.computed != answer.computed:
        return None
    if before.cointegration is not answer.cointegration or before.calibration != answer.calibration:
        return None
    if any(before.closed[name] is not answer.closed[name] for name in ("time_ns", "zscore", "position", "evidence_p")):
        return None
    return TableRow(row.key, {**row.cells, **_moving(answer, answer.spec, fill_cost)}, row.times, row.points)


def _moving(answer: PairAnalytics | None, spec: PairSpec, fill_cost: float) -> dict[str, Cell]:
    """What also moves between closed bars."""
    cost = round_trip_bps(fill_cost, hedge_notional(answer, spec))
    return {"now": (_sorted_by(newest(answer, "zscore"), 2),), "edge": _edge(answer, spec, cost)}


def _sorted_by(value: float, decimals: int = 1) -> float | None:
    """A number that the browser sorts by; None where it is unknown, a large one for infinity."""
    if math.isnan(value):
        return None
    return round(min(max(value, -1e12), 1e12), decimals)


def _calibrating(answer: PairAnalytics | None, spec: PairSpec) -> str:
    """How far a pair is that is not ready, in words; "" for one that is."""
    if answer is None:
        return "waiting for trades"
    if not answer.computed:
        return "models are being compiled"
    step = answer.calibrating
    if step is None:
        return ""
    return f"{'settling' if step.what == SETTLING else 'calibrating'} {step.have}/{step.needed}"


def _zscore(answer: PairAnalytics | None, spec: PairSpec) -> Cell:
    """Of the last closed bar. That of now is a number of its own: it alone moves with each trade."""
    z, words = newest_closed(answer, "zscore"), _calibrating(answer, spec)
    is_settling = words.startswith("settling")
    if (words and not is_settling) or not math.isfinite(z):
        return UNKNOWN, "" if words else "undefined: the spread does not move"
    tone = "" if not abs(z) >= spec.entry or is_settling else "short" if z > 0 else "long"
    return f"{z:+.2f}", words, tone


def _signal(answer: PairAnalytics | None, spec: PairSpec, zone: str) -> Cell:
    words = _calibrating(answer, spec)
    if answer is None or words:
        return words.capitalize() if answer is None or answer.computed else "Compiling", "", "warn"
    position = newest_closed(answer, "position")
    side = int(position) if math.isfinite(position) else 0
    name, tone = SIDES[side]
    return name, _since(answer, zone), tone, float(side)


def _since(answer: PairAnalytics, zone: str) -> str:
    """When the signal became what it is, as far back as bars are kept."""
    position, ends = np.nan_to_num(answer.closed["position"]), answer.closed["time_ns"]
    if not len(ends):
        return ""
    others = np.flatnonzero(position != position[-1])
    place = int(others[-1]) + 1 if len(others) else 0
    pattern = "%H:%M:%S" if answer.spec.interval_ns < 60 * SECOND else "%H:%M"
    if int(ends[-1]) - int(ends[place]) > 86_400 * SECOND:
        pattern = "%Y-%m-%d %H:%M"
    return f"{'since' if len(others) else 'since before'} {moment_text(int(ends[place]), pattern, zone)}"


def _edge(answer: PairAnalytics | None, spec: PairSpec, cost_bps: float) -> Cell:
    move = edge_bps(answer, spec)
    if not math.isfinite(move):
        return UNKNOWN, f"cost {cost_bps:.3g} bps"
    after = move - cost_bps
    return f"{after:+.1f} bps", f"cost {cost_bps:.3g} bps", "ok" if after > 0 else ""


def _spark(answer: PairAnalytics | None) -> tuple[Any, Any]:
    """z-scores of the last closed bars, and the ends of these."""
    if answer is None:
        return NO_TIMES, NO_POINTS
    ends, z = (answer.closed[name][-SPARK_POINTS:] for name in ("time_ns", "zscore"))
    return ends, np.round(z, 2)


def stamps_of(answers: Iterable[PairAnalytics | None]) -> dict[str, float] | None:
    """When the newest trades of all rows were traded, received and computed, ms UTC."""
    found = [answer.stamps for answer in answers if answer is not None and answer.stamps is not None]
    if not found:
        return None
    newest_one = max(found, key=lambda stamp: stamp.last_ns)
    moments = {
        "traded": newest_one.traded_ns,
        "first": min(stamp.first_ns for stamp in found if stamp.computed_ns == newest_one.computed_ns),
        "received": newest_one.last_ns,
        "computed": max(stamp.computed_ns for stamp in found),
    }
    return {name: round(ns / 1e6, 1) for name, ns in moments.items()}
