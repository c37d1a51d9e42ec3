"""Forms in which tables come, each read as columns of text: separated values, JSON, Parquet and Arrow."""

from typing import Final

from alphastream.errors import UploadError
from alphastream.uploads.containers import Part
from alphastream.uploads.forms.arrow import ArrowTable, is_arrow
from alphastream.uploads.forms.json_lines import JsonLines, is_document, is_flat
from alphastream.uploads.forms.json_messages import JsonMessages, is_stamped
from alphastream.uploads.forms.separated import SeparatedValues
from alphastream.uploads.forms.table import Batch, Table, Unit
from alphastream.uploads.forms.text import head_of, not_utf8

__all__ = ["Batch", "Table", "Unit", "open_table"]

_WEB_PAGE: Final = ("<!", "<html", "<HTML", "<?xml", "<head")


def open_table(part: Part) -> Table:
    """The table in a file, judged by its beginning alone, so that a large file is looked at as quickly as a small one.

    Raises
    ------
    UploadError
        The file is empty, holds only a header, is a web page or no text at all.
    """
    with part.open() as stream:
        beginning = stream.read(16)
    if is_arrow(part.file, beginning):
        return ArrowTable(part)
    head = head_of(part)
    first = head.lines[0][1].lstrip()
    if first.startswith(_WEB_PAGE):
        raise UploadError(
            "this is a web page, not a table: open the link in a browser and save the file itself", file=part.file
        )
    if first.startswith(("{", "[")):
        for number, byte in head.broken.items():
            raise not_utf8(part.file, number, byte)
        if is_document(head):
            return JsonMessages(part, head, whole=True)
        return JsonLines(part, head) if is_flat(head) else JsonMessages(part, head, whole=False)
    if is_stamped(first):
        return JsonMessages(part, head, whole=False)
    return SeparatedValues(part, head)
