"""What was found in a file: its roles, and its first rows as they stand there and as they will be used."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import pandas as pd
import streamlit as st

from alphastream.uploads import Layout, Upload
from alphastream.uploads.columns import Proposal, override
from views.shared.clock_controls import moment_column
from views.shared.escaping import in_markdown
from views.shared.exports import with_their_digits
from views.shared.kept_files import KeptFile
from views.shared.series import price_decimals
from views.shared.upload_roles import CERTAINTY, LABELS, date_order, role_selects

UNKNOWN: Final = "–"
SHAPES: Final = {"long": "a column of symbols", "wide": "a column a symbol", "single": "one symbol"}
SHOWN_ROWS: Final = 20
SHOWN_SYMBOLS: Final = 5
SHOWN_NOTES: Final = 8
TABLE_PX: Final = 250
SHORT_ROWS: Final = 6  # fewer fill no table of that height


def show_columns(file: KeptFile, *, change: Callable[..., None], remove: Callable[[], None]) -> None:
    """A box with what is known of a file; open where a person has to look at it.

    Parameters
    ----------
    change : puts new fields of the file in place, called before the page runs again.
    remove : takes the file away.
    """
    layout = None if isinstance(file.layout, str) else file.layout
    proposal = None if layout is None else chosen(layout, file.mapping)
    key = f"file-{file.id}"
    st.session_state.setdefault(key, file.upload is None)
    # Neither what it says nor whether it begins open may follow the file: the box would be another one, and closed.
    box = st.expander(in_markdown(file.name), icon=":material/table:", key=key, on_change="rerun")
    if not box.open:  # hundreds of files have thousands of selects
        return
    with box:
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        several = file.upload is not None and len(file.upload.symbols) > 1
        if layout is not None and proposal is not None and proposal.shape == "single" and not several:
            _symbol(row, file, layout, change)
        if file.mapping or file.symbol is not None or file.order is not None:
            row.button(
                "Undo corrections",
                icon=":material/undo:",
                key=f"undo-{file.id}",
                on_click=change,
                kwargs={"mapping": {}, "symbol": None, "order": None, "result": None},
            )
        row.button("Remove file", icon=":material/delete:", key=f"remove-{file.id}", on_click=remove)
        if layout is None or proposal is None:
            return
        notes = st.container(gap="xsmall")
        if file.upload is not None:
            rows = sum(map(len, file.upload.frames.values()))
            each = f"{len(file.upload.symbols):,} symbols, each in files of its own"
            shape = each if several and proposal.shape == "single" else SHAPES[proposal.shape]
            notes.caption(f"{rows:,} {file.upload.kind}, {shape}")
        said = list(dict.fromkeys((*proposal.notes, *(() if file.upload is None else file.upload.notes))))
        for note in said[:SHOWN_NOTES]:
            notes.caption(in_markdown(note))
        if len(said) > SHOWN_NOTES:
            notes.caption(f"and {len(said) - SHOWN_NOTES:,} more, in the list of how the rows were read")
        st.caption(roles_sentence(layout, proposal))
        date_order(file, layout, proposal, change)
        _rows(file, layout)
        role_selects(file, layout, proposal, change)


def chosen(layout: Layout, mapping: Mapping[str, str | None]) -> Proposal:
    """What was found, with a person's corrections on top."""
    return override(layout.proposal, mapping, layout.columns) if mapping else layout.proposal


def roles_sentence(layout: Layout, proposal: Proposal) -> str:
    """Which column plays which role and how sure that is, in Markdown."""
    if not proposal.roles and not proposal.series:
        return "No column plays a role yet. Choose them below."
    parts = []
    for role, match in proposal.roles.items():
        found = layout.roles.get(role)
        sure = "chosen" if found is None or found.column != match.column else CERTAINTY[match.certainty]
        parts.append(f"**{LABELS[role]}**: {in_markdown(match.column)} ({sure})")
    if proposal.series:
        named = ", ".join(map(in_markdown, list(proposal.series)[:SHOWN_SYMBOLS]))
        more = len(proposal.series) - SHOWN_SYMBOLS
        parts.append(f"**symbols** by column: {named}" + (f" and {more:,} more" if more > 0 else ""))
    return " · ".join(parts)


def as_used(upload: Upload) -> pd.DataFrame:
    """The first rows of the first symbols as everything computes with them, times in UTC, prices with their digits."""
    each = max(2, SHOWN_ROWS // min(len(upload.frames), SHOWN_SYMBOLS))
    parts = []
    for symbol, frame in list(upload.frames.items())[:SHOWN_SYMBOLS]:
        head = frame.head(each).copy()
        names = [name for name in ("price", "open", "high", "low", "close") if name in head]
        for name, prices in zip(names, with_their_digits(*(frame[name].to_numpy() for name in names)), strict=True):
            head[name] = prices[: len(head)]
        when = pd.to_datetime(head["time_ns"], utc=True)
        parts.append(pd.DataFrame({"time": when, "symbol": symbol}).join(head.drop(columns="time_ns")))
    return pd.concat(parts, ignore_index=True)


def _height(table: pd.DataFrame) -> int | Literal["content"]:
    return TABLE_PX if len(table) > SHORT_ROWS else "content"


def _symbol(row: Any, file: KeptFile, layout: Layout, change: Callable[..., None]) -> None:
    key = f"symbol-{file.id}"
    read = file.upload.symbols if file.upload is not None else ()
    shown = read[0] if len(read) == 1 else file.symbol or layout.symbol
    st.session_state[key] = shown or ""

    def name_it() -> None:
        change(symbol=str(st.session_state[key]).strip().upper() or None, result=None)

    row.text_input(
        f"Symbol in {in_markdown(layout.file)}",
        key=key,
        on_change=name_it,
        placeholder="for example BTCUSDT",
        width=260,
    )


def _rows(file: KeptFile, layout: Layout) -> None:
    """The first rows, as they will be used and as they stand in the file."""
    upload = file.upload
    places = ["In the file"] if upload is None else ["As used", "In the file"]
    used, *rest = st.container().tabs(places, key=f"rows-{file.id}-{len(places)}")
    raw = rest[0] if rest else used
    raw.dataframe(layout.preview, height=_height(layout.preview), hide_index=True, alt=f"First rows of {layout.file}")
    if upload is None:
        return
    rows = as_used(upload)
    moment = moment_column("time", "YYYY-MM-DD HH:mm:ss.SSS")
    numbers = {
        str(name): st.column_config.NumberColumn(format=f"%.{price_decimals('', column.to_numpy(), {})}f")
        for name, column in rows.select_dtypes("float").items()
    }
    used.dataframe(
        rows,
        height=_height(rows),
        hide_index=True,
        placeholder=UNKNOWN,
        column_config={"time": moment, **numbers},
        alt=f"First rows of {layout.file} as they are used",
    )
    if len(upload.frames) > SHOWN_SYMBOLS:
        used.caption(f"The first {SHOWN_SYMBOLS} of {len(upload.frames):,} symbols.")
