"""What foreign text may not do: be Markdown, HTML, a formula or a path."""

import pytest

from tests.views.running import read
from views.shared.escaping import in_cell, in_chart, in_file_name, in_markdown

HARMLESS = ["BTCUSDT", "BTC-PERP", "10:30:05", "-1.5", "+0.50", "file.csv, line 3: '1,5' is a price", "1.25 %", "a_b"]
TELLING = [
    "![p](http:host)",
    "[a](http://host)",
    "$x$",
    ":red[x]",
    ":material/home:",
    ":material_home:",
    ":smile:",
    "::: note",
    "`code`",
    "**b**",
    "~~s~~",
    "<b>",
    "&lt;",
    "# head",
    "- item",
    "1. item",
    "| a | b |",
    "https://host/x",
    "www.host.com",
    "a@host.com",
    "a\n\n# head",
    "\\![p](http:host)",
]


@pytest.mark.parametrize("text", HARMLESS + TELLING)
def test_a_person_reads_what_stands_there(text: str) -> None:
    assert read(in_markdown(text)) == " ".join(text.split())


@pytest.mark.parametrize("text", HARMLESS[:-1])
def test_what_has_no_meaning_stays_as_it_is(text: str) -> None:
    assert in_markdown(text) == text


@pytest.mark.parametrize("text", TELLING)
def test_what_has_a_meaning_loses_it(text: str) -> None:
    assert in_markdown(text) != text


def test_charts_read_no_html_no_template_and_no_colour_of_the_theme() -> None:
    assert in_chart("BTC/USDT:USDT 1.5") == "BTC/USDT:USDT 1.5"
    hostile = in_chart("<a href='x'>%{y} $x$ #000001 &amp;")
    assert not any(sign in hostile for sign in ("<", ">", "%", "$", "#000001", "&amp;"))


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_formulas_are_defused_and_numbers_are_not(sign: str) -> None:
    assert in_cell(f"{sign}1+cmd") == f"'{sign}1+cmd"
    for number in ("-1.5", "+2", "-1e-8", "-inf", "1", ""):
        assert in_cell(number) == number


def test_a_name_of_a_file_is_no_path() -> None:
    assert in_file_name("../../etc/passwd\0\n.csv") == "etc-passwd-.csv"
    assert in_file_name("ÄÖ-1s-Kalman (discounted)-100.csv") == "ÄÖ-1s-Kalman-(discounted)-100.csv"
    assert in_file_name("///") == "file"
