"""Write requirements.txt and requirements-dev.txt: one exact version for everything that pyproject.toml asks for.

`make pins` keeps the versions that stand there where the ranges allow it; --upgrade takes the newest of all. --check
writes nothing and fails unless the files are what pyproject.toml asks for and every version has a wheel for each
Python and platform named below. uv resolves from metadata, so nothing is downloaded to find out.
"""

import argparse
import difflib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
RUN, DEV = "requirements.txt", "requirements-dev.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")


def resolve(source: Path, *options: str) -> None:
    """Resolve one file from wheels alone; exit with what the resolver says where there is no answer."""
    command = [sys.executable, "-m", "uv", "pip", "compile", str(source), "--only-binary", ":all:", "--quiet"]
    done = subprocess.run(
        [*command, "--no-python-downloads", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"no versions for {source.name} with {' '.join(options)}:\n{done.stderr}")


def pins(folder: Path, *options: str) -> None:
    """Write both files into a folder; versions that stand in it are kept where the ranges allow it."""
    project = ROOT / "pyproject.toml"
    universal = ["--universal", "--python-version", PYTHONS[0], "--fork-strategy", "fewest", *options]
    universal += ["--annotation-style", "line", "--custom-compile-command", "make pins"]
    resolve(project, "--extra", "app", *universal, "--output-file", str(folder / RUN))
    run = (folder / RUN).read_text(encoding="utf-8")
    names = [line.split("==")[0] for line in run.splitlines() if not line.startswith("#")]
    # The constraint keeps both files on one version; what the first has already is left out of the second.
    universal += ["--constraint", str(folder / RUN), *(f"--no-emit-package={name}" for name in names)]
    resolve(project, "--extra", "dev", *universal, "--output-file", str(folder / DEV))
    tools = (folder / DEV).read_text(encoding="utf-8")
    (folder / DEV).write_text(f"-r {RUN}\n{tools}", encoding="utf-8")


def main() -> None:
    """Write the files, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--upgrade", action="store_true", help="take the newest version of everything")
    choice.add_argument("--check", action="store_true", help="fail unless the files are right; write nothing")
    given = parser.parse_args()
    if not given.check:
        pins(ROOT, *(["--upgrade"] if given.upgrade else []))
        return
    check_agreement()
    check_wheels()


def check_agreement() -> None:
    """Exit unless a fresh resolution that may keep every pin comes to the same files."""
    with TemporaryDirectory() as folder:
        for name in (RUN, DEV):
            (Path(folder) / name).write_bytes((ROOT / name).read_bytes())
        pins(Path(folder))
        for name in (RUN, DEV):
            have, need = ((place / name).read_text(encoding="utf-8") for place in (ROOT, Path(folder)))
            if have != need:
                lines = difflib.unified_diff(
                    have.splitlines(), need.splitlines(), name, "what is asked for", lineterm=""
                )
                raise SystemExit("\n".join(["pins and ranges of pyproject.toml disagree: run make pins", *lines]))


def check_wheels() -> None:
    """Exit unless every pin has a wheel wherever the project runs."""

    def check(where: tuple[str, str]) -> None:
        resolve(ROOT / DEV, "--python-version", where[0], "--python-platform", where[1])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, product(PYTHONS, PLATFORMS)))
    print(f"every pin has a wheel for Python {', '.join(PYTHONS)} on {', '.join(PLATFORMS)}")


if __name__ == "__main__":
    main()
