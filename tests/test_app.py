"""The start of the application as a command."""

import os
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

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


def test_no_visit_makes_the_server_look_for_changed_files() -> None:
    """Streamlit does it for each visit, in the thread that serves all: twelve of them held a SIGTERM for 4 to 13 s."""
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["server"]["fileWatcherType"] == "none"


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


def test_programs_that_watch_the_app_are_answered_on_its_port(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    environ = {**os.environ, "ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [*command, "--server.baseUrlPath=desk"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )

    def ask(path: str, **headers: str) -> tuple[int, bytes]:
        request = Request(f"http://127.0.0.1:{port}/desk/{path}", headers=headers)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()
        except OSError:  # it does not listen yet
            return 0, b""

    try:
        deadline = time.monotonic() + 120
        while ask("healthz")[0] != 200:
            assert time.monotonic() < deadline, "it did not become healthy in time"
            time.sleep(0.1)
        assert b'alphastream_ticks_total{kind="replay"' in ask("metrics")[1]
        assert ask("metrics", Host="app.example")[0] == 403
        forwarded = {"X-Forwarded-For": "192.0.2.7"}
        assert ask("metrics", **forwarded)[0] == 403
        assert ask("healthz", **forwarded) == (200, b'{"status":"ok"}')
    finally:
        process.terminate()
        process.wait(30)
