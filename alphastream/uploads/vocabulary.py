"""Words of headers in the languages and habits of brokers, venues and vendors: one table, read as data.

A field, and the phrases for it, the better one first where a file has several.
"""

from collections.abc import Mapping
from typing import Final, Literal

Field = Literal[
    "open",
    "high",
    "low",
    "close",
    "adj_close",
    "adjusted",  # adjusted open, high, low, volume
    "price",
    "quantity",
    "volume",
    "money",  # turnover, quote volume, market value
    "trades",
    "id",
    "side",
    "maker",
    "bid",
    "ask",
    "bid_open",
    "bid_high",
    "bid_low",
    "bid_close",
    "ask_open",
    "ask_high",
    "ask_low",
    "ask_close",
    "quote_size",
    "average",
    "change",
    "previous",
    "open_interest",
    "spread",
    "venue",
    "condition",
    "event",
    "symbol",
    "name",  # companies, and codes that vendors made up: they tell instruments apart where nothing better does
    "suffix",
    "expiry",  # what tells contracts of one symbol apart: expiry, strike, call or put
    "index",
    "fraction",  # milliseconds in a column of their own
    "other",  # known to be none of these: indicators, dividends, units
]


def word_set(text: str) -> frozenset[str]:
    """Words that blanks part."""
    return frozenset(text.split())


TABLE: Final[Mapping[Field, str]] = {
    "open": """
        open, open price, opening price, opening, op, o, first, first price, start price, mid open, price open,
        eröffnung, eröffn, eröffnungskurs, erster, anfangskurs, ouverture, ouv, cours d'ouverture, apertura,
        aper, precio de apertura, prezzo di apertura, abertura, abert, preço de abertura, openingskoers, openen,
        otwarcie, kurs otwarcia, öppning, öppningskurs, öppen, öppn, åpning, åbning, avaus, açiliş, acilis, откр,
        открытие, цена открытия, otevření, otevírací, nyitó, pembukaan, buka, mở cửa, giá mở cửa, mở, 开盘,
        开盘价, 今开, 开, 開盤, 開盤價, 開盤価, 始値, 始, 시가, 시작가, פתיחה, ราคาเปิด, الفتح""",
    "high": """
        high, high price, highest, highest price, hi, h, max, maximum, day high, days high, mid high, price high,
        hoch, höchst, höchstkurs, tageshoch, tageshöchst, hochkurs, plus haut, haut, cours le plus haut, + haut,
        máximo, máxima, máx, precio máximo, massimo, mass, prezzo massimo, preço máximo, alta, hoog, hoogste,
        hoogste koers, najwyższy, najwyzszy, maks, kurs maksymalny, högst, högsta, högstakurs, høy, høj, ylin,
        yüksek, en yüksek, макс, максимум, максимальная цена, nejvyšší, maximální, tertinggi, tinggi, cao,
        cao nhất, giá cao nhất, cao nhat, 高, 最高, 最高价, 最高價, 高值, 高値, 고가, גבוה, สูงสุด""",
    "low": """
        low, low price, lowest, lowest price, lo, l, min, minimum, day low, days low, mid low, price low, tief,
        tiefst, tiefstkurs, tagestief, niedrig, plus bas, bas, cours le plus bas, + bas, mínimo, mínima, mín,
        precio mínimo, minimo, prezzo minimo, preço mínimo, baixa, laag, laagste, laagste koers, najniższy,
        najnizszy, kurs minimalny, lägst, lägsta, lägstakurs, lav, alin, düşük, en düşük, мин, минимум,
        минимальная цена, nejnižší, minimální, terendah, rendah, thấp, thấp nhất, giá thấp nhất, thap nhat, 低,
        最低, 最低价, 最低價, 安値, 安, 低値, 저가, נמוך, ต่ำสุด""",
    "close": """
        close, close price, closing price, closing, closed price, close last, cl, c, price close, mid close,
        close value, schluss, schlusskurs, schlußkurs, clôture, clôt, fermeture, cours de clôture, cierre,
        precio de cierre, último cierre, chiusura, prezzo di chiusura, chius, fechamento, fech, fecho,
        preço de fechamento, slot, slotkoers, sluiting, zamknięcie, zamkniecie, kurs zamknięcia, stängning,
        stängningskurs, stängn, slutkurs, senaste kurs, lukk, kapaniş, kapanis, закр, закрытие, цена закрытия,
        závěr, zavírací, závěrečná, záró, penutupan, tutup, đóng cửa, giá đóng cửa, đóng, 收盘, 收盘价, 收盤,
        收盤價, 終値, 終, 종가, סגירה, ราคาปิด, الإغلاق, last, latest, last price, latest price,
        last traded price, ltp, last trade, last sale, zuletzt, letzter, letzte, dernier, dernier cours, último,
        última, ultimo, ultimo prezzo, laatst, laatste, ostatnio, ostatni, kurs ostatni, senast, senaste, siste,
        seneste, viimeisin, şimdi, son, последняя, последн, poslední, terakhir, lần cuối, 最新价, 最新, 现价,
        最新價, 現値, 現在値, 현재가, settle, settlement, settlement price, settle price, 结算价, 結算價,
        afrechnungspreis, price, kurs, cours, prezzo, precio, preço, koers, cena, pris, fiyat, цена, harga, giá,
        价格, 價格, 価格, 가격, nav, index value, prc""",
    "adj_close": """
        adj close, adjusted close, close adj, adjclose, adj closing price, adjusted close price,
        adjusted closing price, close adjusted, adj close price, adj cl, split adjusted close,
        bereinigter schlusskurs, 后复权收盘价, 前复权收盘价, 調整後終値, 調整後收盤價, 수정종가, cierre ajustado,
        clôture ajustée, chiusura aggiustata""",
    "adjusted": """
        adj open, adj high, adj low, adj volume, adjusted open, adjusted high, adjusted low, adjusted volume,
        adj vol""",
    "price": """
        price, trade price, tradeprice, traded price, deal price, exec price, execution price, fill price,
        match price, last price, last traded price, ltp, last trade price, px, prc, rate, price usd, mid,
        mid price, midpoint, last, latest, p, preis, kurs, cours, prix, dernier, precio, prezzo, preço, koers,
        prijs, cena, kurz, pris, hinta, fiyat, цена, harga, giá, 价格, 價格, 成交价, 成交价格, 成交價, 成交價格,
        価格, 約定価格, 約定値段, 現在値, 가격, 체결가, 현재가, value, nav, spot, fixing, index value, quote,
        wert, valeur, valor, valore, waarde, 值, 最新价""",
    "quantity": """
        quantity, qty, base qty, size, sz, trade size, trade qty, trade quantity, last size, last qty, volume,
        vol, trade volume, base amount, base volume, volume delta, shares, lots, lot, contracts, amount,
        exec qty, fill qty, fill size, q, menge, stück, stücke, size base, stückzahl, anzahl, quantité, qté,
        cantidad, quantità, quantidade, qtd, hoeveelheid, aantal, ilość, liczba, antal, määrä, miktar, lot sayisi,
        количество, объём, объем, stuecke, množství, jumlah, khối lượng, 数量, 數量, 成交量, 成交数量,
        成交數量, 成交數量(b+s),
        出来高, 約定数量, 수량, 거래량, 체결량, volumen, umsatz, volume lots, v, s""",
    "volume": """
        quantidade, quantidade negociada, stück, stücke, stuecke, umsatz stück, number of shares, volume, base volume,
        volume base, volume from, volumefrom, total volume, share volume, volume traded,
        traded volume, trade volume, shares traded, total traded quantity, tottrdqty, no of shares, no of shrs,
        vol, totalvolume, tick volume, tickvolume, tickvol, tick vol, real volume, realvolume, turnover volume,
        v, quantity, qty, size, sz, shares, contracts, volumen, handelsvolumen, umsatz,
        vol., volumes, cantidad, quantità, quantité, qté, anzahl, menge,
        volume échangé, titres, volúmen, volume scambi, volume negociado, volume handel, wolumen, wol, volym,
        omsatt volum, vaihto, hacim, hac, объём, объем, объем торгов, объ, objem, forgalom,
        volume perdagangan, khối lượng, kl, khối lượng giao dịch, 交易量, 成交量, 总手, 成交数量, 成交股數,
        出来高, 売買高, 거래량, מחזור, amount, ilość""",
    "money": """
        turnover, quote volume, quote asset volume, volume quote, volume to, volumeto, quote qty, quote amount,
        notional, gross value, grossvalue, home notional, foreign notional, value traded, traded value,
        trade value, deal amount, total value, tottrdval, net turnov, net turnover, total turnover,
        dollar volume, dollarvolume, turnover value, amount quote, cost, proceeds, total, market cap, marketcap,
        mktcap, market capitalization, capitalization, umsatz in eur, umsatz eur, marktkapitalisierung, capitaux,
        capitalisation, volumen euro, efectivo, controvalore, valore scambiato, volume financeiro, omzet, obrót,
        wartość, omsättning, omsetning, işlem hacmi, оборот, obrat, nilai, giá trị, giá trị giao dịch, 成交额,
        成交金额, 成交金額, 金额, 总市值, 流通市值, 流通总值, 売買代金, 거래대금, 시가총액,
        taker buy base asset volume, taker buy quote asset volume, taker buy base volume, taker buy quote volume,
        taker buy volume, taker base volume, taker quote volume, buy volume, sell volume, tb base av,
        tb quote av, quote av, vol ccy, vol ccy quote, volccy, volccyquote, up, down, up volume, down volume,
        up vol, down vol""",
    "trades": """
        trades, trades count, trade count, tradecount, tradescount, number of trades, num trades, numtrades,
        no of trades, no trades, ntrades, num of trades, transactions, transaction count, count, bar count,
        barcount, tick count, ticks, numberoftrades, total trades, totaltrades, nb trades,
        nombre de transactions, anzahl trades, transakcje, liczba transakcji, avslut, операций, сделок, 成交笔数,
        成交筆數, 건수, n, first id, last id, first trade id, last trade id, agg first, f""",
    "id": """
        agg trade id, aggregate trade id, agg id, a, trade id, tradeid, trade seq, tid, deal id, exec id,
        fill id, match id, id, trade number, trade no, tradeno, transaction id, order trade id, trd match id,
        sequence, sequence number, seq, seq num, update id, order id, ordernumber, maker order id,
        taker order id""",
    "side": """
        side, taker side, takerside, aggressor, aggressor side, trade side, direction, type, trade type,
        buy sell, bs, b s, seite, richtung, sens, lado, lato, сторона, направление, 方向, 买卖, 买卖方向,
        成交方向, 売買, 매매구분, s, ask bid, maker side""",
    "maker": """
        is buyer maker, buyer is maker, buyer maker, is buyer the maker, isbuyermaker, m, is sell, is taker sell,
        taker side sell, sell""",
    "bid": """
        bid, bid price, bidprice, best bid, best bid price, bid px, bid px 00, bid price 1, bid1, b bid, top bid,
        bbo bid, bid rate, geld, geldkurs, achat, cours acheteur, denaro, compra, bied, biedkoers, kupno, köp,
        aliş, покупка, спрос, 买一价, 买价, 買値, 買気配, 매수호가, buy price, buy""",
    "ask": """
        ask, ask price, askprice, best ask, best ask price, ask px, ask px 00, ask price 1, ask1, offer,
        offer price, ofr, best offer, top ask, bbo ask, ask rate, brief, briefkurs, vente, cours vendeur,
        lettera, venta, venda, laat, laatkoers, sprzedaż, sälj, satiş, продажа, предложение, 卖一价, 卖价, 売値,
        売気配, 매도호가, sell price, sell""",
    "bid_open": "bid open, open bid, bid o, bidopen, openbid",
    "bid_high": "bid high, high bid, bid h, bidhigh, highbid",
    "bid_low": "bid low, low bid, bid l, bidlow, lowbid",
    "bid_close": "bid close, close bid, bid c, bidclose, closebid",
    "ask_open": "ask open, open ask, ask o, askopen, openask, offer open",
    "ask_high": "ask high, high ask, ask h, askhigh, highask, offer high",
    "ask_low": "ask low, low ask, ask l, asklow, lowask, offer low",
    "ask_close": "ask close, close ask, ask c, askclose, closeask, offer close",
    "quote_size": """
        bid size, bid sz, bid qty, bid volume, bid vol, bid quantity, bid amount, best bid qty, best bid size,
        bid ct, ask size, ask sz, ask qty, ask volume, ask vol, ask quantity, ask amount, best ask qty,
        best ask size, ask ct, bid sz 00, ask sz 00, bid ct 00, ask ct 00, offer size, ofrsiz, bidsiz, bid lots,
        ask lots, 买一量, 卖一量, best bid amount, best ask amount""",
    "average": """
        vwap, vw, average, average price, avg price, avg, weighted average, weighted price, weightedaverage, wap,
        twap, typical price, wgt avg, durchschnitt, prix moyen, precio medio, prezzo medio, preço médio,
        gemiddelde, kurs średni, snittpris, средняя, средневзвешенная, 均价, 均價, 成交均价""",
    "change": """
        change, chg, change %, % change, %change, pct change, pctchange, pct chg, pctchg, percent change,
        net change, price change, change percent, changepercent, var, variation, variation %, var %, + - %, diff,
        ret, return, returns, log return, daily return, veränderung, änderung, änderung %, differenz, évolution,
        variazione, var. %, variación, % var, variação, verschil, verschil %, verandering, zmiana, zmiana %,
        förändring, endring, muutos, fark, fark %, değişim, изм, изм %, изменение, změna, změna %, perubahan,
        perubahan %, thay đổi, % thay đổi, 涨跌幅, 涨跌额, 涨跌, 漲跌幅, 漲跌, 变动, 前日比, 変化率, 変化率 %,
        변동, 변동 %, 등락률, 대비, 전일비""",
    "previous": """
        previous close, prev close, prevclose, pre close, preclose, previous closing price, prior close,
        last close, yesterday close, prev price, vortag, vortageskurs, schluss vortag, veille, clôture veille,
        cierre anterior, chiusura precedente, fechamento anterior, prior settle, previous settlement,
        pre settlement, prev settle, 昨收, 前收盘, 前收盘价, 前收盤價, 昨收盘, 前结算, 昨结算, 前日終値, 前終値,
        전일종가, 기준가, next open, next close, next weeks open, next weeks close, previous weeks volume""",
    "open_interest": """
        open interest, openinterest, openint, open int, oi, sum open interest, prev day open interest, 持仓量,
        持仓, 未平仓, 建玉, open interest change, change in oi, offene kontrakte""",
    "spread": "spread, bid ask spread, <spread>, avg spread, spreads, close ratio",
    "venue": """
        exchange, venue, exch, ex, exchange code, exchange id, exchangeid, market center, mic, trading venue,
        source, feed, börse, börsenplatz, platz, handelsplatz, place, bolsa, borsa, giełda, биржа, 交易所, 市場,
        市场, tape, trf id, publisher id, publisherid, dataset, provider, data source""",
    "condition": """
        conditions, condition, cond, sale condition, sale conditions, tr scond, flags, flag, tick direction,
        tickdirection, correction, corr, tr corr, qualifiers, status, complete, is best match, best price match,
        ignore, is closed, confirm, liquidation, rtype, depth, suspicious, period, per, timeframe, interval,
        series, resolution, granularity, zone, timezone, tz, utc offset, session, halted, paused, trading status,
        tradestatus, isst, adjustflag, turn, 是否st""",
    "event": """
        event type, event, action, tick type, message type, msg type, record type, update type, event name, e,
        trade or quote""",
    "symbol": """
        symbol, ticker, sym, tic, ticker symbol, trading symbol, tradingsymbol, symbol name, sym root,
        root symbol, stock symbol, symbols, tickers, instrument name, instrument, inst id, instid,
        instrument id text, instruments, pair, currency pair, currencypair, trading pair, ccy pair, pairs,
        crypto pair, product id, product, productid, contract, contract code, contract name, market, market id,
        market symbol, security, security symbol, securities code, stock, asset, coin, currency, crypto, etf, s,
        symbol id, code, ts code, stock code, security code, sec code, sc code, symbol code, scrip code, scrip, secid,
        wkn, kürzel, symbole, símbolo, simbolo, symbool, walor, instrumentname, sembol, тикер, инструмент, код, kode,
        kode saham, mã ck, mã chứng khoán, 代码, 股票代码, 证券代码, 合约代码, 合约, 代碼, 證券代號, 股票代號,
        商品代號, 商品代码, 品种, 交易代码, 交易对, 銘柄, 銘柄コード, コード, 証券コード, 종목코드, 종목,
        단축코드, ric, bloomberg, bbg, bbgid, figi, isin, cusip, sedol, slug, name, <ticker>""",
    "name": """
        company, company name, security name, stock name, asset name, coin name, long name, short name, firm,
        comnam, sc name, issuer, description, security description, underlying, asset id, assetid, coin id,
        stock id, instrument token, instrument token id, security id, securityid, permno, permco, gvkey,
        instrument id, instrumentid, con id, conid, product name, sid, nom, nombre, nome, nazwa, naam,
        наименование, название, 名称, 股票名称, 股票简称, 证券简称, 名稱, 證券名稱, 股票名稱, 銘柄名, 종목명,
        bezeichnung, wertpapier""",
    "suffix": "sym suffix, symbol suffix, suffix",
    "expiry": """
        expiry, expiration, expiration date, expiry date, expire date, maturity, maturity date, expiry dt,
        expire, delivery month, contract month, contract expiry, strike, strike price, strike pr, option type,
        option typ, call put, put call, cp flag, right, option right, 到期月份, 到期月份(週別), 交割月份, 到期日,
        履約價, 買賣權, 限月, 行権価格, 행사가, call or put""",
    "index": """
        index, idx, #, no, nr, sno, s no, sr no, row, row number, rownum, row id, n°, unnamed, lfd nr, stt, 序号,
        번호""",
    "fraction": """
        ms, msec, millis, millisecond, milliseconds, us, micros, microsecond, microseconds, nanos, nanoseconds,
        time ms, time m nano, 最后修改毫秒, update millisec, millisec""",
    "other": """
        rsi, macd, sma, ema, ma, signal, histogram, atr, target, label, prediction, volatility, std, mean,
        zscore, z score, alpha, beta, hedge ratio, hedge, weight, weights, regime, advancers, decliners, advances,
        declines, breadth, pcr, put call ratio, portfolio value, cash,
        position, pnl, equity, drawdown, dividend, dividends, ex dividend, stock splits, splits,
        split ratio, split coefficient, capital gains, deliverable volume, % deliverble, %deliverble,
        delivery qty, delivery %, shares outstanding, shrout, shares out, rank, rank now, ranknow, currency code,
        tax, fee, fees, commission, strength, upper band, lower band, upper bollinger band, lower bollinger band,
        basis, volume ma, iv, implied volatility, delta, gamma, theta, vega, rho, mark price, index price,
        funding rate, mark, turnover rate, 换手率, 量比, 市盈率, 振幅%, pettm, pbmrq, psttm, pcfncfttm, eps, pe,
        pe ratio, yield, weekday, quarter, year, month, day, hour, minute, second, day of week,
        circulating supply, supply, comment, note, notes, year high, year low, 52 week high, 52 week low,
        time high, time low""",
}
# Letters and words that mean something else in other files: the reading of a file decides (``proposals``).
AMBIGUOUS: Final = word_set(
    """
    last latest lastprice lasttradedprice ltp price prc kurs cours prezzo precio preco koers cena pris fiyat
    цена harga gia 价格 價格 価格 가격 nav indexvalue value size sz qty quantity amount volume vol shares
    contracts volumen umsatz stuck объем khoiluong ilosc 成交量 成交数量 出来高 거래량 最新价 現在値 현재가
    dernier tradevolume basevolume s v n m a e f direction type sell
    stucke stuecke quantidade cantidad quantita quantite qte anzahl menge
    """
)
