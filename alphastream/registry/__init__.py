"""What others add to the product: strategies, sizers, indicators, feeds, costs and alerts, by name.

``register`` takes a class of one's own, ``parameter`` says what a form should know of its fields, and installed
packages register by entry points. Rooms that have a table of their own hand it over with ``extends``, so that what is
registered stands in it as if it had been shipped.
"""

from alphastream.registry.entry_points import load_entry_points
from alphastream.registry.parameters import Parameter, Symbol, parameter, parameters_of
from alphastream.registry.registered import (
    KINDS,
    Kind,
    Registered,
    Trouble,
    extends,
    find,
    forget,
    loading,
    register,
    registered,
    registered_as,
    whole_names,
)
from alphastream.registry.source_code import place_of

__all__ = [
    "KINDS",
    "Kind",
    "Parameter",
    "Registered",
    "Symbol",
    "Trouble",
    "extends",
    "find",
    "forget",
    "load_entry_points",
    "loading",
    "parameter",
    "parameters_of",
    "place_of",
    "register",
    "registered",
    "registered_as",
    "whole_names",
]
