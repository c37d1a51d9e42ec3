"""A family is a package, recordings, a place in the registry and rows in the document: none without the others."""

import re
from importlib import import_module
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
    (found,) = re.findall(rf"^\| `{name}` \|.*$", DOCUMENT, re.MULTILINE)
    return str(found)


def host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def test_every_package_is_registered_and_everything_registered_is_of_a_package() -> None:
    codecs = [codec for package in PACKAGES for codec in import_module(f"alphastream.feeds.{package}").CODECS]
    assert {codec.name: codec for codec in codecs} == FEEDS
    assert len(codecs) == len(FEEDS)
    assert {name.partition("-")[0] for name in FEEDS} == set(PACKAGES)


@pytest.mark.parametrize("family", PACKAGES)
def test_every_family_has_a_test_of_its_own_and_says_where_its_recordings_are_from(family: str) -> None:
    assert (ROOT / "tests" / "feeds" / f"test_{family}.py").is_file()
    source = (recordings.DATA / family / "README.md").read_text(encoding="utf-8")
    assert (recordings.DATA / family / "LICENSE").is_file() is ("licence is beside this file" in source)
    assert len(source) > 100


@each
def test_every_venue_has_recordings(codec: Codec) -> None:
    own = codec.fresh()
    assert any(own.parse(frame) for frame in recordings.trades(codec))
    if codec.market is not None:
        assert recordings.market(codec)


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
    family = next(name for name in ("Binance", "Bybit", "Coinbase", "Kraken", "OKX") if codec.title.startswith(name))
    (cells,) = re.findall(rf"^\| {family} \| (.*) \| (.*) \|$", DOCUMENT, re.MULTILINE)
    assert ("cannot be known" in cells[0]) is (codec.completeness == "unknown")
    if codec.market is not None:
        assert ("cannot be known" in cells[1]) is (codec.market.completeness == "unknown")
        assert ("a checksum of" in cells[1]) is (codec.market.completeness == "checksum")
