"""The report: one file, no network, nothing that a name could break."""

import re
from dataclasses import replace

import pytest

from alphastream.reports.run_charts import backtest_figure, cost_figure
from alphastream.reports.run_words import CAVEATS
from alphastream.strategies import FixedNotional, ThresholdRule, ZScoreThreshold
from alphastream.trading import BrokerRules, Contract, FixedLatency
from tests.views.runs import PAIR, RULES, played
from views.backtest import report as room
from views.backtest.report import report, settings_of

ODD = "</script><b>A&\"'"


def made(**more: object) -> str:
    run, found = played(**more)  # type: ignore[arg-type]
    pair = more.get("pair", PAIR)
    settings = settings_of(ZScoreThreshold(pair), RULES, run.capital, "a file: 600 <rows>")  # type: ignore[arg-type]
    drawings = [backtest_figure(run, found), cost_figure(found.split)]
    return report(run, found, settings=settings, drawings=drawings).decode()


def body(text: str) -> str:
    return text[text.index("<body>") :]


def test_a_report_has_everything() -> None:
    text = made()
    run, found = played()
    assert "Plotly.newPlot" in text
    assert text.count("<div id=") == 2
    assert "half spread bps" in text
    assert "a file: 600 &lt;rows&gt;" in text
    assert text.count("<tr>") > len(found.round_trips)
    assert all(caveat in text for caveat in CAVEATS)
    assert "Less than a week" in text
    assert run.name in text


def test_a_report_asks_nothing_of_a_network() -> None:
    text = body(made())
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", text)


def test_names_are_text() -> None:
    text = body(made(pair=replace(PAIR, y=ODD)))
    assert "<b>A" not in text
    assert text.count("</script>") == 2  # those of the drawings
    assert "&lt;/script&gt;" in text


def test_a_report_without_a_trade() -> None:
    text = made(pair=replace(PAIR, entry=50.0))
    assert "<p>None.</p>" in text
    assert "no trade" in text


def test_long_tables_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_TRADES", 3)
    text = made()
    assert "The newest 3 of" in text


def test_settings_are_written_as_people_write_them() -> None:
    rules = BrokerRules(latency=FixedLatency(250_000_000), contracts={"Y": Contract(lot=0.001)})
    strategy = ZScoreThreshold(PAIR, rule=ThresholdRule(stop=4.0), sizer=FixedNotional(5_000.0))
    said = dict(settings_of(strategy, rules, 1e5, "a file"))
    assert said["latency"] == "fixed latency: 250ms"
    assert said["sizer"] == "fixed notional: notional 5000"
    assert said["rule"] == "threshold rule: stop 4, time stop none, cool down 0"
    assert said["rebalance"] == "no"
    assert said["timeout"] == "none"
    assert said["steps of Y"] == "contract: lot 0.001, tick 0, min notional 0"
