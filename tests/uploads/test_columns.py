"""Headers with the cells beneath them: which column plays which role."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.uploads.columns import Proposal, override
from alphastream.uploads.headerless import propose_bare
from alphastream.uploads.proposals import propose
from alphastream.uploads.wide import split_name
from alphastream.uploads.words import _FIELDS, AMBIGUOUS, field_of, fold


def proposal_of(text: str, separator: str = "|", symbol: str | None = None) -> Proposal:
    """Of a header and rows in lines."""
    header, *rows = [[cell.strip() for cell in line.split(separator)] for line in text.strip().splitlines()]
    return propose(header, rows, symbol=symbol)


def roles_of(proposal: Proposal) -> dict[str, str]:
    return {role: match.column for role, match in proposal.roles.items()}


LANGUAGES = {
    "German": "Datum|Zuletzt|Eröffn.|Hoch|Tief|Vol.|+/- %",
    "German broker": "Datum|Schlusskurs|Eröffnung|Tageshoch|Tagestief|Umsatz|Veränderung",
    "French": "Date|Dernier|Ouv.|Plus Haut|Plus Bas|Vol.|Variation %",
    "Spanish": "Fecha|Último|Apertura|Máximo|Mínimo|Vol.|% var.",
    "Italian": "Data|Ultimo|Apertura|Massimo|Minimo|Vol.|Var. %",
    "Portuguese": "Data|Último|Abertura|Máxima|Mínima|Vol.|Var%",
    "Dutch": "Datum|Laatste|Open|Hoog|Laag|Vol.|Verschil %",
    "Polish": "Data|Ostatnio|Otwarcie|Max.|Min.|Wol.|Zmiana%",
    "Stooq": "Data|Zamkniecie|Otwarcie|Najwyzszy|Najnizszy|Wolumen|Zmiana",
    "Swedish": "Datum|Senaste|Öppen|Högst|Lägst|Vol.|+/- %",
    "Turkish": "Tarih|Şimdi|A\u00e7\u0131l\u0131\u015f|Yüksek|Düşük|Hac.|Fark %",
    "Russian": "Дата|Цена|Откр.|Макс.|Мин.|Объём|Изм. %",
    "Chinese": "日期|收盘|开盘|高|低|交易量|涨跌幅",
    "Chinese, traditional": "日期|收盤價|開盤價|最高價|最低價|成交量|漲跌幅",
    "Japanese": "日付|終値|始値|高値|安値|出来高|変化率 %",
    "Korean": "날짜|종가|시가|고가|저가|거래량|변동 %",
    "Indonesian": "Tanggal|Terakhir|Pembukaan|Tertinggi|Terendah|Vol.|Perubahan%",
    "Vietnamese": "Ngày|Lần cuối|Mở|Cao|Thấp|KL|% Thay đổi",
    "Czech": "Datum|Závěr|Otevření|Nejvyšší|Nejnižší|Objem|Změna %",
    "English": "Date|Price|Open|High|Low|Vol.|Change %",
    "Barchart": "Time|Latest|Open|High|Low|Volume|%Change",
    "Nasdaq": "Date|Close/Last|Open|High|Low|Volume|Note",
    "alpha_vantage": "date|4. close|1. open|2. high|3. low|5. volume|note",
    "CoinAPI": "time_period_start|price_close|price_open|price_high|price_low|volume_traded|trades_count",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_bars_in_many_languages(language: str) -> None:
    header = LANGUAGES[language]
    proposal = proposal_of(f"{header}\n2024-08-06|10.5|10.4|10.9|10.1|1500|2\n2024-08-07|10.7|10.5|10.8|10.4|1900|3")
    names = [name.strip() for name in header.split("|")]
    wanted = dict(zip(("time", "close", "open", "high", "low", "volume"), names, strict=False))
    assert roles_of(proposal) == wanted
    assert proposal.problem is None


TIMES = {
    "OKX": ("trade_id|price|size|created_time\n1|2.5|4|1723075200064\n2|2.6|4|1723075200164", "created_time"),
    "Polygon": (
        "participant_timestamp|price|sip_timestamp|trf_timestamp\n"
        "1723104000005123000|2.5|1723104000005999000|0\n1723104000905123456|2.6|1723104000906000000|0",
        "participant_timestamp",
    ),
    "Databento": ("ts_recv|ts_event|price\n1723075200000000999|1723075200000000064|2.5", "ts_event"),
    "Tardis": ("local_timestamp|timestamp|price\n1723075200064999|1723075200064000|2.5", "timestamp"),
    "bars": ("close_time|open_time|close\n1723078799999|1723075200000|2.5", "open_time"),
    "CoinMarketCap": (
        "timeOpen|timeClose|timeHigh|close|timestamp\n"
        "2024-08-06T00:00:00Z|2024-08-06T23:59:59Z|2024-08-06T05:00:00Z|2.5|2024-08-06T23:59:59Z",
        "timeOpen",
    ),
    "epoch beside a date": (
        "date|timestamp|price\n2024-08-08|1723075203|2.5\n2024-08-08|1723075204|2.6",
        "timestamp",
    ),
    "stored later": ("date|close|updated_at\n2024-08-07|2.5|1723075203\n2024-08-08|2.6|1723075203", "date"),
    "no name": ("x|price\n2024-08-08 10:00:00|2.5\n2024-08-08 10:00:01|2.6", "x"),
    "not the first": ("volume|open|close|high|low|window_start\n9|2|2|2|2|1723104000000000000", "window_start"),
}


@pytest.mark.parametrize("file", TIMES)
def test_the_time_that_a_row_belongs_to(file: str) -> None:
    text, column = TIMES[file]
    proposal = proposal_of(text)
    assert roles_of(proposal)["time"] == column
    assert not proposal.time_is_end


def test_a_time_that_ends_a_bar_is_known_as_such() -> None:
    proposal = proposal_of("close_time|open|high|low|close\n1723078799999|2|3|1|2")
    assert proposal.time_is_end
    assert "'close_time' tells when a bar ends" in proposal.notes


CLOCKS = {
    "Stooq": "<DATE>|<TIME>|<CLOSE>\n20240802|153000|2.5\n20240802|153500|2.6",
    "AlgoSeek": "Date|Timestamp|Price\n20140128|04:00:00.123|2.5\n20140128|09:30:01.456|2.6",
    "TAQ": "DATE|TIME_M|PRICE\n2020-01-02|9:30:00.012345|2.5\n2020-01-02|9:30:00.5|2.6",
    "midnights": "Date|Time|Close\n2024-08-08 00:00:00|09:30:00|2.5\n2024-08-08 00:00:00|09:31:00|2.6",
    "fractions": "Date|Time|Last\n20240808|133000.123|2.5\n20240808|133000.456|2.6",
    "no name": "Date|x|Close\n2024-08-08|09:30|2.5\n2024-08-08|09:31|2.6",
}


@pytest.mark.parametrize("file", CLOCKS)
def test_a_date_and_a_time_of_day_are_one_time(file: str) -> None:
    text = CLOCKS[file]
    first, second = text.split("|")[:2]
    found = roles_of(proposal_of(text))
    assert (found["time"], found["clock"]) == (first, second)


def test_milliseconds_in_a_column_of_their_own_are_asked_about() -> None:
    proposal = proposal_of("Date|Time|ms|Price|Size\n2024-08-08|09:30:00|12|2.5|1\n2024-08-08|09:30:00|99|2.6|1")
    assert "column 'ms' seems to hold parts of the seconds" in str(proposal.problem)


SYMBOLS = {
    "Name": "date|close|Name\n2024-08-07|2.5|AAL\n2024-08-08|2.6|AAL",
    "Symbol": "Date|Symbol|Close\n2024-08-08|7203|2430\n2024-08-08|6758|12450",
    "Asset_ID": "timestamp|Asset_ID|Close\n1514764860|2|2374.59\n1514764860|0|8.53\n1514764920|2|2374",
    "instId": "instId|tradeId|px|sz|side|ts\nBTC-USDT|1|55108.7|0.1|buy|1723075200064",
    "code": "date|code|close\n2024-08-08|sh.600000|8.55\n2024-08-08|sz.000001|10.15",
    "ts_code": "ts_code|trade_date|close\n000001.SZ|20180716|8.73\n600000.SH|20180716|9.53",
    "TICKER": "PERMNO|date|TICKER|COMNAM|PRC\n92611|20240102|V|VISA INC|258.87\n66093|20240102|T|A T & T INC|17.26",
    "stock": "quarter|stock|date|close\n1|AA|2011-01-07|16.42\n1|BA|2011-01-07|69.38",
    "sym": "time|sym|price|size\n2024-08-08T13:30:00|ESU4|5251.25|3",
    "代码": "日期|代码|收盘\n2024-08-08|600000|8.55\n2024-08-08|000001|10.15",
    "s": "s|t|p|q|m\nBTCUSDT|1723075200064|55108.70|0.100|false\nETHUSDT|1723075200065|2342.10|0.300|true",
}


@pytest.mark.parametrize("column", SYMBOLS)
def test_the_column_that_names_the_instrument(column: str) -> None:
    assert roles_of(proposal_of(SYMBOLS[column]))["symbol"] == column


def test_an_amount_called_s_is_no_symbol() -> None:
    found = roles_of(proposal_of("t|p|s\n1723075200064|55108.70|0.100\n1723075200065|55109.10|0.300"))
    assert found == {"time": "t", "price": "p", "quantity": "s"} or "symbol" not in found


def test_two_names_for_an_instrument_are_asked_about() -> None:
    proposal = proposal_of("date|strike|call put|symbol|close\n2024-08-08|100|C|SPY|1.5\n2024-08-08|110|P|SPY|1.9")
    assert "vary within one 'symbol'" in str(proposal.problem)
    proposal = proposal_of("date|symbol|到期月份|close\n2024-08-08|TX|202408|20990\n2024-08-08|TX|202409|21010")
    assert roles_of(proposal)["suffix"] == "到期月份"


TICKERS = {
    "words": ("Date|LOW|HD|OPEN|COIN\n2024-01-02|220.5|342.7|4.23|156.8\n2024-01-03|219|340.1|4.1|150.2", 4),
    "letters": (
        "Date|A|C|F|M|O|T|V\n2024-08-05|134|56.9|9.8|15.2|59.6|19.1|258\n2024-08-06|135|57|9.9|15|60|19|259",
        7,
    ),
    "index": ("|Date|AAPL|MSFT|KO\n1|2024-01-02|185.64|370.87|59.8\n2|2024-01-03|184.25|370.6|59.9", 3),
    "adjusted": ("Date|AAPL Adj Close|MSFT Adj Close\n2024-01-02|185|370\n2024-01-03|184|371", 2),
    "tuples": ("Date|('AAPL', 'Close')|('MSFT', 'Close')\n2024-01-02|185|370\n2024-01-03|184|371", 2),
    "behind": ("Date|Close_AAPL|Close_MSFT\n2024-01-02|185|370\n2024-01-03|184|371", 2),
}


@pytest.mark.parametrize("file", TICKERS)
def test_columns_of_instruments(file: str) -> None:
    text, count = TICKERS[file]
    proposal = proposal_of(text)
    assert proposal.problem is None
    assert proposal.shape == "wide"
    assert len(proposal.series) == count
    assert all("close" in roles for roles in proposal.series.values())


@pytest.mark.parametrize(
    "text",
    [
        "Gmt time|Ask|Bid|AskVolume|BidVolume\n2024-08-08 00:00:00|1.09241|1.0923|0.9|0.9",
        "<DATE>|<TIME>|<BID>|<ASK>|<LAST>|<VOLUME>|<FLAGS>\n2024.08.08|01:00:00.105|2384.11|2384.39|||6",
        "update_id|best_bid_price|best_bid_qty|best_ask_price|best_ask_qty|transaction_time\n"
        "41|61130.90|1.204|61131.00|5.017|1709251200012",
    ],
)
def test_bid_and_ask_are_quotes_not_legs(text: str) -> None:
    proposal = proposal_of(text)
    assert {"bid", "ask"} <= proposal.roles.keys()
    assert not proposal.series
    assert "prices are the middle of bid and ask" in proposal.notes


def test_bars_of_bid_and_ask() -> None:
    names = "BidOpen|BidHigh|BidLow|BidClose|AskOpen|AskHigh|AskLow|AskClose"
    proposal = proposal_of(f"DateTime|{names}|Volume\n2024-08-08 00:00:00|1|1|1|1|1.1|1.1|1.1|1.1|5")
    assert len(proposal.roles) == 10
    assert proposal.kind == "bars"


def test_a_trade_price_wins_over_quotes() -> None:
    assert "bid" not in proposal_of("time|bid|ask|price\n2024-08-08 00:00:00|1|1.1|1.05").roles


def test_an_adjusted_close_beside_an_unadjusted_one() -> None:
    proposal = proposal_of("Date|Open|High|Low|Close|Adj Close\n2024-08-08|10|11|9|10|5\n2024-08-09|10|11|9|10|5.1")
    assert roles_of(proposal)["adj_close"] == "Adj Close"


def test_sides_of_makers_and_of_takers() -> None:
    coinbase = "time|trade_id|price|size|side|product_id\n2024-08-08T00:00:00Z|7|55120.11|0.012|sell|BTC-USD"
    assert proposal_of(coinbase).side_is_makers
    okx = "instrument_name|trade_id|side|price|size|created_time\nBTC-USDT-SWAP|1|buy|55108.7|4|1723075200064"
    assert not proposal_of(okx).side_is_makers


def test_fixed_point_prices() -> None:
    vendor = proposal_of("ts_event|rtype|publisher_id|price|size\n1722816000000000000|0|2|5300250000000|1")
    assert vendor.price_scale == 1e-9
    unknown = proposal_of("time|price|size\n1722816000000000000|5300250000000|1")
    assert "fixed point" in str(unknown.problem)


def test_two_columns_of_one_name_are_asked_about() -> None:
    proposal = proposal_of("Date|Close|Close (2)\n2024-08-08|10|20\n2024-08-09|11|21")
    assert "'Close', 'Close (2)' may each be the close" in str(proposal.problem)
    chosen = override(proposal, {"close": "Close (2)"}, ("Date", "Close", "Close (2)"))
    assert chosen.problem is None
    assert chosen.roles["close"].column == "Close (2)"


def test_one_price_a_date_is_a_bar() -> None:
    assert proposal_of("Date|Value\n2024-08-08|10\n2024-08-09|11").kind == "bars"
    assert proposal_of("Date|Price|Volume\n2024-08-08|10|5\n2024-08-08|11|6").kind == "ticks"


def test_numbers_that_are_no_prices_are_no_instruments() -> None:
    rows = "\n".join(f"2024-08-{at:02}|{(-1) ** at * 0.01}|{0.02 * (-1) ** at}" for at in range(1, 9))
    assert "hold no prices" in str(proposal_of(f"Date|Mkt-RF|SMB\n{rows}").problem)


def test_a_letter_alone_is_no_close_beside_a_price() -> None:
    found = roles_of(proposal_of("time|price|a|b|c\n1723075200|1.5|1|2|3\n1723075201|1.6|1|2|3"))
    assert found["price"] == "price"
    assert "close" not in found


def test_a_person_chooses_quotes() -> None:
    columns = ("time", "b", "a", "price")
    proposal = propose(columns, [["2024-08-08 00:00:00", "1", "1.1", "1.05"]])
    chosen = override(proposal, {"bid": "b", "ask": "a", "price": None}, columns)
    assert roles_of(chosen) == {"time": "time", "bid": "b", "ask": "a"}
    assert chosen.problem is None


def test_notes_are_of_the_roles_that_a_person_chose() -> None:
    columns = ("day", "close", "settle", "desk")
    proposal = propose(columns, [[f"2024-08-0{day}", "10", "11", "3"] for day in (5, 6, 7)])
    assert proposal.notes[-1] == "columns not used: 'settle', 'desk'"
    chosen = override(proposal, {"close": "settle"}, columns)
    assert chosen.notes[-1] == "columns not used: 'close', 'desk'"
    assert override(proposal, {"close": "settle", "volume": "close", "symbol": "desk"}, columns).notes == ()
    quotes = propose(("time", "bid", "ask"), [["2024-08-08 00:00:00", "1", "1.1"]])
    assert quotes.notes == ("prices are the middle of bid and ask",)
    assert override(quotes, {"ask": None}, ("time", "bid", "ask")).notes == (
        "prices are bids alone",
        "columns not used: 'ask'",
    )
    assert override(quotes, {"price": "bid"}, ("time", "bid", "ask")).notes == ("columns not used: 'ask'",)


def test_no_word_stands_for_two_fields_in_silence() -> None:
    assert {name for name, fields in _FIELDS.items() if len(fields) > 1} <= {fold(name) for name in AMBIGUOUS}


def test_every_word_is_found_by_its_field() -> None:
    assert [name for name in _FIELDS if field_of(name) not in _FIELDS[name]] == []


HEADERS = [*(f"{header}\n2024-08-06|10.5|10.4|10.9|10.1|1500|2" for header in LANGUAGES.values()), *CLOCKS.values()]
HEADERS += [*SYMBOLS.values(), *(text for text, _ in TIMES.values()), *(text for text, _ in TICKERS.values())]


@given(st.sampled_from(HEADERS), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_of_columns_does_not_matter(text: str, random: object) -> None:
    rows = [line.split("|") for line in text.splitlines()]
    order = list(range(len(rows[0])))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = "\n".join("|".join(row[at] for at in order) for row in rows)
    first, second = proposal_of(text), proposal_of(shuffled)
    assert roles_of(first) == roles_of(second)
    assert {name: dict(roles) for name, roles in first.series.items()} == {
        name: dict(roles) for name, roles in second.series.items()
    }


@given(st.sampled_from([header.split("|") for header in LANGUAGES.values()]), st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_fields_never_become_symbols(header: list[str], seed: int) -> None:
    rows = [[f"2024-08-{at:02}", *(str(1 + (seed * (at + column)) % 997) for column in range(6))] for at in (1, 2, 3)]
    proposal = propose([name.strip() for name in header], rows)
    assert not proposal.series
    assert "symbol" not in proposal.roles


def test_patterns_of_names_hold_no_machine_words() -> None:
    assert all(re.fullmatch(r"[^\s_]+", name) for name in _FIELDS)


def test_a_letter_in_signs_is_no_field() -> None:
    assert split_name("$x^2$ *b* `c`") is None
    assert split_name("BTC 'c'") is None


@pytest.mark.parametrize("header", [True, False])
def test_columns_that_are_not_used_are_counted_and_not_all_named(header: bool) -> None:
    """500 columns of text make one sentence that can be read, however long their names are."""
    more = [f"remark {'x' * 200} {at}" for at in range(500)]
    columns = ["date", "close", *more]
    rows = [[f"2024-08-{day:02}", f"{100 + day}.5", *["said so"] * 500] for day in range(1, 9)]
    made_up = [f"column {at}" for at in range(1, 503)]
    proposal = propose(columns, rows) if header else propose_bare(made_up, rows)
    assert proposal.problem is None
    (note,) = [note for note in proposal.notes if "columns not used" in note]
    assert note.endswith("and 488 more")
    assert len(note) < 1_500
