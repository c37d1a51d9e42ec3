"""What can go wrong between a source and a handler."""

from alphastream.errors import AlphaStreamError, ParameterError


class DispatchError(AlphaStreamError):
    """A dispatcher was used in a way that it cannot serve."""


class EventOrderError(DispatchError):
    """An event is older than what was dispatched before it."""


class InvalidBar(ParameterError):
    """The prices of a bar contradict each other."""
