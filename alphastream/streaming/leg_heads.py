"""What comes before the tape, asked for and put in front of the bars of pairs."""

from collections.abc import Iterable

from alphastream.heads import HeadProgress, Heads, Need, PairHead, joined
from alphastream.pairs import PairSpec, rows_needed
from alphastream.streaming.pair_states import Key, PairStates, key_of, legs_of
from alphastream.streaming.tape_bars import TapeBars


class LegHeads:
    """Asks for the heads of all legs, and puts in place what has come.

    Parameters
    ----------
    heads : where they come from.
    history_bars : how many bars are worth having.
    """

    def __init__(self, heads: Heads, history_bars: int) -> None:
        self._heads, self._history = heads, history_bars
        self._progress: dict[tuple[str, int], HeadProgress] = {}

    def take(self, specs: Iterable[PairSpec], bars: TapeBars, pairs: PairStates, now_ns: int) -> set[Key]:
        """Ask for what comes before the bars of these pairs.

        Returns
        -------
        Pairs of which something has changed: a head came, or its fetching went on.
        """
        wanted = list(specs)
        rows: dict[tuple[str, int], int] = {}
        for spec in wanted:
            for leg in legs_of(spec):
                rows[leg] = max(rows.get(leg, 0), rows_needed(spec))
        changed = set()
        for (symbol, interval_ns), least in rows.items():
            begin = now_ns // interval_ns
            oldest, needed = (max(begin - count, 0) * interval_ns for count in (max(self._history, least), least))
            need = Need(oldest, needed, bars.seam(symbol, interval_ns))
            head = self._heads.ask(symbol, interval_ns, need)
            progress = self._heads.progress(symbol, interval_ns)
            if head is not None and head is not bars.head(symbol, interval_ns):
                bars.put_head(symbol, interval_ns, head, now_ns)
                pairs.begin_anew(symbol, interval_ns)
                changed.add((symbol, interval_ns))
            if progress != self._progress.get((symbol, interval_ns)):
                changed.add((symbol, interval_ns))
            self._progress[symbol, interval_ns] = progress
        self._progress = {leg: progress for leg, progress in self._progress.items() if leg in rows}
        return {key_of(spec) for spec in wanted if changed.intersection(legs_of(spec))}

    def of_pair(self, spec: PairSpec, bars: TapeBars) -> PairHead:
        """What the rows of a pair begin with."""
        y, x = legs_of(spec)
        found = [head for leg in (y, x) if (head := bars.head(*leg)) is not None]
        repetition = self._heads.repetition(spec.y)
        progress = joined(*(self._progress.get(leg, HeadProgress()) for leg in (y, x)))
        if not found:
            return PairHead(progress=progress, repetition=repetition)
        newest = max(found, key=lambda head: head.until_ns)
        return PairHead(newest.source, newest.until_ns, progress, repetition)
