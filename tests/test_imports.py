"""The arrows of the house: who may import whom. Fails on an arrow that points up, sideways or to an unknown home."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each room may import of the project. A new room gets a line here before it gets a file.
ALLOWED: dict[str, set[str]] = {
    "app": {"views", "wiring", "config", "alphastream"},
    "views": {"views", "wiring", "alerts", "webhooks", "paper", "config", "analytics", "topics", "alphastream"},
    "wiring": {
        "alerts",
        "webhooks",
        "paper",
        "hub",
        "ingest",
        "live_feed",
        "storage",
        "analytics",
        "config",
        "alphastream",
    },
    "hub": {"topics"},
    "topics": set(),
    "ingest": {"alphastream", "wiring"},  # wiring: for its command line only
    "live_feed": {"transport", "alphastream"},
    "transport": {"alphastream"},
    "storage": {"alphastream", "tick_file"},
    "tick_file": {"alphastream"},
    "analytics": {"alphastream"},
    "config": {"alphastream"},
    "alerts": {"alert_files", "alphastream"},
    "alert_files": {"alphastream"},
    "paper": {"paper_run", "paper_view", "paper_files", "alphastream"},
    "paper_run": {"paper_view", "paper_files", "alphastream"},
    "paper_view": {"paper_files", "alphastream"},
    "paper_files": {"alphastream"},
    "webhooks": {"webhook_targets", "outbound", "alphastream"},
    "webhook_targets": {"outbound"},
    "outbound": {"alphastream"},
}

# Inside the library: layer by layer, lower numbers know nothing of higher ones; equal numbers do not know each other.
LAYERS: dict[str, int] = {
    "errors": 0,
    "events": 1,
    "id_runs": 1,
    "bars": 2,
    "feeds": 2,
    "ring": 2,
    "estimators": 2,
    "performance": 2,
    "portfolio": 3,
    "graph": 4,
    "scan": 4,
    "trading": 4,
    "history": 4,
    "pairs": 5,
    "rules": 6,
    "allocation": 6,
    "strategies": 7,
    "backtest": 8,
    "__main__": 9,
    "diagnosis": 5,
    "sinks": 4,
}

OUTSIDE_RULES: dict[str, set[str]] = {
    "streamlit": {"app", "views"},
    "sqlite3": {"storage", "tick_file"},
    "websocket": {"transport"},
    "starlette": {"app", "hub", "views"},
    "socket": {"transport", "outbound"},
}
WALL_CLOCKS = {"time", "datetime"}
CLOCKLESS = {
    "trading",
    "estimators",
    "graph",
    "portfolio",
    "bars",
    "scan",
    "ring",
    "performance",
    "strategies",
    "backtest",
}
# Trading speaks datetime at its edge and offers a clock to live runs: one file does both, and only what runs live, or
# hands the clock on to users, may take the clock from it. A backtest cannot reach one.
CLOCK_FILE = "alphastream/trading/clock.py"
CLOCKS = {f"alphastream.trading.clock.{name}" for name in ("utc_now", "utc_now_ns", "monotonic_ns", "time")}
CLOCKS.add("alphastream.trading.utc_now")
CLOCK_USERS = {f"alphastream/trading/{name}.py" for name in ("__init__", "limits", "realtime")}
ROOT_ROOMS = {path.stem for path in ROOT.glob("*.py")} | {"views"}


def _files() -> list[Path]:
    found = [*ROOT.glob("*.py")]
    for folder in ("views", "alphastream"):
        found += (ROOT / folder).rglob("*.py")
    return sorted(found)


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names.add(str(node.module))
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _room(path: Path) -> tuple[str, str | None]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "alphastream":
        return "alphastream", parts[1]
    return parts[0], None


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_down(path: Path) -> None:
    room, inner = _room(path)
    for name in sorted(_imports(path)):
        top, _, rest = name.partition(".")
        if top in OUTSIDE_RULES:
            assert room in OUTSIDE_RULES[top], f"{path.name} imports {top}"
        if inner in CLOCKLESS and str(path.relative_to(ROOT)) != CLOCK_FILE:
            assert top not in WALL_CLOCKS, f"{path.name} reads a wall clock: time arrives with the data"
            if name in CLOCKS:
                assert str(path.relative_to(ROOT)) in CLOCK_USERS, f"{path.name} takes {name}: have it passed in"
        if room == "alphastream":
            assert top not in ROOT_ROOMS, f"{path.name}: the library imports {name} of the application"
        elif top in ROOT_ROOMS | {"alphastream"} and top != room:
            assert top in ALLOWED[room], f"{path.name} imports {name}: the arrow points up or sideways"
        if room == "alphastream" and top == "alphastream" and inner != "__init__" and rest:
            _check_layer(path, str(inner), rest.split(".")[0])


def _check_layer(path: Path, inner: str, target: str) -> None:
    if target == inner:
        return
    assert target in LAYERS, f"{path.name} imports alphastream.{target}, which has no home yet"
    assert LAYERS[target] < LAYERS[inner], f"{path.name}: {inner} imports {target}, which is not below it"


def test_every_room_has_a_home() -> None:
    rooms = {_room(path) for path in _files()}
    for room, inner in rooms:
        if room == "alphastream":
            assert inner in LAYERS.keys() | {"__init__"}, f"alphastream/{inner} has no layer in tests/test_imports.py"
        else:
            assert room in ALLOWED, f"{room} has no line in tests/test_imports.py"


def test_no_file_of_trading_asks_a_type_for_the_time() -> None:
    """``clock.Moment`` is datetime: its constructors of the present are as much of a clock as utc_now."""
    for path in (ROOT / "alphastream" / "trading").rglob("*.py"):
        if str(path.relative_to(ROOT)) != CLOCK_FILE:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                asks = isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
                assert not (asks and ast.unparse(node).startswith("Moment.")), f"{path.name} reads a wall clock"


def test_charts_do_not_know_streamlit() -> None:
    charts = ROOT / "views" / "charts.py"
    assert not any(name.split(".")[0] == "streamlit" for name in _imports(charts))


def test_no_root_file_is_named_like_a_stdlib_module() -> None:
    assert not {path.stem for path in ROOT.glob("*.py")} & sys.stdlib_module_names
