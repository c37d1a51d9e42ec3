"""A folder of a user's files: all that can be imported is, and what is broken is named."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from alphastream.errors import SettingError
from alphastream.registry import find, registered
from runtime.user_folder import UserFolder

FEE = """
from dataclasses import dataclass
from alphastream.registry import register

@register("costs")
@dataclass(frozen=True)
class {name}:
    version = "{version}"
    bps: float = 1.0
    def fee_bps(self, maker: bool) -> float:
        return self.bps
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[UserFolder]:
    (tmp_path / "mine").mkdir()
    made = UserFolder(tmp_path / "mine")
    yield made
    for path in made.path.glob("*.py"):
        path.unlink()
    made.load()
    assert not registered("costs")


def write(folder: UserFolder, name: str, text: str) -> None:
    (folder.path / name).write_text(text, encoding="utf-8")


def test_no_folder_is_fine(tmp_path: Path) -> None:
    folder = UserFolder(tmp_path / "nowhere")
    folder.load()
    assert (folder.files, folder.troubles, folder.changed()) == ((), (), ())


def test_files_are_modules_that_may_import_each_other(folder: UserFolder) -> None:
    write(folder, "a_fee.py", "from user.common import RATE\n" + FEE.format(name="AFee", version="1"))
    write(folder, "common.py", "RATE = 3\n")
    write(folder, "_draft.py", "raise SystemExit('nobody asked for this one')\n")
    folder.load()
    assert folder.files == ("a_fee.py", "common.py")
    assert folder.troubles == ()
    entry = find("costs", "AFee")
    assert (entry.module, entry.home, entry.version) == ("user.a_fee", "mine/a_fee.py", "1")
    assert not list(folder.path.rglob("*.pyc"))


def test_a_file_that_others_import_is_watched_too(folder: UserFolder) -> None:
    write(folder, "_draft.py", "RATE = 1\n")
    write(folder, "_rate.py", "RATE = 3\n")
    write(folder, "a_fee.py", "from user._rate import RATE\n" + FEE.format(name="AFee", version="1"))
    folder.load()
    assert folder.files == ("a_fee.py",)
    assert folder.changed() == ()
    write(folder, "_draft.py", "RATE = 12\n")
    assert folder.changed() == ()
    write(folder, "_rate.py", "RATE = 34\n")
    assert folder.changed() == ("_rate.py",)
    folder.load()
    assert folder.changed() == ()
    (folder.path / "_rate.py").unlink()
    assert folder.changed() == ("_rate.py",)


def test_broken_files_are_named_and_harm_nothing_else(folder: UserFolder) -> None:
    write(folder, "a_syntax.py", "x = 1\ndef broken(:\n")
    write(folder, "b_raises.py", FEE.format(name="Lost", version="1") + "\nx = {}\ny = x['gone']\n")
    write(folder, "c_missing.py", "import no_such_package\n")
    write(folder, "d_leaves.py", "import sys\nsys.exit('bye')\n")
    write(folder, "e_clash.py", FEE.format(name="Fees", version="1"))
    write(folder, "f_imports.py", "\nimport user.b_raises\n")
    write(folder, "g.old.py", "")
    (folder.path / "h_bytes.py").write_bytes(b"x = '\xff'\n")
    write(folder, "z_sound.py", FEE.format(name="Sound", version="1"))
    folder.load()
    assert folder.files == ("z_sound.py",)
    assert [each.name for each in registered("costs")] == ["Sound"]
    told = {each.where: (each.line, each.reason) for each in folder.troubles}
    assert told["a_syntax.py"] == (2, "SyntaxError: invalid syntax")
    assert told["b_raises.py"] == (14, "KeyError: 'gone'")
    assert told["c_missing.py"][0] == 1
    assert told["c_missing.py"][1].startswith("No module named 'no_such_package': install that package")
    assert told["d_leaves.py"] == (2, "SystemExit: bye")
    assert told["e_clash.py"][1].startswith("Fees of mine/e_clash.py cannot be registered: AlphaStream has one")
    assert told["f_imports.py, which imports b_raises.py"] == (14, "KeyError: 'gone'")
    assert "rename the file" in told["g.old.py"][1]
    assert told["h_bytes.py"][1].startswith("SyntaxError")
    assert len(told) == 8


def test_a_change_is_noticed_and_loaded_when_it_is_asked_for(folder: UserFolder) -> None:
    write(folder, "a_fee.py", FEE.format(name="AFee", version="1"))
    write(folder, "b_fee.py", FEE.format(name="BFee", version="1"))
    folder.load()
    before = find("costs", "AFee")
    write(folder, "a_fee.py", FEE.format(name="AFee", version="22"))
    (folder.path / "b_fee.py").unlink()
    write(folder, "c_fee.py", FEE.format(name="CFee", version="1"))
    assert folder.changed() == ("a_fee.py", "b_fee.py", "c_fee.py")
    assert find("costs", "AFee") is before
    folder.load()
    after = find("costs", "AFee")
    assert (after.version, folder.changed()) == ("22", ())
    assert after.code != before.code
    assert [each.name for each in registered("costs")] == ["AFee", "CFee"]
    assert "user.b_fee" not in sys.modules


def test_the_code_of_a_class_is_that_of_all_files_it_is_made_of(folder: UserFolder) -> None:
    write(folder, "a_fee.py", "from user import common\n" + FEE.format(name="AFee", version="1"))
    write(folder, "common.py", "RATE = 3\n")
    folder.load()
    before = find("costs", "AFee").code
    folder.load()
    assert find("costs", "AFee").code == before
    write(folder, "common.py", "RATE = 4\n")
    folder.load()
    assert find("costs", "AFee").code != before


FEED = """
from alphastream.feeds import FEEDS
from alphastream.registry import register

codec = FEEDS["okx"].fresh(None, None)
codec.name = "okx-mirror"
register("feeds", codec)
"""


def test_a_venue_of_a_file_can_be_recorded(folder: UserFolder) -> None:
    asked = {"ALPHASTREAM_VENUE": "okx-mirror", "ALPHASTREAM_USER": str(folder.path)}
    with pytest.raises(SettingError):
        config.load(asked)
    write(folder, "venue.py", FEED)
    assert config.user_folder(asked) == folder.path
    folder.load()
    assert config.load(asked).venues == ("okx-mirror",)
