"""The notebooks in examples/ run from top to bottom, as somebody who opens them would run them."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.servers import need

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(ROOT.glob("examples/*.ipynb"))
CELL_S = 180  # a cell may compile kernels, beside other tests


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_a_picture(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("nbclient")
    need("ipykernel")
    import nbclient
    import nbformat

    shutil.copytree(path.parent, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a test before may have set one that shows nothing
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    book = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    client = nbclient.NotebookClient(
        book,
        timeout=CELL_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path / "examples")}},
    )
    client.execute()

    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    said = [output.text for output in outputs if output.get("name") == "stderr"]
    assert said == [], "a notebook that people open should not warn"
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_results(path: Path) -> None:
    """Stored results would age beside the code that made them, and every run would change the file."""
    book = json.loads(path.read_text(encoding="utf-8"))
    assert (book["nbformat"], book["metadata"]["kernelspec"]["name"]) == (4, "python3")
    for cell in book["cells"]:
        assert not cell.get("outputs"), f"clear the outputs of {path.name}"
        assert cell.get("execution_count") is None, f"clear the outputs of {path.name}"


def test_the_readme_names_every_notebook() -> None:
    named = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) >= 4
    assert [path.name for path in NOTEBOOKS if f"(examples/{path.name})" not in named] == []
