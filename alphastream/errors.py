"""One tree of exceptions. Each message says what was seen, what is needed and what to do."""

from typing import Literal


class AlphaStreamError(Exception):
    """Base of every error the project raises on purpose."""


class SettingError(AlphaStreamError, ValueError):
    """A setting has a value outside its range."""


class ParameterError(AlphaStreamError, ValueError):
    """An argument of a public function is unusable: wrong shape, range or type."""


class NotEnoughObservations(ParameterError):
    """An estimator or a test was given fewer rows than it needs."""

    def __init__(self, what: str, needed: int, have: int) -> None:
        super().__init__(f"{what} needs {needed} observations, has {have}: wait for more rows or shorten the window")
        self.needed = needed
        self.have = have


class LookAheadError(ParameterError):
    """A value of a row changed when later rows became known.

    Parameters
    ----------
    what : the function or estimator, and which column of it.
    row : the first row that changed, counted from 0.
    known : rows that were known before, and after.
    values : of that row before, and after.
    """

    def __init__(self, what: str, row: int, known: tuple[int, int], values: tuple[float, float]) -> None:
        super().__init__(
            f"{what} looks ahead: row {row} was {values[0]!r} while {known[0]} rows were known and is {values[1]!r} "
            f"with {known[1]}: a row may use itself and rows before it, and equal rows need to give equal values"
        )
        self.row = row
        self.known = known
        self.values = values

    def __reduce__(self) -> tuple[object, ...]:
        return _restored_error, (type(self), str(self), dict(vars(self)))


class LookBackError(ParameterError):
    """A value of a row depends on more rows before it than was declared.

    Parameters
    ----------
    what : the function, and which column of it.
    row : the first row found to differ, counted from 0.
    look_back : rows that were declared.
    values : of that row from those rows alone, and from more.
    advice : what to do.
    """

    def __init__(self, what: str, row: int, look_back: int, values: tuple[float, float], advice: str) -> None:
        super().__init__(
            f"{what} reads further back than {look_back} rows: row {row} is {values[0]!r} from the newest {look_back} "
            f"and {values[1]!r} from more: {advice}"
        )
        self.row = row
        self.look_back = look_back
        self.values = values

    def __reduce__(self) -> tuple[object, ...]:
        return _restored_error, (type(self), str(self), dict(vars(self)))


class FeedError(AlphaStreamError):
    """A venue could not be reached or did not speak as expected."""


class FeedBlocked(FeedError):
    """The venue refuses this address or symbol: trying again would not help."""


class StorageError(AlphaStreamError):
    """The tick store cannot read or write its file."""


class DamagedFileError(StorageError):
    """A file is not what was written, and nothing in it can be read."""


class DamagedBlockError(StorageError):
    """A block of ticks is not what was written."""


class BusError(AlphaStreamError):
    """A bus or another sink cannot be reached, or does not take or give what it should."""


class BatchError(BusError):
    """A message is no batch of trades, or was damaged on its way."""


class NewerBatchError(BatchError):
    """A message is a batch in a format of a newer program."""


class StateError(AlphaStreamError):
    """A state that a stream engine kept belongs to something else, is damaged or has become too large."""


class ComputeError(AlphaStreamError):
    """Work could not be done where it was sent: no such cluster, workers that die, data they cannot see."""


class UploadError(AlphaStreamError, ValueError):
    """A file given by a person cannot be read as ticks or bars.

    Parameters
    ----------
    message : what was seen, what is needed and what to do.
    file : name of the file as the person knows it.
    line : 1-based line in that file, where one is to blame.
    column : name of the column, where one is to blame.
    unit : what ``line`` counts: lines of text, or rows of a file without lines.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None = None,
        column: str | None = None,
        unit: Literal["line", "row"] = "line",
    ) -> None:
        place = file
        if line is not None:
            place += f", {unit} {line}"
        if column is not None:
            place += f", column {column!r}"
        super().__init__(f"{place}: {message}")
        self.file = file
        self.line = line
        self.column = column


def _restored_error(kind: type[AlphaStreamError], message: str, content: dict[str, object]) -> AlphaStreamError:
    """An error as it was in another process, where it cannot be built from its message alone."""
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(content)
    return error
