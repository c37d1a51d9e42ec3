"""Kept runs in tables and in their figure."""

import msgspec

from alphastream.backtest.saved_run import SavedRun
from tests.backtest.test_saved_run import kept
from views.saved_runs.charts import overlap, overlay_figure
from views.saved_runs.tables import comparison_csv, equity_csv, figures_frame, runs_frame, same_rows, settings_frame

ONE = kept(
    "one",
    "1" * 16,
    settings=[("strategy", "z-score venue:ETH/venue:BTC"), ("entry", "2"), ("exit", "0.5")],
    figures=[("Total return", "+1.000%", "of 50 k"), ("Sharpe ratio (Lo)", "+0.0100", "factor 1.00, of a bar")],
)
TWO = kept(
    "=two",
    "2" * 16,
    settings=[("strategy", "z-score venue:ETH/venue:BTC"), ("entry", "3"), ("stop", "4")],
    figures=[("Total return", "+2.000%", "of 50 k"), ("Sharpe ratio (Lo)", "+1.20", "factor 1.00, a year")],
)


def test_what_differs_comes_first() -> None:
    frame = settings_frame([ONE, TWO], "venue")
    assert frame["setting"].tolist() == ["entry", "exit", "stop", "data", "rows", "bars", "strategy"]
    assert frame["differs"].tolist() == [True, True, True, False, False, False, False]
    one, two = (dict(zip(frame["setting"], frame[name], strict=True)) for name in ("one", "=two"))
    assert (one["exit"], two["exit"]) == ("0.5", "–")
    assert one["strategy"] == "z-score ETH/BTC"


def test_a_number_of_a_bar_is_not_mistaken_for_one_of_a_year() -> None:
    frame = figures_frame([ONE, TWO])
    assert frame["figure"].tolist() == ["Total return", "Sharpe ratio (Lo)"]
    assert frame["one"].tolist() == ["+1.000%", "+0.0100 of a bar"]
    assert frame["=two"].tolist() == ["+2.000%", "+1.20 a year"]


def test_the_list() -> None:
    frame = runs_frame([ONE, TWO], [TWO.id], "venue")
    assert frame["where"].tolist() == ["data folder", "this session"]
    assert frame["return, %"].tolist() == [ONE.profit / 5e4 * 100.0] * 2


def test_same_rows_are_told_from_others() -> None:
    assert same_rows([ONE, TWO])
    assert not same_rows([ONE, msgspec.structs.replace(TWO, data="another tape")])


def later(run: SavedRun, shift_ns: int) -> SavedRun:
    return msgspec.structs.replace(
        run,
        start_ns=run.start_ns + shift_ns,
        end_ns=run.end_ns + shift_ns,
        time_ns=[moment + shift_ns for moment in run.time_ns],
    )


def test_curves_are_returns_on_their_capital() -> None:
    far = later(TWO, 10**9 * 86_400)
    assert overlap([ONE, TWO])
    assert not overlap([ONE, far])
    assert not overlap([])
    by_date, since = overlay_figure([ONE, far]), overlay_figure([ONE, far], since_start=True)
    assert by_date.data[0].x[-1] < by_date.data[1].x[0]
    assert since.data[0].x.tolist() == since.data[1].x.tolist()
    assert since.data[0].x[0] == 0.0
    assert by_date.data[0].y[-1] == ONE.growth[-1] * 100.0
    assert "since the beginning, min" in since.layout.xaxis.title.text


def test_files_hold_no_formula() -> None:
    text = comparison_csv([ONE, TWO]).decode()
    assert text.splitlines()[0] == "what,one,'=two"
    assert "entry,2,3" in text
    lines = equity_csv(ONE).decode().splitlines()
    assert lines[0] == "time,equity,return"
    assert len(lines) == len(ONE.time_ns) + 1
