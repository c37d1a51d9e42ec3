"""Write docs/settings.md from config.py: `make settings`."""

import config
from scripts.rooms import ROOT

HEAD = """# Settings

Every setting is an environment variable. A bad value stops the start with one sentence that names the variable, the
value and the range. This table is printed by `make settings` from config.py.

"""

if __name__ == "__main__":
    (ROOT / "docs" / "settings.md").write_text(HEAD + config.table() + "\n", encoding="utf-8")
