"""The tear sheet of a paper run: of what it did itself, and reasons where there is none."""

import pytest

from alphastream.backtest.parity import paper_run, parity
from alphastream.reports.run_report import performance_of
from runtime.paper.service import PaperView
from tests.backtest.test_live import tape
from tests.runtime.paper.paper_pipeline import DEFINITION, TapePipeline
from tests.runtime.paper.paper_tape import before_and_after
from tests.views.paper.test_page import ran, shown
from tests.views.running import Running, words


def test_it_is_of_the_run_itself(system: Running, pipeline: TapePipeline) -> None:
    name = ran(system.paper, pipeline)
    view: PaperView = system.paper.view(name)
    found = parity(view, pipeline.store)
    run = paper_run(view, found)
    assert run.fills == view.fills
    assert run.equity.tolist() == found.paper.tolist()
    assert run.cash[-1] == pytest.approx(view.cash)
    assert run.positions[-1].tolist() == list(view.positions)
    performance = performance_of(run)
    assert performance.profit == pytest.approx(view.equity - DEFINITION.capital)
    assert performance.split.net == pytest.approx(performance.profit)

    test = shown(paper_sheet="true")
    assert [each.value for each in test.subheader][-2:] == ["Profit by leg", "Exposure and leverage"]
    said = words(test)
    assert "As of " in said
    assert "too short to be cut into hours, days or months" in said
    legs = next(each.value for each in test.dataframe if "impact" in each.value and "symbol" in each.value)
    assert legs["net"].iloc[-1] == round(performance.profit, 2)
    test.button(key="paper_sheet_renew").click().run()
    assert not test.exception


def test_a_run_without_a_bar_has_a_reason(system: Running, pipeline: TapePipeline) -> None:

    pipeline.feed(before_and_after(tape(3))[0])
    system.paper.open(DEFINITION, "live")
    assert "No bar has closed since the beginning" in words(shown(paper_sheet="true"))


def test_it_is_not_made_unless_asked_for(system: Running, pipeline: TapePipeline) -> None:
    ran(system.paper, pipeline)
    assert not shown().subheader
