"""Files that people upload: the field for them, what was kept of them, and errors in place.

A file leaves the field as soon as it is here and stands in a list of its own, so that it stays where Streamlit forgets
the field: on other pages, and when the browser loads the page again (``kept_files``, ``visitor``).
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar, cast

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile

from alphastream.errors import AlphaStreamError, UploadError
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.uploads import Upload, check_size, combine, inspect, read, require_pair
from alphastream.uploads.series import spacings
from views.shared import recordings
from views.shared.elements import offer_file
from views.shared.escaping import in_markdown
from views.shared.instruments import labels
from views.shared.kept_files import KeptFile
from views.shared.progress import Progress, computing, reading
from views.shared.recordings import LAST, UPLOADED
from views.shared.sessions import session_id
from views.shared.system import get_file_budget, get_settings, get_shelf
from views.shared.upload_columns import show_columns
from views.shared.visitor import visitor

Value = TypeVar("Value")

KINDS: Final = [
    "csv",
    "txt",
    "tsv",
    "dat",
    "zip",
    "gz",
    "bz2",
    "xz",
    "zst",
    "json",
    "ndjson",
    "jsonl",
    "parquet",
    "pq",
    "feather",
    "arrow",
]
MB: Final = 2**20
MAX_NAMED: Final = 8
FILES, FIELD = "kept_files", "files_field"  # in the session: the files, and how often the field was emptied
CACHED = "cached_names"  # in the session: where session_cached keeps what it has made
FLEETING = "fleeting_files"  # in the session: those that a reload would not find


def choose_upload(what: str, own_tape: bool = True, first: str = recordings.ETFS) -> Upload | None:
    """Ask where the rows come from; None, and a sentence on the page, while there are none.

    Parameters
    ----------
    what : the sentence above the file field.
    own_tape : whether the tape of this app is offered, too.
    first : what is shown to somebody who has brought no file yet.
    """
    held = st.session_state.get("last_upload")
    recorded = recordings.SOURCES if own_tape else (*recordings.BUNDLES, recordings.HISTORY)
    sources = [UPLOADED, *recorded, *([LAST] if held is not None else [])]
    source = st.segmented_control(
        "Source", sources, default=UPLOADED if kept() else first, required=True, key="source", bind="query-params"
    )
    if source == UPLOADED:
        upload = _uploaded(what)
        if upload is not None:
            _set("last_upload", upload)
    else:
        upload = cast(Upload, held) if source == LAST else recordings.load(str(source))
    if upload is not None:
        _notes(upload)
    return upload


def _uploaded(what: str) -> Upload | None:
    """Everything that was uploaded as one, or None while something is missing or wrong."""
    field = f"files-{st.session_state.setdefault(FIELD, 0)}"
    st.file_uploader(
        what,
        KINDS,
        accept_multiple_files=True,
        max_upload_size=get_settings().max_upload_mb,
        key=field,
        on_change=_take,
        args=(field,),
        help="Tables of trades or bars as exchanges, brokers, vendors and charting tools write them: CSV and other "
        "text, JSON, also packed. Times without a zone are taken as UTC. Files stay on the other pages, and "
        "with this browser for two hours after its last visit while there is room. Status code 413: the file is "
        "larger than what this server can take now; remove files, or bring fewer days.",
    )
    if not kept():
        st.caption(
            "No file yet. A file needs a time and a price (or open, high, low, close); "
            "for example `timestamp,symbol,price,size`."
        )
        offer_file(
            "An example to try: two funds, daily closes", recordings.example_file, "two-funds.csv", key="example"
        )
        return None
    for file in kept():
        _show(file)
    files = kept()
    _say_fleeting()
    if len(files) > 1:
        st.button("Remove all files", icon=":material/delete_sweep:", key="remove_files", on_click=_remove_all)
    uploads = [file.upload for file in files if file.upload is not None]
    if len(uploads) < len(files):
        return None
    try:
        return session_cached("combined", uploads, lambda: combine(*uploads))
    except AlphaStreamError as error:
        words = without_name(str(error), "upload")
        st.error(in_markdown(words), icon=":material/error:", title="These files do not belong together")
        return None


# ---- what is kept ------------------------------------------------------------------------------------------------


def kept() -> tuple[KeptFile, ...]:
    """The files of this session; in a new one those that the same browser has brought before."""
    if FILES not in st.session_state:
        who = visitor()
        st.session_state[FILES] = get_shelf().get(who) if who is not None else ()
    return cast(tuple[KeptFile, ...], st.session_state[FILES])


def _keep(files: Sequence[KeptFile]) -> None:
    """Let these be the files from now on, also for the browser's next session where there is room."""
    who, owner = visitor(), _owner()
    for file in files:
        get_file_budget().keep(owner, file)
    _set(FILES, tuple(files))
    if who is not None:
        st.session_state[FLEETING] = [file.name for file in get_shelf().put(who, tuple(files))]


def _say_fleeting() -> None:
    """Which files a reload would not find."""
    names = st.session_state.get(FLEETING, [])
    if names:
        named = ", ".join(map(in_markdown, names[:MAX_NAMED])) + (" and others" if len(names) > MAX_NAMED else "")
        st.info(
            f"{named}: too large to be kept beside what is kept already. Here until this page is loaded again or "
            "closed; then it has to be uploaded again.",
            icon=":material/hourglass_bottom:",
        )


def _take(field: str) -> None:
    """Take what was put into the field, and empty it. A message of the browser may name files that were just taken."""
    found = [file for file in st.session_state[field] if not isinstance(file, DeletedFile)]
    brought = [_counted(KeptFile(file.file_id, file.name, file.getvalue())) for file in found]
    if brought:
        st.session_state[FIELD] += 1
        _keep((*kept(), *brought))
        _release(brought)


def _owner() -> str:
    """Whose files these are; of a browser without a cookie the session's."""
    return visitor() or session_id()


def _counted(file: KeptFile) -> KeptFile:
    """The file where there is room for it, and for what was read of it; else without that, and why."""
    try:
        get_file_budget().count(_owner(), file)
    except UploadError as error:
        if file.result is None:
            return replace(file, data=b"", layout=str(error))
        return replace(file, result=str(error))
    return file


def _release(files: Sequence[KeptFile]) -> None:
    """Let Streamlit forget files that are kept here: else what is removed here stays in memory until the session ends.

    Source: Streamlit's own chat field does so with what was sent.
    """
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file.id)


def _change(file_id: str, **changes: Any) -> None:
    """Put a changed file in the place of the one with its id.

    By its id: Streamlit holds what a widget calls, and with it a file, when the widget is long gone.
    """
    _keep([replace(each, **changes) if each.id == file_id else each for each in kept()])


def _with(file: KeptFile) -> list[KeptFile]:
    return [file if each.id == file.id else each for each in kept()]


def _remove(file_id: str) -> None:
    _keep([each for each in kept() if each.id != file_id])
    _forget()


def _remove_all() -> None:
    _keep(())
    _forget()


def _forget() -> None:
    """Let go the rows of before, and what was computed of them: they hold those of a file that was removed."""
    st.session_state.pop("last_upload", None)
    for name in st.session_state.pop(CACHED, ()):
        st.session_state.pop(name, None)


# ---- one file ----------------------------------------------------------------------------------------------------


def _show(file: KeptFile) -> None:
    """Read a file where that was not done yet, and show what was found or why nothing was."""
    place = st.container()  # also without an error: what is open below stays open when one comes or goes
    with place:
        found = _read(_inspected(file))
    if found is not file:
        _keep(_with(found))  # at once: a click while the next is read ends this run
    if isinstance(found.result, str):
        title = f"{in_markdown(found.name)} cannot be read"
        place.error(in_markdown(without_name(found.result, found.name)), icon=":material/error:", title=title)
    show_columns(found, change=partial(_change, found.id), remove=partial(_remove, found.id))


def without_name(words: str, name: str) -> str:
    """What an error says of a file below a title that names it.

    >>> without_name("a.csv, line 3: 'x' is no price", "a.csv"), without_name("a.csv: no rows", "a.csv")
    ("Line 3: 'x' is no price", 'No rows')
    >>> without_name("a.zip/b.csv: no rows", "a.zip"), without_name("b.csv: no rows", "a.csv")
    ('b.csv: no rows', 'b.csv: no rows')
    """
    rest = words.removeprefix(name)
    if rest != words and rest.startswith("/"):
        return rest[1:]
    if rest == words or not rest.startswith((", ", ": ")):
        return words
    return f"{rest[2:3].upper()}{rest[3:]}"


def _inspected(file: KeptFile) -> KeptFile:
    if file.layout is not None:
        return file
    limit = get_settings().max_upload_mb * MB
    try:
        check_size(file.name, len(file.data), limit)
        return replace(file, layout=inspect(file.name, file.data, limit))
    except AlphaStreamError as error:
        return replace(file, layout=str(error), data=b"")  # no correction can make anything of it


def _read(file: KeptFile) -> KeptFile:
    if file.result is not None:
        return file
    if isinstance(file.layout, str):
        return replace(file, result=file.layout)
    limit = get_settings().max_upload_mb * MB

    def work(stream: BinaryIO) -> Upload:
        return read(file.name, stream, file.mapping, file.symbol, limit, file.order)

    try:
        result: Upload | str | None = reading(file.name, io.BytesIO(file.data), len(file.data), file.id, work)
    except AlphaStreamError as error:
        result = str(error)
    found = replace(file, result=result)
    return _counted(found) if found.upload is not None else found


def is_paired(upload: Upload) -> bool:
    """Whether a pair can be made of an upload; a sentence on the page where it cannot."""
    try:
        require_pair(upload)
    except UploadError as error:
        words = in_words(error, upload.venue)
        if len(upload.symbols) < 2:  # the first of two files is no mistake
            st.info(in_markdown(words), icon=":material/call_split:", title="A pair needs two symbols")
        else:
            st.error(in_markdown(words), icon=":material/call_split:", title="The symbols have no time in common")
        return False
    return True


def _notes(upload: Upload) -> None:
    """What reading the files has changed or decided."""
    lengths = session_cached("spacings", [upload], lambda: spacings(upload)) if upload.kind == "bars" else {}
    rows = {symbol: len(frame) for symbol, frame in upload.frames.items()}
    unit = f"bars of {interval_name(next(iter(lengths)))}" if len(lengths) == 1 else upload.kind
    names = labels(rows, upload.venue)
    each = ", ".join(f"{names[symbol]} {count:,}" for symbol, count in rows.items())
    named = in_markdown(each) if len(rows) <= MAX_NAMED else f"{len(rows):,} symbols"
    st.caption(f"{sum(rows.values()):,} {unit}: {named}")
    if len(lengths) > 1:
        _lengths({length_ns: [names[symbol] for symbol in those] for length_ns, those in lengths.items()})
    if upload.notes:
        with st.expander(f"How the rows were read ({len(upload.notes)})", icon=":material/info:"):
            for note in upload.notes:
                st.markdown(f"- {in_markdown(note)}")


def _lengths(lengths: Mapping[int, Sequence[str]]) -> None:
    """Say whose bars are how long, and what becomes of them."""
    names = {interval_name(length_ns): symbols for length_ns, symbols in lengths.items()}
    each = "; ".join(
        f"{length}: {', '.join(symbols[:MAX_NAMED])}"
        + (f" and {len(symbols) - MAX_NAMED:,} more" if len(symbols) > MAX_NAMED else "")
        for length, symbols in names.items()
    )
    longest = list(names)[-1]
    st.warning(
        f"{in_markdown(each)}. Results use bars of {longest} or longer: shorter bars are put together within the "
        f"longer ones. For shorter bars leave out those of {longest}.",
        icon=":material/straighten:",
        title="Bars of different lengths",
    )


def _set(name: str, value: Any) -> None:
    """Put a value into the session; the one of before is let go at once, which Streamlit would hold for another run."""
    st.session_state.pop(name, None)
    st.session_state[name] = value


def session_cached(name: str, inputs: list[Any], make: Callable[[], Value]) -> Value:
    """What ``make`` gave in an earlier run of this session for the same inputs, else what it gives now.

    Uploads are the same when they are the same object; requests and corrections when they are equal.
    """
    before, value = st.session_state.get(name, ([], None))
    if value is None or not _are_same(before, inputs):
        value = make()
        _set(name, (inputs, value))
        st.session_state.setdefault(CACHED, set()).add(name)
    return cast(Value, value)


def session_computed(
    name: str, inputs: list[Any], work: Callable[[Progress], Value], words: str, unit: str = "rows"
) -> Value | None:
    """``session_cached`` for what takes its time: a bar, the time left and a way out.

    Parameters
    ----------
    work : as of ``computing``.

    Returns
    -------
    None, and a button that begins again, after a person cancelled it.
    """
    flag = f"cancelled-{name}"
    with st.container():  # also where nothing is computed: see ``computing``
        if _are_same(st.session_state.get(flag, [None]), inputs):
            st.info(f"{words} was not finished.", icon=":material/close:", title="Cancelled")
            st.button("Compute it", key=f"again-{name}", on_click=st.session_state.pop, args=(flag,))
            return None
        return session_cached(
            name, inputs, lambda: computing(words, unit, work, key=name, on_cancel=_set, args=(flag, inputs))
        )


def _are_same(before: Sequence[Any], inputs: Sequence[Any]) -> bool:
    """Whether these inputs are those of before."""
    return len(before) == len(inputs) and all(
        a is b or (not isinstance(a, Upload) and a == b) for a, b in zip(before, inputs, strict=True)
    )
