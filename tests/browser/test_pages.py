"""The running app in Chromium, fed by the local exchange: what a person sees, against what was traded."""

import csv
import io
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import RunApp, RunningApp
from tools.exchange import Drop, LocalExchange, Rate, Refuse451, Stepped

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
OpenPage = Callable[..., Page]
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)
SAYS_NOTHING = ("Traceback", "Exception", "ERROR")


@dataclass(frozen=True, slots=True)
class Desk:
    """What starts apps and opens pages, and a folder for data."""

    run_app: RunApp
    open_page: OpenPage
    folder: Path


@pytest.fixture
def desk(run_app: RunApp, open_page: OpenPage, tmp_path: Path) -> Desk:
    return Desk(run_app, open_page, tmp_path)


def environ(desk: Desk, exchange: LocalExchange, **knobs: str) -> dict[str, str]:
    settings = {
        "WS_URL": exchange.ws_url,
        "REST_URL": exchange.rest_url,
        "DATA_DIR": str(desk.folder),
        "STALL_S": "600",
        "FALLBACK_AFTER_S": "60",
        **knobs,
    }
    return {f"ALPHASTREAM_{name}": value for name, value in settings.items()}


@contextmanager
def visit(desk: Desk, exchange: LocalExchange, query: str = "", **knobs: str) -> Iterator[Page]:
    """A page of the app beside an exchange; at the end the server's log must not complain."""
    app = desk.run_app(ROOT / "app.py", env=environ(desk, exchange, **knobs))
    page = desk.open_page(f"{app.url}live{query}")
    yield page
    page.close()
    stop(app)


def stop(app: RunningApp) -> None:
    app.process.terminate()
    app.process.wait(20)
    complaints = [line for line in app.output().splitlines() if any(word in line for word in SAYS_NOTHING)]
    assert complaints == []


def wait_until_trades_are_heard(exchange: LocalExchange) -> None:
    """Books and marks have connections of their own, which may come first; the test's own time limit ends this."""
    while not any("aggTrade" in request for request in exchange.requests):
        time.sleep(0.05)
    time.sleep(0.3)  # from the handshake to the subscription


def wait_for_chart(page: Page) -> None:
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)


def plotly(page: Page, expression: str) -> Any:
    """Evaluate with ``plot``, the chart's DOM node."""
    return page.evaluate(f"() => {{ const plot = document.querySelector('.js-plotly-plot'); return {expression}; }}")


def card(page: Page, name: str) -> Any:
    return page.get_by_test_id(f"card-{name}")


def expect_last_trades(page: Page, exchange: LocalExchange) -> None:
    for leg, symbol in (("y", "ETHUSDT"), ("x", "BTCUSDT")):
        trade = exchange.last_trade(symbol)
        assert trade is not None
        expect(card(page, f"price-{leg}")).to_contain_text(f"{float(trade.price_text):,.2f}"[:-1], timeout=WAIT_MS)


def test_last_traded_prices_and_zoom(desk: Desk) -> None:
    with LocalExchange(pace=Stepped()) as exchange, visit(desk, exchange) as page:
        page.wait_for_selector("[data-testid=live-figure]", timeout=WAIT_MS)
        wait_until_trades_are_heard(exchange)
        exchange.step(600)
        expect_last_trades(page, exchange)
        wait_for_chart(page)
        expect(card(page, "signal")).to_contain_text("Calibrating", timeout=WAIT_MS)

        page.evaluate("() => { window.firstNode = document.querySelector('.js-plotly-plot'); }")
        page.wait_for_function("() => document.querySelector('.js-plotly-plot').data[0].y.length > 10", timeout=WAIT_MS)
        zoom = plotly(page, "[plot.data[0].x[2], plot.data[0].x[7]]")
        page.evaluate("zoom => Plotly.relayout(document.querySelector('.js-plotly-plot'), {'xaxis.range': zoom})", zoom)
        shown = plotly(page, "plot.layout.xaxis.range")
        for _ in range(10):
            drawn = int(page.get_by_test_id("live-figure").get_attribute("data-drawn") or 0)
            exchange.step(60)
            page.wait_for_function(
                "before => Number(document.querySelector('[data-testid=live-figure]').dataset.drawn) > before",
                arg=drawn,
                timeout=WAIT_MS,
            )
        expect_last_trades(page, exchange)
        assert plotly(page, "plot === window.firstNode && plot.isConnected")
        assert plotly(page, "plot.layout.xaxis.range") == shown


def test_models_calibrate_and_answers_can_be_taken_away(desk: Desk) -> None:
    query = "?window=20&model=Kalman+(discounted)"
    with LocalExchange(pace=Stepped()) as exchange, visit(desk, exchange, query) as page:
        wait_until_trades_are_heard(exchange)
        exchange.step(6_000)
        expect(card(page, "signal")).to_contain_text(re.compile("Flat|spread"), timeout=WAIT_MS)
        expect(card(page, "zscore")).to_contain_text(re.compile(r"[+-]\d\.\d\d"))
        page.get_by_role("button", name="Download", exact=True).click()
        link = page.get_by_role("button", name="Analytics as CSV")
        expect(link).to_be_visible()
        page.wait_for_timeout(2_000)  # the panel has run several times since the file was made
        with page.expect_download() as waiting:
            link.click()
        rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text(encoding="utf-8"))))
        assert len(rows) > 100
        assert any("zscore" in column and "DiscountedRegression" in column for column in rows[0])
        page.get_by_text("Feed and tape").click()
        expect(page.get_by_text("ticks received")).to_be_visible()


def test_refused_address_replays_and_says_so(desk: Desk) -> None:
    with LocalExchange(faults=[Refuse451()]) as exchange, visit(desk, exchange) as page:
        expect(page.get_by_text("Recorded trades, not live ones")).to_be_visible()
        expect(page.get_by_text("451")).to_be_visible()
        page.wait_for_function(
            "() => document.querySelector('.js-plotly-plot')?.data[0].y.length > 10", timeout=WAIT_MS
        )


def test_a_lost_connection_heals_under_an_open_page(desk: Desk) -> None:
    faults = [Drop(after=300, times=2, on="trades")]
    with (
        LocalExchange(pace=Rate(200), loop=True, faults=faults) as exchange,
        visit(desk, exchange, BACKOFF_BASE_S="0.1", BACKOFF_CAP_S="0.5", BOOKS="off") as page,
    ):
        wait_for_chart(page)
        page.wait_for_function("() => document.querySelector('.js-plotly-plot').data[0].y.length > 3", timeout=WAIT_MS)
        while sum(exchange.sent.values()) < 1_200:
            page.wait_for_timeout(200)
        page.get_by_text("Feed and tape").click()
        expect(page.get_by_text("reconnects 2")).to_be_visible()
        expect(page.get_by_text("Recorded trades, not live ones")).to_have_count(0)


def figure_of(page: Page) -> str:
    return str(page.get_by_test_id("live-figure").get_attribute("data-figure"))


def wait_until_messages_come(page: Page, more: int = 5) -> None:
    """Over the channel, with numbers that grow."""
    page.wait_for_selector("[data-testid=live-figure][data-way=open]", timeout=WAIT_MS)
    page.wait_for_function(
        """([before, more]) => {
            const { seq, way } = document.querySelector('[data-testid=live-figure]').dataset;
            return way === 'open' && Number(seq) >= before + more;
        }""",
        arg=[int(page.get_by_test_id("live-figure").get_attribute("data-seq") or 0), more],
        timeout=WAIT_MS,
    )


def test_an_open_page_finds_a_server_that_started_again(desk: Desk, browser: Browser) -> None:
    with LocalExchange(pace=Rate(200), loop=True) as exchange:
        app = desk.run_app(ROOT / "app.py", env=environ(desk, exchange))
        context = browser.new_context()  # of its own: a server that is away is an error on the console
        page = context.new_page()
        page.goto(f"{app.url}live")
        wait_for_chart(page)
        wait_until_messages_come(page)
        page.evaluate("() => { window.sameVisit = true; }")
        figure = figure_of(page)
        stop(app)
        page.wait_for_selector("[data-testid=live-figure]:not([data-way=open])", timeout=WAIT_MS)
        again = desk.run_app(ROOT / "app.py", env=environ(desk, exchange), port=app.port)
        page.wait_for_function(
            "before => document.querySelector('[data-testid=live-figure]').dataset.figure !== before",
            arg=figure,
            timeout=WAIT_MS,
        )
        wait_until_messages_come(page)
        assert page.evaluate("window.sameVisit")
        assert page.locator(".js-plotly-plot").count() == 1
        context.close()
        stop(again)


def test_code_that_is_reloaded_starts_no_second_feed(desk: Desk) -> None:
    copy = desk.folder / "copy"
    for part in ("alphastream", "data", "docs", "runtime", "views", ".streamlit"):
        shutil.copytree(ROOT / part, copy / part)  # with its compiled kernels
    for file in (*ROOT.glob("*.py"), ROOT / "pyproject.toml"):
        shutil.copy(file, copy)
    watching = ("--server.fileWatcherType=poll", "--server.runOnSave=true", "--server.enableStaticServing=true")
    with LocalExchange(pace=Rate(200), loop=True) as exchange:
        app = desk.run_app(
            copy / "app.py", *watching, env=environ(desk, exchange, BOOKS="off") | {"PYTHONPATH": str(copy)}
        )
        page = desk.open_page(f"{app.url}live")
        wait_for_chart(page)
        wait_until_messages_come(page)
        figure, source = figure_of(page), copy / "views" / "live" / "page.py"
        for label in ("Feed, tape", "Tape, feed"):
            text = source.read_text(encoding="utf-8")
            changed = re.sub(r'expander\(".*?"(?=, icon=":material/database)', f'expander("{label}"', text)
            source.write_text(changed, encoding="utf-8")
            expect(page.get_by_text(label, exact=True)).to_be_visible()
            wait_until_messages_come(page)
        assert figure_of(page) == figure
        assert exchange.connections == 1
        assert len([line for line in exchange.requests if "/stream" in line or "/ws" in line]) == 1
        page.close()
        stop(app)


def trades_file(folder: Path) -> Path:
    """800 trades of two symbols."""
    lines = [" Timestamp , SYMBOL,Price , size"]
    for i in range(800):
        symbol, price = (("BTCUSDT", 60_000 + 10 * (i % 7)), ("ETHUSDT", 2_600 + (i * i) % 11))[i % 2]
        lines.append(f"2024-08-08 00:{i // 120:02d}:{i % 120 / 2:06.3f},{symbol},{price},0.5")
    path = folder / "trades.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_history_reads_an_upload(desk: Desk) -> None:
    path = trades_file(desk.folder)
    with LocalExchange(pace=Stepped()) as exchange, visit(desk, exchange) as page:
        page.get_by_role("link", name="History").click()
        page.get_by_text("Upload", exact=True).first.click()
        page.locator("input[type=file]").set_input_files(path)
        expect(page.get_by_text("800 ticks")).to_be_visible()
        page.wait_for_selector(".js-plotly-plot", timeout=WAIT_MS)
        with page.expect_download() as waiting:
            page.get_by_role("button", name="BTCUSDT bars as CSV").click()
        rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text(encoding="utf-8"))))
        prices = ["open", "high", "low", "close", "volume"]
        assert list(rows[0]) == ["bar_start_utc", "bar_end_utc", "symbol", *prices, "trades"]


@pytest.mark.parametrize("source", ["Upload", "Bundled recording"])
def test_scanner_opens_its_pair_on_the_history_page(desk: Desk, source: str) -> None:
    with LocalExchange(pace=Stepped()) as exchange, visit(desk, exchange) as page:
        page.get_by_role("link", name="Scanner").click()
        if source == "Upload":
            page.get_by_text("Upload", exact=True).first.click()
            page.locator("input[type=file]").set_input_files(trades_file(desk.folder))
        else:
            page.get_by_text(source, exact=True).click()
        page.get_by_role("button", name="Scan", exact=True).click()
        table = page.locator(
            "[data-testid=stDataFrame].st-key-scan_table, .st-key-scan_table [data-testid=stDataFrame]"
        )
        expect(table).to_be_visible()
        table.click(position={"x": 15, "y": 52})  # the mark of the first row, under the headings
        page.get_by_role("button", name="Open history").click()
        page.wait_for_url(re.compile("/history"), timeout=WAIT_MS)
        page.wait_for_selector(".js-plotly-plot", timeout=WAIT_MS)
        for label, symbol in (("Dependent leg (y)", "BTCUSDT"), ("Hedge leg (x)", "ETHUSDT")):
            expect(page.get_by_role("combobox", name=label)).to_have_value(symbol)
