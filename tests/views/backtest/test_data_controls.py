"""What the backtest page says of the rows it runs over."""

import pandas as pd

from alphastream.events import Tick
from alphastream.tape.columns import TickColumns
from alphastream.uploads import combine, read
from views.backtest.data_controls import FileData, completeness


def test_files_of_bars_say_how_many_times_they_share() -> None:
    frame = pd.DataFrame({"Date": pd.date_range("2024-01-01", periods=5, freq="h"), "Close": range(1, 6)})
    files = [read(name, frame[rows:].to_csv(index=False).encode()) for name, rows in (("AAA.csv", 0), ("BBB.csv", 2))]
    upload = combine(*files)
    data = FileData(upload.symbols, upload.kind, upload.interval_ns, "files", upload=upload)
    assert data.describe(["AAA", "BBB"]) == (
        "AAA 5 bars, 2024-01-01 00:00:00 to 04:00:00 UTC; BBB 3 bars, 2024-01-01 02:00:00 to 04:00:00 UTC; "
        "3 of 5 bar times in common"
    )
    assert data.describe(["AAA"]).endswith("UTC")


def test_ids_that_prove_nothing_make_no_claim() -> None:
    ticks = TickColumns.of([Tick("v:A", number, 1.0, 1.0, number * 10**9, 1, False) for number in (1, 2, 9)])
    assert completeness("A", ticks).endswith(", 6 missing in 1 gap")
    assert completeness("A", ticks, is_numbered=False).endswith(", whether complete cannot be known")
