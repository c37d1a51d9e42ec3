"""What the ids of a file's trades prove. Where they prove nothing, a run says from where to where the file goes."""

from alphastream.feeds import FEEDS
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape_files.schema import Origin


def is_numbered(origin: Origin | None) -> bool:
    """Say whether ids of a file are contiguous where nothing is missing; so they are where nobody has said a venue."""
    codec = FEEDS.get(origin.venue) if origin is not None else None
    return codec is None or codec.completeness != "unknown"


def span(runs: IdRuns) -> IdRuns:
    """Return the run from the first id to the last, whatever lies between.

    Examples
    --------
    >>> span(IdRuns([(1, 3), (7, 8)])), span(IdRuns())
    (IdRuns([(1, 8)]), IdRuns([]))
    """
    return IdRuns() if runs.first is None or runs.last is None else IdRuns([(runs.first, runs.last)])
