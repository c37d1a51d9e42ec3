"""Files that people upload: the widget, the columns to check and correct, and errors in place."""

from collections.abc import Callable
from typing import Any, BinaryIO, Final, TypeVar, cast

import streamlit as st

from alphastream.errors import AlphaStreamError
from alphastream.graph import interval_name
from alphastream.uploads import Layout, Upload, check_size, combine, inspect, read
from alphastream.uploads.columns import ROLES
from views.shared import recordings
from views.shared.escaping import in_markdown
from views.shared.progress import reading
from views.shared.system import get_settings

Value = TypeVar("Value")

KINDS: Final = ["csv", "txt", "tsv", "dat", "zip", "gz", "bz2", "xz", "zst", "json", "ndjson", "jsonl"]
MB: Final = 2**20
CERTAINTY: Final = {"named": "by its name", "likely": "likely", "guessed": "guessed: please check"}
LAST: Final = "Last upload"
MAX_NAMED: Final = 8


def choose_upload(what: str, own_tape: bool = True) -> Upload | None:
    """Ask where the rows come from; None, and a sentence on the page, while there are none.

    Parameters
    ----------
    what : the sentence above the file field.
    own_tape : whether the tape of this app is offered, too.
    """
    held = st.session_state.get("last_upload")
    recorded = recordings.SOURCES if own_tape else (recordings.BUNDLED,)
    sources = ["Upload", *recorded, *([LAST] if held is not None else [])]
    source = st.segmented_control("Source", sources, default="Upload", required=True, key="source", bind="query-params")
    if source == "Upload":
        upload = _uploaded(what)
        if upload is not None:
            st.session_state["last_upload"] = upload
    else:
        upload = cast(Upload, held) if source == LAST else recordings.load(str(source))
    if upload is not None:
        _notes(upload)
    return upload


def _uploaded(what: str) -> Upload | None:
    """Everything that was uploaded as one, or None while something is missing or wrong."""
    limit_mb = get_settings().max_upload_mb
    files = st.file_uploader(
        what,
        KINDS,
        accept_multiple_files=True,
        max_upload_size=limit_mb,
        key="files",
        help="What Binance, Kraken, Coinbase, CryptoDataDownload, TradingView and Yahoo provide is read as it is. "
        "Times without a zone are taken as UTC.",
    )
    if not files:
        st.caption(
            "No file yet. A file needs a time and a price (or open, high, low, close); "
            "for example `timestamp,symbol,price,size`."
        )
        return None
    results = [_read_file(file, limit_mb * MB) for file in files]
    uploads = [upload for upload in results if upload is not None]
    if len(uploads) < len(results):
        return None
    try:
        return session_cached("combined", uploads, lambda: combine(*uploads))
    except AlphaStreamError as error:
        st.error(in_markdown(error), icon=":material/error:", title="These files do not belong together")
        return None


def _read_file(file: Any, max_bytes: int) -> Upload | None:
    """One file, with its columns to check and correct; an error names file, line and column."""
    try:
        check_size(file.name, file.size, max_bytes)
        layout = inspect(file.name, file, max_bytes)
        mapping, symbol = _columns(layout, file.file_id)
        key = f"upload-{file.file_id}"

        def work(stream: BinaryIO) -> Upload:
            return read(file.name, stream, mapping, symbol, max_bytes)

        return session_cached(key, [mapping, symbol], lambda: reading(file.name, file, file.size, key, work))
    except AlphaStreamError as error:
        title = f"{in_markdown(file.name)} cannot be read"
        st.error(in_markdown(error), icon=":material/error:", title=title)
        return None


def _columns(layout: Layout, file_id: str) -> tuple[dict[str, str | None], str | None]:
    """Show what the file looks like; return the corrections a person made and the symbol's name."""
    symbol: str | None = None
    if layout.shape == "single":
        typed = st.text_input(
            f"Symbol in {in_markdown(layout.file)}",
            layout.symbol or "",
            key=f"symbol-{file_id}",
            placeholder="for example BTCUSDT",
        )
        symbol = typed.strip().upper() or None
    opened = layout.problem is not None
    with st.expander(
        f"{in_markdown(layout.file)}: {layout.kind}, {layout.shape}", expanded=opened, icon=":material/table:"
    ):
        st.dataframe(layout.preview, height=180, hide_index=True, alt=f"First rows of {layout.file}")
        for note in layout.notes:
            st.caption(in_markdown(note))
        st.caption("Column roles. Correct any that were detected wrongly.")
        row = st.container(horizontal=True)
        none = "–"
        corrections: dict[str, str | None] = {}
        for role in ROLES:
            match = layout.roles.get(role)
            if match is None and layout.shape == "wide" and role != "time":
                continue
            proposed = match.column if match else none
            options = [none, *layout.columns]
            chosen = row.selectbox(
                role.replace("_", " "),
                options,
                index=options.index(proposed),
                key=f"role-{file_id}-{role}",
                width=150,
                help=CERTAINTY[match.certainty] if match else "not found",
            )
            if chosen != proposed:
                corrections[role] = None if chosen == none else chosen
    return corrections, symbol


def _notes(upload: Upload) -> None:
    """What reading the files has changed or decided."""
    rows = {symbol: len(frame) for symbol, frame in upload.frames.items()}
    unit = upload.kind if upload.interval_ns is None else f"bars of {interval_name(upload.interval_ns)}"
    each = ", ".join(f"{symbol} {count:,}" for symbol, count in rows.items())
    named = in_markdown(each) if len(rows) <= MAX_NAMED else f"{len(rows)} symbols"
    st.caption(f"{sum(rows.values()):,} {unit}: {named}")
    if upload.notes:
        with st.expander(f"How the rows were read ({len(upload.notes)})", icon=":material/info:"):
            for note in upload.notes:
                st.markdown(f"- {in_markdown(note)}")


def session_cached(name: str, inputs: list[Any], make: Callable[[], Value]) -> Value:
    """What ``make`` gave in an earlier run of this session for the same inputs, else what it gives now.

    Uploads are the same when they are the same object; requests and corrections when they are equal.
    """
    before, value = st.session_state.get(name, ([], None))
    same = (
        value is not None
        and len(before) == len(inputs)
        and all(a is b or (not isinstance(a, Upload) and a == b) for a, b in zip(before, inputs, strict=True))
    )
    if not same:
        value = make()
        st.session_state[name] = (inputs, value)
    return cast(Value, value)
