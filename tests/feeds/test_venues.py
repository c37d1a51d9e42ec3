"""Every venue is in the document, as its codec is; every family has a test, and says where its recordings are from."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

import alphastream.feeds
from alphastream.feeds import FEEDS, Codec
from alphastream.instruments import InstrumentId
from tests.feeds import recordings

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = sorted(path.parent.name for path in Path(alphastream.feeds.__path__[0]).glob("*/__init__.py"))
DOCUMENT: Final = (ROOT / "docs" / "venues.md").read_text(encoding="utf-8")

each = pytest.mark.parametrize("codec", FEEDS.values(), ids=FEEDS.keys())


def row(name: str) -> str:
    """The row of a venue in the table of the document."""
    found = re.findall(rf"^\| `{name}` \|.*$", DOCUMENT, re.MULTILINE)
    assert len(found) == 1, f"docs/venues.md needs a row for {name} in its first table"
    return str(found[0])


def host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.mark.parametrize("family", PACKAGES)
def test_every_family_has_a_test_of_its_own_and_says_where_its_recordings_are_from(family: str) -> None:
    assert (ROOT / "tests" / "feeds" / f"test_{family}.py").is_file()
    source = (recordings.DATA / family / "README.md").read_text(encoding="utf-8")
    assert (recordings.DATA / family / "LICENSE").is_file() is ("licence is beside this file" in source)
    assert len(source) > 100


def test_the_document_has_a_row_for_every_venue_and_no_other() -> None:
    assert sorted(re.findall(r"^\| `([a-z0-9-]+)` \|", DOCUMENT, re.MULTILINE)) == sorted(FEEDS)


@each
def test_the_document_says_what_the_codec_does(codec: Codec) -> None:
    btc = InstrumentId(codec.name, codec.usual[0])
    told = [cell.strip() for cell in row(codec.name).split("|")]
    assert f"`{host(codec.stream_url([btc]))}`" in told[3]
    assert told[5] == f"`{host(codec.server_time().url)}`"
    assert told[6] == str(codec.max_streams)
    assert told[7] == f"{codec.weight_per_minute:,}"
    assert ("by time" in told[8]) is codec.pages_forward
    if codec.market is not None and codec.market.depth and codec.market.snapshot(btc) is None:
        assert f"{codec.market.depth} levels" in told[4]


@each
def test_what_ids_and_books_prove_is_said(codec: Codec) -> None:
    rows = re.findall(r"^\| (\w+) \| (.*) \| (.*) \|$", DOCUMENT, re.MULTILINE)
    cells = [proofs for family, *proofs in rows if codec.title.startswith(family)]
    assert len(cells) == 1, f"docs/venues.md needs a row that says what the numbers of {codec.title} prove"
    ((trades, books),) = cells
    assert ("cannot be known" in trades) is (codec.completeness == "unknown")
    if codec.market is not None:
        assert ("cannot be known" in books) is (codec.market.completeness == "unknown")
        assert ("a checksum of" in books) is (codec.market.completeness == "checksum")
