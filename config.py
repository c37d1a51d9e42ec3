"""Every setting once: name, unit, default, range and the environment variable that turns it.

A setting ``ring_ticks`` is set by ``ALPHASTREAM_RING_TICKS``. A value outside its range, or a variable that names no
setting, is one clear error at start, never a silent default. Theme and server settings are Streamlit's:
``.streamlit/config.toml``.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from alphastream.errors import ParameterError, SettingError
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId

PREFIX: Final = "ALPHASTREAM_"
DEFAULT_VENUE: Final = "binance-usdm"
DEFAULT_SYMBOLS: Final = "BTCUSDT,ETHUSDT"
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
        if text and not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(text)
        return text.rstrip("/") or None

    allowed = "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
    return field(default=None, metadata={"spec": _SettingSpec(parse, allowed, "", doc)})


def _instruments(text: str, venue: str = DEFAULT_VENUE) -> tuple[InstrumentId, ...]:
    """Read names separated by commas. Raises ValueError."""
    codec = FEEDS[venue]
    names = (InstrumentId.parse(part, venue) for part in text.split(",") if part.strip())
    instruments = tuple(dict.fromkeys(InstrumentId(name.venue, codec.spelt(name.symbol)) for name in names))
    codec.stream_url(instruments)
    if len(instruments) < 2:
        raise ValueError(text)
    return instruments


_SYMBOLS = _SettingSpec(
    lambda text: text,  # what it means depends on the venue
    "2 to 200 names of the venue, separated by commas, such as BTCUSDT,ETHUSDT",
    "",
    "instruments to record; the second is the dependent leg (y) of the first page, the first its hedge (x)",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the application, checked."""

    feed: str = _choice(
        "auto", ("auto", "live", "replay"), "auto: live, or the recorded tape while live is not to be had"
    )
    venue: str = _choice(DEFAULT_VENUE, tuple(FEEDS), "where trades come from")
    symbols: tuple[InstrumentId, ...] = field(default=_instruments(DEFAULT_SYMBOLS), metadata={"spec": _SYMBOLS})
    ws_url: str | None = _address(("ws", "wss"), "WebSocket address instead of the venue's own")
    rest_url: str | None = _address(("http", "https"), "REST address instead of the venue's own")
    data_dir: Path = _path("var", "folder of tick files, alerts and paper runs")

    ring_ticks: int = _integer(50_000, 1_000, 5_000_000, "ticks a symbol", "newest ticks kept in memory")
    retention_hours: int = _integer(168, 1, 87_600, "hours", "older ticks are deleted from the file")

    transport: str = _choice(
        "auto",
        ("auto", "picows", "websocket-client"),
        "reads the stream; auto: picows, or websocket-client where picows cannot be loaded",
    )
    backfill_hours: int = _integer(48, 1, 8_760, "hours", "trades missed longer ago are not fetched but declared lost")
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
    max_upload_mb: int = _integer(200, 1, 2_000, "MB", "larger files are refused before they are read")

    interval_s: int = _integer(1, 1, 86_400, "s", "bar length a page begins with")
    window_bars: int = _integer(100, 20, 500, "bars", "window a page begins with")
    entry_z: float = _real(2.0, 0.5, 6.0, "standard deviations", "|z| that opens a position")
    exit_z: float = _real(0.5, 0.0, 5.0, "standard deviations", "|z| that closes it")

    secrets_file: Path = _path(".streamlit/secrets.toml", "addresses of webhooks, in sections [webhooks.NAME]")
    webhook_private: bool = _switch(False, "webhooks may use http and private or local addresses")

    metrics_public: bool = _switch(False, "/metrics and the reasons of /healthz also for others than this machine")

    log_level: str = _choice("INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), "detail of the log")


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
            raise SettingError(f"{variable}={text!r}: needs {spec.allowed}{unit}") from error
    text = values.get("symbols", DEFAULT_SYMBOLS)
    try:
        values["symbols"] = _instruments(text, values.get("venue", DEFAULT_VENUE))
    except ValueError as error:
        why = f" ({error})" if isinstance(error, ParameterError) else ""
        raise SettingError(f"{PREFIX}SYMBOLS={text!r}: needs {_SYMBOLS.allowed}{why}") from error
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
            default = DEFAULT_SYMBOLS
        elif isinstance(default, Path):
            default = default.relative_to(ROOT)
        shown = "" if default is None else str(default)
        lines.append(f"| `{PREFIX}{item.name.upper()}` | {shown} | {spec.allowed} | {spec.unit} | {spec.doc} |")
    return "\n".join(lines)
