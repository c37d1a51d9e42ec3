"""Bundled daily prices: what the files hold, and that pages read them as they read an upload."""

from collections.abc import Callable

import pandas as pd
import pytest

from alphastream.core.units import DAY
from alphastream.uploads import read
from alphastream.uploads.series import pair_rows
from tests.views.running import app, words
from views.shared.recordings import DAILY, DATA, ETFS, SHARES, in_order

pytestmark = pytest.mark.usefixtures("replaying")
FIRST: Callable[[str], float] = {"TIP": 106.63999938964844, "AAPL": 29.03750038146973}.__getitem__


@pytest.mark.parametrize(("name", "symbols", "days", "known"), [(ETFS, 23, 2_141, "TIP"), (SHARES, 100, 945, "AAPL")])
def test_a_bundle_is_an_upload_of_daily_bars(name: str, symbols: int, days: int, known: str) -> None:
    upload = read(DATA / DAILY[name].file)
    assert (len(upload.symbols), upload.kind, upload.interval_ns) == (symbols, "bars", DAY)
    assert {len(frame) for frame in upload.frames.values()} == {days}
    assert upload.frames[known]["close"].iloc[0] == FIRST(known)
    x, y = DAILY[name].legs
    assert in_order(upload)[:2] == [x, y]
    assert sorted(in_order(upload)) == sorted(upload.symbols)
    assert len(pair_rows(upload, y, x, None)) == days


def test_days_of_a_bundle_rise_and_are_days_of_work() -> None:
    for daily in DAILY.values():
        days = pd.DatetimeIndex(pd.read_parquet(DATA / daily.file)["Date"])
        assert days.is_monotonic_increasing
        assert days.is_unique
        assert days.day_of_week.max() <= 4


@pytest.mark.parametrize("page", ["history", "scanner", "backtest"])
def test_a_first_visit_has_a_result_without_a_file(page: str) -> None:
    test = app(f"views/{page}/page.py", **({"data": "Files"} if page == "backtest" else {}))
    assert not test.exception
    assert not test.error
    assert test.segmented_control(key="source").value == (SHARES if page == "scanner" else ETFS)
    if page == "scanner":
        assert len(test.session_state["scan_result"].table) == 4_950
        assert "of 4,950 pairs pass at 5%" in words(test)
    else:
        assert {box.key: box.value for box in test.selectbox}["y"] == "DIA"
        assert test.metric


def test_what_was_chosen_on_another_page_is_not_asked_of_other_symbols() -> None:
    test = app(y="BTCUSDT", x="ETHUSDT", interval="5s")
    test.switch_page("views/history/page.py").run()
    assert not test.exception
    assert (test.selectbox(key="y").value, test.selectbox(key="x").value) == ("DIA", "SPY")
    test.switch_page("views/live/page.py").run()
    assert {test.selectbox(key="y").value, test.selectbox(key="x").value} == {"BTCUSDT", "ETHUSDT"}
    assert not test.error
