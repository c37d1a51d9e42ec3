"""Draw docs/architecture.png from the tree and the imports the source really has: `make architecture`.

Homes with many rooms (``views``, ``runtime``) are drawn as frames, their arrows together; the library room by room,
below all of them, since all of them may use it. An import inside a function is no arrow: it happens on a call.
"""

import ast
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from scripts.rooms import ROOT, Room, homes, rooms

TITLE: Final = (
    "AlphaStream: who imports whom\n"
    "Blue: the application. Yellow: threads, sockets and files. Green: the library, which all above may use.\n"
    "Arrows that a longer way implies are left out."
)
LIBRARY: Final = "alphastream."
FRAMES: Final = ("views", "runtime")
COLOURS: Final = {"": "#dbeaf7", "views": "#dbeaf7", "runtime": "#fbf1d5", "alphastream": "#e6f3e8"}
WIDTH, HEIGHT = 2.5, 1.02  # of a box
STEP_X, STEP_Y = 2.75, 1.7  # from one box to the next
INNER_Y: Final = 1.15  # from one row of boxes to the next inside a frame
IN_A_ROW: Final = 5  # boxes of a frame, side by side
WRAP: Final = 35  # characters of a description in a line
INCHES: Final = 0.95  # a unit of the sizes above


@dataclass(frozen=True, slots=True)
class Node:
    """What arrows begin and end at: a room, or a home drawn as a frame with its rooms inside.

    Parameters
    ----------
    room : the room, or the home.
    inside : the rooms of a frame.
    """

    room: Room
    inside: tuple[Room, ...] = ()

    @property
    def columns(self) -> int:
        """Boxes side by side."""
        return min(len(self.inside), IN_A_ROW) or 1

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        if not self.inside:
            return WIDTH, HEIGHT
        lines = -(-len(self.inside) // IN_A_ROW)
        return self.columns * STEP_X + 0.1, lines * INNER_Y + 0.42


def nodes() -> dict[str, Node]:
    """Nodes by name: "system", "views", "alphastream.graph"."""
    found = rooms()
    frames = {
        home.name: Node(home, tuple(room for room in found if room.home == home.name))
        for home in homes()
        if home.name in FRAMES
    }
    single = {".".join(filter(None, (room.home, room.name))): Node(room) for room in found if room.home not in FRAMES}
    return {**single, **frames}


def arrows() -> dict[str, set[str]]:
    """Node -> nodes it imports, from the files as they are."""
    found: dict[str, set[str]] = {}
    all_nodes = nodes()
    for name, node in all_nodes.items():
        files = [path for room in node.inside or (node.room,) for path in room.files]
        imported = {target for path in files for each in _imports(path) if (target := _node_of(each)) in all_nodes}
        above = not name.startswith(LIBRARY)
        found[name] = {each for each in imported - {name} if not (above and each.startswith(LIBRARY))}
    return found


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _node_of(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "alphastream" else parts[0]


def shortest(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without the arrows that longer ways imply."""

    def reached(name: str) -> set[str]:
        return set().union(*({target} | reached(target) for target in arrows[name]))

    return {
        name: {target for target in targets if not any(target in reached(other) for other in targets - {target})}
        for name, targets in arrows.items()
    }


def levels(arrows: dict[str, set[str]]) -> dict[str, int]:
    """Longest way down from a node; 0 for nodes that import nothing. The application begins above the library."""
    depth: dict[str, int] = {}

    def below(name: str) -> int:
        if name not in depth:
            ground = -1 if name.startswith(LIBRARY) else library
            depth[name] = 1 + max((below(target) for target in arrows[name]), default=ground)
        return depth[name]

    library = -1
    library = max(below(name) for name in arrows if name.startswith(LIBRARY))
    for name in arrows:
        below(name)
    return depth


def draw(target: Path) -> None:
    """Write the picture."""
    found, needed = nodes(), shortest(arrows())
    rows: dict[int, list[str]] = defaultdict(list)
    for name, level in sorted(levels(arrows()).items()):
        rows[level].append(name)
    middle = _places(found, needed, rows)
    width = max(abs(x) + found[name].size[0] / 2 for name, (x, _) in middle.items())
    top = max(y + found[name].size[1] / 2 for name, (_, y) in middle.items())
    figure, axes = plt.subplots(figsize=(2 * width * INCHES, (top + 1.2) * INCHES), dpi=100)
    for name, targets in needed.items():
        for each in sorted(targets):
            _arrow(axes, middle[name], found[name].size[1], middle[each], found[each].size[1])
    for name, node in found.items():
        _node(axes, node, *middle[name])
    axes.set_title(TITLE, fontsize=12)
    axes.set_xlim(-width - 0.1, width + 0.1)
    axes.set_ylim(-HEIGHT / 2 - 0.2, top + 0.2)
    axes.axis("off")
    figure.savefig(target, bbox_inches="tight", facecolor="white", metadata={"Software": None})


def _places(
    found: dict[str, Node], needed: dict[str, set[str]], rows: dict[int, list[str]]
) -> dict[str, tuple[float, float]]:
    """Middle of each node: level above level, in a row under what is imported from there as far as may be."""
    middle: dict[str, tuple[float, float]] = {}
    bottom = -HEIGHT / 2
    for level in sorted(rows):
        names, tall = rows[level], max(found[name].size[1] for name in rows[level])

        def wish(name: str) -> float:
            at = [middle[target][0] for target in needed[name]]
            return sum(at) / len(at) if at else 0.0

        names = sorted(names, key=lambda name: (wish(name), name))
        gap = STEP_X - WIDTH
        x = -(sum(found[name].size[0] for name in names) + gap * (len(names) - 1)) / 2
        for name in names:
            middle[name] = (x + found[name].size[0] / 2, bottom + tall / 2)
            x += found[name].size[0] + gap
        bottom += tall + STEP_Y - HEIGHT
    return middle


def _arrow(axes: Any, start: tuple[float, float], high: float, end: tuple[float, float], low: float) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (start[0], start[1] - high / 2 - 0.03),
            (end[0], end[1] + low / 2 + 0.03),
            arrowstyle="-|>",
            mutation_scale=10,
            color="#8a94a3",
            linewidth=1.0,
            connectionstyle="arc3,rad=0.04",
            zorder=1,
        )
    )


def _node(axes: Any, node: Node, x: float, y: float) -> None:
    if not node.inside:
        _box(axes, node.room, x, y)
        return
    width, height = node.size
    _rectangle(axes, x, y, width, height, "#f7f8fa")
    top = y + height / 2
    axes.text(x, top - 0.2, f"{node.room.name}: {node.room.description}", ha="center", va="center", fontsize=9.5)
    for place, room in enumerate(node.inside):
        line, column = divmod(place, IN_A_ROW)
        in_line = min(node.columns, len(node.inside) - line * IN_A_ROW)
        _box(axes, room, x + (column - (in_line - 1) / 2) * STEP_X, top - 0.42 - (line + 0.5) * INNER_Y + 0.08)


def _box(axes: Any, room: Room, x: float, y: float) -> None:
    _rectangle(axes, x, y, WIDTH, HEIGHT, COLOURS[room.home])
    axes.text(
        x, y + 0.33, room.place.removeprefix(f"{room.home}/"), ha="center", va="center", fontsize=11, weight="bold"
    )
    text = textwrap.fill(room.description.replace("`", ""), WRAP, max_lines=4, placeholder=" …")
    axes.text(x, y - 0.13, text, ha="center", va="center", fontsize=7.5, color="#3a434e", linespacing=1.15)


def _rectangle(axes: Any, x: float, y: float, width: float, height: float, colour: str) -> None:
    corner = (x - width / 2 + 0.06, y - height / 2 + 0.06)
    axes.add_patch(
        FancyBboxPatch(
            corner, width - 0.12, height - 0.12, boxstyle="round,pad=0.06", fc=colour, ec="#4d5866", zorder=2
        )
    )


if __name__ == "__main__":
    draw(ROOT / "docs" / "architecture.png")
