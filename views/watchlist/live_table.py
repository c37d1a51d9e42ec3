"""The table as it is now, for the hub: rows are made anew only where a pair has a new answer."""

from collections.abc import Callable

from alphastream.core.units import MS
from alphastream.pairs import PairAnalytics, PairSpec
from pipelines import Pipeline
from runtime.channel.tables import TableFrame, TableRow
from views.shared.instruments import label
from views.watchlist.rows import Shown, head, moved_row, stamps_of, watch_row


class LiveTable:
    """Called by the hub's thread, for everybody who looks at the same table.

    Parameters
    ----------
    pipeline : gives what pages show; None while there is none.
    notices : says how the feed is; it is shown anew whenever that changes.
    clock : the time that a pipeline's trades live in, ms UTC, and its pace.
    """

    def __init__(
        self,
        shown: Shown,
        pipeline: Callable[[], Pipeline | None],
        notices: Callable[[], str],
        clock: Callable[[Pipeline], tuple[float, float]],
    ) -> None:
        self._shown, self._pipeline, self._notices, self._clock = shown, pipeline, notices, clock
        self._refused = dict(shown.refused)
        self._made: dict[PairSpec, tuple[PairAnalytics | None, TableRow]] = {}
        self._computed_ms = 0.0

    def __call__(self) -> TableFrame:
        """The table at this moment."""
        pipeline, shown = self._pipeline(), self._shown
        venue = pipeline.venue if pipeline is not None else ""
        answers: dict[PairSpec, PairAnalytics | None] = dict.fromkeys(shown.specs)
        if pipeline is not None:
            wanted = [spec for spec in shown.specs if not {spec.y, spec.x} & self._refused.keys()]
            answers |= {spec: pipeline.engine.snapshot(spec) for spec in wanted}
        stamps = stamps_of(answers.values()) if pipeline is not None and pipeline.kind == "live" else None
        if stamps is not None and stamps["computed"] == self._computed_ms:
            stamps = None  # told before
        self._computed_ms = stamps["computed"] if stamps is not None else self._computed_ms
        return TableFrame(
            look=(shown, venue),
            head=lambda: head(shown, venue),
            rows=[self._row(spec, answer, venue) for spec, answer in answers.items()],
            moments=_moments(answers, venue),
            clock=self._clock(pipeline) if pipeline is not None else (0.0, 0.0),
            status=self._notices(),
            stamps=stamps,
        )

    def _row(self, spec: PairSpec, answer: PairAnalytics | None, venue: str) -> TableRow:
        made = self._made.get(spec)
        if made is None or made[0] is not answer:
            moved = moved_row(*made, answer, self._shown.fill_cost) if made is not None else None
            made = (
                answer,
                moved or watch_row(answer, spec, self._shown.fill_cost, venue, self._refused, self._shown.zone),
            )
            self._made[spec] = made
        return made[1]


def _moments(answers: dict[PairSpec, PairAnalytics | None], venue: str) -> dict[str, int]:
    """When each leg traded last, ms UTC."""
    moments: dict[str, int] = {}
    for spec, answer in answers.items():
        if answer is None:
            continue
        for leg, tick in ((spec.y, answer.last_y), (spec.x, answer.last_x)):
            if tick is not None:
                name = label(leg, venue)
                moments[name] = max(tick.time_ns // MS, moments.get(name, 0))
    return moments
