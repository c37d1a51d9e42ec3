"""Damaged tick files: the store opens, nothing altered is read, what is gone is told and can be appended again.

Three hundred are tried where the environment says DAMAGED_FILES=300, a tenth of them otherwise. What once failed has a
test of its own in test_salvage, test_damage or test_sqlite.
"""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from alphastream.tape.blocks import decode
from alphastream.tape_files.block_rows import parsed
from runtime.stores.pages import Cell, Pages
from storage import TickStore
from tests.runtime.stores.known_tape import SYMBOLS, check_honest, held, stretch

DAMAGED_FILES: Final = int(os.environ.get("DAMAGED_FILES", "30"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
PAGE: Final = 4_096
LAST: Final = 11_999  # number of the newest trade of a symbol
HOLE: Final = 701  # trades that two of the symbols lack
FILES: Final = ("closed", "open")

Damage = Callable[[Path, random.Random], None]


def _change(path: Path, change: Callable[[bytearray], bytes | bytearray]) -> None:
    path.write_bytes(change(bytearray(path.read_bytes())))


def _place(data: bytearray, draw: random.Random) -> int:
    return draw.randrange(max(1, len(data)))


def _page(data: bytearray, draw: random.Random) -> slice:
    start = draw.randrange(max(1, len(data) // PAGE)) * PAGE
    return slice(start, start + PAGE)


def flip_a_bit(path: Path, draw: random.Random) -> None:
    def change(data: bytearray) -> bytearray:
        data[_place(data, draw)] ^= 1 << draw.randrange(8)
        return data

    _change(path, change)


def scatter(path: Path, draw: random.Random) -> None:
    """Some bytes here and there."""

    def change(data: bytearray) -> bytearray:
        for _ in range(draw.randrange(2, 200)):
            data[_place(data, draw)] = draw.randrange(256)
        return data

    _change(path, change)


def overwrite_a_page(path: Path, draw: random.Random) -> None:
    def change(data: bytearray) -> bytearray:
        data[_page(data, draw)] = draw.randbytes(PAGE)
        return data

    _change(path, change)


def empty_a_page(path: Path, draw: random.Random) -> None:
    def change(data: bytearray) -> bytearray:
        data[_page(data, draw)] = bytes(PAGE)
        return data

    _change(path, change)


def swap_pages(path: Path, draw: random.Random) -> None:
    def change(data: bytearray) -> bytearray:
        one, other = _page(data, draw), _page(data, draw)
        data[one], data[other] = data[other], data[one]
        return data

    _change(path, change)


def truncate(path: Path, draw: random.Random) -> None:
    _change(path, lambda data: data[: _place(data, draw)])


def spoil_the_header(path: Path, draw: random.Random) -> None:
    def change(data: bytearray) -> bytearray:
        start = draw.randrange(100)
        data[start:100] = draw.randbytes(100 - start)
        return data

    _change(path, change)


def fill_with_zeros(path: Path, _draw: random.Random) -> None:
    _change(path, lambda data: bytes(len(data)))


def _log_of(damage: Damage) -> Damage:
    """The same to the write-ahead log, where there is one."""

    def change(path: Path, draw: random.Random) -> None:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            damage(log, draw)
        else:
            log.write_bytes(draw.randbytes(10 * PAGE))

    change.__name__ = f"{damage.__name__}_of_the_log"
    return change


def delete_the_log(path: Path, _draw: random.Random) -> None:
    path.with_name(path.name + "-wal").unlink(missing_ok=True)


def delete_shared_memory(path: Path, _draw: random.Random) -> None:
    path.with_name(path.name + "-shm").unlink(missing_ok=True)


def spoil_shared_memory(path: Path, draw: random.Random) -> None:
    path.with_name(path.name + "-shm").write_bytes(draw.randbytes(32_768))


DAMAGES: Final[tuple[Damage, ...]] = (
    *(flip_a_bit, scatter, overwrite_a_page, empty_a_page, swap_pages, truncate, spoil_the_header, fill_with_zeros),
    *map(_log_of, (flip_a_bit, overwrite_a_page, truncate, fill_with_zeros)),
    *(delete_the_log, delete_shared_memory, spoil_shared_memory),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file as a store leaves it, and one as a killed process does, its newest ticks in the write-ahead log alone."""
    folder = tmp_path_factory.mktemp("sound")
    found = {name: folder / name / "ticks.db" for name in FILES}
    with TickStore(found["closed"], flush_s=0.001) as store:
        _fill(store, 0, 9_000)
    found["open"].parent.mkdir()
    shutil.copy(found["closed"], found["open"])
    with TickStore(found["open"], flush_s=0.001) as store:
        _fill(store, 9_001, LAST)
        store.flush()
        copies = [(path, path.read_bytes()) for path in found["open"].parent.iterdir()]
    for path, data in copies:
        path.write_bytes(data)
    with TickStore(found["closed"], flush_s=0.001) as store:
        _fill(store, 9_001, LAST)
    return found


def _fill(store: TickStore, first: int, last: int) -> None:
    """In blocks of many sizes, two of the symbols with a hole."""
    start, draw = first, random.Random(first)
    while start <= last:
        end = min(last, start + draw.choice((3, 40, 700)))
        for symbol in SYMBOLS:
            if symbol == "BTCUSDT" or not 4_000 <= end < 5_000:
                store.take({symbol: stretch(start, end, symbol)})
        store.flush()
        start = end + 1


class WatchedPages(Pages):
    """Pages that note which ones were read of the file itself, and not of its log."""

    def __init__(self, path: Path) -> None:
        self.read: set[int] = set()
        super().__init__(path)

    def __getitem__(self, number: int) -> bytes:
        if number not in self._logged:
            self.read.add(number)
        return super().__getitem__(number)


def untouched(sound: Path, damaged: Path) -> dict[str, set[int]]:
    """Ids whose blocks lie, with their keys and their instrument's name, on pages that the damage did not reach."""
    logs = [path.with_name(f"{path.name}-wal") for path in (sound, damaged)]
    if len({log.read_bytes() if log.exists() else b"" for log in logs}) > 1:
        return {}
    before, after = sound.read_bytes(), damaged.read_bytes()
    starts = range(0, len(before), PAGE)
    changed = {at // PAGE + 1 for at in starts if before[at : at + PAGE] != after[at : at + PAGE]}
    ids: dict[str, set[int]] = {}
    with WatchedPages(sound) as pages:
        cells = [(cell, cell.page not in changed - pages._logged.keys()) for cell in pages.cells()]
        bodies: dict[object, Cell] = {cell.rowid: cell for cell, _ in cells if len(cell.values) == 2}
        names: dict[object, str] = {
            cell.rowid: str(cell.values[2]) for cell, is_sound in cells if len(cell.values) == 4 and is_sound
        }
        for cell, is_sound in cells:
            if len(cell.values) == 8 and is_sound and cell.values[0] in names:
                pages.read = set()
                _, body = parsed(0, pages.body(bodies[cell.values[7]]))
                if not pages.read & changed:
                    ids.setdefault(names[cell.values[0]], set()).update(decode(body).id.tolist())
    return ids


@pytest.mark.parametrize("file", FILES)
def test_all_of_a_sound_file_is_untouched(file: str, files: dict[str, Path]) -> None:
    held = untouched(files[file], files[file])
    assert {symbol: len(ids) for symbol, ids in held.items()} == {
        symbol: LAST + 1 if symbol == "BTCUSDT" else LAST + 1 - HOLE for symbol in SYMBOLS
    }


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + DAMAGED_FILES))
def test_a_damaged_file_is_opened_and_nothing_altered_is_read(
    seed: int, files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draw = random.Random(seed)
    damage = DAMAGES[seed % len(DAMAGES)]
    file = draw.choice(FILES)
    path = tmp_path / "ticks.db"
    shutil.copytree(files[file].parent, tmp_path, dirs_exist_ok=True)
    for _ in range(draw.choice((1, 1, 1, 3))):
        damage(path, draw)
    wanted = untouched(files[file], path)

    with TickStore(path, flush_s=0.001) as store:
        before = check_honest(store)
        for symbol, ids in wanted.items():
            assert ids <= before.get(symbol, set())
        for symbol in SYMBOLS:  # the next trade shows what is missing at the end
            store.take({symbol: stretch(LAST + 1, LAST + 1, symbol)})
        store.flush()
        found = check_honest(store)
        for symbol in SYMBOLS:
            assert found[symbol] == before.get(symbol, set()) | {stretch(LAST + 1, LAST + 1, symbol).id[0]}
            store.take({symbol: stretch(0, LAST + 1, symbol)})
            assert store.gaps(symbol) == []
            assert len(held(store, symbol)) == LAST + 2
        store.flush()
        check_honest(store)
    with TickStore(path) as store:
        assert {symbol: len(ids) for symbol, ids in check_honest(store).items()} == dict.fromkeys(SYMBOLS, LAST + 2)
