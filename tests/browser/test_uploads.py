"""Files in Chromium: they stay after a reload, others do not see them, roles are corrected, names are text."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.browser.conftest import RunApp

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 60_000
PHONE = {"viewport": {"width": 390, "height": 844}}
HOSTILE = [
    "![p](http://picture.invalid/p.png)",
    "$x^2$ *b* `c`",
    ":red[r] :smile: :material/home: :material_home:",
    "<img src=http://tag.invalid/t.png>",
    "https://link.invalid/x www.link.invalid a@mail.invalid",
]


@pytest.fixture(scope="module")
def url(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that replays, for all tests here."""
    environ = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path_factory.mktemp("var"))}
    app = run_app(ROOT / "app.py", env=environ)
    yield app.url
    app.process.terminate()
    app.process.wait(20)
    assert "Traceback" not in app.output()


def closes(name: str, header: str = "date,close,settle") -> Any:
    lines = [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{100 + day % 7},{200 + day % 5}" for day in range(84)]
    return {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": "\n".join([header, *lines]).encode()}


def bring(page: Page, *files: Any) -> None:
    page.get_by_test_id("stFileUploader").wait_for(timeout=WAIT_MS)
    page.set_input_files("input[type=file]", list(files))


def box(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stExpander").filter(has=page.get_by_text(name)).first


def choose(page: Page, file: Locator, role: str, column: str) -> None:
    """Type into a select, as a person does among many columns."""
    field = file.get_by_role("combobox", name=role, exact=True)
    field.click()
    field.fill(column)
    page.get_by_role("option", name=column, exact=True).click()


@pytest.mark.parametrize("look", [{"color_scheme": "dark"}, {"color_scheme": "light", **PHONE}], ids=["desk", "phone"])
def test_a_refused_file_is_corrected_and_stays_after_a_reload(
    url: str, open_page: Callable[..., Page], look: dict[str, Any]
) -> None:
    page = open_page(f"{url}history?source=Upload", **look)
    bring(page, closes("AAA", "date,open,obs"), closes("BBB"))
    expect(page.get_by_text("AAA.csv cannot be read")).to_be_visible(timeout=WAIT_MS)
    with urlopen(f"{url}_stcore/metrics") as answer:
        assert b"UploadedFileManager" not in answer.read()  # Streamlit holds no second copy
    file = box(page, "AAA.csv")
    choose(page, file, "open", "not used")
    expect(page.get_by_text("needed are a time and a price")).to_be_visible(timeout=WAIT_MS)
    choose(page, file, "close", "obs")
    expect(page.get_by_text("AAA.csv cannot be read")).to_have_count(0, timeout=WAIT_MS)
    expect(file.get_by_text("84 bars, one symbol")).to_be_visible()
    expect(file.get_by_role("combobox", name="open", exact=True)).to_be_visible()  # the box and its selects stay
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.reload()
    expect(page.get_by_text("168 bars of 1d: AAA 84, BBB 84")).to_be_visible(timeout=WAIT_MS)
    stranger = open_page(page.url)  # the whole address, as it is passed on
    expect(stranger.get_by_role("radio", name="Daily ETFs")).to_be_checked(timeout=WAIT_MS)
    expect(stranger.get_by_text("AAA.csv")).to_have_count(0)
    page.get_by_test_id("stExpander").get_by_text("AAA.csv", exact=True).click()
    expect(file.get_by_text("obs (chosen)")).to_be_visible()
    file.get_by_role("button", name="Undo corrections").click()
    expect(page.get_by_text("AAA.csv cannot be read")).to_be_visible(timeout=WAIT_MS)
    file.get_by_role("button", name="Remove file").click()
    expect(page.get_by_text("AAA.csv", exact=True)).to_have_count(0, timeout=WAIT_MS)
    expect(page.get_by_text("84 bars of 1d: BBB 84")).to_be_visible()
    bring(page, closes("CCC"))
    expect(page.get_by_text("168 bars of 1d: BBB 84, CCC 84")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Remove all files").click()
    expect(page.get_by_text("No file yet")).to_be_visible(timeout=WAIT_MS)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_are_read_as_they_are_and_ask_nobody_else(url: str, open_page: Callable[..., Page], hostile: str) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            asked.append(request.url)

    page = open_page(f"{url}history?source=Upload")
    page.on("request", note)
    bring(page, closes("a", f"date,open,{hostile}"), {**closes("b"), "name": f"{hostile.replace('/', '')}.csv"})
    error = page.get_by_test_id("stAlert").first
    expect(error).to_contain_text("no column for", timeout=WAIT_MS)
    assert hostile in read(error)
    assert error.locator("img, a, code, em, .katex, [role=img]:not([data-testid=stIconMaterial])").count() == 0
    assert hostile.replace("/", "") in read(page.get_by_test_id("stExpander").nth(1))
    page.wait_for_timeout(500)
    assert asked == []


def test_a_file_of_a_table_is_offered_only_where_formulas_are_text(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{url}history?source=Upload")
    bring(page, closes("a", "date,open,=1+1"))
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for(timeout=WAIT_MS)
    table.hover()
    expect(page.get_by_role("button", name="Fullscreen").first).to_be_visible()
    expect(page.locator("button[aria-label^='Download as CSV']").first).to_be_hidden()
    assert page.locator("button[aria-label^='Download as CSV']").count()  # still named so: else the style hides nothing


def read(element: Locator) -> str:
    """What a person reads: a joiner of no width is not seen."""
    return str(element.inner_text()).replace("\u2060", "")
