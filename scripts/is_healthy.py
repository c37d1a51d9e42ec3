"""Whether the app or the recorder of this machine does what it was asked for: ``python -m scripts.is_healthy [port]``.

Exits with 0 or 1 and prints what /healthz answers: the health check of the container.
"""

import os
import sys
import urllib.error
import urllib.request

APP_PORT = "8501"


def main(port: str) -> int:
    """Ask, print the answer, return the exit code."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4) as answer:
            print(answer.read().decode())
            return 0
    except urllib.error.HTTPError as error:
        print(error.read().decode())
    except OSError as error:
        print(f"nobody answers on port {port}: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("STREAMLIT_SERVER_PORT", APP_PORT)))
