"""What a store says of itself."""

from dataclasses import dataclass

from alphastream.core.durations import Durations


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the store is doing; counts are since it was opened.

    Parameters
    ----------
    pending : ticks that readers see and the file does not hold yet.
    written : ticks made durable.
    duplicates : ticks dropped because their id was known.
    rejected : ticks refused: unusable numbers, or an id that cannot be right.
    lost : ticks given up because the file could not be written for too long; ``gaps`` lists their ids.
    damaged : ticks whose block in the file had been altered; ``gaps`` lists their ids.
    last_error : why the newest write failed, None while writing works.
    durable_lag_s : how long the oldest pending tick has waited, in seconds.
    durable_lags : how long written ticks had waited, in buckets.
    notices : what has happened to the file and what was done about it, with times, the newest last.
    sealed : ticks moved to the history.
    sealing_error : why old ticks stay in the file, None while they are moved.
    """

    pending: int
    written: int
    duplicates: int
    rejected: int
    lost: int
    damaged: int
    last_error: str | None
    durable_lag_s: float
    durable_lags: Durations
    notices: tuple[str, ...] = ()
    sealed: int = 0
    sealing_error: str | None = None
