"""Help texts lead to the glossary: of every control, card and column, also of those that somebody adds tomorrow.

A link that each of some two hundred texts had to carry would be forgotten in the next one. Each text passes one place
on its way to the browser, in whole runs and in those of a fragment: there the words of the glossary become links.
"""

import json
from functools import wraps
from typing import Any, Final

from streamlit.delta_generator import DeltaGenerator

from views.shared.glossary import linked

_DONE: Final = "links_help"  # on Streamlit's own class: modules of ours are forgotten when a file changes


def link_help_texts() -> None:
    """From now on what an element says as its help, and its columns, has links. Twice is once."""
    send: Any = DeltaGenerator._enqueue
    if getattr(send, _DONE, False):
        return

    @wraps(send)
    def linking(self: DeltaGenerator, delta_type: str, element_proto: Any, *more: Any, **named: Any) -> Any:
        _link(element_proto)
        return send(self, delta_type, element_proto, *more, **named)

    setattr(linking, _DONE, True)
    DeltaGenerator._enqueue = linking  # type: ignore[method-assign]


def _link(proto: Any) -> None:
    """Put links into the help of an element, and of the columns of a table."""
    fields = {field.name for field in proto.DESCRIPTOR.fields}
    if "help" in fields and isinstance(proto.help, str) and proto.help:
        proto.help = linked(proto.help)
    if "columns" in fields and isinstance(proto.columns, str) and proto.columns:
        proto.columns = json.dumps(_linked_columns(json.loads(proto.columns)))


def _linked_columns(columns: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {**config, "help": linked(config["help"])} if isinstance(config, dict) and config.get("help") else config
        for name, config in columns.items()
    }
