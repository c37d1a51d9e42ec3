"""The files a browser needs, published where Streamlit serves static files from.

``server.enableStaticServing = true`` makes ``static/`` beside the main script reachable at ``app/static/``. Names carry
a hash of the content: a browser may keep them for ever, and an old page never mixes with a new file.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parent
# By Streamlit, with the components they belong to.
_SENT_ALONG: Final = ("clicks.js", "loader.js", "pulse.js", "pulse.css", "picture.css")
_MODULES: Final = tuple(
    sorted(path.name for path in _HERE.iterdir() if path.suffix in (".js", ".css") and path.name not in _SENT_ALONG)
)


@dataclass(frozen=True, slots=True)
class Assets:
    """Paths below the static folder, with forward slashes.

    Parameters
    ----------
    plotly : Plotly.js as the installed plotly package ships it.
    module : the ES module that draws; what it imports lies beside it.
    strip, watch_list : the ES modules of the line above every page and of the watchlist, in the same folder: all share
        one channel.
    """

    plotly: str
    module: str
    strip: str
    watch_list: str


@cache
def assets() -> Assets:
    """The names under which this version's files are published."""
    folder = f"live_figure-{_fingerprint([_HERE / name for name in _MODULES])}"
    return Assets(
        plotly=f"plotly-{_fingerprint([_plotly_source()])}.min.js",
        module=f"{folder}/live_figure.js",
        strip=f"{folder}/status_strip.js",
        watch_list=f"{folder}/watch_list.js",
    )


def publish_assets(static_dir: Path) -> Assets:
    """Copy the files into ``static_dir`` unless they are there already.

    Each appears whole or not at all, so two processes may publish at once and a reader never sees half a file.

    Raises
    ------
    OSError
        Where ``static_dir`` cannot be written.
    """
    names = assets()
    static_dir.mkdir(parents=True, exist_ok=True)
    plotly, folder = static_dir / names.plotly, (static_dir / names.module).parent
    if not plotly.exists():
        with tempfile.TemporaryDirectory(dir=static_dir, prefix=".publishing-") as scratch:
            os.replace(shutil.copyfile(_plotly_source(), Path(scratch) / plotly.name), plotly)
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=static_dir, prefix=".publishing-") as scratch:
            complete = Path(scratch) / folder.name
            complete.mkdir()
            for name in _MODULES:
                shutil.copyfile(_HERE / name, complete / name)
            _rename_unless_there(complete, folder)
    return names


def _rename_unless_there(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():  # not another process that was first: a real failure
            raise


def _plotly_source() -> Path:
    return Path(str(files("plotly"))) / "package_data" / "plotly.min.js"


def _fingerprint(paths: list[Path]) -> str:
    digest = blake2b(digest_size=6)
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
