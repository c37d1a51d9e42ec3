"""One pair from page to page in Chromium, what a click on a trial sets, and links that ask for what is not there."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, OpenPage, stop

pytestmark = pytest.mark.browser

NAMES = {
    "y": "Dependent leg (y)",
    "x": "Hedge leg (x)",
    "interval": "Bar",
    "model": "Model",
    "price": "Prices",
    "entry": "Entry |z|",
    "exit": "Exit |z|",
    "fill_cost": "Cost per fill, bps",
    "taker": "Fee, bps",
    "half_spread": "Half spread, bps",
}
ASKED = {
    "y": "BTCUSDT",
    "x": "ETHUSDT",
    "interval": "1s",
    "model": "Huber",
    "window": "37",
    "entry": "1.75",
    "exit": "0.25",
    "price": "price",
    "fill_cost": "4",
}
NUMBERS = ("entry", "exit", "fill_cost", "taker", "half_spread")
CELL = """(cell) => {
    const plot = document.querySelector('.js-plotly-plot');
    const { xaxis, yaxis } = plot._fullLayout, frame = plot.getBoundingClientRect();
    const [x, y] = [[xaxis, cell[0]], [yaxis, cell[1]]].map(
        ([axis, name]) => axis._offset + axis.r2p(axis._categories.indexOf(name)));
    return [frame.x + x, frame.y + y];
}"""
TITLE = "Not all of this link could be taken"


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app on the recording; at the end its log must not complain."""
    env = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    running = run_app(ROOT / "app.py", env=env)
    yield running
    stop(running)


def control(page: Page, key: str) -> Locator:
    role = "spinbutton" if key in NUMBERS else "combobox"
    return page.get_by_role(role, name=NAMES[key], exact=True)  # type: ignore[arg-type]


def expect_standing(page: Page, **values: str) -> None:
    """Controls stand where this says; numbers as numbers, however many decimals are shown."""
    for key, text in values.items():
        if key == "window":
            expect(page.get_by_role("slider", name="Window (bars)")).to_have_value(text)
        else:
            form = re.compile(rf"^{re.escape(text)}(\.?0+)?$") if key in NUMBERS else text
            expect(control(page, key)).to_have_value(form)


def query(page: Page) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(urlsplit(page.url).query).items()}


def go(page: Page, button: str, path: str) -> None:
    ready = page.get_by_role("button", name=button, exact=True)
    expect(ready).to_be_enabled()
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=WAIT_MS)  # the page is drawn to its end
    ready.click()
    page.wait_for_url(re.compile(f"/{path}"), timeout=WAIT_MS)


def choose_first_row(table: Locator) -> None:
    expect(table).to_be_visible()
    table.click(position={"x": 16, "y": 52})  # a canvas: below its heading, in the column of boxes


def pair(**other: str) -> dict[str, str]:
    return {key: text for key, text in ASKED.items() if key != "fill_cost"} | other


def test_the_same_pair_and_costs_from_scan_to_alert(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}live?{urlencode(ASKED)}")
    expect_standing(page, **ASKED)
    expect(page.get_by_text("Round trip: 4 fills at 4 bps, 8 bps of both legs, 16 bps of one")).to_be_visible()

    page.get_by_role("link", name="Scanner").click()
    page.get_by_role("radio", name="Bundled recording").click()
    expect_standing(page, fill_cost="4", price="price")
    page.get_by_role("button", name="Scan", exact=True).click()
    choose_first_row(page.get_by_test_id("stDataFrame").first)
    legs = page.get_by_text(re.compile("^(BTC|ETH)USDT against (BTC|ETH)USDT$"))
    expect(legs).to_have_text("BTCUSDT against ETHUSDT")

    go(page, "Open history", "history")
    expect_standing(page, **ASKED)
    expect(page.get_by_role("radio", name="Bundled recording")).to_be_checked()
    expect(page.get_by_test_id("stMetricLabel").first).to_be_visible()

    go(page, "Backtest this", "backtest")
    expect_standing(page, **pair())
    expect(page.get_by_role("radio", name="Files")).to_be_checked()
    expect(page.get_by_role("radio", name="Bundled recording")).to_be_checked()
    page.get_by_text("Fills and costs").click()
    expect_standing(page, taker="3.5", half_spread="0.5")  # the cost of before, parted
    assert {"data", "source", "taker"} <= query(page).keys()  # a reload finds the same

    page.get_by_role("tab", name="Sweep").click()
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image", timeout=WAIT_MS)
    window = page.evaluate("() => document.querySelector('.js-plotly-plot').data[0].y[1]")
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    page.mouse.click(*page.evaluate(CELL, ["2.25", window]))
    expect(page.get_by_text(f"Window {window}, entry 2.25, of the sweep")).to_be_visible()
    taken = pair(window=str(window), entry="2.25")
    expect_standing(page, **taken)

    go(page, "Paper this", "paper")
    expect_standing(page, **taken)
    page.get_by_text("Fills and costs").click()
    expect_standing(page, taker="3.5", half_spread="0.5")
    expect(page.get_by_role("button", name="Start on paper")).to_be_enabled()

    go(page, "Alert on this", "alerts")
    expect_standing(page, **{key: taken[key] for key in ("y", "x", "interval", "model", "price")})
    expect(page.get_by_role("spinbutton", name="Window (bars)")).to_have_value(str(window))
    assert query(page) == {**taken, "fill_cost": "4"}
    page.reload()
    expect(page.get_by_role("spinbutton", name="Window (bars)")).to_have_value(str(window))

    page.goto(f"{app.url}live?{urlencode(query(page))}")  # one address, any page
    expect_standing(page, **taken, fill_cost="4")
    go(page, "Backtest this", "backtest")
    expect(page.get_by_role("radio", name="Recorded tape")).to_be_checked()
    go(page, "Open live", "live")
    expect_standing(page, **taken, fill_cost="4")
    expect(page.get_by_text(TITLE)).to_have_count(0)


def test_a_fold_and_a_row_of_the_sweep_can_be_taken_over(app: RunningApp, open_page: OpenPage) -> None:
    query = "data=Files&source=Bundled+recording&window=40&taker=0&half_spread=0&window_high=40&window_count=4"
    page = open_page(f"{app.url}backtest?{query}&backtest_tab=Walk-forward")
    table = page.get_by_test_id("stDataFrame").last
    choose_first_row(table)
    said = page.get_by_text(re.compile(r"^Window \d+, entry [\d.]+, of fold 1, chosen on \d+ bars from 2024-08-08"))
    expect(said).to_be_visible()
    found = re.match(r"Window (\d+), entry ([\d.]+)", said.inner_text())
    assert found is not None
    expect_standing(page, window=found[1], entry=found[2])

    page.get_by_role("tab", name="Sweep").click()
    page.get_by_text("All combinations").click()
    choose_first_row(page.get_by_test_id("stDataFrame").last)
    expect(
        page.get_by_text(re.compile(r"^Window \d+, entry [\d.]+, of the sweep, with \d+ round trip"))
    ).to_be_visible()


@pytest.mark.parametrize(
    ("path", "sentences"),
    [
        (
            "live?window=9000&model=Hubre&entry=wide&interval=7s&y=KO&preset=Moon&round_trip_cost=8",
            (
                "window=9000; Window (bars) goes from 20 to 500: 100 is shown.",
                "model=Hubre; Model is one of OLS, Kalman (discounted), Huber, TLS, Frozen OLS, did you mean Huber?",
                "entry=wide, which is no number: 2 is shown.",
                "interval=7s; Bar is one of 1s, 5s,",
                "y=KO; Dependent leg (y) is one of BTCUSDT, ETHUSDT: ETHUSDT is shown.",
                "preset=Moon; Preset is one of",
                "round_trip_cost=8, which was a round trip of four fills in bps of one leg's notional, 2 bps for each.",
            ),
        ),
        ("history?source=Bundled+recording&x=KO&indicator=EMMA", ("x=KO; Hedge leg (x)", "indicator=EMMA; Indicator")),
        (
            "scanner?source=Moon&cost=3",
            ("source=Moon; Source is one of", "cost=3, which may be the cost of one fill or"),
        ),
        ("portfolio?cov=none&fee=2", ("cov=none; Covariance is one of EWMA", "fee=2, which was the cost of one fill")),
        ("backtest?strategy=none&taker=x", ("strategy=none; Strategy is one of", "taker=x, which is no number: 5 is")),
        ("paper?paper_tab=Strat+a+run", ("did you mean Start a run? Runs is shown.",)),
        ("alerts?window=9000&y=nowhere:KO", ("window goes from 20 to 500", "venue 'nowhere' is not known")),
        ("microstructure?interval=9s", ("interval=9s; Bar is one of 1s",)),
    ],
)
def test_what_a_link_does_not_get_is_told_above_the_controls(
    app: RunningApp, open_page: OpenPage, path: str, sentences: tuple[str, ...]
) -> None:
    page = open_page(app.url + path)
    notice = page.get_by_test_id("stAlert").filter(has_text=TITLE)
    expect(notice).to_have_count(1)
    for sentence in sentences:
        expect(notice).to_contain_text(sentence)
    assert notice.inner_text().count("The address ") == len(sentences)


def test_a_pair_of_a_file_is_not_opened_where_only_the_feed_is(app: RunningApp, open_page: OpenPage) -> None:
    rows = "\n".join(f"2024-01-{1 + at // 24:02d} {at % 24:02d}:00,{100 + at % 7},{50 + at % 5}" for at in range(400))
    page = open_page(f"{app.url}history?source=Upload&window=20")
    page.locator("input[type=file]").set_input_files(
        {"name": "wide.csv", "mimeType": "text/csv", "buffer": f"time,KO,PEP\n{rows}\n".encode()}
    )
    for name in ("Open live", "Paper this", "Alert on this"):
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_disabled()
    page.get_by_role("button", name="Open live", exact=True).locator("..").hover(force=True)
    expect(page.get_by_role("tooltip")).to_contain_text("are not followed by the feed, which carries BTCUSDT, ETHUSDT")
    go(page, "Backtest this", "backtest")
    expect_standing(page, window="20", interval="1h")
    expect(page.get_by_role("radio", name="Last upload")).to_be_checked()
    go(page, "Open history", "history")
    expect(page.get_by_role("radio", name="Last upload")).to_be_checked()
