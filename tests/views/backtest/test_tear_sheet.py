"""The tear sheet of a backtest under AppTest: years of days, minutes of a recording, no trade at all."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from pipelines import Pipeline
from tests.views.backtest.test_page import bars, with_file
from tests.views.running import page_of, replay, show_pipeline, words

SHEET = {"backtest_tab": "Tear sheet"}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as pipeline:
        yield pipeline


@pytest.fixture(autouse=True)
def system(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    show_pipeline(pipeline, monkeypatch)


def headings(test: AppTest) -> list[str]:
    return [each.value for each in test.subheader]


def test_years_of_days_have_every_part() -> None:
    test = with_file(bars(700, hours=24), interval="1d", window="20", **SHEET)
    assert headings(test) == [
        "Monthly returns",
        "Worst drawdowns",
        "Rolling Sharpe ratio",
        "Distribution of the returns of a day",
        "Beside a benchmark",
        "Profit by leg",
        "Exposure and leverage",
    ]
    assert len(test.get("plotly_chart")) == 6
    months = test.dataframe[0].value
    assert months["year"].tolist() == ["2024", "2025"]
    legs = next(each.value for each in test.dataframe if "impact" in each.value)
    for name in ("gross", "fees", "net"):
        assert round(legs[name].iloc[:-1].sum(), 2) == legs[name].iloc[-1]
    said = words(test)
    assert "annualised" in said
    assert "95 of 100 such windows" in said
    assert "no market is its natural yardstick" in said


def test_a_benchmark_is_chosen() -> None:
    test = with_file(bars(700, hours=24), interval="1d", window="20", **SHEET)
    assert test.selectbox(key="benchmark").options == ["All legs in equal parts", "BBB held", "AAA held", "Cash"]
    test.selectbox(key="benchmark").select("Cash").run()
    assert not test.exception
    assert "there is no beta" in words(test)


def test_minutes_are_not_made_into_years() -> None:
    test = page_of("backtest", window="20", **SHEET)
    said = words(test)
    assert headings(test)[0] == "Returns by the calendar"
    assert "too short to be cut into hours, days or months" in said
    assert "of one bar of 1s, not annualised: the run is shorter than a week" in said
    assert "Less than a week: nothing is annualised." in said


def test_without_a_trade_there_are_reasons() -> None:
    said = words(page_of("backtest", window="20", entry="6", **SHEET))
    for words_ in (
        "Equity never fell below a peak",
        "returns do not vary",
        "Nothing was traded",
        "Nothing was held",
    ):
        assert words_ in said
