"""Which field a column's name speaks of, by the table of words (``vocabulary``).

A name is compared without case, accents, spaces and signs ("1. Open", "<OPEN>", "open_price" and "Öffnung " are found
alike). Names that are no phrase of the table are taken apart once more (``fields_of``): a currency, the word price,
"adjusted", a second language or the side of a quote may stand beside the field.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from alphastream.uploads.vocabulary import AMBIGUOUS, TABLE, Field, word_set

__all__ = ["AMBIGUOUS", "Field", "field_of", "fields_of", "fold", "is_ambiguous", "phrases", "tokens_of", "word_set"]

_LATIN: Final = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "\u0131": "i", "æ": "ae", "œ": "oe"})
_PRICE_WORDS: Final = word_set(
    """
    price prices px kurs preis prix cours precio prezzo preco koers cena pris fiyat цена value rate the in of mid trade
    """
)
_SIGNS: Final = re.compile(r"[€$£¥₹₩₽]")
_AMOUNTS: Final = word_set("amount size qty quantity")
_COINS: Final = word_set("btc xbt eth sol xrp bnb ltc doge ada")
_CURRENCIES: Final = word_set(
    "usd eur gbp gbx jpy chf cad aud nzd cny rmb krw inr rs rub pln sek nok dkk try brl mxn usdt usdc"
)


def fold(text: str) -> str:
    """A name without case, accents, spaces and signs; letters of all scripts stay.

    >>> fold("Öppn. Kurs"), fold("<CLOSE>"), fold("1. Najwyższy"), fold("收盘价")
    ('oppnkurs', 'close', '1najwyzszy', '收盘价')
    """
    return "".join(_parts(text))


def tokens_of(name: str) -> tuple[str, ...]:
    """The words of a name, folded; camelCase is two words.

    >>> tokens_of("tradeTime_UTC"), tokens_of("4. close"), tokens_of("BidOpen"), tokens_of("+/- %")
    (('trade', 'time', 'utc'), ('close',), ('bid', 'open'), ('%',))
    """
    name = re.sub(r"^\s*\d{1,2}[a-z]?[.)]\s*(?=\D)", "", name)  # 4. close, 1b. price (USD)
    name = re.sub(r"\s\(\d+\)$", "", name.strip())  # Close (2): a name that was there already
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(_parts(parted)) or (("%",) if "%" in name else ("#",) if "#" in name else ())


def field_of(name: str) -> Field | None:
    """The field a name speaks of first; None where the table does not know it.

    >>> [field_of(name) for name in ("4. close", "price_open", "Adj Close**", "Tief", "收盘", "AAPL", "Change %")]
    ['close', 'open', 'adj_close', 'low', 'close', None, 'change']
    """
    return next(iter(fields_of(name)), None)


def fields_of(name: str) -> dict[Field, int]:
    """All fields a name may speak of, and how good a name for them it is (0 is the best).

    >>> fields_of("last")["close"] > fields_of("close")["close"]
    True
    """
    if re.fullmatch(r"\s*(column \d+|Unnamed: \d+(_level_\d+)?)?\s*", name):
        return {"index": 0}
    tokens = tokens_of(name)
    for joined in _spellings(tokens):
        if joined in _FIELDS:
            return _of_money(dict(_FIELDS[joined])) if _SIGNS.search(name) else dict(_FIELDS[joined])
    return _composed(tokens, name) or _bilingual(name)


def phrases(field: Field) -> tuple[str, ...]:
    """The folded phrases of a field, the best one first."""
    return tuple(dict.fromkeys(fold(phrase) for phrase in TABLE[field].split(",")))


def _parts(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LATIN))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", plain)


def _spellings(tokens: tuple[str, ...]) -> Iterator[str]:
    """Ways to write the words as one."""
    yield "".join(tokens)
    if len(tokens) in (2, 3):
        yield "".join(reversed(tokens))
    bare = tuple(token for token in tokens if token not in _PRICE_WORDS)
    if bare and bare != tokens:
        yield "".join(bare)


def _composed(tokens: tuple[str, ...], name: str) -> dict[Field, int]:
    """Names that say more than the field: adjusted, a currency, a change."""
    words = set(tokens)
    if "%" in name or words & {"pct", "percent", "change", "chg", "return", "ratio"}:
        return {"change": 0}
    if words & {"next", "previous", "prev", "prior", "yesterday"}:
        return {"previous": 0}
    if words & {"adj", "adjusted"}:
        found = (
            fields_of(" ".join(token for token in tokens if token not in ("adj", "adjusted"))) if len(words) > 1 else {}
        )
        return {"adj_close": 1} if "close" in found else {"adjusted": 0} if found else {}
    rest = tuple(token for token in tokens if token not in _CURRENCIES)
    if rest and rest != tokens:
        found = next((_FIELDS[joined] for joined in _spellings(rest) if joined in _FIELDS), {})
        if found.keys() & {"open", "high", "low", "close", "price"}:
            return {field: rank + 50 for field, rank in found.items()}
        if "volume" in found or "money" in found:
            return {"money": 1}
    if len(tokens) == 2 and tokens[0] in _AMOUNTS and (tokens[1] in _COINS or re.search(r"\([A-Z0-9]{2,8}\)$", name)):
        return {"quantity": 50}
    return {}


def _of_money(found: dict[Field, int]) -> dict[Field, int]:
    """What a name means that has the sign of a currency: an amount is one of money."""
    amount = found.keys() & {"volume", "quantity"} and not found.keys() & {"close", "price"}
    return {"money": 1} if amount else found


def _bilingual(name: str) -> dict[Field, int]:
    """The fields that both halves of a name speak of, as in "price/价格"; a second one in other letters may be unknown.

    >>> list(_bilingual("size/数量")), list(_bilingual("side/交易方向")), _bilingual("bid/ask")
    (['quantity'], ['side'], {})
    """
    halves = name.split("/")
    if len(halves) != 2:
        return {}
    one, other = map(fields_of, halves)
    if one and not other and halves[0].isascii() and not halves[1].isascii():
        return one
    return {field: rank for field, rank in one.items() if field in other}


def is_ambiguous(name: str) -> bool:
    """Whether a name, its currency and other language apart, means something else in other files.

    >>> is_ambiguous("Price (USDT)"), is_ambiguous("price/价格"), is_ambiguous("close")
    (True, True, False)
    """
    halves = name.split("/") if _bilingual(name) else [name]
    words = ("".join(word for word in tokens_of(half) if word not in _CURRENCIES) for half in halves)
    return any(word in AMBIGUOUS for word in words)


def _fields() -> dict[str, dict[Field, int]]:
    found: dict[str, dict[Field, int]] = {}
    for field in TABLE:
        for rank, phrase in enumerate(phrases(field)):
            if phrase:
                found.setdefault(phrase, {}).setdefault(field, rank)
    return found


_FIELDS: Final = _fields()
