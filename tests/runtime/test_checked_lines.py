"""Lines that carry their checksum: whatever one byte does to them is found."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.checked_lines import lines_of, set_aside, with_checksum, without_checksum

TEXT = b'{"price":3000.25,"why":"a \\"quoted\\" word"}'


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(), min_size=1), st.integers(0, 2**32 - 1))
def test_what_was_written_comes_back_and_is_json(entries: dict[str, int | str], before: int) -> None:
    text = msgspec.json.encode(entries)
    line, of = with_checksum(text, before)
    assert without_checksum(line, before) == (text, of)
    assert msgspec.json.decode(line) == {**entries, "crc32": f"{of:08x}"}


@pytest.mark.parametrize("at", range(len(with_checksum(TEXT)[0])))
def test_any_other_byte_is_found(at: int) -> None:
    line, _ = with_checksum(TEXT)
    for other in {0, 10, 48, 57, line[at] ^ 1, line[at] ^ 32, line[at] ^ 128} - {line[at]}:
        with pytest.raises(ValueError, match="checksum"):
            without_checksum(line[:at] + bytes([other]) + line[at + 1 :])
    for cut in (line[:at], line[:at] + line[at + 1 :], line[:at] + b"\x00" + line[at:]):
        with pytest.raises(ValueError, match="checksum"):
            without_checksum(cut)


def test_a_line_belongs_where_it_was_written() -> None:
    first, of = with_checksum(TEXT)
    second, _ = with_checksum(TEXT, of)
    assert without_checksum(second, of)[0] == TEXT
    for line, before in ((first, of), (second, 0)):
        with pytest.raises(ValueError, match="that of what it holds"):
            without_checksum(line, before)


def test_lines_are_counted_as_an_editor_does() -> None:
    assert lines_of(b"a\nb\r\n\nc\rd\x0be\n") == [b"a", b"b", b"", b"c\rd\x0be", b""]
    assert lines_of(b"a\nb") == [b"a", b"b"]


def test_a_damaged_piece_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    for pieces in ([b"\xff\x00"], [b"\xff\x00", b"other"], [b"other", b"other"]):
        beside = set_aside(path, pieces)
    assert beside == tmp_path / "book.json.damaged"
    assert beside.read_bytes() == b"\xff\x00\nother\n"
    assert not path.exists()
