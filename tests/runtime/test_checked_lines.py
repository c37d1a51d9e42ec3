"""Lines that carry their checksum: whatever one byte does to them is found."""

import subprocess
import sys
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


FULL = """
import resource, sys
from pathlib import Path
from runtime.checked_lines import append_whole
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
append_whole(path, b"a" * 6_000)
try:
    append_whole(path, b"b" * 6_000)
except OSError as error:
    print(error)
"""


def test_what_does_not_fit_on_the_disk_is_not_there_in_part(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert path.read_bytes() == b"a" * 6_000


def test_a_damaged_piece_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    for pieces in ([b"\xff\x00"], [b"\xff\x00", b"other"], [b"other", b"other"]):
        beside = set_aside(path, pieces)
    assert beside == tmp_path / "book.json.damaged"
    assert beside.read_bytes() == b"\xff\x00\nother\n"
    assert not path.exists()
