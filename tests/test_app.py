"""The start of the application as a command."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_a_wrong_setting_stops_the_start_with_one_sentence() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", "--server.port=0"]
    environ = {**os.environ, "ALPHASTREAM_WINDOW_BARS": "7"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "ALPHASTREAM_WINDOW_BARS='7': needs a whole number from 20 to 500 (bars)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[auth]\nredirect_uri = unquoted\n", "is not TOML (Invalid value (at line 2, column 16))"),
        (b'[auth]\nclient_secret = "\xff"\n', "is not UTF-8 at byte 24"),
    ],
)
def test_secrets_that_cannot_be_read_never_open_the_app_to_everybody(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_bytes(content)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", "--server.port=0"]
    done = subprocess.run(
        [*command, f"--secrets.files={secrets}"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert f"AlphaStream does not start: {secrets} {sentence}" in done.stderr
    assert "unquoted" not in done.stderr


def test_the_server_imports_what_pages_are_made_of_and_runs_no_page() -> None:
    show = "import sys, app; print(*(name for name in sys.modules if name.startswith('views.')))"
    command = [sys.executable, "-c", show]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    imported = set(done.stdout.split())
    parts = {path for path in (ROOT / "views").glob("*/*.py") if path.stem not in {"page", "__init__"}}
    assert {f"views.{path.parent.name}.{path.stem}" for path in parts} <= imported
    assert not any(name.endswith(".page") for name in imported)


def test_nobody_but_this_machine_reaches_the_app_unless_asked_for() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["server"]["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("flags", "environ", "address"),
    [
        ([], {}, "127.0.0.1"),
        ([], {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}, "0.0.0.0"),
        (["--server.address=0.0.0.0"], {}, "0.0.0.0"),
    ],
)
def test_where_the_app_listens_can_be_said_as_the_documents_say(
    flags: list[str], environ: dict[str, str], address: str
) -> None:
    own = {name: value for name, value in os.environ.items() if name != "STREAMLIT_SERVER_ADDRESS"}
    command = [sys.executable, "-m", "streamlit", "config", "show", *flags]
    done = subprocess.run(command, cwd=ROOT, env=own | environ, capture_output=True, text=True, timeout=120, check=True)
    assert f'address = "{address}"' in done.stdout
