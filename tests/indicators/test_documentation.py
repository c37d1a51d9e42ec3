"""docs/indicators.md has every indicator, with the inputs, columns and warm-up that the code has."""

from pathlib import Path

from alphastream.indicators import INDICATORS

ROOT = Path(__file__).parent.parent.parent


def test_the_table_is_what_the_code_says() -> None:
    text = (ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `") and "(" in line.split("|")[1]]
    written = {}
    for line in lines:
        cells = [cell.strip() for cell in line.replace("\\|", "").strip("|").split("|")]
        if len(cells) == 6:
            written[cells[0].strip("`")] = (cells[2], cells[3], cells[4])
    expected = {}
    for kind in INDICATORS.values():
        indicator = kind()
        columns = ", ".join(indicator.row_type.__match_args__)
        expected[repr(indicator)] = (", ".join(indicator.inputs), columns, str(indicator.min_observations))
    assert written == expected
