"""Control frames of a WebSocket connection: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS."""

import msgspec

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")


def answer(frame: bytes, streams: tuple[str, ...], limit: int) -> tuple[bytes, tuple[str, ...]]:
    """Answer a control frame.

    A frame that cannot be read is refused in the flat form ``{"code", "msg", "id"}``, a readable one that asks for
    too much in the nested form ``{"error": {"code", "msg"}, "id"}``: the venue uses both.

    Parameters
    ----------
    streams : what the connection is subscribed to.
    limit : the most streams a connection may have.

    Returns
    -------
    The reply, and the subscriptions after it. Names of streams are not checked: an unknown symbol is acknowledged.
    """
    try:
        request = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _flat(3, f"Invalid JSON: {error}", None), streams
    if not isinstance(request, dict):
        return _flat(2, "Invalid request: expected a JSON object", None), streams
    number, method, params = request.get("id"), request.get("method"), request.get("params", [])
    if type(number) is not int or number < 0:
        return _flat(2, "Invalid request: request ID must be an unsigned integer", None), streams
    if method not in METHODS:
        return _flat(2, f"Invalid request: unknown variant `{method}`, expected one of {METHODS}", number), streams
    if method == "LIST_SUBSCRIPTIONS":
        return _encode({"result": list(streams), "id": number}), streams
    if not isinstance(params, list) or not params or not all(isinstance(name, str) for name in params):
        return _nested(1, "Invalid value type: params must be a list of stream names", number), streams
    if method == "SUBSCRIBE":
        after = tuple(dict.fromkeys((*streams, *params)))
    else:
        after = tuple(name for name in streams if name not in params)
    if len(after) > limit:
        return _nested(2, f"Invalid request: {len(after)} streams, the limit is {limit}", number), streams
    return _encode({"result": None, "id": number}), after


def _flat(code: int, message: str, number: int | None) -> bytes:
    return _encode({"code": code, "msg": message, "id": number})


def _nested(code: int, message: str, number: int) -> bytes:
    return _encode({"error": {"code": code, "msg": message}, "id": number})


def _encode(reply: dict[str, object]) -> bytes:
    return msgspec.json.encode(reply)
