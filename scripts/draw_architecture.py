"""Draw architecture.png from the imports the source really has (stdlib ``ast``), layered from app down to errors."""

import ast
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).resolve().parent.parent
TITLE = (
    "AlphaStream: who imports whom; arrows that longer ways imply are left out\n"
    "(blue: the application; green: the library, no Streamlit, no sockets)"
)
SAYS = {
    "app": "server, pages",
    "views": "pages, charts, live figure",
    "wiring": "pipelines: feed + store + engine",
    "config": "every knob once",
    "hub": "live channel",
    "topics": "numbered messages",
    "alerts": "book of rules, watch",
    "alert_files": "rules on disk",
    "webhooks": "deliveries, retries",
    "webhook_targets": "who is told, how",
    "outbound": "checked POST",
    "rules": "when a rule fires",
    "portfolio": "positions row by row",
    "allocation": "pairs to positions",
    "trading": "events, orders, broker",
    "strategies": "folds and decisions",
    "backtest": "history, live, sweeps",
    "paper": "paper runs: thread",
    "paper_files": "their journals",
    "paper_run": "one run in the loop",
    "paper_view": "a run at a moment",
    "ingest": "feed thread, health",
    "live_feed": "connect, watch, backfill",
    "transport": "sockets",
    "tick_file": "the SQLite file",
    "ring": "newest ticks",
    "storage": "ring + SQLite WAL",
    "analytics": "engine thread",
    "pairs": "what a pair page asks",
    "scan": "all pairs, ranked",
    "diagnosis": "every test of a pair",
    "graph": "nodes by value",
    "history": "uploaded files",
    "estimators": "folds and tests",
    "performance": "what a run was worth",
    "feeds": "codecs, replay",
    "bars": "ticks to rows",
    "id_runs": "known trade ids",
    "events": "Tick, Bar",
    "errors": "one tree",
}


def rooms() -> dict[str, set[str]]:
    """Room -> rooms it imports, from the files as they are."""
    found: dict[str, set[str]] = defaultdict(set)
    files = [*ROOT.glob("*.py"), *(ROOT / "views").rglob("*.py"), *(ROOT / "alphastream").rglob("*.py")]
    homes = {_room(path) for path in files} - {""}
    for path in files:
        room = _room(path)
        if not room:
            continue
        found[room] |= {target for name in _imports(path) if (target := _target(name)) in homes and target != room}
    found["ingest"].discard("wiring")  # only its command line, under __main__
    return dict(found)


def _room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] != "alphastream":
        return parts[0]
    return "" if parts[1].startswith("__") else parts[1]


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            if node.module == "alphastream":
                names |= {f"alphastream.{alias.name}" for alias in node.names}
    return names


def _target(name: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == "alphastream" and len(parts) > 1 else parts[0]


def _needed(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without the arrows that longer ways imply."""

    def reached(room: str) -> set[str]:
        return set().union(*({target} | reached(target) for target in arrows.get(room, ())))

    return {
        room: {target for target in targets if not any(target in reached(other) for other in targets - {target})}
        for room, targets in arrows.items()
    }


def _depths(arrows: dict[str, set[str]]) -> dict[str, int]:
    """Longest way down from a room; 0 for rooms that import nothing."""
    depth: dict[str, int] = {}

    def below(room: str) -> int:
        if room not in depth:
            depth[room] = 1 + max((below(target) for target in arrows.get(room, ())), default=-1)
        return depth[room]

    for room in arrows:
        below(room)
    return depth


def draw(target: Path) -> None:
    """Write the picture."""
    arrows = rooms()
    depth = _depths(arrows)
    rows: dict[int, list[str]] = defaultdict(list)
    for room in sorted(depth):
        rows[depth[room]].append(room)
    width = 2.15 * max(map(len, rows.values()))
    place = {
        room: ((index + 0.5) / len(names) * width, level * 1.45)
        for level, names in rows.items()
        for index, room in enumerate(names)
    }
    figure, axes = plt.subplots(figsize=(width + 1, 1.3 * len(rows) + 1.2), dpi=110)
    for room, targets in _needed(arrows).items():
        for target_room in targets:
            start, end = place[room], place[target_room]
            arrow = FancyArrowPatch(
                (start[0], start[1] - 0.36),
                (end[0], end[1] + 0.36),
                arrowstyle="-|>",
                mutation_scale=9,
                color="#8a94a3",
                linewidth=0.9,
                connectionstyle="arc3,rad=0.06",
                zorder=1,
            )
            axes.add_patch(arrow)
    for room, (x, y) in place.items():
        is_root = (ROOT / f"{room}.py").exists() or room == "views"
        colour = "#dbeaf7" if is_root else "#e9f3ea"
        axes.add_patch(
            FancyBboxPatch(
                (x - 0.95, y - 0.32), 1.9, 0.64, boxstyle="round,pad=0.04", fc=colour, ec="#4d5866", zorder=2
            )
        )
        axes.text(x, y + 0.09, room, ha="center", va="center", fontsize=11, weight="bold", zorder=3)
        axes.text(x, y - 0.16, SAYS.get(room, ""), ha="center", va="center", fontsize=7.5, color="#3a434e", zorder=3)
    axes.set_title(
        TITLE,
        fontsize=11,
    )
    axes.set_xlim(-0.2, width + 0.2)
    axes.set_ylim(-0.7, max(rows) * 1.45 + 0.7)
    axes.axis("off")
    figure.savefig(target, bbox_inches="tight", facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    draw(ROOT / "architecture.png")
