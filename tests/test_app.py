"""The start of the application as a command."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_a_wrong_setting_stops_the_start_with_one_sentence() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", "--server.port=0"]
    environ = {**os.environ, "ALPHASTREAM_WINDOW_BARS": "7"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "ALPHASTREAM_WINDOW_BARS='7': needs a whole number from 20 to 500 (bars)" in done.stderr
    assert "Traceback" not in done.stderr
