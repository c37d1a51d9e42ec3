"""Names that mean something to Markdown, to charts or to spreadsheets are text on every page."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from system import System
from tests.views.running import app, marked, words

pytestmark = pytest.mark.usefixtures("replaying")
Y, X, Z = "![BOO](HTTP:HOST)", "<BOO>$BOO$*BOO*", ":BOO[X]`BOO`"
_MARKDOWN = re.compile(r"(?<!\\)[\[<$*`]boo|(?<!\\):boo", re.IGNORECASE)
_CHART = re.compile(r"[<$]boo", re.IGNORECASE)
FILE = "**boo** [boo](http:x).csv"


def told(test: AppTest) -> str:
    """What a page says, once none of it is read as anything but text."""
    assert not test.exception, test.exception
    found = list(marked(test))
    for place, text in found:
        if place.startswith("plotly_chart"):
            assert not [each for each in drawn(json.loads(text)) if _CHART.search(each)]
        else:
            assert not _MARKDOWN.search(text), f"{place}: {text[:200]}"
    return "\n".join(text for _, text in found)


def drawn(part: Any) -> Iterator[str]:
    """Texts of a figure; ``meta`` and ``uirevision`` are none."""
    if isinstance(part, dict):
        for name, inner in part.items():
            if name not in {"meta", "uirevision"}:
                yield from drawn(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from drawn(inner)
    elif isinstance(part, str):
        yield part


def ticks(*symbols: str) -> bytes:
    """Five minutes in which every symbol trades each second, and two columns that nobody reads."""
    rng = np.random.default_rng(3)
    lines = ["time,symbol,price,size,$boo$,![boo](http:x)"]
    for second in range(300):
        for number, symbol in enumerate(symbols):
            price = 100.0 * (1 + number) * (1 + 1e-3 * rng.normal())
            stamp = f"2024-08-08T00:{second // 60:02d}:{second % 60:02d}Z"
            lines.append(f"{stamp},{symbol},{price:.4f},0.5,1,1")
    return "\n".join(lines).encode()


PAGES: list[tuple[str, dict[str, Any]]] = [
    ("live", {"y": Y, "x": X, "cost": "[boo](http:x)"}),
    ("portfolio", {"pairs": [f"{Y}/{X}", "<BOO>"]}),
    ("portfolio", {"of": "symbols", "symbols": [Y, X, Z]}),
    ("backtest", {"y": Y, "x": X}),
    ("backtest", {"strategy": "optimiser", "pairs": [f"{Y}/{X}"]}),
    ("paper", {"paper_tab": "Start a run", "y": Y, "x": X}),
    ("paper", {"paper_tab": "Start a run", "strategy": "optimiser", "pairs": ["<BOO>", f"{X}/{Y}"]}),
    ("alerts", {"y": Y, "x": X}),
    ("scanner", {"source": "Bundled recording", "cost": "[boo](http:x)"}),
]


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_what_an_address_says_is_text(page: str, query: dict[str, Any]) -> None:
    test = app(f"views/{page}/page.py", **query)
    said = told(test)
    if {"pairs", "cost"} & query.keys():
        assert "boo" in said.lower()


@pytest.mark.parametrize(("y", "x"), [(Y, X), (X, Z), (Y, Y)])
def test_a_symbol_of_an_address_is_text_where_any_can_be_typed(monkeypatch: pytest.MonkeyPatch, y: str, x: str) -> None:
    monkeypatch.setattr(System, "pipeline", property(lambda system: replace(system.pipeline_of("replay"), kind="live")))
    test = app(y=y, x=x)
    told(test)
    assert y in words(test)


def hourly(symbol: str, minute: int) -> bytes:
    """Hourly bars that start at this minute: those of two minutes never meet."""
    rng = np.random.default_rng(minute)
    lines = [
        f"2024-08-{1 + hour // 24:02d}T{hour % 24:02d}:{minute:02d}:00Z,{symbol},{100 + rng.normal():.4f}"
        for hour in range(300)
    ]
    return "\n".join(["time,symbol,close", *lines]).encode()


@pytest.mark.parametrize("page", ["history", "scanner"])
def test_names_of_legs_that_never_meet_are_text(page: str) -> None:
    test = app(f"views/{page}/page.py", source="Upload")
    for number, symbol in enumerate((Y, X)):
        test.file_uploader[0].upload(f"{number}.csv", hourly(symbol, 20 * number))
    told(test.run())
    if page == "scanner":
        test.button(key="scan").click().run()
    assert "The first bars start" in told(test)


@pytest.mark.parametrize("page", ["history", "backtest", "scanner"])
def test_names_in_a_file_are_text(page: str) -> None:
    test = app(f"views/{page}/page.py", source="Upload", **({"data": "Files"} if page == "backtest" else {}))
    test.file_uploader[0].upload(FILE, ticks(Y, X, Z)).run()
    said = told(test)
    assert "boo" in said.lower()
    if page == "scanner":
        test.button(key="scan").click().run()
        told(test)
        for chart in ("q-values", "Clusters"):
            test.segmented_control(key="chart").set_value(chart).run()
            told(test)
    if page == "history":
        test.session_state["tests"] = True
        told(test.run())
    if page == "backtest":
        for tab in ("Sweep", "Walk-forward", "Thresholds", "Series"):
            test.session_state["backtest_tab"] = tab
            told(test.run())


BAD = [
    ("[boo](http:x).csv", b"foo,[boo](http:x)\n1,2\n"),
    ("cells.csv", b"time,symbol,price\n2024-01-01,A,![boo](http:x)\n2024-01-02,A,1\n2024-01-03,A,1\n2024-01-04,A,1\n"),
    ("names.csv", b"time,symbol,price\n2024-01-01,<boo>$boo$,1\n2024-01-02,<boo>$boo$,1\n"),
    ("<boo>.csv", b""),
    ("$boo$.csv", b"<!DOCTYPE html>"),
]


@pytest.mark.parametrize(("name", "content"), BAD, ids=[name for name, _ in BAD])
def test_errors_of_files_are_text(name: str, content: bytes) -> None:
    test = app("views/history/page.py", source="Upload")
    test.file_uploader[0].upload(name, content).run()
    assert test.error or test.info  # of one symbol alone
    told(test)


def test_names_of_rules_are_text() -> None:
    test = app("views/alerts/page.py")
    name = next(box for box in test.text_input if box.label == "Name")
    name.set_value("![boo](http:x)").run()
    next(button for button in test.button if button.label == "Add rule").click().run()
    assert "![boo](http:x)" in words(test)
    told(test)


VIEWS = Path(__file__).resolve().parents[2] / "views"


@pytest.mark.parametrize("path", sorted(VIEWS.rglob("*.py")), ids=lambda path: str(path.relative_to(VIEWS)))
def test_no_error_reaches_a_page_unescaped(path: Path) -> None:
    """What an exception says holds names of others: between it and an element of a page stands ``in_markdown``."""
    for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(handler, ast.ExceptHandler) and handler.name:
            for call in (node for line in handler.body for node in ast.walk(line) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Attribute) and call.func.attr in ELEMENTS:
                    bare = [part for part in [*call.args, *call.keywords] if _says(part, handler.name)]
                    assert not bare, f"{path.name}, line {call.lineno}: {handler.name} is Markdown here"


ELEMENTS = {"error", "warning", "info", "success", "caption", "markdown", "toast", "write", "metric", "expander"}


def _says(node: ast.AST, name: str) -> bool:
    """Whether an expression uses a name outside of ``in_markdown``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "in_markdown":
        return False
    return (isinstance(node, ast.Name) and node.id == name) or any(
        _says(inner, name) for inner in ast.iter_child_nodes(node)
    )
