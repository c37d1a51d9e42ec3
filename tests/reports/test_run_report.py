"""The report of a run: one file with everything in it, whatever the run was."""

import math
import re
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import ParameterError
from alphastream.performance import against_benchmark, deflated_sharpe, returns
from alphastream.reports import PlotlyMissing, plot, settings_of, tearsheet, write_report
from alphastream.reports.basis import basis_of
from alphastream.reports.calendar_table import months_frame
from alphastream.reports.run_report import FIRST, luck_of, performance_of, run_html
from alphastream.reports.run_tables import costs_rows, orders_frame, summary_rows, symbols_frame
from alphastream.reports.run_words import troubles
from alphastream.reports.thinning import MAX_POINTS
from alphastream.strategies import ZScoreThreshold
from tests.reports.books import DAY, made, ruined, still
from tests.trading.broker.test_single_orders import free
from tests.trading.engine.desk import Desk
from tests.views.runs import PAIR, RULES, played

ODD = "</script><b>A&\"'<img src=x onerror=alert(1)>"


def body(text: str) -> str:
    return text[text.index("<body>") :]


def figures_of(run: object) -> dict[str, tuple[str, str]]:
    found = summary_rows(run, performance_of(run), basis_of(run))  # type: ignore[arg-type]
    return {name: (value, words) for name, value, words in found}


def test_a_report_has_everything(tmp_path: Path) -> None:
    run, found = played()
    path = run.report(tmp_path / "run.html", settings=settings_of(ZScoreThreshold(PAIR), RULES, 5e4, "600 <rows>"))
    text = path.read_text(encoding="utf-8")
    for title in ("Summary", "Returns by the calendar", "Worst drawdowns", "Profit by symbol", "Costs", "Round trips"):
        assert f">{title}</h2>" in text
    for title in ("Orders", "Fills", "What was assumed", "When not to trust this"):
        assert f">{title}</h2>" in text
    assert body(text).count(" data-to=") == body(text).count('role="img"') == 7
    assert "600 &lt;rows&gt;" in text
    assert "half spread bps" in text
    assert "Less than a week" in text
    assert "How many settings were tried before this one was not given" in text
    assert f"{len(run.fills):,} fills" in text
    assert f"{len(found.round_trips):,} round trips" in text


def test_orders_say_kind_and_prices() -> None:
    desk = Desk(free())
    desk.send(10, 2.0, "market")
    desk.send(11, 1.0, "stop_limit", stop=105.0, limit=106.0)
    desk.send(12, -1.0, "stop", stop=95.0, reduce_only=True)
    frame = orders_frame(desk.broker.orders)
    asked_for = [legs.partition(" of ")[2] for legs in frame["legs"]]
    assert asked_for == ["+2", "+1, stop limit, stop 105, limit 106", "-1, stop, reduces only, stop 95"]


def test_single_orders_say_what_ended_them() -> None:
    desk = Desk(free())
    desk.send(10, 1.0, "stop", stop=105.0, good_till_ns=20)
    desk.send(11, -1.0, "stop", stop=95.0, reason="below")
    desk.trade("Y", 30, 100.0)
    desk.broker.cancel_all("cancelled by the strategy")
    (said,) = troubles(replace(made(40), orders=tuple(desk.broker.orders)))
    assert said.startswith("2 orders were cancelled before they were filled, none of them filled in part:")
    assert said.endswith("Single ones ended so: its time was over; cancelled by the strategy.")
    assert "timeout" not in said


def test_nothing_paid_is_not_minus_nothing() -> None:
    run = replace(made(40), funding=())
    paid = next(row for row in costs_rows(run, performance_of(run)) if row[0] == "funding paid")
    assert not any("-0" in text for text in paid)


def test_long_cells_stay_readable_where_it_is_narrow() -> None:
    run, _ = played()
    text = run_html(run)
    assert "td.w { min-width:" in text
    assert re.search(r'<td class="w">[^<]* → [^<]*</td>', text)


def test_rules_are_those_of_the_run(tmp_path: Path) -> None:
    run, _ = played()
    assert run.rules is RULES
    assert "power impact" in run.report(tmp_path / "run.html").read_text(encoding="utf-8")


def test_a_report_asks_nothing_of_a_network() -> None:
    text = body(run_html(played()[0]))
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)|url\(|@import|https?://""", text)


def test_names_are_text() -> None:
    run, _ = played(pair=replace(PAIR, y=ODD))
    text = body(run_html(run, benchmark=pd.Series(run.marks[:, 1], name=ODD)))
    assert "<b>A" not in text
    assert "<img" not in text
    assert text.count("</script>") == 9  # eight figures, and what draws them


def test_profit_by_symbol_adds_up_to_the_cent() -> None:
    run = made(700, ("A", "B", "C", "D", "E"))
    performance = performance_of(run)
    frame = symbols_frame(run, performance)
    for name in ("gross", "fees", "spread", "impact", "funding", "net"):
        cents = [Fraction(round(value * 100), 100) for value in frame[name]]
        assert sum(cents[:-1]) == cents[-1]
    assert frame["net"].iloc[-1] == round(run.equity[-1] - run.capital, 2)


def test_what_an_account_did_not_have_is_a_line() -> None:
    run = ruined()
    frame = symbols_frame(run, performance_of(run))
    assert frame["symbol"].tolist() == ["A", "more than the account had", "all together"]
    assert frame["net"].iloc[-1] == -1e5
    assert frame["net"].iloc[:-1].sum() == pytest.approx(-1e5)
    said = figures_of(run)
    assert said["Sharpe ratio (Lo)"] == ("–", "not defined: the account came to its end")
    assert "ruined" in run_html(run)


def test_months_multiply_to_the_run() -> None:
    run = made(700)
    frame = months_frame(run)
    months = frame[[name for name in frame.columns if name not in ("year", "whole year")]].to_numpy()
    np.testing.assert_allclose(np.nanprod(1.0 + months / 100.0, axis=1) - 1.0, frame["whole year"] / 100.0, atol=1e-12)
    whole = float(np.prod(1.0 + frame["whole year"] / 100.0))
    assert whole == pytest.approx(run.equity[-1] / run.capital)


def test_the_summary_says_what_plain_formulas_say() -> None:
    run = made(700)
    said, changes = figures_of(run), returns(run.equity)
    years = (run.time_ns[-1] - run.time_ns[0]) / (365.25 * DAY)
    assert said["Annual growth (CAGR)"][0] == f"{(run.equity[-1] / run.equity[0]) ** (1.0 / years) - 1.0:+.2%}"
    yearly = math.sqrt(365.25)
    assert said["Volatility"][0] == f"{changes.std(ddof=1) * yearly:.3%}"
    assert said["Sharpe ratio (plain)"][0] == f"{changes.mean() / changes.std(ddof=1) * yearly:+.2f}"
    downside = math.sqrt(np.mean(np.minimum(changes, 0.0) ** 2))
    assert said["Sortino ratio"][0] == f"{changes.mean() / downside * yearly:+.2f}"
    assert said["Worst day"][0] == f"{changes.min():+.3%}"


def test_what_is_not_defined_says_why() -> None:
    said = figures_of(played()[0])
    assert said["Annual growth (CAGR)"] == ("–", "not defined over less than a week: nothing is annualised")
    assert said["Sharpe ratio (Lo)"][1].endswith("of a bar")
    said = figures_of(still(60))
    assert said["Sharpe ratio (Lo)"] == ("–", "not defined: returns do not vary")
    assert said["Hit rate"] == ("–", "no round trip was closed")


@pytest.mark.parametrize("rows", [0, 1, 2, 60])
def test_runs_without_a_trade_have_a_report(rows: int) -> None:
    text = run_html(still(rows))
    assert "<h1>Run: " in text
    assert "nan" not in re.sub(r"<script.*?</script>", "", body(text)).lower()
    if not rows:
        assert "no row" in text
        with pytest.raises(ParameterError, match="no row"):
            plot(still(0))


def test_minutes_over_months_are_told_in_days() -> None:
    run = made(24 * 50, interval_ns=DAY // 24)
    basis = basis_of(run)
    assert (basis.word, len(basis)) == ("day", 50)
    assert np.prod(1.0 + basis.returns) == pytest.approx(run.equity[-1] / run.capital)
    assert "Rolling Sharpe ratio and volatility over 20 days" in run_html(run)


def test_a_benchmark_is_read_as_of_the_rows() -> None:
    run = made(300)
    index = pd.to_datetime(run.time_ns[::2], utc=True)
    levels = pd.Series(run.marks[::2, 0], index=index, name="index")
    text = run_html(run, benchmark=levels)
    held = np.repeat(run.marks[::2, 0], 2)[:300]
    found = against_benchmark(basis_of(run).returns[1:], held[1:] / held[:-1] - 1.0, 365.25)
    assert f"<td>{found.beta:.4f}</td>" in text
    assert f"<td>{found.correlation:.3f}</td>" in text
    with pytest.raises(ParameterError, match="a level for each row"):
        run_html(run, benchmark=[1.0, 2.0])
    with pytest.raises(ParameterError, match="above 0"):
        run_html(run, benchmark=returns(np.append(run.equity, 1e5)))
    with pytest.raises(ParameterError, match="at row 0"):
        run_html(run, benchmark=levels.iloc[5:])


def test_trials_deflate_the_sharpe_ratio() -> None:
    run = made(300)
    performance = performance_of(run)
    luck = luck_of(performance, 50)
    moments = performance.ratios.moments.over_many_rows(performance.ratios.factor)
    assert luck == deflated_sharpe(moments, trials=50)
    assert "against 50 trials" in run_html(run, trials=50)
    ratios = np.linspace(-0.1, 0.1, 9)
    assert "against 9 trials" in run_html(run, trials=ratios)


def test_a_million_rows_are_thinned() -> None:
    run = made(1_000_000, ("A", "B"), interval_ns=10**9, every=500)
    text = run_html(run)
    assert len(text) < 7_000_000
    assert f"The first {FIRST:,} of {len(run.fills):,} fills." in text
    for figure in tearsheet(run).values():
        assert all(len(trace.x) <= MAX_POINTS for trace in figure.data)


def test_a_tearsheet_has_the_figures_for_which_there_is_enough() -> None:
    run = made(300)
    assert list(tearsheet(run, benchmark=run.marks[:, 0])) == [
        "books", "drawdowns", "rolling", "distribution", "benchmark", "symbols", "exposure", "costs",
    ]  # fmt: skip
    assert list(tearsheet(still(5))) == ["books"]
    light, dark = (run.plot(dark=each).layout.paper_bgcolor for each in (False, True))
    assert light != dark


def test_without_plotly_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = made(20)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(PlotlyMissing, match=r"pip install 'alphastream\[reports\]'"):
        write_report(tmp_path / "run.html", run)
    with pytest.raises(PlotlyMissing):
        run.plot()
