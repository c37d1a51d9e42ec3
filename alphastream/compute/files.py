"""Results and data on disk or in an object store: written under another name first, then renamed."""

import io
import logging
import os
import platform
import uuid
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphastream.errors import ComputeError

if TYPE_CHECKING:
    import pyarrow.fs  # of 25 MB, which a job in memory does not need

_log = logging.getLogger(__name__)


def place(uri: str) -> "tuple[pyarrow.fs.FileSystem, str]":
    """File system and path of a folder, a file or a URL such as s3://bucket/prefix."""
    import pyarrow.fs

    if uri.startswith("s3://"):
        endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
        return pyarrow.fs.S3FileSystem(endpoint_override=endpoint), uri.removeprefix("s3://").rstrip("/")
    found: tuple[pyarrow.fs.FileSystem, str] = pyarrow.fs.FileSystem.from_uri(
        uri if "://" in uri else str(Path(uri).resolve())
    )
    return found


def encoded(result: Any) -> tuple[str, bytes]:
    """How a result is kept: an array as "npy", a table as "arrow"; the same result is the same bytes."""
    import pyarrow as pa

    buffer = io.BytesIO()
    if isinstance(result, pa.Table):
        with pa.ipc.new_file(buffer, result.schema) as file:
            file.write_table(result.combine_chunks())
        return "arrow", buffer.getvalue()
    np.save(buffer, result, allow_pickle=False)
    return "npy", buffer.getvalue()


def decoded(kind: str, content: Any) -> Any:
    """The result again."""
    if kind == "arrow":
        import pyarrow as pa

        return pa.ipc.open_file(content).read_all()
    return np.load(io.BytesIO(content), allow_pickle=False)


def save(folder: str, name: str, result: Any) -> None:
    """Write a result as ``name``.npy or ``name``.arrow."""
    kind, content = encoded(result)
    write(folder, f"{name}.{kind}", content)


def write(folder: str, name: str, content: Any) -> str:
    """Write a file that is there whole or not at all; returns its address. Raises ComputeError."""
    system, path = place(folder)
    part = f"{path}/.{name}.{uuid.uuid4().hex}"
    try:
        system.create_dir(path, recursive=True)
        with system.open_output_stream(part) as stream:
            stream.write(content)
        system.move(part, f"{path}/{name}")
    except OSError as error:
        raise ComputeError(f"{folder} cannot be written on {platform.node()}: {error}. Give another folder") from error
    return f"{folder.rstrip('/')}/{name}"


def finished(folder: str | None, names: Container[str]) -> dict[str, Any]:
    """Results of some names that a folder holds; one that a power cut damaged is left out, and so computed again."""
    if folder is None:
        return {}
    import pyarrow.fs

    system, path = place(folder)
    found = {}
    for each in system.get_file_info(pyarrow.fs.FileSelector(path, allow_not_found=True)):
        file = Path(each.path)
        if file.stem in names:
            try:
                found[file.stem] = load(f"{folder.rstrip('/')}/{file.name}")
            except (ValueError, EOFError):  # of Arrow and of numpy
                _log.warning("result=%s damaged, computed again", file.name)
    return found


def load(uri: str) -> Any:
    """Read a result again."""
    system, path = place(uri)
    with system.open_input_file(path) as file:
        content = file.read_buffer()
    return decoded(uri.rpartition(".")[2], content)
