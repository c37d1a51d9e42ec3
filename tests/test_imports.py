"""The arrows of the house: who may import whom. Fails on an arrow that points up, sideways or to an unknown home.

Rooms are ranked; a room may import rooms of a lower rank only. A new room gets a line here before it gets a file.
"""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The application: each home and what it may import of the project.
APPLICATION: dict[str, set[str]] = {
    "app": {"views", "system", "config", "alphastream"},
    "views": {"metrics", "health", "system", "pipelines", "lines", "config", "runtime", "analytics", "alphastream"},
    "metrics": {"health", "runtime", "alphastream"},
    "health": {"system", "pipelines", "lines", "ingest", "storage", "config", "runtime", "alphastream"},
    "system": {"pipelines", "lines", "ingest", "config", "runtime", "alphastream"},
    "pipelines": {"lines", "bus_lines", "ingest", "storage", "analytics", "config", "runtime", "alphastream"},
    "bus_lines": {"lines", "ingest", "storage", "config", "runtime", "alphastream"},
    "lines": {"ingest", "storage", "config", "runtime", "alphastream"},
    "recorder": {"metrics", "health", "pipelines", "lines", "ingest", "sealing", "config", "runtime", "alphastream"},
    "sealing": {"storage", "runtime", "alphastream"},
    "ingest": {"runtime", "alphastream", "recorder"},  # recorder: lazily, for its command line only
    "storage": {"runtime", "alphastream"},
    "analytics": {"runtime", "alphastream"},
    "runtime": {"alphastream"},
    "config": {"alphastream"},
}

# Rooms of runtime do not know each other; what they share stands beside them.
RUNTIME_SHARED = {"outbound", "http", "backoff", "writer_lock", "checked_lines", "kept_choices", "threads"}

# What of runtime the files at the root and the pages may touch.
RUNTIME_USERS: dict[str, set[str]] = {
    "ingest": {"backoff", "threads"},
    "analytics": {"compile_ahead", "threads"},
    "metrics": {"monitoring"},
    "health": {"bus", "channel", "monitoring", "threads"},
    "recorder": {"user_folder", "bus", "connections", "monitoring", "startup", "writer_lock", "compile_ahead"},
    "system": {
        "connections",
        "channel",
        "alerts",
        "arbitrage",
        "paper",
        "startup",
        "stores",
        "threads",
        "writer_lock",
        "risk",
        "watchlists",
    },
    "pipelines": {"connections", "followed", "stores", "writer_lock"},
    "lines": {"bus", "connections", "stores", "writer_lock"},
    "bus_lines": {"connections", "kept_choices"},
    "storage": {"stores", "writer_lock"},
    "sealing": {"stores"},
    "views": {
        "user_folder",
        "channel",
        "alerts",
        "arbitrage",
        "paper",
        "compile_ahead",
        "monitoring",
        "startup",
        "threads",
        "risk",
        "saved_runs",
        "watchlists",
    },
}

# Pages do not know each other; what they share stands in these two.
VIEWS_SHARED = {"shared", "component"}

# The library: rank by rank, lower numbers know nothing of higher ones; equal numbers do not know each other.
LIBRARY: dict[str, int] = {
    "errors": 0,
    "core": 1,
    "registry": 1,
    "events": 1,
    "instruments": 1,
    "bars": 2,
    "compute": 2,
    "tape": 2,
    "estimators": 2,
    "performance": 2,
    "heads": 3,
    "indicators": 3,
    "uploads": 3,
    "feeds": 3,
    "tape_files": 3,
    "books": 4,
    "graph": 4,
    "bar_rows": 5,
    "monitoring": 4,
    "scan": 4,
    "windows": 4,
    "microstructure": 5,
    "cointegration": 5,
    "trading": 5,
    "arbitrage": 5,
    "risk": 5,
    "baskets": 6,
    "pairs": 6,
    "diagnosis": 6,
    "alerts": 7,
    "carry": 7,
    "history": 7,
    "portfolio": 7,
    "reports": 8,
    "streaming": 7,
    "strategies": 8,
    "backtest": 9,
    "study": 10,
    "sinks": 10,
    "kernel_groups": 10,
    "__main__": 11,
}

OUTSIDE_RULES: dict[str, set[str]] = {
    "streamlit": {"app", "views"},
    "sqlite3": {"storage", "runtime.stores", "alphastream.tape_files", "alphastream.history"},
    "websocket": {"runtime.connections"},
    "prometheus_client": {"runtime.monitoring"},
    "picows": {"runtime.connections"},
    "nats": {"alphastream.sinks"},
    "confluent_kafka": {"alphastream.sinks"},
    "redis": {"alphastream.sinks"},
    "psycopg": {"alphastream.sinks"},
    "starlette": {"app", "runtime.channel", "views"},
    "socket": {"runtime.connections", "runtime.http", "runtime.outbound", "runtime.monitoring"},
}
STREAMLIT_FILES = ("page", "controls")  # how files of a page's folder end that may know Streamlit
WALL_CLOCKS = {"time", "datetime"}
CLOCKLESS = {
    "trading",
    "estimators",
    "graph",
    "portfolio",
    "bars",
    "streaming",
    "monitoring",
    "scan",
    "tape",
    "performance",
    "reports",
    "strategies",
    "backtest",
    "study",
    "core",
    "books",
    "windows",
    "microstructure",
}
# Trading speaks datetime at its edge and offers a clock to live runs: one file does both, and only what runs live, or
# hands the clock on to users, may take the clock from it. A backtest cannot reach one.
ENGINE = "alphastream/trading/engine"
CLOCK_FILE = f"{ENGINE}/clock.py"
CLOCKS = {
    f"alphastream.trading.engine.clock.{name}"
    for name in ("utc_now", "local_now", "utc_now_ns", "monotonic_ns", "time")
}
CLOCKS |= {f"alphastream.trading.{name}" for name in ("utc_now", "local_now")}
CLOCK_USERS = {f"{ENGINE}/{name}.py" for name in ("__init__", "token_bucket", "realtime")}
CLOCK_USERS.add("alphastream/trading/__init__.py")
TAPE_TITLES = "alphastream/tape/recordings.py"  # writes the recorded hours out for people: reads no clock


def _files() -> list[Path]:
    found = [*ROOT.glob("*.py")]
    for folder in ("views", "runtime", "alphastream"):
        found += (ROOT / folder).rglob("*.py")
    return sorted(found)


@cache
def _imports(path: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names.add(str(node.module))
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _home(path: Path) -> tuple[str, str]:
    """The home of a file and its room in there: ("views", "live"), ("alphastream", "graph"), ("storage", "")."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0], parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_down(path: Path) -> None:
    home, room = _home(path)
    for name in sorted(_imports(path)):
        top, *rest = name.split(".")
        inner = rest[0] if rest else ""
        if top in OUTSIDE_RULES:
            assert {home, f"{home}.{room}"} & OUTSIDE_RULES[top], f"{path.name} imports {top}"
        if home == "alphastream":
            _check_clock(path, room, top, name)
        if top == home and inner and inner != room and room != "__init__":
            {"alphastream": _check_rank, "runtime": _check_runtime, "views": _check_views}[home](path, room, inner)
        elif top in APPLICATION.keys() | {"alphastream"} and top != home:
            assert home != "alphastream", f"{path.name}: the library imports {name} of the application"
            assert top in APPLICATION[home], f"{path.name} imports {name}: the arrow points up or sideways"
            if top == "runtime" and inner:
                assert inner in RUNTIME_USERS[home], f"{path.name} imports {name}: not a room it may enter"


def _check_clock(path: Path, room: str, top: str, name: str) -> None:
    place = str(path.relative_to(ROOT))
    if room not in CLOCKLESS or place in {CLOCK_FILE, TAPE_TITLES}:
        return
    assert top not in WALL_CLOCKS, f"{path.name} reads a wall clock: time arrives with the data"
    if name in CLOCKS:
        assert place in CLOCK_USERS, f"{path.name} takes {name}: have it passed in"


def _check_rank(path: Path, room: str, target: str) -> None:
    assert target in LIBRARY, f"{path.name} imports alphastream.{target}, which has no home yet"
    assert LIBRARY[target] < LIBRARY[room], f"{path.name}: {room} imports {target}, which is not below it"


def _check_runtime(path: Path, room: str, target: str) -> None:
    assert target in RUNTIME_SHARED, f"{path.name}: rooms of runtime do not know each other, {room} imports {target}"


def _check_views(path: Path, room: str, target: str) -> None:
    if room == "shared":
        assert target == "component", f"{path.name}: views/shared imports {target}, which is a page"
    elif room == "component":
        assert target == "shared", f"{path.name}: the live figure imports {target}, which is a page"
    else:
        assert target in VIEWS_SHARED, f"{path.name}: the page {room} imports {target}, another page"


def test_every_room_has_a_home() -> None:
    for home, room in {_home(path) for path in _files()}:
        if home == "alphastream":
            assert room in LIBRARY.keys() | {"__init__"}, f"alphastream/{room} has no rank in tests/test_imports.py"
        else:
            assert home in APPLICATION, f"{home} has no line in tests/test_imports.py"


def test_no_module_imports_itself_in_a_circle() -> None:
    """Module by module, imports at the top of a file only: what Python itself would round trip over."""
    modules = {_module(path): path for path in _files()}
    below = {
        name: {found for each in _top_imports(path) if (found := _module_of(each, modules)) not in {None, name}}
        for name, path in modules.items()
    }
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"circle: {' -> '.join((*way[way.index(name) :], name))}"
        if name not in done:
            for target in sorted(str(each) for each in below[name]):
                walk(target, (*way, name))
            done.add(name)

    for name in sorted(below):
        walk(name, ())


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _top_imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _module_of(name: str, modules: dict[str, Path]) -> str | None:
    """The module that an imported name is, or is defined in."""
    return name if name in modules else parent if (parent := name.rpartition(".")[0]) in modules else None


@pytest.mark.parametrize("path", sorted((ROOT / "views").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_charts_and_tables_do_not_know_streamlit(path: Path) -> None:
    home = path.parent.name
    if home not in {"shared", "component", "views"} and not path.stem.endswith(STREAMLIT_FILES):
        assert not any(name.split(".")[0] == "streamlit" for name in _imports(path)), (
            f"{path.relative_to(ROOT)} knows Streamlit: of a page's folder only *page.py and *controls.py may"
        )


@pytest.mark.parametrize("path", sorted((ROOT / "views").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_charts_and_tables_of_every_folder_are_pure(path: Path) -> None:
    asks = path.stem.endswith(("settings", "controls"))  # controls of a chart are controls
    if not asks and any(word in path.stem for word in ("chart", "table", "thinning", "series", "report", "export")):
        assert not any(name.split(".")[0] == "streamlit" for name in _imports(path)), f"{path.name} knows Streamlit"


def test_no_file_of_trading_asks_a_type_for_the_time() -> None:
    """``clock.Moment`` is datetime: its constructors of the present are as much of a clock as utc_now."""
    for path in (ROOT / "alphastream" / "trading").rglob("*.py"):
        if str(path.relative_to(ROOT)) != CLOCK_FILE:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                asks = isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
                assert not (asks and ast.unparse(node).startswith("Moment.")), f"{path.name} reads a wall clock"


def test_no_root_file_is_named_like_a_stdlib_module() -> None:
    assert not {path.stem for path in ROOT.glob("*.py")} & sys.stdlib_module_names
