"""The folder of a user's own Python files: each is imported at the start, and one that is broken harms no other.

Files are the modules of a package ``user``, so that they may import each other (``from user.common import pulse``).
What is in them is used by the application only where they register it (``alphastream.registry.register``). No machine
code of Python is kept beside them: what is imported is what stands in the file.
"""

import importlib
import importlib.abc
import importlib.util
import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from alphastream.errors import AlphaStreamError
from alphastream.registry import Trouble, forget, load_entry_points, loading, place_of

log = logging.getLogger(__name__)

PACKAGE: Final = "user"


class UserFolder:
    """The files of a folder, loaded.

    Parameters
    ----------
    path : need not be there.

    Attributes
    ----------
    troubles : files that could not be loaded, and why.
    files : names of those that were.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.troubles: tuple[Trouble, ...] = ()
        self.files: tuple[str, ...] = ()
        self._seen: Mapping[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Import every file anew. What the files registered before is forgotten first."""
        with self._lock:
            self._unload()
            there, troubles = self._look()
            sys.modules[PACKAGE] = self._package()
            loaded = []
            for name in filter(_is_asked_for, there):
                trouble = self._import(name)
                if trouble is None:
                    loaded.append(name)
                else:
                    troubles.append(trouble)
            self._seen = {name: stat for name, stat in there.items() if _is_asked_for(name) or _is_imported(name)}
            self.files, self.troubles = tuple(loaded), tuple(troubles)
            if self._seen:
                log.info("user folder is loaded: folder=%s files=%d broken=%d", self.path, len(loaded), len(troubles))

    def changed(self) -> tuple[str, ...]:
        """Names of files that are not what they were when they were loaded: other content, new ones, ones that left."""
        now, _ = self._look()
        names = sorted({*filter(_is_asked_for, now), *self._seen})
        return tuple(name for name in names if now.get(name) != self._seen.get(name))

    def _unload(self) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
            forget(name)
        importlib.invalidate_caches()

    def _look(self) -> tuple[dict[str, tuple[int, int]], list[Trouble]]:
        """The files there are, with time of change and size."""
        try:
            paths = sorted(path for path in self.path.iterdir() if path.suffix == ".py" and path.is_file())
            stats = [(path.name, path.stat()) for path in paths if not path.name.startswith(".")]
        except FileNotFoundError:
            return {}, []
        except OSError as error:
            return {}, [Trouble(str(self.path), None, f"cannot be read ({error.strerror}): make it readable")]
        return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in stats}, []

    def _package(self) -> ModuleType:
        package = ModuleType(PACKAGE, "Files of the user folder.")
        package.__path__ = [str(self.path)]
        package.__spec__ = ModuleSpec(PACKAGE, None, is_package=True)
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        return package

    def _import(self, name: str) -> Trouble | None:
        """Import a file; why that failed, None where it did not."""
        module = f"{PACKAGE}.{Path(name).stem}"
        if "." in Path(name).stem:
            return Trouble(name, None, "a module has no dot in its name: rename the file")
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # the edge of somebody's file
            file, line = place_of(error, self.path)
            log.exception("file of the user folder not loaded: file=%s line=%s", name, line)
            where = name if file is None or file.name == name else f"{name}, which imports {file.name}"
            return Trouble(where, line, _reason(error))
        return None


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules of the package in the folder that is loaded now."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        if package != PACKAGE or path is None:
            return None
        file = Path(next(iter(path))) / f"{name}.py"
        return importlib.util.spec_from_file_location(fullname, file, loader=_Loader(fullname, str(file)))


class _Loader(SourceFileLoader):
    """Reads the source each time, and notes what it registers."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def exec_module(self, module: ModuleType) -> None:
        with loading(module.__name__):
            super().exec_module(module)


def _is_asked_for(name: str) -> bool:
    """Whether a file is loaded for itself: one whose name begins with _ is loaded by others alone."""
    return not name.startswith("_")


def _is_imported(name: str) -> bool:
    return f"{PACKAGE}.{Path(name).stem}" in sys.modules


def _reason(error: BaseException) -> str:
    if isinstance(error, AlphaStreamError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, ModuleNotFoundError):
        return f"{error}: install that package where the app runs, or put the file beside this one"
    return f"{type(error).__name__}: {error}"


_current: UserFolder | None = None
_opening = threading.Lock()


def open_user_folder(path: Path) -> UserFolder:
    """Load the folder of this process, and what installed packages register; the first call does it.

    A process has one: its modules are the process's.
    """
    global _current
    with _opening:
        if _current is None or _current.path != path.resolve():
            load_entry_points()
            opened = UserFolder(path)
            opened.load()
            _current = opened
        return _current


def current() -> UserFolder | None:
    """The folder of this process; None before it is opened."""
    return _current
