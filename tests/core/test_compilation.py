"""Machine code on disk is used as long as nothing it was made from has changed, and no longer."""

import dis
import importlib
import pkgutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import alphastream
from alphastream.core.compilation import kernel, loads_from_disk, source_files

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "alphastream"

CALLER = """
from alphastream.core.compilation import kernel, loads_from_disk
from small.{module} import {name}

@kernel
def answer(value):
    return {use}
"""
CONSTANT = "import math\nFACTOR = {factor}\n"
CALLEE = """
from alphastream.core.compilation import kernel
from small.constants import FACTOR

@kernel
def scaled(value):
    return FACTOR * value
"""
SAY = "from small.caller import answer, loads_from_disk as on_disk; print(on_disk(lambda: answer(2.0)), answer(2.0))"


def say(folder: Path) -> tuple[str, str]:
    """What a fresh process finds on disk, and the answer it computes."""
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]; {SAY}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout.split()
    return found[0], found[1]


def write(folder: Path, factor: float, *, callee: bool) -> None:
    package = folder / "small"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / "constants.py").write_text(CONSTANT.format(factor=factor))
    (package / "callee.py").write_text(CALLEE)
    filled = {"module": "callee", "name": "scaled", "use": "scaled(value)"}
    if not callee:
        filled = {"module": "constants", "name": "FACTOR", "use": "FACTOR * value"}
    (package / "caller.py").write_text(CALLER.format(**filled))


@pytest.mark.parametrize("callee", [False, True], ids=["a constant elsewhere", "a callee and its constant"])
def test_a_change_in_another_file_is_compiled_anew(tmp_path: Path, callee: bool) -> None:
    write(tmp_path, 3.0, callee=callee)
    assert say(tmp_path) == ("False", "6.0")
    assert say(tmp_path) == ("True", "6.0")
    write(tmp_path, 5.0, callee=callee)
    assert say(tmp_path) == ("False", "10.0")
    assert say(tmp_path) == ("True", "10.0")


def test_a_kernel_in_a_folder_that_cannot_be_kept_is_never_on_disk() -> None:
    nowhere: dict[str, Any] = {}
    exec("def double(value):\n    return 2.0 * value", nowhere)
    double = kernel(nowhere["double"])
    assert not loads_from_disk(lambda: double(3.0))
    assert double(3.0) == 6.0


def test_sources_are_found_through_every_form_of_import(tmp_path: Path) -> None:
    package = tmp_path / "small"
    (package / "inner").mkdir(parents=True)
    texts = {
        "__init__.py": "import small.never",
        "inner/__init__.py": "from small.c import C",
        "a.py": "import numpy, small.b\nfrom small.inner import C\nfrom small import d\nfrom .f import F, G",
        "f.py": "def late():\n    from .inner.g import G\n    from . import e",
        "inner/g.py": "from ..h import H\nimport alphastream.core.units",
    }
    for name in ("b.py", "c.py", "d.py", "e.py", "h.py", "never.py", "unused.py"):
        (package / name).write_text("")
    for name, text in texts.items():
        (package / name).write_text(text)
    found = source_files(package / "a.py", "small.a")
    inside = {str(path.relative_to(package)) for path in found if path.is_relative_to(package)}
    assert inside == {"a.py", "b.py", "c.py", "d.py", "e.py", "f.py", "h.py", "inner/__init__.py", "inner/g.py"}
    assert LIBRARY / "core" / "units.py" in found


def test_a_script_reads_the_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "script.py").write_text("import beside, os")
    assert source_files(tmp_path / "script.py", "__main__") == (tmp_path / "script.py", tmp_path / "beside.py")


def kernels() -> dict[str, Any]:
    """Every compiled function of the library, by module and name."""
    found = {}
    for info in pkgutil.walk_packages(alphastream.__path__, "alphastream."):
        if not info.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(info.name)).items():
                if hasattr(value, "py_func") and value.__module__ == info.name:
                    found[f"{info.name}.{name}"] = value
    return found


def test_whatever_a_kernel_of_the_library_calls_is_among_its_sources() -> None:
    found = kernels()
    assert len(found) > 80
    for name, dispatcher in found.items():
        module = sys.modules[dispatcher.__module__]
        sources = source_files(Path(str(module.__file__)), module.__name__)
        for read in {step.argval for step in dis.get_instructions(dispatcher.py_func) if step.opname == "LOAD_GLOBAL"}:
            value = module.__dict__.get(read)
            if isinstance(value, types.ModuleType) or not str(getattr(value, "__module__", "")).startswith("alpha"):
                continue
            assert value is not None
            home = Path(str(sys.modules[value.__module__].__file__))
            assert home in sources, f"{name} reads {read} of {home}"


def test_a_constant_of_the_tests_belongs_to_their_kernels() -> None:
    """Whatever changes in observations.py, ROUNDING above all, makes the kernels of lags.py stale."""
    found = source_files(LIBRARY / "estimators" / "tests" / "lags.py", "alphastream.estimators.tests.lags")
    assert LIBRARY / "estimators" / "tests" / "observations.py" in found
    assert LIBRARY / "core" / "compilation.py" in found  # the options of the compiler stand there
