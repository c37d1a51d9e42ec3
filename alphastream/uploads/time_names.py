"""What the name of a time column says: when something began, an instant, a day, when it ended, when it was received."""

import re
from typing import Final, Literal

from alphastream.uploads.words import fold, tokens_of

Part = Literal["date", "year", "month", "day", "hour", "minute", "second"]  # of a time, in a column of its own


def _listed(text: str) -> list[str]:
    return text.split()


def _words(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in _listed(text))


# Folded names of times as they stand in headers; a line that has one of them is a header.
TIME_NAMES: Final = tuple(
    fold(name)
    for name in _listed("""
    bar_start_utc bar_start
    open_time transact_time trade_time unix unix_timestamp unix_time epoch epoch_time start_ns time_ns
    timestamp_ns timestamp_us timestamp_ms time_ms timestamp timestamp_utc timestamps ts ts_ms ts_ns datetime
    datetime_utc time time_utc utc_time gmt_time date date_utc event_time time_period_start time_start
    start_time start snapped_at local_time bar_time trade_date quote_date created_time created_at window_start
    sip_timestamp participant_timestamp ts_event ts_recv starts_at started_at time_open date_time
    transaction_time dates trading_day trading_date close_time end_time datum uhrzeit zeit zeitpunkt zeitstempel
    handelstag date_et_heure jour heure horodatage fecha hora fecha_hora data ora data_ora hora_data tijd
    datum_tijd czas dzien tid tidpunkt paivamaara aika tarih saat zaman дата время čas den dátum idő tanggal
    waktu ngày thời_gian giờ 日期 时间 時間 交易日期 交易日 成交日期 成交时间 成交時間 日付 日時 時刻 年月日
    날짜 일자 시간 일시 체결시간 תאריך วันที่ التاريخ month t
    """)
)

ZONE_NAMES: Final = tuple(
    fold(name)
    for name in _listed("""
    timezone time_zone exchange_timezone_name exchange_timezone timezone_name tz tzname tz_name tzinfo zone zeitzone
    fuseau_horaire zona_horaria fuso_orario 时区 時區 タイムゾーン utc_offset gmt_offset tz_offset timezone_offset
    """)
)

_TIME: Final = _words(
    """
    time date timestamp timestamps ts datetime day dates unix epoch utc gmt t tstamp dt when snapped at month
    times datum uhrzeit zeit zeitpunkt zeitstempel handelstag datumzeit jour heure horodatage fecha hora data
    ora tijd czas dzien tid tidpunkt dag paivamaara aika tarih saat zaman дата время cas den datum ido tanggal
    waktu ngay gio 日期 时间 時間 交易日期 交易日 成交日期 成交时间 成交時間 日付 日時 時刻 年月日 날짜 일자
    시간 일시 체결시간 체결일시 תאריך วันที่ التاريخ tanggalwaktu thoigian
    """
)
_START: Final = _words(
    "open opened start starts started begin begins from transact transaction trade traded exec "
    "executed execution participant exchange match matched created deal 成交时间 成交時間"
)
_BAR: Final = _words("period window bar candle interval kline bucket")
_END: Final = _words("close closed closing end ends ended to till until finish finished")
_RECEIVED: Final = _words(
    "recv received receive rcv local arrival arrived insert inserted update updated modified sip trf download "
    "downloaded load loaded ingest ingested capture captured system server write written scraped fetched collected "
    "processed published publish"
)
_NO_TIME: Final = _words(
    "high low expiry expiration expire maturity delivery listing zone tz offset frame interval duration next previous "
    "prev settlement dividend exdiv rank count weekday week delta diff in since last"
)
_EVENT: Final = _words("event e")
_SHORT: Final = 4  # letters of names of zones that count alone only


def time_rank(name: str) -> tuple[int, int] | None:
    """How well a name speaks of the time a row belongs to, smaller is better; None for names of no time.

    The first number: 0 the beginning of a bar or the instant of a trade, 1 a time, 2 an event's time, 3 the end of a
    bar, 4 the time somebody received or stored it.

    >>> [time_rank(name) for name in ("open_time", "close_time", "ts_recv", "price")]
    [(0, 2), (3, 999), (4, 46), None]
    """
    tokens = tokens_of(name)
    words = set(tokens)
    folded = "".join(tokens)
    known = folded in TIME_NAMES
    order = TIME_NAMES.index(folded) if known else 999
    glued = {word for word in _TIME if len(word) > 3 and (folded.startswith(word) or folded.endswith(word))}
    timely = known or bool(words & _TIME) or bool(glued) or bool(words & _BAR and words & (_START | _END))
    if not timely or (words & _NO_TIME and not known and not words & _RECEIVED):
        return None
    if glued and not words & _TIME:
        words |= {folded.removeprefix(word).removesuffix(word) for word in glued}
    if words & _RECEIVED:
        return 4, order
    if words & _END:
        return 3, 999
    if words & _START:
        return 0, order if known or not words & _BAR else 0
    if words & _BAR:
        return 0, 50
    return (2 if words & _EVENT and "ts" not in words else 1), order


def zone_rank(name: str) -> int | None:
    """How well a name speaks of the zone of the times beside it, smaller is better; None where it does not.

    >>> [zone_rank(name) is None for name in ("6. Time Zone", "exchangeTimezoneName", "gmtOffSetMilliseconds", "zoned")]
    [False, False, False, True]
    """
    folded = "".join(tokens_of(name))
    for rank, known in enumerate(ZONE_NAMES):
        if folded == known or (len(known) > _SHORT and known in folded):
            return rank
    return None


def is_end(name: str) -> bool:
    """Whether a name says when something ended."""
    rank = time_rank(name)
    return rank is not None and rank[0] == 3


def says_utc(name: str) -> bool:
    """Whether a name says that its times are UTC, whatever clock stands beside them.

    >>> [says_utc(name) for name in ("Time (UTC)", "timestamp_gmt", "Date[G]", "Time (UTC+3)", "time")]
    [True, True, True, False, False]
    """
    said = set(tokens_of(name)) & {"utc", "gmt", "zulu"} or name.endswith(("[G]", "(Z)"))
    return bool(said) and not re.search(r"[+-] ?\d|(?i:offset)", name)
