"""What somebody looks at, a pair with its bars, model, thresholds, costs and rows, as one object that goes from page to
page, and stands in the address under the same keys everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, cast
from urllib.parse import urlencode

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.graph import Price, interval_name
from alphastream.pairs import MODELS, PairSpec
from alphastream.uploads import Upload
from views.shared.controls import ENTRIES, EXITS, INTERVALS_S, OLD_MODELS, PRICES, WINDOWS
from views.shared.fill_cost import FILL_COST, FILL_COST_BPS, RANGE, Parts
from views.shared.ignored import not_a_number, not_among, not_within
from views.shared.instruments import asked, label
from views.shared.recordings import OWN

SOURCE: Final = "source"
START: Final = "start"
END: Final = "end"
PAIR_KEYS: Final = ("y", "x", "interval", "model", "window", "entry", "exit", "price")
KEYS: Final = (*PAIR_KEYS, FILL_COST, SOURCE, START, END)
"""Keys of a view in the address of any page."""


@dataclass(frozen=True, slots=True)
class PairView:
    """A pair as one looks at it.

    Parameters
    ----------
    fill_cost : fee and half spread of a fill, in bps of its notional.
    parts : what that is made of, where both were asked for.
    source : which rows: ``OWN`` of what the feed brings, else the name of a recording or of files.
    start_ns, end_ns : the time that is looked at, UTC ns; None where it has no bound.
    upload : the rows themselves where ``source`` is no recording that every page finds by its name.
    """

    spec: PairSpec
    fill_cost: float = FILL_COST_BPS
    source: str = OWN
    start_ns: int | None = None
    end_ns: int | None = None
    upload: Upload | None = field(default=None, compare=False, repr=False)
    parts: Parts | None = field(default=None, compare=False)

    def values(self, venue: str = "") -> dict[str, Any]:
        """Where the controls of the pair stand, by key.

        Parameters
        ----------
        venue : of symbols that are printed bare.
        """
        spec = self.spec
        return {
            "y": label(spec.y, venue),
            "x": label(spec.x, venue),
            "interval": interval_name(spec.interval_ns),
            "model": MODELS[spec.model],
            "window": spec.window,
            "entry": float(spec.entry),
            "exit": float(spec.exit),
            "price": spec.price,
        }

    def query(self, venue: str = "") -> dict[str, str]:
        """The same with everything else, as it stands in an address."""
        found = {**self.values(venue), FILL_COST: self.fill_cost, SOURCE: self.source}
        texts = {key: f"{value:.10g}" if isinstance(value, float) else str(value) for key, value in found.items()}
        if self.source == OWN:
            del texts[SOURCE]
        ends = {START: self.start_ns, END: self.end_ns}
        return texts | {key: moment_text(ns) for key, ns in ends.items() if ns is not None}

    @classmethod
    def of_parts(
        cls,
        spec: PairSpec,
        parts: Parts,
        source: str = OWN,
        upload: Upload | None = None,
        ends: tuple[int | None, int | None] = (None, None),
    ) -> "PairView":
        """What a page shows that asks for fee and half spread apart: the cost of a fill is both."""
        return cls(spec, parts.cost_bps, source, *ends, upload, parts)

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], begin: "PairView", venue: str = ""
    ) -> tuple["PairView", dict[str, str]]:
        """What an address asks for.

        Parameters
        ----------
        begin : what stands where the address says nothing, or nothing that can be.
        venue : of symbols that are written without one.

        Returns
        -------
        The view, and what was not taken: a sentence by key.
        """
        read = _Read(query, begin.values(venue))
        spec = begin.spec
        y, x = read.name("y", spec.y, venue), read.name("x", spec.x, venue)
        if y == x:
            read.told["y"] = f"The address asks for {label(y, venue)} on both legs: a pair needs two different symbols."
            y, x = spec.y, spec.x
        lengths = {interval_name(length * SECOND): length * SECOND for length in INTERVALS_S}
        lengths.setdefault(interval_name(spec.interval_ns), spec.interval_ns)
        models = {name: model for model, name in MODELS.items()}
        interval_ns = lengths[read.choice("interval", tuple(lengths))]
        model = models[read.choice("model", tuple(models), {old: MODELS[new] for old, new in OLD_MODELS.items()})]
        numbers = {key: read.number(key, *bounds) for key, bounds in _BOUNDS.items()}
        if not -numbers["entry"] <= numbers["exit"] < numbers["entry"]:
            read.told["exit"] = (
                f"The address asks for entry={numbers['entry']:g} with exit={numbers['exit']:g}, which is not inside "
                f"it: {spec.entry:g} and {spec.exit:g} are shown."
            )
            numbers |= {"entry": spec.entry, "exit": spec.exit}
        found = PairSpec(
            y,
            x,
            interval_ns,
            model,
            int(numbers["window"]),
            cast(Price, read.choice("price", PRICES)),
            numbers["entry"],
            numbers["exit"],
        )
        cost = read.number(FILL_COST, *RANGE, begin.fill_cost)
        start_ns, end_ns = (read.moment(key, held) for key, held in ((START, begin.start_ns), (END, begin.end_ns)))
        source = query.get(SOURCE, begin.source)
        return replace(begin, spec=found, fill_cost=cost, source=source, start_ns=start_ns, end_ns=end_ns), read.told


_BOUNDS: Final = {"window": WINDOWS, "entry": ENTRIES, "exit": EXITS}


@dataclass(frozen=True, slots=True)
class _Read:
    """An address that is read value by value; ``told`` gathers what cannot be."""

    query: Mapping[str, str]
    begin: Mapping[str, Any]
    told: dict[str, str] = field(default_factory=dict)

    def name(self, key: str, begin: str, venue: str) -> str:
        text = self.query.get(key, "").strip()
        if not text:
            return begin
        try:
            return asked(text, venue)
        except AlphaStreamError as error:
            self.told[key] = f"The address asks for {key}={text}; {error}: {label(begin, venue)} is shown."
            return begin

    def choice(self, key: str, offered: tuple[str, ...], old: Mapping[str, str] | None = None) -> str:
        begin = str(self.begin[key])
        text = self.query.get(key, begin)
        text = (old or {}).get(text, text)
        if text in offered:
            return text
        self.told[key] = not_among(key, text, key, offered, begin)
        return begin

    def number(self, key: str, low: float, high: float, begin: float | None = None) -> float:
        begin = float(self.begin[key] if begin is None else begin)
        text = self.query.get(key)
        if text is None:
            return begin
        try:
            value = float(text)
        except ValueError:
            self.told[key] = not_a_number(key, text, f"{begin:g}")
            return begin
        if low <= value <= high:
            return value
        self.told[key] = not_within(key, text, key, low, high, f"{begin:g}")
        return begin

    def moment(self, key: str, begin: int | None) -> int | None:
        text = self.query.get(key)
        if text is None:
            return begin
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            self.told[key] = (
                f"The address asks for {key}={text}, which is no time like 2024-08-08T00:00:00: it is left out."
            )
            return begin
        moment = read.replace(tzinfo=UTC) if read.tzinfo is None else read
        return int(moment.timestamp()) * SECOND


def moment_text(time_ns: int) -> str:
    """A time as it stands in an address.

    >>> moment_text(1_723_075_201 * 10**9)
    '2024-08-08T00:00:01'
    """
    return datetime.fromtimestamp(time_ns // SECOND, UTC).replace(tzinfo=None).isoformat()


def moment_of(time_ns: int | None) -> datetime | None:
    """The same as a control for times takes it: UTC, without a zone; None for none."""
    return None if time_ns is None else datetime.fromtimestamp(time_ns // SECOND, UTC).replace(tzinfo=None)


def link_to(view: PairView, page_url: str, more: Mapping[str, float] | None = None, venue: str = "") -> str:
    """An address that restores every control, also where another deployment has other defaults.

    Parameters
    ----------
    more : numbers of a page's own controls, by their keys.
    """
    query = view.query(venue) | {key: f"{value:g}" for key, value in (more or {}).items()}
    return f"{page_url.split('?')[0]}?{urlencode(query)}"
