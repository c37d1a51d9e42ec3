"""Messages no client should choke on, by kind, made from a message that is one."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from websockets.frames import Opcode

Kind = Literal["malformed", "truncated", "binary", "foreign", "wrong_types", "missing_keys", "huge", "bad_utf8", "raw"]
CONTAINED: tuple[Kind, ...] = ("malformed", "truncated", "binary", "foreign", "wrong_types", "missing_keys", "huge")
"""Kinds that leave the connection whole. After "bad_utf8" and "raw" a client has to give it up."""

HUGE_BYTES = 2**20
NOT_A_FRAME = b"\xfb\x00HTTP/1.1 garbage\r\n"
"""Begins with reserved bits and an opcode that does not exist: no WebSocket frame."""
UNHEARD_OF = "unheard-of"

Message = tuple[Opcode, bytes]


def _leaves(change: Callable[[Any], Any], value: Any) -> Any:
    """Change every value of a message that is neither an object nor a list."""
    if isinstance(value, dict):
        return {key: _leaves(change, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_leaves(change, each) for each in value]
    return change(value)


def _is_number(value: Any) -> bool:
    """Tell whether it says how much, how often, when or whether, as a number or in a text: a name does not."""
    if not isinstance(value, str):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def _wrong_type(value: Any) -> Any:
    if not _is_number(value):
        return value
    return None if isinstance(value, str) else "soon"


def _huge(value: Any) -> Any:
    return "9" * HUGE_BYTES if isinstance(value, str | float) and _is_number(value) else value


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_numbers(each)
            for key, each in value.items()
            if isinstance(each, dict | list) or not _is_number(each)
        }
    if isinstance(value, list):
        return [_without_numbers(each) for each in value]
    return value


def _json(change: Callable[[Any], Any], message: bytes) -> Message:
    return Opcode.TEXT, msgspec.json.encode(change(msgspec.json.decode(message)))


GARBAGE: dict[Kind, Callable[[bytes], Message]] = {
    "malformed": lambda message: (Opcode.TEXT, message[:-1] + b"]"),
    "truncated": lambda message: (Opcode.TEXT, message[: len(message) * 3 // 4]),
    "binary": lambda message: (Opcode.BINARY, bytes(range(256)) + message[:8]),
    "foreign": lambda message: _json(
        lambda value: _leaves(lambda leaf: UNHEARD_OF if isinstance(leaf, str) else leaf, value), message
    ),
    "wrong_types": lambda message: _json(lambda value: _leaves(_wrong_type, value), message),
    "missing_keys": lambda message: _json(_without_numbers, message),
    "huge": lambda message: _json(lambda value: _leaves(_huge, value), message),
    "bad_utf8": lambda message: (Opcode.TEXT, message.replace(b'"', b'"\xff\xfe', 1)),
}
"""Builders by kind, from a message of a trade; "raw" has none, it is `NOT_A_FRAME` written past the framing."""
