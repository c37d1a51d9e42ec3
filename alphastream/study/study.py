"""A study: data, indicators, strategies, and what becomes of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd

from alphastream.backtest import BarMarket, LiveRun, Market, RowFold, backtests
from alphastream.backtest.trials import Work
from alphastream.backtest.walk_forward import Training
from alphastream.bar_rows import BarsSpec
from alphastream.errors import ParameterError
from alphastream.graph import Graph, Node, Series
from alphastream.indicators import FunctionIndicator, check_look_ahead
from alphastream.strategies import Allocation, PulseStrategy, Sizer
from alphastream.strategies.pulse import unknown
from alphastream.study.data import Data, Instrument
from alphastream.study.handles import Indicator, node_of, on_one_source, series_of
from alphastream.study.results import SUMMARY, study_result
from alphastream.study.sources import JoinedMarket, market_of
from alphastream.study.sweeps import table_of
from alphastream.study.trials import figures, prepared
from alphastream.study.variants import Variant, variants
from alphastream.study.walks import WalkedForward, walked
from alphastream.trading import BrokerRules


class Study:
    """Data, indicators over it and strategies on them, each computed once however many read it.

    Parameters
    ----------
    rules : how orders are filled and what that costs. None: the defaults of ``BrokerRules`` on trades; on bars, whose
        next known price is the next open, those with ``fill="next_open"``.
    capital : cash of each strategy at the beginning, in the quote currency.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from alphastream.indicators import RSI
    >>> from alphastream.study import Study
    >>> close = 100.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0.0, 0.01, 300)))
    >>> frame = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=300, tz="UTC"), "close": close})
    >>> study = Study()
    >>> data = study.add_data(frame, symbol="BTCUSDT")
    >>> rsi = study.add_indicator(RSI(window=14), data["close"])
    >>> def low_is_long(rsi):
    ...     return np.clip((50.0 - rsi) / 20.0, -1.0, 1.0)
    >>> pulse = study.add_indicator(low_is_long, rsi, look_back=1)
    >>> strat = study.add_strat(pulse, lambda strength, portfolio: strength * 0.5 * portfolio.equity)
    >>> result = study.run()
    >>> len(result.equity), bool(result.summary().fills > 0)
    (300, True)
    """

    def __init__(self, rules: BrokerRules | None = None, *, capital: float = 100_000.0) -> None:
        self._rules = rules
        self.capital = capital
        self._markets: list[Market] = []
        self._indicators: dict[Node, Indicator] = {}
        self._strategies: dict[str, PulseStrategy] = {}
        self._analyzers: dict[str, Any] = {}
        self._observers: dict[str, Series] = {}
        self._checked: set[Node] = set()

    # ---- what it is made of ----------------------------------------------------------------------------------

    def add_data(
        self,
        source: Any,
        *,
        symbol: str | None = None,
        symbols: Sequence[str] | None = None,
        every: str | int | None = None,
        start: Any = None,
        end: Any = None,
    ) -> Data:
        """Add instruments.

        Parameters
        ----------
        source : a DataFrame with ``time`` (start of the bar), ``open``, ``high``, ``low``, ``close``, ``volume`` of one
            symbol, with a column ``symbol`` of many, wide with columns (field, symbol), or times with one column of
            closes a symbol, or of trades with ``time``, ``price``, ``quantity``; frames, ``Bars`` or ticks by symbol;
            the path of a file, or of several (read as uploads are); an ``Upload``; a tape (``open_tape``,
            ``TickStore``); ``TickColumns``; a market of ``backtest``.
        symbol : name of the only instrument, where the source does not name it, "data" without one; of many the one to
            take.
        symbols : those to take, of many; their order is that of the columns. None takes all.
        every : length of bars, such as "1m"; None keeps bars as they are. Trades need it.
        start, end : of a tape.

        Raises
        ------
        ParameterError, UploadError
            What cannot be read, with the place; an instrument that was added before.
        """
        market, names, interval_ns = market_of(source, symbol, symbols, every, start, end)
        for name in market.symbols:
            if any(name in known.symbols for known in self._markets):
                raise ParameterError(f"{name} was added before: give the new data another name, symbol='…'")
        self._markets.append(market)
        self._checked.clear()
        return Data(BarsSpec(names, interval_ns))

    def add_indicator(
        self,
        indicator: Any,
        *inputs: Any,
        look_back: int | None = None,
        **parameters: Any,
    ) -> Indicator:
        """Add an indicator; the same one over the same inputs in this order is the same.

        Parameters
        ----------
        indicator : an estimator (``RSI(window=14)``), its class with parameters, or a plain function of arrays, one
            value a row in and out; see ``FunctionIndicator.of``.
        inputs : columns of data, other indicators (their first column) or columns of them. Series of longer bars count
            from their close on.
        look_back : of a function: rows, the newest among them, that a value depends on; ``window`` where it has that.
        parameters : of the function or of the class.
        """
        node = node_of(indicator, inputs, look_back, parameters)
        return self._indicators.setdefault(node, Indicator(node))

    def add_strat(
        self,
        pulse: Any,
        allocation: Allocation | Sizer,
        *,
        name: str | None = None,
        trade: Any = None,
        reads: Mapping[str, Any] | None = None,
        hedge: Any = None,
        rebalance: bool = True,
    ) -> PulseStrategy:
        """Add a strategy: what it returns runs in ``backtest``, ``LiveRun`` and paper trading as well.

        It decides on the rows of the shortest bars among pulse and reads.

        Parameters
        ----------
        pulse : an indicator in [−1, 1]; NaN is no opinion, what is held is kept.
        allocation : a function (strength, portfolio) → signed value to hold in the quote currency, of several symbols
            one for each; a sizer (``EquityShare``, ``AtrRisk``, ``Units``, ``FixedNotional``, your own).
        name : for files and pages; "strategy", "strategy 2" and so on otherwise.
        trade : the instrument to trade, or several, by name; None: all of the pulse's data.
        reads : further series for the allocation: ``portfolio["atr"]``.
        hedge : units of the second symbol against one of the first, for a sizer of two.
        rebalance : False asks the allocation only when the strength changes.
        """
        read = dict(reads or {})
        extra = {**read, **({} if hedge is None else {"hedge": hedge})}
        series, *others = on_one_source((pulse, *extra.values()))
        spec = BarsSpec(series.source.symbols, series.source.interval_ns)
        if series.source != spec.source:
            raise ParameterError(f"the pulse comes from {series.source.name}: it needs to come from bars of a study")
        title = name or ("strategy" if not self._strategies else f"strategy {len(self._strategies) + 1}")
        if title in self._strategies:
            raise ParameterError(f"there is a strategy {title!r}: give another name=")
        strategy = PulseStrategy(
            title,
            spec,
            spec.symbols if trade is None else _names(trade),
            series,
            allocation,
            reads=tuple(zip(read, others, strict=False)),
            hedge=None if hedge is None else others[-1],
            rebalance=rebalance,
        )
        self._strategies[title] = strategy
        return strategy

    def add_analyzer(self, analyzer: Any, name: str | None = None) -> None:
        """Add a function of a result, or a class or object with a method ``analyse`` of it: ``result.analyzers[name]``.

        Parameters
        ----------
        name : None takes that of the function or class.
        """
        made = analyzer() if isinstance(analyzer, type) else analyzer
        if not callable(getattr(made, "analyse", made)):
            raise ParameterError(
                f"{made!r} is no analyser: give a function of the result, or a class with analyse(result)"
            )
        self._analyzers[name or str(getattr(analyzer, "__name__", type(made).__name__))] = made

    def add_observer(self, name: str, series: Any) -> None:
        """Record a column of data or an indicator beside the trades: ``result.observed[name]``.

        Raises
        ------
        ParameterError
            Another series has the name.
        """
        found = series_of(series)
        if self._observers.get(name, found) != found:
            raise ParameterError(f"something else is observed as {name!r}: give another name")
        self._observers[name] = found

    # ---- what becomes of it ----------------------------------------------------------------------------------

    @property
    def strategies(self) -> tuple[PulseStrategy, ...]:
        """All that were added, in order."""
        return tuple(self._strategies.values())

    @property
    def market(self) -> Market:
        """All data, as ``backtest`` takes it."""
        if not self._markets:
            raise ParameterError("the study has no data: add some by add_data")
        return self._markets[0] if len(self._markets) == 1 else JoinedMarket(tuple(self._markets))

    @property
    def rules(self) -> BrokerRules:
        """How orders are filled and what that costs."""
        if self._rules is not None:
            return self._rules
        return BrokerRules(fill="next_open") if any(isinstance(m, BarMarket) for m in self._markets) else BrokerRules()

    @property
    def graph(self) -> Graph:
        """The nodes that its strategies and observers need, each once; ``alphastream.graph.dot`` draws them."""
        return RowFold(self.strategies, self._observers).graph

    def run(
        self, *, rules: BrokerRules | None = None, capital: float | None = None, begin_ns: int | None = None
    ) -> Any:
        """Run every strategy over all data, each with an account of its own.

        Indicators that are plain functions are tested for looking ahead the first time.

        Parameters
        ----------
        rules, capital : instead of those of the study.
        begin_ns : rows up to here make indicators ready and are not decided on.

        Returns
        -------
        The ``StudyResult`` of the only strategy, or those of several by name.

        Raises
        ------
        LookAheadError
            A function's value of a row changed when later rows became known.
        ParameterError
            Nothing to run, or what a part of it complains about.
        """
        self._require_strategies()
        for strategy in self.strategies:
            for name, series in strategy.series(strategy.spec).items():
                if self._observers.get(name, series) != series:
                    raise ParameterError(f"{strategy.name} records its own {name!r}: observe the other by another name")
        self._check([node for node in self.graph.nodes() if isinstance(node.estimator, FunctionIndicator)])
        found = backtests(
            self.market,
            self.strategies,
            rules or self.rules,
            capital=self.capital if capital is None else capital,
            begin_ns=begin_ns,
            observe=self._observers,
        )
        results = {run.name: study_result(run, self._analyzers) for run in found}
        return next(iter(results.values())) if len(results) == 1 else results

    def check(self) -> None:
        """Test everything that strategies and observers read for looking ahead: rows up to a cut may not change when
        the rows after it become known.

        Raises
        ------
        LookAheadError
            With the first row that changed, and both values.
        """
        self._checked.clear()
        self._check(RowFold(self.strategies, self._everything()).graph.nodes())

    def _everything(self) -> dict[str, Series]:
        shown = {f"indicator {place}": series_of(each) for place, each in enumerate(self._indicators.values())}
        return {**shown, **self._observers}

    def _check(self, nodes: Sequence[Node]) -> None:
        due = [node for node in nodes if node not in self._checked]
        if not due:
            return
        inputs = {f"{place}": series for place, series in enumerate(dict.fromkeys(s for n in due for s in n.inputs))}
        names = {series: name for name, series in inputs.items()}
        fold = RowFold((), inputs)
        _, seen = fold.run(fold.rows_of(self.market))
        for node in due:
            columns = [seen[names[series]][1] for series in node.inputs]
            if len(columns[0]) >= 4:
                check_look_ahead(node.estimator, *columns)
            self._checked.add(node)

    def sweep(
        self,
        parameters: Mapping[Any, Mapping[str, Sequence[Any]]],
        *,
        strategy: PulseStrategy | str | None = None,
        rules: BrokerRules | None = None,
        capital: float | None = None,
        begin_ns: int | None = None,
        **work: Unpack[Work],
    ) -> pd.DataFrame:
        """Run a strategy with every combination of values.

        What no combination changes is computed once. Each row is what ``run`` gives with these values.

        Parameters
        ----------
        parameters : ``{rsi: {"window": [7, 14, 21]}}``; of any indicator below the strategy, of the strategy
            ("rebalance", and the fields of an allocation that is a dataclass), of "rules" (fields of ``BrokerRules``).
        strategy : itself or its name; None for the only one.
        **work : ``backend``, ``workers``, ``folder``, ``progress``, ``cancelled``, as ``alphastream.compute.run`` has
            them; other processes need functions of modules. The numbers are the same bit for bit.

        Returns
        -------
        A row a combination: the values, the figures of ``StudyResult.summary``, and what the best of so many is worth
        (``deflated_sharpe``, ``luck_sharpe``, ``trials``). ``attrs["best"]`` is the row of the highest Sharpe ratio.
        """
        chosen = self._one(strategy)
        names, tried = variants(chosen, rules or self.rules, parameters)
        self._check_functions(tried)
        job = prepared(self.market, tried, self.capital if capital is None else capital)
        time_ns = job.tables[0].time_ns
        first = 0 if begin_ns is None else int(np.searchsorted(time_ns, begin_ns, side="right"))
        found = figures(job, [(first, len(time_ns))], **work)
        return table_of(names, tried, found[:, 0], SUMMARY)

    def walk_forward(
        self,
        parameters: Mapping[Any, Mapping[str, Sequence[Any]]],
        *,
        train_rows: int,
        test_rows: int,
        purge_rows: int | None = None,
        embargo_rows: int = 0,
        training: Training = "rolling",
        stay_out: bool = True,
        strategy: PulseStrategy | str | None = None,
        rules: BrokerRules | None = None,
        capital: float | None = None,
        **work: Unpack[Work],
    ) -> WalkedForward:
        """Choose values by the Sharpe ratio of past rows and trade the rows that follow, fold after fold.

        Indicators have seen all rows before a training or a test, and each row uses rows up to itself. Trainings begin
        flat; one account trades all tests, and carries positions from one to the next.

        Parameters
        ----------
        parameters, strategy, rules, capital, **work : as in ``sweep``. The rules are the same for all tests.
        train_rows, test_rows : length of each.
        purge_rows : between training and test, used by neither; None for as many as the slowest indicator needs.
        embargo_rows : further rows between them, as a margin for what lasts longer than a window.
        training : "rolling", as many rows as the first; "anchored", all from the first row on.
        stay_out : hold nothing in a test where no combination gained in its training; False takes the best even so.

        Raises
        ------
        NotEnoughObservations
            The history is too short for one fold.
        """
        chosen = self._one(strategy)
        names, tried = variants(chosen, rules or self.rules, parameters)
        if any(variant.rules != tried[0].rules for variant in tried):
            raise ParameterError(
                "rules cannot be chosen by their result: walk forward over indicators and the strategy"
            )
        self._check_functions(tried)
        job = prepared(self.market, tried, self.capital if capital is None else capital)
        return walked(
            job,
            names,
            train_rows=train_rows,
            test_rows=test_rows,
            purge_rows=purge_rows,
            embargo_rows=embargo_rows,
            training=training,
            stay_out=stay_out,
            summary=SUMMARY,
            **work,
        )

    def _check_functions(self, tried: Sequence[Variant]) -> None:
        nodes = RowFold([variant.strategy for variant in tried]).graph.nodes()
        self._check([node for node in nodes if isinstance(node.estimator, FunctionIndicator)])

    def paper(
        self,
        strategy: PulseStrategy | str | None = None,
        *,
        rules: BrokerRules | None = None,
        capital: float | None = None,
    ) -> LiveRun:
        """A strategy on a tape that grows: hand it ticks by ``take`` and let it ``advance``, in a loop of yours.

        Parameters
        ----------
        strategy : itself or its name; None for the only one.
        """
        return LiveRun(self._one(strategy), rules or self.rules, self.capital if capital is None else capital)

    def _one(self, strategy: PulseStrategy | str | None) -> PulseStrategy:
        self._require_strategies()
        if isinstance(strategy, PulseStrategy):
            return strategy
        if strategy is None:
            if len(self._strategies) > 1:
                raise ParameterError(f"the study has {len(self._strategies)} strategies: say which, {self._known()}")
            return self.strategies[0]
        if strategy not in self._strategies:
            raise ParameterError(unknown("the study", strategy, tuple(self._strategies), "choose one of them"))
        return self._strategies[strategy]

    def _known(self) -> str:
        return ", ".join(map(repr, self._strategies))

    def _require_strategies(self) -> None:
        if not self._strategies:
            raise ParameterError("the study has no strategy: add one by add_strat(pulse, allocation)")


def _names(trade: Any) -> tuple[str, ...]:
    several = trade if isinstance(trade, list | tuple) else [trade]
    names: list[str] = []
    for each in several:
        names += [each] if isinstance(each, str) else [each.symbol] if isinstance(each, Instrument) else each.symbols
    return tuple(names)
