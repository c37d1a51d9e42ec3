"""Every setting once: name, unit, default, range and the environment variable that turns it.

A setting ``ring_ticks`` is set by ``ALPHASTREAM_RING_TICKS``. A value outside its range, or a variable that names no
setting, is one clear error at start, never a silent default. Theme and server settings are Streamlit's:
``.streamlit/config.toml``.
"""

import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from alphastream.errors import ParameterError, SettingError
from alphastream.feeds import FEEDS
from alphastream.history.layout import HISTORY
from alphastream.instruments import InstrumentId, split
from alphastream.sinks.addresses import places, without_credentials
from alphastream.sinks.opening import BUSES, SINKS

PREFIX: Final = "ALPHASTREAM_"
OFF: Final = "off"
DEFAULT_VENUE: Final = "binance-usdm"
AUTO_ORDER: Final = tuple(
    venue
    for venue in (DEFAULT_VENUE, "binance-spot", "coinbase", "kraken", "okx", "bybit-linear", "binance-us")
    if venue in FEEDS
)
"""Tried one after the other: the busiest first, then those that serve the places which Binance refuses."""
ROOT: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class _SettingSpec:
    """How text becomes a value, and in which words its range is told."""

    parse: Callable[[str], Any]
    allowed: str
    unit: str
    doc: str


def _number(kind: type[int] | type[float], low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def _integer(default: int, low: int, high: int, unit: str, doc: str) -> Any:
    spec = _SettingSpec(_number(int, low, high), f"a whole number from {low:,} to {high:,}", unit, doc)
    return field(default=default, metadata={"spec": spec})


def _real(default: float, low: float, high: float, unit: str, doc: str) -> Any:
    spec = _SettingSpec(_number(float, low, high), f"a number from {low:g} to {high:g}", unit, doc)
    return field(default=default, metadata={"spec": spec})


def _choice(default: str, options: tuple[str, ...], doc: str) -> Any:
    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return field(default=default, metadata={"spec": _SettingSpec(parse, "one of " + ", ".join(options), "", doc)})


def _switch(default: bool, doc: str) -> Any:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    spec = _SettingSpec(lambda text: words[text.lower()], "true or false", "", doc)
    return field(default=default, metadata={"spec": spec})


def _path(default: str, doc: str) -> Any:
    def parse(text: str) -> Path:
        return ROOT / Path(text).expanduser()

    return field(default=parse(default), metadata={"spec": _SettingSpec(parse, "a path", "", doc)})


def _address(schemes: tuple[str, ...], doc: str) -> Any:
    def parse(text: str) -> str | None:
        for venue, address in _by_venue(text).items():
            if (venue and venue not in FEEDS) or not address.startswith(tuple(f"{scheme}://" for scheme in schemes)):
                raise ValueError(text)
        return text.rstrip("/") or None

    allowed = "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
    allowed += ", or venue=address for each venue that has another one, separated by commas"
    return field(default=None, metadata={"spec": _SettingSpec(parse, allowed, "", doc)})


def _sinks(kinds: Container[str], several: bool, doc: str) -> Any:
    def parse(text: str) -> str | None:
        for address in text.split():
            if address.partition("://")[0] not in kinds:
                raise ValueError(text)
            places(address, 1)
        if len(text.split()) > 1 and not several:
            raise ValueError(text)
        return " ".join(text.split()) or None

    allowed = "an address such as nats://HOST:PORT, of a cluster with its other servers after commas"
    allowed += "; several with spaces between" if several else ""
    return field(default=None, metadata={"spec": _SettingSpec(parse, allowed, "", doc)})


def _backend(default: str, doc: str) -> Any:
    def parse(text: str) -> str:
        from alphastream.compute import engine_of  # of those who ask for another only

        if text == "spark":  # an app has no session of Spark
            raise ValueError(text)
        if text != default:
            engine_of(text, None)
        return text

    allowed = "threads, processes, dask:ADDRESS or ray:ADDRESS, or sequential"
    return field(default=default, metadata={"spec": _SettingSpec(parse, allowed, "", doc)})


def _by_venue(text: str | None) -> dict[str, str]:
    """Read addresses by venue, "" for the one that is every venue's."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    named = (part.partition("=") if not part.startswith(("ws", "http")) else ("", "=", part) for part in parts)
    return {venue.strip(): address.strip().rstrip("/") for venue, _, address in named}


def _history(doc: str) -> Any:
    def parse(text: str) -> str:
        if "://" in text or text == OFF:
            return text.rstrip("/")
        return str(ROOT / Path(text).expanduser())

    allowed = f"a folder, a URL such as s3://bucket/prefix, or {OFF}"
    return field(default="", metadata={"spec": _SettingSpec(parse, allowed, "", doc)})


def _venues(text: str) -> str:
    """Check a list of venues. Raises ValueError."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    if names != ["auto"] and (not names or not set(names) <= FEEDS.keys()):
        raise ValueError(text)
    return ",".join(dict.fromkeys(names))


def _instruments(text: str, venues: Sequence[str]) -> tuple[InstrumentId, ...]:
    """Read names separated by commas; one without a venue is meant at every venue. Raises ValueError."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    found: list[InstrumentId] = []
    for name in names:
        venue, _ = split(name)
        if venue and venue not in FEEDS:
            raise ValueError(text)
        found += [_spelt(InstrumentId.parse(name, each)) for each in ((venue,) if venue else venues)]
    instruments = tuple(sorted(dict.fromkeys(found), key=lambda name: [*venues, name.venue].index(name.venue)))
    for venue in dict.fromkeys(name.venue for name in instruments):
        FEEDS[venue].stream_url([name for name in instruments if name.venue == venue])
    if len(instruments) < 2:
        raise ValueError(text)
    return instruments


def _spelt(name: InstrumentId) -> InstrumentId:
    return InstrumentId(name.venue, FEEDS[name.venue].spelt(name.symbol))


def _usual(venues: Iterable[str]) -> tuple[InstrumentId, ...]:
    """What is recorded where no setting names any."""
    return tuple(InstrumentId(venue, symbol) for venue in venues for symbol in FEEDS[venue].usual)


_SYMBOLS = _SettingSpec(
    lambda text: text,  # what it means depends on the venue
    "2 to 200 names a venue, separated by commas, such as BTCUSDT,ETHUSDT or okx:BTC-USDT,binance-spot:BTCUSDT",
    "",
    "instruments to record, without a venue at all of them; the second is the dependent leg (y) of the live page, the "
    "first its hedge (x); default: two of each venue that trade often",
)


_VENUES = _SettingSpec(
    _venues,
    "auto, or one or more of " + ", ".join(FEEDS) + ", separated by commas",
    "",
    "where trades come from, all of them at once; auto: the first that serves this computer",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the application, checked."""

    feed: str = _choice(
        "auto", ("auto", "live", "replay"), "auto: live, or the recorded tape while live is not to be had"
    )
    venue: str = field(default="auto", metadata={"spec": _VENUES})
    symbols: tuple[InstrumentId, ...] = field(default=_usual((DEFAULT_VENUE,)), metadata={"spec": _SYMBOLS})
    ws_url: str | None = _address(("ws", "wss"), "WebSocket address instead of a venue's own")
    rest_url: str | None = _address(("http", "https"), "REST address instead of a venue's own")
    bus: str | None = _sinks(
        BUSES, False, "show the trades that a recorder publishes there, instead of asking venues for them"
    )
    publish: str | None = _sinks(SINKS, True, "where `python ingest.py` publishes what it records: buses and databases")
    data_dir: Path = _path("var", "folder of tick files, books, alerts and paper runs")
    user: Path = _path("user", "folder of your own Python files, all of them loaded at the start: docs/own-code.md")

    ring_ticks: int = _integer(50_000, 1_000, 5_000_000, "ticks a symbol", "newest ticks kept in memory")
    retention_hours: int = _integer(
        168, 1, 87_600, "hours", "older ticks are moved to the history, whole UTC days of them, or deleted without one"
    )
    history: str = _history("Parquet files that take older ticks; default: history in the data folder")

    books: bool = _switch(True, "receive and keep quotes, books, mark prices and funding where a venue has them")
    books_every_ms: int = _integer(100, 10, 60_000, "ms", "a book and a quote are kept at most once in this time")

    transport: str = _choice(
        "auto",
        ("auto", "picows", "websocket-client"),
        "reads the stream; auto: picows, or websocket-client where picows cannot be loaded",
    )
    backfill_hours: int = _integer(48, 1, 8_760, "hours", "trades missed longer ago are not fetched but declared lost")
    fetch_history: bool = _switch(
        True, "put before the tape what bars need: fetched by REST, or a recording's own laps; it never enters the tape"
    )
    connect_timeout_s: float = _real(5.0, 0.5, 60.0, "s", "for a connection or a REST answer")
    stall_s: float = _real(20.0, 1.0, 600.0, "s", "without any trade before the feed counts as stalled and reconnects")
    backoff_base_s: float = _real(0.5, 0.05, 60.0, "s", "first reconnect waits up to this long, each next up to twice")
    backoff_cap_s: float = _real(30.0, 0.1, 600.0, "s", "no reconnect waits longer")
    fallback_after_s: float = _real(2.0, 0.1, 60.0, "s", "without a live trade before the recorded tape is shown")

    replay_tape: Path = _path("data/tape_usdm_20240808.parquet", "recorded tape to replay")
    replay_speed: float = _real(1.0, 0.1, 1_000.0, "times real time", "speed of the replay")
    replay_loop: bool = _switch(True, "begin again at the end of the tape, with times and ids moved on")
    replay_head_s: float = _real(240.0, 0.0, 300.0, "s", "beginning of the tape that is delivered at once")

    engine_refresh_ms: int = _integer(50, 10, 5_000, "ms", "at most one recomputation in this time")
    page_refresh_ms: int = _integer(200, 100, 10_000, "ms", "between updates of a page without the channel")
    channel: str = _choice(
        "auto", ("auto", "off"), "auto: live figures by a channel of their own, else by the page; off: by the page"
    )
    max_clients: int = _integer(200, 1, 10_000, "browsers", "on the live channel at once; more are served by the page")
    history_bars: int = _integer(2_000, 200, 20_000, "bars", "kept for each pair and model")
    compute: str = _backend("threads", "where scans, sweeps and walk-forwards are worked on")
    max_upload_mb: int = _integer(200, 1, 2_000, "MB", "larger files are refused before they are read")

    interval_s: int = _integer(1, 1, 86_400, "s", "bar length a page begins with")
    window_bars: int = _integer(100, 20, 500, "bars", "window a page begins with")
    entry_z: float = _real(2.0, 0.5, 6.0, "standard deviations", "|z| that opens a position")
    exit_z: float = _real(0.5, 0.0, 5.0, "standard deviations", "|z| that closes it")

    secrets_file: Path = _path(".streamlit/secrets.toml", "addresses of webhooks, in sections [webhooks.NAME]")
    webhook_private: bool = _switch(False, "webhooks may use http and private or local addresses")

    who_may_change: str = _choice(
        "auto",
        ("auto", "everybody", "logged_in", "nobody"),
        "rules, paper runs, limits and followed symbols; auto: browsers on this machine, and who is logged in",
    )
    metrics_public: bool = _switch(False, "/metrics and the reasons of /healthz also for others than this machine")

    log_level: str = _choice("INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), "detail of the log")

    @property
    def chooses_venue(self) -> bool:
        """Whether one venue is to be found that serves this computer, instead of those of ``venues`` all at once."""
        return self.venue == "auto" and self.bus is None

    @property
    def venues(self) -> tuple[str, ...]:
        """Where trades come from, all at once; where one is to be chosen, the order in which they are tried."""
        if self.chooses_venue:
            return AUTO_ORDER
        return tuple(dict.fromkeys(name.venue for name in self.symbols))

    @property
    def home(self) -> str:
        """Where a name belongs that is written without a venue, until one was chosen."""
        return self.venues[0]

    @property
    def candidates(self) -> tuple[tuple[InstrumentId, ...], ...]:
        """What to record, all of it at once; where a venue is to be chosen, the instruments of each in turn.

        Where nobody named any, a venue is asked for those that trade often there and, should it list none of them, for
        the same that are asked for first, as it spells them.
        """
        if not self.chooses_venue:
            return (self.symbols,)
        found = [_usual((venue,)) for venue in AUTO_ORDER] if self.symbols == _usual((self.home,)) else []
        found += [
            tuple(dict.fromkeys(_spelt(InstrumentId(venue, name.symbol)) for name in self.symbols))
            for venue in AUTO_ORDER
        ]
        return tuple(sorted(dict.fromkeys(found), key=lambda names: AUTO_ORDER.index(names[0].venue)))

    @property
    def history_place(self) -> str | None:
        """Folder or URL of the history; None where old ticks are deleted."""
        return None if self.history == OFF else self.history or str(self.data_dir / HISTORY)

    def ws_url_of(self, venue: str) -> str | None:
        """Where a venue's stream is instead of at its own address; None for that one."""
        return _address_of(venue, self.ws_url)

    def rest_url_of(self, venue: str) -> str | None:
        """Where a venue's REST interface is instead of at its own address; None for that one."""
        return _address_of(venue, self.rest_url)


def _address_of(venue: str, text: str | None) -> str | None:
    addresses = _by_venue(text)
    return addresses.get(venue, addresses.get(""))


def user_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of a user's own files, which is loaded before the settings are read: a venue may be in it."""
    environ = os.environ if environ is None else environ
    item = next(each for each in fields(Settings) if each.name == "user")
    text = environ.get(f"{PREFIX}USER", "").strip()
    path: Path = item.metadata["spec"].parse(text or str(item.default))
    return path


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from environment variables.

    Raises
    ------
    SettingError
        Naming the variable, the value and the range; or the close matches of a variable that names no setting.
    """
    environ = os.environ if environ is None else environ
    specs: dict[str, _SettingSpec] = {item.name: item.metadata["spec"] for item in fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in specs:
            close = get_close_matches(name, specs, n=3)
            hint = " or ".join(PREFIX + match.upper() for match in close) or "see docs/settings.md"
            raise SettingError(f"{variable} names no setting: did you mean {hint}?")
        spec = specs[name]
        try:
            values[name] = spec.parse(text.strip())
        except (ValueError, KeyError, OverflowError) as error:
            unit = f" ({spec.unit})" if spec.unit else ""
            shown = without_credentials(text)
            raise SettingError(f"{variable}={shown!r}: needs {spec.allowed}{unit}") from error
    venues = [DEFAULT_VENUE] if (chosen := values.get("venue", "auto")) == "auto" else chosen.split(",")
    text = values.get("symbols", "")
    if (
        text
        and chosen == "auto"
        and (named := list(dict.fromkeys(filter(None, (split(part.strip())[0] for part in text.split(","))))))
    ):
        # A venue that is named is meant, so there is nothing to choose.
        values["venue"], venues = ",".join(named), named
    try:
        values["symbols"] = _instruments(text, venues) if "symbols" in values else _usual(venues)
    except ValueError as error:
        why = f" ({error})" if isinstance(error, ParameterError) else ""
        raise SettingError(f"{PREFIX}SYMBOLS={text!r}: needs {_SYMBOLS.allowed}{why}") from error
    if unused := set(venues) - {name.venue for name in values["symbols"]}:
        raise SettingError(f"{PREFIX}SYMBOLS={text!r}: names nothing of {', '.join(sorted(unused))}")
    settings = Settings(**values)
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    for low, high, why in (
        ("exit_z", "entry_z", "the exit must be nearer to zero than the entry"),
        ("backoff_base_s", "backoff_cap_s", "the first wait must be shorter than the longest"),
    ):
        small, large = getattr(settings, low), getattr(settings, high)
        if small >= large:
            raise SettingError(f"{PREFIX}{low.upper()}={small:g} with {PREFIX}{high.upper()}={large:g}: {why}")


def table() -> str:
    """All settings as a Markdown table: what docs/settings.md prints."""
    lines = ["| variable | default | range | unit | what it does |", "|---|---|---|---|---|"]
    for item in fields(Settings):
        spec: _SettingSpec = item.metadata["spec"]
        default = item.default
        if isinstance(default, tuple):
            default = ",".join(name.symbol for name in default)
        elif isinstance(default, Path):
            default = default.relative_to(ROOT)
        shown = "" if default is None else str(default)
        lines.append(f"| `{PREFIX}{item.name.upper()}` | {shown} | {spec.allowed} | {spec.unit} | {spec.doc} |")
    return "\n".join(lines)
