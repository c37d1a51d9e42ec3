"""The scanner in Chromium: filters, groups, dates, the chosen pair beside the table, and maps that are clicked."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import RunApp

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 60_000
PHONE = {"viewport": {"width": 390, "height": 844}}
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def url(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that replays, for all tests here."""
    environ = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path_factory.mktemp("var"))}
    app = run_app(ROOT / "app.py", env=environ)
    yield app.url
    app.process.terminate()
    app.process.wait(20)
    assert "Traceback" not in app.output()


def universe(symbols: int, rows: int = 300) -> Any:
    """Wide daily closes from 2020-01-01; the last symbol follows the first."""
    rng = np.random.default_rng(11)
    prices = 100 * np.exp(np.cumsum(rng.normal(size=(rows, symbols)), axis=0) / 50)
    prices[:, -1] = prices[:, 0] * np.exp(rng.normal(size=rows) / 500)
    frame = pd.DataFrame(prices, columns=[f"SYM{at}" for at in range(symbols)])
    frame.insert(0, "Date", pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"))
    file = io.StringIO()
    frame.to_csv(file, index=False)
    return {"name": "universe.csv", "mimeType": "text/csv", "buffer": file.getvalue().encode()}


def scan(page: Page, symbols: int) -> None:
    page.get_by_test_id("stFileUploader").wait_for(timeout=WAIT_MS)
    page.set_input_files("input[type=file]", universe(symbols))
    page.get_by_role("button", name="Scan", exact=True).click(timeout=WAIT_MS)
    page.wait_for_selector(".st-key-scan_map .js-plotly-plot", timeout=WAIT_MS)


def choose(page: Page, name: str, option: str) -> None:
    """Type into a select, as a person does; a list that opens while the page runs would close again."""
    field = page.get_by_role("combobox", name=name, exact=True)
    expect(field).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    field.click()
    field.fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def chosen(page: Page) -> Locator:
    return page.locator(".st-key-scan_preview")


def marked_rows(page: Page) -> int:
    """Rows of the table whose box is ticked, as a screen reader has them."""
    return page.locator(".st-key-scan_table [role=row][aria-selected=true]").count()


def click_cell(page: Page, x: str, y: str) -> None:
    """The cell of these labels."""
    plot = page.locator(".st-key-scan_map .js-plotly-plot")
    place = plot.evaluate(
        """(plot, [x, y]) => {
            const { xaxis, yaxis } = plot._fullLayout;
            return { x: xaxis.l2p(xaxis._categories.indexOf(x)), y: yaxis.l2p(yaxis._categories.indexOf(y)) };
        }""",
        [x, y],
    )
    page.locator(".st-key-scan_map .nsewdrag").first.click(position=place)


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark", **PHONE}], ids=["desk", "phone"])
def test_a_scan_is_filtered_and_its_pairs_are_looked_at(
    url: str, open_page: Callable[..., Page], look: dict[str, Any]
) -> None:
    page = open_page(f"{url}scanner?source=Upload", **look)
    scan(page, 6)
    expect(page.get_by_text("All 15 pairs shown.")).to_be_visible()
    expect(page.get_by_text("300 rows, 2020-01-01 to 2020-10-26")).to_be_visible()
    cells = page.locator(".st-key-scan_table [role=gridcell]")
    expect(cells.filter(has_text="< 0.0001").first).to_be_attached()
    assert "0.0000" not in " ".join(cells.all_inner_texts())

    table = page.locator("[data-testid=stDataFrame].st-key-scan_table, .st-key-scan_table [data-testid=stDataFrame]")
    table.click(position={"x": 15, "y": 52})  # the box of the first row
    expect(chosen(page).get_by_text("SYM0 against SYM5", exact=True)).to_be_visible()
    expect(page.locator(".st-key-preview_figure .js-plotly-plot")).to_be_visible()
    expect(chosen(page).get_by_text("first half")).to_have_count(2)  # in the figure, and in the words below
    box, own = table.bounding_box(), chosen(page).bounding_box()
    assert box is not None
    assert own is not None
    assert own["y"] >= box["y"] + box["height"] if look.get("viewport") else own["x"] >= box["x"] + box["width"]

    click_cell(page, "SYM2", "SYM1")
    expect(chosen(page).get_by_text("SYM1 against SYM2", exact=True)).to_be_visible()
    page.locator(".chosen-cell").first.wait_for(state="attached", timeout=WAIT_MS)
    assert marked_rows(page) == 1

    page.locator(".st-key-scan_filter summary").click()
    page.get_by_role("textbox", name="Symbol has", exact=True).fill("sym5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("5 of 15 pairs shown. q-values are those of all 15")).to_be_visible()
    expect(
        chosen(page).get_by_text("SYM1 against SYM2", exact=True)
    ).to_be_visible()  # hidden in the table, still chosen
    page.get_by_text("Both halves pass").click()
    expect(page.get_by_text("2 of 15 pairs shown.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"symbol_has=sym5.*both_halves=true|both_halves=true.*symbol_has=sym5"))
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text("All 15 pairs shown.")).to_be_visible()

    page.get_by_text("Clusters", exact=True).first.click()
    choose(page, "Group", "Same group")
    expect(page.get_by_text(re.compile(r"^\d+ of 15 pairs shown"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_link_restores_filter_and_dates_and_a_group_file_is_read(url: str, open_page: Callable[..., Page]) -> None:
    query = "start=2020-02-01T00:00&end=2020-06-30T23:59&symbol_has=SYM1&half_to=500&groups=File"
    page = open_page(f"{url}scanner?source=Upload&{query}")
    scan(page, 6)
    expect(page.get_by_text("151 rows, 2020-02-01 to 2020-06-30")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^[1-5] of 15 pairs shown"))).to_be_visible()
    page.locator(".st-key-scan_filter summary").click()
    groups: Any = {"name": "g.csv", "mimeType": "text/csv", "buffer": b"SYM1,one\nSYM2,one\nSYM3,two\n"}
    page.locator(".st-key-groups_file input[type=file]").set_input_files(groups)
    expect(page.get_by_text("3 symbols in 2 groups, 3 without one.")).to_be_visible()
    choose(page, "Group", "Same group")
    expect(page.get_by_text(re.compile("^1 of 15 pairs shown"))).to_be_visible()


def test_a_map_of_a_hundred_symbols_names_each_of_them(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{url}scanner?source=Upload", **PHONE)
    scan(page, 100)
    expect(page.get_by_text("All 4,950 pairs shown.")).to_be_visible()
    for axis in ("x", "y"):
        assert page.locator(f".st-key-scan_map .{axis}tick text").count() == 100
    across = page.evaluate(
        "() => [...document.querySelectorAll('.st-key-scan_map .xtick text')].map(e => e.getBoundingClientRect().x)"
    )
    assert min(np.diff(sorted(across))) >= 12
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_text("Clusters", exact=True).last.click()
    page.wait_for_function(
        "() => document.querySelectorAll('.st-key-scan_map .xtick text').length === 100", timeout=WAIT_MS
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator(".st-key-scan_map").evaluate(
        "box => getComputedStyle(box).overflowX === 'auto' && box.scrollWidth > box.clientWidth"
    )
