"""What a stream remembers between rows, the words for what a row came to, and the file a stream is kept in."""

import dataclasses
import json
import operator
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.portfolio import kernels
from alphastream.portfolio.config import PositionConfig, SlidingWindow

Status = Literal["warmup", "zero_signal", "degenerate", "valid"]

FORMAT, VERSION = "alphastream position stream", 2
MAX_ASSETS = 500

STATUS: dict[int, Status] = {
    kernels.VALID: "valid",
    kernels.PARTIAL: "valid",
    kernels.WARMUP: "warmup",
    kernels.NO_PRICE: "degenerate",
    kernels.ZERO_SIGNAL: "zero_signal",
    kernels.NO_ASSET: "degenerate",
    kernels.FEW_PAIRS: "degenerate",
    kernels.SINGULAR: "degenerate",
    kernels.NO_NORM: "degenerate",
    kernels.INFINITE: "degenerate",
}
REASON = {
    kernels.VALID: "positions for every asset",
    kernels.PARTIAL: "positions, but not for {missing}",
    kernels.WARMUP: "calibrating: {rows} of {needed} rows",
    kernels.NO_PRICE: "no asset has a price on this row",
    kernels.ZERO_SIGNAL: "every signal is zero or missing",
    kernels.NO_ASSET: "no asset has varied for long enough to have a correlation",
    kernels.FEW_PAIRS: "two assets have too few rows together to have a correlation",
    kernels.SINGULAR: "the correlation matrix is singular: two assets move as one; lower shrink or leave one out",
    kernels.NO_NORM: "the signal has no size in the metric of the correlation matrix",
    kernels.INFINITE: "an asset without volatility would get an infinite position; raise vola or leave it out",
}


class StreamFileError(AlphaStreamError, ValueError):
    """A file is not a stream that can be read: damaged, something else, or from a newer version."""


class StateLayout:
    """What every state of one stream shares: assets, parameters, and where values stand in a block."""

    __slots__ = ("assets", "cash_at", "config", "pack", "params", "pick", "row_at", "unpack")

    # declared, for numpy's stubs do not say that an array is a buffer
    pack: Callable[..., None]
    unpack: Callable[..., tuple[float, ...]]

    def __init__(self, assets: tuple[str, ...], config: PositionConfig) -> None:
        n = len(assets)
        if not 1 <= n <= MAX_ASSETS:
            raise ParameterError(f"{n} assets, needs 1 to {MAX_ASSETS}")
        if len(set(assets)) != n:
            twice = sorted({asset for asset in assets if assets.count(asset) > 1})
            raise ParameterError(f"{', '.join(twice)} given twice: each asset needs a name of its own")
        self.assets, self.config = assets, config
        self.params = config.parameters(n)
        self.pick: Callable[[Mapping[str, Any]], tuple[Any, ...]] = (
            operator.itemgetter(*assets) if n > 1 else lambda row: (row[assets[0]],)
        )
        self.pack = struct.Struct(f"{2 * n}d").pack_into
        self.unpack = struct.Struct(f"{n}d").unpack_from
        self.row_at = 8 * kernels.HEAD
        self.cash_at = 8 * (kernels.HEAD + kernels.CASH * n)

    def __reduce__(self) -> tuple[type["StateLayout"], tuple[tuple[str, ...], PositionConfig]]:
        return StateLayout, (self.assets, self.config)

    def sizes(self) -> tuple[int, int]:
        """Places in a block at the beginning, and once some row had some assets only."""
        n = len(self.assets)
        vectors = kernels.HEAD + kernels.VECTORS * n
        if self.config.covariance is not None:
            window = self.config.covariance.window
            size = vectors + window * n + min(n, window) ** 2
            return size, size
        triangle = n * (n + 1) // 2
        return vectors + triangle, vectors + 3 * triangle + 2 * n * n

    def begin(self) -> Floats:
        """Return the block before the first row."""
        n = len(self.assets)
        block = np.zeros(self.sizes()[0])
        vectors = block[kernels.HEAD : kernels.HEAD + kernels.VECTORS * n].reshape(-1, n)
        for field in (kernels.PRICE, kernels.SIGNAL, kernels.CASH, kernels.RISK, kernels.VOLATILITY, kernels.ADJUSTED):
            vectors[field] = np.nan
        return block

    def grown(self, block: Floats) -> Floats:
        """Return the block with sums of each pair, equal so far."""
        n = len(self.assets)
        triangle = n * (n + 1) // 2
        mean = block[kernels.HEAD + kernels.MEAN * n : kernels.HEAD + (kernels.MEAN + 1) * n]
        weight, count = np.full(triangle, block[kernels.WEIGHT]), np.full(triangle, block[kernels.COUNT])
        i = np.arange(n)
        squares = block[kernels.HEAD + kernels.VECTORS * n + i * n - i * (i - 1) // 2]  # the diagonal of the triangle
        return np.concatenate([block, weight, count, np.repeat(mean, n), np.repeat(squares, n)])

    def vector(self, block: Floats, field: int) -> Floats:
        """Return one vector of a block, (N,)."""
        n = len(self.assets)
        return block[kernels.HEAD + field * n : kernels.HEAD + (field + 1) * n]

    def refuse_price(self, block: Floats) -> None:
        """Raise for the price in a block that is zero or negative."""
        prices = self.vector(block, kernels.PRICE)
        worst = int(np.flatnonzero(prices <= 0.0)[0])
        raise ParameterError(
            f"price of {self.assets[worst]} is {prices[worst]:g}, needs to be positive; give None if there is none"
        )


def write(path: str | os.PathLike[str], layout: StateLayout, block: Floats, outcome: int) -> None:
    """Write a stream to a file, whole or not at all."""
    target = Path(path)
    config = dataclasses.asdict(layout.config)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                format=np.array(FORMAT),
                version=np.array(VERSION),
                config=np.array(json.dumps(config)),
                assets=np.array(json.dumps(layout.assets)),
                block=block,
                outcome=np.array(outcome),
            )
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: str | os.PathLike[str]) -> tuple[StateLayout, Floats, int]:
    """Read what ``write`` wrote.

    Raises
    ------
    StreamFileError
        The file is missing, damaged, something else, or of a newer version.
    """
    what = f"{os.fspath(path)}: "
    try:
        with Path(path).open("rb") as file:  # numpy would leave it open over a damaged archive
            found = np.load(file, allow_pickle=False)
            fields = dict(found) if isinstance(found, np.lib.npyio.NpzFile) else {}
    except FileNotFoundError:
        raise StreamFileError(what + "no such file; save a stream there first") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise StreamFileError(f"{what}damaged or not a stream ({error}); warm a new stream up") from error
    if str(fields.get("format")) != FORMAT:
        raise StreamFileError(what + "not a position stream; give a file written by PositionStream.save")
    try:
        return _parsed(fields, what)
    except (KeyError, TypeError, ValueError, ParameterError) as error:
        if isinstance(error, StreamFileError):
            raise
        raise StreamFileError(f"{what}damaged ({error}); warm a new stream up") from error


def _parsed(fields: dict[str, Any], what: str) -> tuple[StateLayout, Floats, int]:
    version = int(fields["version"])
    if version != VERSION:
        raise StreamFileError(
            f"{what}format version {version}, this program reads {VERSION}: update it, or warm up anew"
        )
    config = json.loads(str(fields["config"]))
    if config["covariance"] is not None:
        config["covariance"] = SlidingWindow(**config["covariance"])
    layout = StateLayout(tuple(json.loads(str(fields["assets"]))), PositionConfig(**config))
    block, outcome = np.ascontiguousarray(fields["block"]), int(fields["outcome"])
    if block.dtype != np.float64 or block.ndim != 1 or block.size not in layout.sizes() or outcome not in STATUS:
        raise StreamFileError(f"{what}damaged (state of {block.size} values does not fit its assets); warm up anew")
    return layout, block, outcome
