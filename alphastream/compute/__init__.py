"""Work cut into chunks that name their data, on this machine or on many, with one result.

``run`` calls a function with each chunk on a backend; ``named_arrays`` gives arrays a name for the time of a job, and
``open_arrays`` opens them where a chunk is worked on.
"""

from alphastream.compute.chunks import code_of
from alphastream.compute.data import Arrays, named_arrays, open_arrays
from alphastream.compute.engines import engine_of
from alphastream.compute.job import Answer, Backend, JobCancelled, Result, WorkersLost, run

__all__ = [
    "Answer",
    "Arrays",
    "Backend",
    "JobCancelled",
    "Result",
    "WorkersLost",
    "code_of",
    "engine_of",
    "named_arrays",
    "open_arrays",
    "run",
]
