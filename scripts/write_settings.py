"""Write docs/settings.md from the knobs in config.py."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import config  # noqa: E402  (the path has to be set first)

HEAD = """# Settings

Every setting is an environment variable. A bad value stops the start with one sentence that names the variable, the
value and the range. This table is printed by `make settings` from config.py.

"""

if __name__ == "__main__":
    (ROOT / "docs" / "settings.md").write_text(HEAD + config.table() + "\n", encoding="utf-8")
