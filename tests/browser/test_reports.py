"""Reports opened from a disk in Chromium: drawn, readable, and nothing asked of a network."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

from alphastream.portfolio import PositionConfig
from alphastream.reports import PositionReport, write_report
from tests.portfolio.histories import history
from tests.reports.books import made

pytestmark = pytest.mark.browser

SERIOUS = ("serious", "critical")
CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e8, cost_per_unit=1e-4)
DRAWN = "() => [...document.querySelectorAll('.drawing')].every(each => each.querySelector('.main-svg'))"


def run_file(folder: Path) -> Path:
    run = made(700, ("A</script>", "B<img src=x>", "C"))
    return write_report(folder / "run.html", run, benchmark=run.marks[:, 0], trials=9)


def positions_file(folder: Path) -> Path:
    prices, signals = history("clean", 4)
    return PositionReport(prices, signals, CONFIG, assets=("A<b>", "B", "C", "D")).report(folder / "positions.html")


@pytest.mark.parametrize("file", [run_file, positions_file])
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_a_report_opens_from_a_disk(
    open_page: Callable[..., Page], tmp_path: Path, file: Callable[[Path], Path], width: int, scheme: str
) -> None:
    path = file(tmp_path)
    page = open_page("about:blank", viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function(DRAWN)
    assert asked == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img").count() == 0
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in SERIOUS] == []


def test_colours_follow_the_system(open_page: Callable[..., Page], tmp_path: Path) -> None:
    page = open_page(run_file(tmp_path).as_uri(), color_scheme="light")
    page.wait_for_function(DRAWN)
    colour = "() => document.querySelector('#books').data[1].line.color"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("light => document.querySelector('#books').data[1].line.color !== light", arg=light)
    page.emulate_media(color_scheme="light")
    page.wait_for_function("light => document.querySelector('#books').data[1].line.color === light", arg=light)
