"""How the bytes of a text that is no UTF-8 are meant: by the words of headers they spell, else as Windows-1252.

Any byte is a letter in some encoding, so that decoding proves nothing. Certain is an encoding in which the file names
columns as files do ("日付", "Schlußkurs"). Where no such word stands, Windows-1252 is taken if all it spells looks
like words of western Europe: a letter or two with a mark among plain ones, a degree or a currency sign.
"""

import re
from typing import Final

from alphastream.uploads.time_names import TIME_NAMES
from alphastream.uploads.words import field_of, fold

WESTERN: Final = "cp1252"
NAMES: Final = {
    WESTERN: "Windows-1252 (western Europe)",
    "cp1250": "Windows-1250 (central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp874": "Windows-874 (Thai)",
    "cp850": "DOS 850 (western Europe)",
    "mac_roman": "Mac Roman",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "cp950": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}
_CANDIDATES: Final = tuple(name for name in NAMES if not name.startswith("utf"))
_HEADER_LINES: Final = 30  # titles may stand before a header
_SEPARATORS: Final = re.compile(r'[,;\t|":\[\]{}\r\n]+')
_LEAST_LETTERS: Final = 4  # of a known word; shorter ones any bytes may spell, without the signs among them
_LEAST_IDEOGRAPHS: Final = 2
_IDEOGRAPHS: Final = "\u2e80"  # and kana, hangul
_WORD: Final = re.compile(r"\S*[^\x00-\x7f]\S*")
_MARKED: Final = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüœŒ"
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_MARKED_RUN: Final = 2  # "créée"; more marked letters in a row are those of another alphabet
_MARKED_CAPITAL: Final = re.compile("[a-zß-ÿœ][À-ÞŒ]")  # half of a letter of UTF-8 looks like this
_SIGNS: Final = "\u00a0°€£¥§²³·½¼®©±×«»–—\u2018\u2019“”„…"
_SIGN_IN_WORD: Final = re.compile(r"[^\W\d_][°²³·½¼®©±×][^\W\d_]")  # it is a letter of another encoding


def encoding_of(head: bytes) -> str | None:
    """The encoding of a text that is no UTF-8; None where nothing tells it.

    Parameters
    ----------
    head : the beginning of a file; its last line may be cut.

    Examples
    --------
    >>> encoding_of("日付,始値,高値,安値,終値\\n2024/08/08,1,2,1,2\\n".encode("cp932"))
    'cp932'
    >>> encoding_of("Datum;Währung;Stück\\n08.08.2024;EUR;5\\n".encode("cp1252"))
    'cp1252'
    >>> encoding_of("name,close\\n東京,1\\n".encode("cp932")) is None
    True
    """
    whole = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    letters = {}
    for encoding in _CANDIDATES:
        try:
            letters[encoding] = _known_letters(whole.decode(encoding))
        except UnicodeDecodeError:
            continue
    most = max(letters.values(), default=0)
    best = [encoding for encoding, count in letters.items() if count == most]
    if most and (len(best) == 1 or WESTERN in best):
        return WESTERN if WESTERN in best else best[0]
    if not whole.decode("utf-8", "ignore").isascii():
        return None  # it is UTF-8, and damaged
    return WESTERN if WESTERN in letters and is_western(whole.decode(WESTERN)) else None


def is_western(text: str) -> bool:
    """Whether letters and signs outside ASCII stand as western European languages put them.

    >>> is_western("Größe, Clôture, 1\\u00a0234,50 €, °C"), is_western("Äàòà"), is_western("Najwy¿szy")
    (True, False, False)
    """
    return all(map(_is_western_word, set(_WORD.findall(text))))


def foreign_words(text: str, most: int) -> list[str]:
    """The first cells that hold letters outside ASCII."""
    cells = (cell.strip() for cell in _SEPARATORS.split(text) if not cell.isascii())
    return list(dict.fromkeys(cell for cell in cells if any(char.isalpha() for char in cell)))[:most]


def utf16_of(head: bytes) -> str | None:
    """UTF-16 without a mark at its beginning: every other byte of digits and plain letters is zero.

    >>> utf16_of("time,price".encode("utf-16-le")), utf16_of("time,price".encode("utf-16-be")), utf16_of(bytes(20))
    ('utf-16-le', 'utf-16-be', None)
    """
    zeros = head[0::2].count(0), head[1::2].count(0)
    if min(zeros) or max(zeros) * 5 < len(head):  # two fifths of all characters
        return None
    return "utf-16-le" if zeros[1] else "utf-16-be"


def _known_letters(text: str) -> int:
    """Letters in names of columns that are known, and not by their plain letters alone."""
    lines = text.splitlines()[:_HEADER_LINES]
    cells = {cell.strip() for line in lines for cell in _SEPARATORS.split(line) if not cell.isascii()}
    return sum(len(fold(cell)) for cell in cells if _is_known(cell))


def _is_known(cell: str) -> bool:
    """Whether a cell names a column, and all of it outside ASCII is letters that belong to the name."""
    foreign = [char for char in cell if char > "\x7f"]
    if not foreign or not all(map(str.isalpha, foreign)):
        return False
    least = _LEAST_IDEOGRAPHS if max(foreign) >= _IDEOGRAPHS else _LEAST_LETTERS
    return len(fold(cell)) >= least and (fold(cell) in TIME_NAMES or field_of(cell) is not None)


def _is_western_word(word: str) -> bool:
    if any(char > "\x7f" and char not in _MARKED and char not in _SIGNS for char in word) or _SIGN_IN_WORD.search(word):
        return False
    return all(map(_is_western_piece, _LETTERS.findall(word)))


def _is_western_piece(letters: str) -> bool:
    """Letters in a row: one, or marked ones among plain ones, no capital behind a small letter."""
    if _MARKED_CAPITAL.search(letters):
        return False
    marks = "".join("m" if letter in _MARKED else "." for letter in letters)
    return len(letters) == 1 or ("." in marks and "m" * (_MARKED_RUN + 1) not in marks)
