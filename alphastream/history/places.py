"""Where a history lies: a folder of this machine, or a bucket, named by a path or by a URL that fsspec knows."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple
from urllib.parse import urlsplit

import pyarrow.fs as arrow_fs

from alphastream.errors import ParameterError, StorageError

_TEMPORARY: Final = ".part"  # ends the name of a file that is being written: readers pass over it


class Found(NamedTuple):
    """A file of a place: its path below the root, its size in bytes, and when it was written, where that is known."""

    path: str
    size: int
    changed: float


class Place:
    """A folder or a bucket's prefix that holds files.

    Parameters
    ----------
    where : a path, or a URL: ``s3://bucket/prefix`` by Arrow's own client (credentials, region and
        ``AWS_ENDPOINT_URL`` from the environment), any other by the fsspec filesystem of that protocol.
    """

    def __init__(self, where: str | Path) -> None:
        text = str(where)
        self.protocol = urlsplit(text).scheme if "://" in text else "file"
        self.is_local = self.protocol == "file"
        self.filesystem: Any
        self.arrow: Any
        if self.is_local:
            self.root = str(Path(text.removeprefix("file://")).expanduser().resolve())
            self.filesystem, self.arrow = _fsspec("file"), arrow_fs.LocalFileSystem()
        elif self.protocol == "s3":
            self.root = text.removeprefix("s3://").strip("/")
            self.filesystem, self.arrow = _s3()
        else:
            self.filesystem = _fsspec(self.protocol)
            self.root = str(self.filesystem._strip_protocol(text)).rstrip("/")
            self.arrow = arrow_fs.PyFileSystem(arrow_fs.FSSpecHandler(self.filesystem))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return self.root if self.is_local else f"{self.protocol}://{self.root}"

    def full(self, path: str) -> str:
        """Return a path below the root as the filesystem knows it."""
        return f"{self.root}/{path}" if path else self.root

    def url(self, path: str) -> str:
        """Return a path below the root as programs outside know it."""
        return self.full(path) if self.is_local else f"{self.protocol}://{self.full(path)}"

    def find(
        self, folder: str = "", ending: str = ".parquet", enters: Callable[[str], bool] | None = None
    ) -> list[Found]:
        """Return the files of a folder and of those in it, by path; none where there is no such folder.

        Files that are being written are left out.

        Parameters
        ----------
        enters : whether to look into a folder of a name; a bucket tells all in one listing.
        """
        try:
            if self.is_local:
                found = list(_walk(self.full(folder), len(self.root) + 1, ending, enters))
            else:
                found = self._listed(folder, ending)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"{self.url(folder)} cannot be listed: {error}") from error
        return sorted(found)

    def _listed(self, folder: str, ending: str) -> list[Found]:
        infos = self.arrow.get_file_info(arrow_fs.FileSelector(self.full(folder), allow_not_found=True, recursive=True))
        root = len(self.root) + 1
        return [
            Found(info.path[root:], info.size, info.mtime_ns / 1e9 if info.mtime_ns else 0.0)
            for info in infos
            if info.type == arrow_fs.FileType.File and info.path.endswith(ending)
        ]

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder, sorted; none where there is no such folder."""
        try:
            if self.is_local:
                with os.scandir(self.full(folder)) as entries:
                    return sorted(entry.name for entry in entries if entry.is_dir())
            infos = self.arrow.get_file_info(arrow_fs.FileSelector(self.full(folder), allow_not_found=True))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"{self.url(folder)} cannot be listed: {error}") from error
        return sorted(info.base_name for info in infos if info.type == arrow_fs.FileType.Directory)

    def exists(self, path: str) -> bool:
        """Whether there is a file; StorageError where the place cannot be asked."""
        try:
            if self.is_local:
                return os.path.exists(self.full(path))
            return bool(self.arrow.get_file_info(self.full(path)).type == arrow_fs.FileType.File)
        except OSError as error:
            raise StorageError(f"{self.url(path)} cannot be looked for: {error}") from error

    def remove(self, path: str) -> None:
        """Delete a file; one that is not there is no error."""
        try:
            self.arrow.delete_file(self.full(path))
        except FileNotFoundError:
            return

    def remove_attempts(self, path: str) -> None:
        """Delete a file and what a kill has left of writing it under another name."""
        for found in self.find(path.rpartition("/")[0], _TEMPORARY):
            if found.path.startswith(f"{path}."):
                self.remove(found.path)
        self.remove(path)

    @contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        """Write a file that exists under its name only when it is whole and, on a disk, durable.

        A folder gets a file of another name, which is renamed. A bucket gets what was written to a temporary file of
        this machine, in one call at the end: an upload that was begun would be completed by whoever closes it. Where
        the block ends by an exception nothing is left.
        """
        if self.is_local:
            with self._renaming(Path(self.full(path))) as stream:
                yield stream
            return
        with tempfile.TemporaryFile() as stream:
            yield stream
            stream.flush()
            if stream.seek(0, os.SEEK_END) == 0:
                raise StorageError(f"{self.url(path)}: nothing was written into it")
            with mmap(stream.fileno(), 0, access=ACCESS_READ) as written:
                self._upload(self.full(path), written)

    @contextmanager
    def _renaming(self, target: Path) -> Iterator[BinaryIO]:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
        try:
            with temporary.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)

    def _upload(self, full: str, written: mmap) -> None:
        if self.protocol == "s3":
            stream = self.arrow.open_output_stream(full)
            stream.write(written)
            stream.close()
        else:
            self.filesystem.makedirs(full.rpartition("/")[0], exist_ok=True)
            self.filesystem.pipe_file(full, bytes(written))


def _walk(folder: str, root: int, ending: str, enters: Callable[[str], bool] | None) -> Iterator[Found]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if enters is None or enters(entry.name):
                    yield from _walk(entry.path, root, ending, enters)
            elif entry.name.endswith(ending):
                stat = entry.stat()
                yield Found(entry.path[root:].replace(os.sep, "/"), stat.st_size, stat.st_mtime)


def _sync_folder(folder: Path) -> None:
    """Make a new name durable, on systems where folders can be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsspec(protocol: str) -> Any:
    try:
        import fsspec

        return fsspec.filesystem(protocol)
    except ImportError as error:
        raise StorageError(f"a history at {protocol}:// needs fsspec: pip install 'alphastream[history]'") from error
    except ValueError as error:
        raise ParameterError(f"{protocol}:// is no kind of place that fsspec knows: name a folder or s3://…") from error


def _s3() -> tuple[Any, Any]:
    """Arrow's client of S3 and fsspec's view of it.

    s3fs would bring botocore, whose pins contradict ours.
    """
    from fsspec.implementations.arrow import ArrowFSWrapper

    class S3(ArrowFSWrapper):  # type: ignore[misc]
        protocol = "s3"
        cachable = False

    client = arrow_fs.S3FileSystem(
        endpoint_override=os.environ.get("AWS_ENDPOINT_URL") or None,
        allow_delayed_open=True,  # what is small goes up in one request
    )
    return S3(client), client
