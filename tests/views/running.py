"""A page under AppTest with a system of the test's own, and what it says."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import config
import views.shared
from pipelines import Pipeline
from system import System

ROOT = Path(__file__).resolve().parents[2]
MARKED = {"body", "label", "title", "help", "text", "delta", "spec", "tooltip"}
"""Fields of Streamlit's messages whose text is Markdown, or a figure."""


class Running(SimpleNamespace):
    """What pages see of a system; a test of a page gives what that page asks for."""

    pipeline: Any
    failure: str | None
    alerts: Any
    webhooks: Any
    paper: Any
    arbitrage: Any


@contextmanager
def replay(data_dir: Path, head_s: int | None = None, speed: int = 1) -> Iterator[Pipeline]:
    """A replay of the bundled recording while the context lasts, its first ``head_s`` seconds at once."""
    environ = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(data_dir)}
    environ["ALPHASTREAM_REPLAY_SPEED"] = str(speed)
    if head_s is not None:
        environ["ALPHASTREAM_REPLAY_HEAD_S"] = str(head_s)
    system = System(config.load(environ))
    system.start()
    assert system.pipeline is not None
    yield system.pipeline
    system.stop()


def show_to_pages(system: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages see this system, in whatever order tests run: rooms that look it up by name hold it already."""
    for each in pkgutil.iter_modules(views.shared.__path__, "views.shared."):
        module = importlib.import_module(each.name)
        if hasattr(module, "get_system"):
            monkeypatch.setattr(module, "get_system", lambda: system)


def show_pipeline(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Let pages see a system that has this pipeline, and nothing wrong with it."""
    found = Running(pipeline=pipeline, settings=config.load({}), failure=None)
    show_to_pages(found, monkeypatch)
    return found


def app(page: str | None = "views/live/page.py", **query: str) -> AppTest:
    """The whole application on a page, by way of the start page; for tests that use the fixture ``replaying``."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    return test.switch_page(page).run() if page is not None else test


def page_of(name: str, **query: str) -> AppTest:
    """A page run once with an address that says ``query``; it raised nothing."""
    return page_in({}, name, **query)


def page_in(session: Mapping[str, Any], name: str, **query: str) -> AppTest:
    """The same in a session that holds something already."""
    path = str(ROOT / "views" / name / "page.py")
    script = (
        "import streamlit as st\n"
        "from views.shared.links import telling_ignored\n"
        f"page = st.navigation([st.Page({path!r})])\n"
        "with telling_ignored(page.url_path):\n"
        "    page.run()\n"
    )
    test = AppTest.from_string(script, default_timeout=120.0)
    for key, value in query.items():
        test.query_params[key] = value
    for key, held in session.items():
        test.session_state[key] = held
    test.run()
    assert not test.exception, test.exception
    return test


def words(test: AppTest) -> str:
    """All sentences of a page, as a person reads them."""
    parts = [*test.error, *test.warning, *test.info, *test.success, *test.caption, *test.markdown, *test.code]
    return "\n".join(read(str(part.value)) for part in parts)


def cards(test: AppTest) -> dict[str, str]:
    """Values of a page's metrics, by label, as a person reads them."""
    return {read(metric.label): read(metric.value) for metric in test.metric}


def read(markdown: str) -> str:
    """Escaped Markdown as a person reads it."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")


def marked(test: AppTest) -> Iterator[tuple[str, str]]:
    """Every text of a page that the browser reads as Markdown, a chart or a page's title, and where it stands."""
    waiting: list[Any] = [test._tree]
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        kind, proto = str(node.type), getattr(node, "proto", None)
        if proto is not None and kind not in {"code", "arrow_data_frame", "html", "graphviz_chart"}:
            yield from ((f"{kind}.{place}", text) for place, text in _texts(proto))


def _texts(proto: Any) -> Iterator[tuple[str, str]]:
    for field, value in proto.ListFields():
        for each in value if field.is_repeated else (value,):
            if field.message_type is not None and not field.message_type.GetOptions().map_entry:
                yield from ((f"{field.name}.{place}", text) for place, text in _texts(each))
            elif isinstance(each, str) and field.name in MARKED:
                yield field.name, each
