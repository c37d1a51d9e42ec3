"""Lines that are no rows: skipped and counted where they say nothing about prices, refused otherwise."""

import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, read

HEADER = "Date,Open,High,Low,Close,Volume"
ROWS = [f"2024-08-{day:02},{day},{day + 1},{day - 0.5},{day + 0.25},1000" for day in range(5, 10)]


def upload_of(*lines: str, name: str = "ACME.csv") -> Upload:
    return read(name, "\n".join(lines).encode())


BEFORE = {
    "a title": ["Daily prices for ACME"],
    "words and values": ["Symbol,ACME", "Currency,USD", ""],
    "a title in an empty table": ["ACME daily,,,,,", ",,,,,"],
    "comments": ["# made by a program", "# currency: USD"],
    "the separator": ["sep=,"],
    "a sentence": ["Generated on Friday by a report", ""],
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_lines_before_the_header(before: list[str]) -> None:
    frame = upload_of(*before, HEADER, *ROWS).frames["ACME"]
    assert frame["close"].tolist() == [5.25, 6.25, 7.25, 8.25, 9.25]


AMONG = {
    "a footer": ([*ROWS, '"Downloaded from a site as of 08-08-2024 07:29pm CDT"'], "1 line without cells"),
    "the header again": ([*ROWS[:2], HEADER, *ROWS[2:]], "1 repeated header skipped"),
    "units": (["[UTC],(USD),(USD),(USD),(USD),(shares)", *ROWS], ""),
    "units and no word for the time": ([",(USD),(USD),(USD),(USD),(shares)", *ROWS], ""),
    "currencies beside a unit": ([",USD,USD,USD,USD,shares", *ROWS], ""),
    "a comment": ([*ROWS[:2], "# a pause here", *ROWS[2:]], "1 line without cells"),
    "separators alone": ([*ROWS, ",,,,,,,"], "1 line without cells"),
}


@pytest.mark.parametrize(("lines", "note"), AMONG.values(), ids=AMONG)
def test_lines_among_rows(lines: list[str], note: str) -> None:
    upload = upload_of(HEADER, *lines)
    assert upload.frames["ACME"]["close"].tolist() == [5.25, 6.25, 7.25, 8.25, 9.25]
    assert note in " ".join(upload.notes)


def test_a_row_that_was_cut_off_is_no_remark() -> None:
    for cut in ("2024-08-10", "2024-08-10,1", "11.5"):
        with pytest.raises(UploadError, match="of 6 cells") as caught:
            upload_of(HEADER, *ROWS, cut)
        assert caught.value.line == 7


def test_a_bad_cell_behind_skipped_lines_names_its_line() -> None:
    with pytest.raises(UploadError, match="'12x'") as caught:
        upload_of("a title", HEADER, *ROWS[:2], HEADER, "# a pause here", ROWS[2].replace("7.25", "12x"), *ROWS[3:])
    assert (caught.value.line, caught.value.column) == (7, "Close")


def test_a_separator_behind_every_row_and_an_index_before() -> None:
    assert len(upload_of(HEADER, *(row + "," for row in ROWS)).frames["ACME"]) == 5
    assert len(upload_of(HEADER + ",", *ROWS).frames["ACME"]) == 5
    assert len(upload_of(HEADER, *(f"{at},{row}" for at, row in enumerate(ROWS, 1))).frames["ACME"]) == 5


def test_a_unit_under_the_only_price_is_no_symbol() -> None:
    upload = upload_of("Datum;Schluss", ";(EUR)", "07.08.2024;1,5", "08.08.2024;1,6", "20.08.2024;1,7", name="SAP.csv")
    assert upload.symbols == ("SAP",)
