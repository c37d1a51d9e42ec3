"""Build the wheel, install it into an empty environment, and run README's snippets there, away from this checkout."""

import subprocess
import sys
import venv
from pathlib import Path
from shutil import copy, copytree
from tempfile import TemporaryDirectory
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
NAME = "alphastream"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it prints; exit with all of it where it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    """Return the wheel, after a look at what is in it."""
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    names = ZipFile(wheel).namelist()
    if strangers := [name for name in names if not name.startswith((f"{NAME}/", f"{NAME}-"))]:
        raise SystemExit(f"{wheel.name} holds more than {NAME}: {', '.join(strangers)}")
    if f"{NAME}/py.typed" not in names:
        raise SystemExit(f"{wheel.name} lacks py.typed: type checkers would ignore its annotations")
    return wheel


def main() -> None:
    """Exit with what failed, or print how many snippets ran."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        venv.create(folder / "empty", with_pip=True)
        python = folder / "empty" / "bin" / "python"
        pins = ("--constraint", ROOT / "requirements.txt")
        run(python, "-m", "pip", "install", "--quiet", *pins, wheel, cwd=folder)
        elsewhere = folder / "elsewhere"
        copytree(ROOT / "data", elsewhere / "data")
        copy(ROOT / "README.md", elsewhere)
        where = run(python, "-c", f"import {NAME}; print({NAME}.__file__)", cwd=elsewhere).strip()
        if not Path(where).is_relative_to(folder):
            raise SystemExit(f"{NAME} was imported from {where}, not from the wheel")
        report = run(python, "-m", "doctest", "-v", "README.md", cwd=elsewhere)
        print(f"README's snippets, with {wheel.name}: {report.splitlines()[-2]}")


if __name__ == "__main__":
    main()
