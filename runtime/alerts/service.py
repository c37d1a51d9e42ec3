"""Alerts: the rules people made, what each remembers, and the alerts they raised.

What a rule is and when it fires lives in ``alphastream.alerts``, the files in ``files``, the thread in ``watch``.
"""

import logging
import math
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, Literal

from alphastream.alerts import (
    ONE_LOOK,
    Alert,
    Observation,
    Rule,
    RuleContext,
    RuleState,
    SharedBudget,
    alert_of,
    is_one_look,
    leg_of,
    number,
    read_edges,
    read_feed,
    read_flow,
    read_pair,
    step,
)
from alphastream.errors import AlphaStreamError, ParameterError, StorageError
from runtime.alerts.files import AlertState, BookFile, Key
from runtime.alerts.history import HistoryFile
from runtime.backoff import Backoff

log = logging.getLogger(__name__)

# Rules with equal pairs, bars, models and thresholds share one computation; each other one costs the engine about
# 0.2 ms a refresh with new trades and 1 ms a closed bar. At 500 pairs that is what one core can still do every second.
MAX_RULES: Final = 500
HISTORY_SHOWN: Final = 2_000  # newest alerts kept in memory
MAX_UNSAVED: Final = 10_000  # alerts that wait for the disk: more than the files of the history hold
RETRY_S: Final = (1.0, 60.0)  # first and longest pause before what could not be written is tried again

State = Literal["armed", "fired", "cooling down", "calibrating", "off", "failed"]


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """How a rule stands, for people.

    Parameters
    ----------
    state : ``fired`` until the value has come back; ``cooling down`` when it has, but the time is not over.
    words : the state in a sentence.
    value, data_ns : newest value and the end of its bar, UTC ns; NaN and 0 where there is none.
    distance : from the value to the level; zero or negative beyond it.
    fired_ns : when it fired last, 0 for never.
    """

    state: State
    words: str
    value: float = math.nan
    data_ns: int = 0
    distance: float = math.nan
    fired_ns: int = 0


_NUMBER: Final = re.compile(r"\d+")
NOT_YET: Final = RuleStatus("calibrating", "not evaluated yet")


class AlertService:
    """Rules, their states and the alerts they raised; safe to use from many threads, kept in a folder.

    A file that cannot be read is kept aside, which ``notice`` reports; the service then begins with what was sound.

    Parameters
    ----------
    folder : where ``alerts.json`` and ``alerts.jsonl`` are kept; made when the first rule is.
    now_ns : the clock of people: cool-downs and the history are in its time, UTC ns.
    venue : of symbols in the file that name none; "" leaves them as they are.

    Attributes
    ----------
    notice : what was wrong with the files when they were read, None where nothing was.
    failure : why alerts are not kept on disk now, None while they are.
    outage : why rules are not evaluated now, None while they are.
    held : which other process has the book, None while none has: until then this one only shows it.
    """

    def __init__(self, folder: Path, now_ns: Callable[[], int] = time.time_ns, venue: str = "") -> None:
        self._now_ns = now_ns
        self._lock = threading.RLock()
        self._seen: dict[Key, int] = {}  # end of the newest bar taken into account
        self._statuses: dict[str, RuleStatus] = {}
        self._asked: set[tuple[str, bool]] = set()  # symbols the feed was asked to carry, once
        self._refused: dict[tuple[str, bool], str] = {}
        self._feed_begun: dict[str, int] = {}
        self.failure: str | None = None
        self.outage: str | None = None
        self.held: str | None = None
        self._unsaved: deque[Alert] = deque(maxlen=MAX_UNSAVED)
        self._backoff = Backoff(*RETRY_S, jitter=0.0)
        self._retry_at_s: float | None = None  # monotonic; None while everything is on disk
        self._file, self._lines = BookFile(folder, venue), HistoryFile(folder)
        self._read()

    def _read(self) -> None:
        try:
            loaded = self._file.load()
        except Exception as error:  # the edge of a file: whatever is in it, the app starts and the file stays
            log.exception("the book of alerts was not read")
            loaded = AlertState()
            self._file.block(f"The book of alerts cannot be read ({type(error).__name__}: {error}): the log has more")
        self._rules, self._states = loaded.rules, loaded.states
        self._history = deque(self._past(), maxlen=HISTORY_SHOWN)
        self.notice = " ".join(each for each in (self._file.notice, self._lines.notice) if each) or None

    def claim(self) -> bool:
        """Have the book for this process alone, as it is on disk now; False while another process has it."""
        with self._lock:
            if self._file.is_claimed:
                return True
            try:
                self._file.claim()
            except StorageError as error:
                if self.held is None:
                    log.warning("rules are not evaluated here: %s", error)
                self.held = f"{error}. Until it ends, this page shows the rules as they were when this app started."
                return False
            except OSError as error:  # the first rule that cannot be kept says it
                log.debug("the book of alerts is not locked: %s", error)
            self.held = None
            if self._file.has_changed:
                self._statuses, self._seen = {}, {}
                self._read()
            return True

    def release(self) -> None:
        """Let another process have the book. May be called twice."""
        with self._lock:
            if self._file.is_claimed and self._retry_at_s is not None:
                self._record([])
            self._file.release()

    # ---- for pages -------------------------------------------------------------------------------------------

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, oldest first."""
        with self._lock:
            return tuple(self._rules.values())

    def status(self, rule_id: str) -> RuleStatus:
        """How a rule stood at the last evaluation."""
        with self._lock:
            rule = self._rules.get(rule_id)
            if rule is not None and not rule.on:
                return RuleStatus("off", "switched off")
            return self._statuses.get(rule_id, NOT_YET)

    def history(self) -> tuple[Alert, ...]:
        """The newest alerts, newest first."""
        with self._lock:
            return tuple(reversed(self._history))

    def add(self, rule: Rule) -> None:
        """Take a rule in.

        Raises
        ------
        ParameterError : its id is known, there are too many, or it watches a one-look p-value and nobody was told.
        StorageError : it cannot be kept on disk; the book is as before.
        """
        with self._lock:
            if rule.id in self._rules:
                raise ParameterError(f"a rule with id {rule.id!r} exists: replace it")
            if len(self._rules) >= MAX_RULES:
                raise ParameterError(f"there are {MAX_RULES} rules, which is the limit: remove one first")
            _require_told(rule)
            self._keep({**self._rules, rule.id: rule}, self._states)

    def replace(self, rule: Rule) -> None:
        """Take a rule in the place of the one with its id.

        One that fires at other values begins armed; so does one that is switched on. The cool-down goes on.

        Raises
        ------
        ParameterError : no rule has its id, or it watches a one-look p-value now and nobody was told.
        StorageError : it cannot be kept on disk; the book is as before.
        """
        with self._lock:
            before = self._find(rule.id)
            if not rule.watches_as(before):
                _require_told(rule)
            states = dict(self._states)
            if not rule.watches_as(before) or (rule.on and not before.on):
                for key in _keys(rule.id):
                    if key in states:
                        states[key] = replace(states[key], armed=True)
                    self._seen.pop(key, None)
            self._keep({**self._rules, rule.id: rule}, states)
            self._statuses.pop(rule.id, None)

    def remove(self, rule_id: str) -> None:
        """Forget a rule; its alerts stay in the history. Raises as ``replace``."""
        with self._lock:
            self._find(rule_id)
            rules = {key: rule for key, rule in self._rules.items() if key != rule_id}
            self._keep(rules, {key: state for key, state in self._states.items() if key[0] != rule_id})
            self._statuses.pop(rule_id, None)
            for key in _keys(rule_id):
                self._seen.pop(key, None)

    def _find(self, rule_id: str) -> Rule:
        if rule_id not in self._rules:
            raise ParameterError(f"no rule has id {rule_id!r}: it was removed meanwhile")
        return self._rules[rule_id]

    def _keep(self, rules: dict[str, Rule], states: dict[Key, RuleState]) -> None:
        """Write first, then believe."""
        self._file.save(rules, states)
        self._rules, self._states = rules, states

    # ---- evaluation ------------------------------------------------------------------------------------------

    def evaluate(self, context: RuleContext) -> list[Alert]:
        """Look at every rule that is on; what fired is in the history and returned. For one thread.

        A failure of one rule is in its status and logged once; the others go on.
        """
        fired: list[Alert] = []
        changed = False
        context = replace(context, answer_for=cache(context.answer_for))  # rules about one pair see one answer
        rules = self.rules
        budget = SharedBudget(rules, lambda rule: self._is_shown(rule, context.recorded))
        for rule in rules:
            if not rule.on:
                continue
            try:
                alerts, moved = self._evaluate_one(rule, context, budget)
            except Exception as error:  # a defect of one rule must not silence the others
                if self._is_news(rule, error):
                    log.exception("rule=%s name=%r cannot be evaluated", rule.id, rule.name)
                continue
            fired += alerts
            changed |= moved
        with self._lock:
            if changed or (self._retry_at_s is not None and time.monotonic() >= self._retry_at_s):
                self._record(fired)
        return fired

    def _evaluate_one(self, own: Rule, context: RuleContext, budget: SharedBudget) -> tuple[list[Alert], bool]:
        rule = budget.applied(own)
        key = (rule.id, context.recorded and rule.spec is not None)
        observation = self._read_rule(rule, key, context)
        with self._lock:
            if self._rules.get(rule.id) is not own:  # edited or removed meanwhile
                return [], False
            before = state = self._states.get(key, RuleState())
            now_ns, alerts = self._now_ns(), []
            for data_ns, value in observation.values:
                state, fires = step(rule, state, value, now_ns, data_ns)
                if fires:
                    alerts.append(alert_of(rule, value, data_ns, context, now_ns))
            if observation.values:
                self._seen[key] = observation.values[-1][0]
            if state is not before:
                self._states[key] = state
            budget.note(rule, not state.armed)
            self._statuses[rule.id] = _status(rule, own, state, observation, now_ns)
        return alerts, state is not before

    def _is_shown(self, rule: Rule, recorded: bool) -> bool:
        """Whether a rule has fired and not come back since."""
        with self._lock:
            return not self._states.get((rule.id, recorded), RuleState()).armed

    def _read_rule(self, rule: Rule, key: Key, context: RuleContext) -> Observation:
        if rule.measure == "arbitrage":
            return read_edges(rule, context, self._seen.get(key, 0))
        if rule.spec is None:
            begun_ns = self._feed_begun.setdefault(context.feed.feed, context.feed_now_ns)
            return read_feed(context.feed, context.feed_now_ns, begun_ns)
        for symbol in (rule.spec.y, rule.spec.x):
            if symbol not in context.symbols:
                refusal = self._follow(symbol, context)
                if refusal is not None:
                    return Observation((), refusal)
        if (leg := leg_of(rule)) is not None:
            return read_flow(rule, context.flow_of(leg), self._seen.get(key, 0))
        return read_pair(rule, context.answer_for(rule.spec), context.now_ns, self._seen.get(key, 0))

    def _follow(self, symbol: str, context: RuleContext) -> str | None:
        """Ask the feed once to carry a symbol, as after a restart; the reason where it refuses."""
        key = (symbol, context.recorded)
        if key not in self._asked:
            self._asked.add(key)
            try:
                context.follow(symbol)
            except AlphaStreamError as error:
                self._refused[key] = str(error)
        return self._refused.get(key)

    def _is_news(self, rule: Rule, error: Exception) -> bool:
        """Put a failure into the rule's status; whether it is another one than before, whatever numbers are in it."""
        why = str(error) if isinstance(error, AlphaStreamError) else f"{type(error).__name__}: {error}"
        words = f"cannot be evaluated ({why}); the log has more"
        with self._lock:
            before = self._statuses.get(rule.id)
            self._statuses[rule.id] = RuleStatus("failed", words)
        return before is None or _NUMBER.sub("", before.words) != _NUMBER.sub("", words)

    def _record(self, alerts: Sequence[Alert]) -> None:
        """Keep states and history. What cannot be written lives in memory, is reported on the page and tried again."""
        self._history.extend(alerts)
        self._unsaved.extend(alerts)
        try:
            self._file.save(self._rules, self._states)
            if self._unsaved:
                self._lines.append(tuple(self._unsaved))
            self._unsaved.clear()
            self._backoff.reset()
            self.failure = self._retry_at_s = None
        except Exception as error:  # what fired is told whatever the disk says
            if self.failure is None:
                expected = isinstance(error, StorageError | OSError)
                log.error("alerts are not kept on disk: %s", error, exc_info=None if expected else error)
            self.failure = (
                f"Alerts are kept in memory until they can be written, and may be sent again after a restart: {error}"
            )
            self._retry_at_s = time.monotonic() + self._backoff.next_s()

    def _past(self) -> list[Alert]:
        try:
            return self._lines.newest(HISTORY_SHOWN)
        except OSError as error:
            self.failure = f"The history of alerts cannot be read: {error}"
        except Exception as error:  # the edge of a file, as above
            log.exception("the history of alerts was not read")
            self.failure = f"The history of alerts cannot be read ({type(error).__name__}: {error}): the log has more"
        return []


def _keys(rule_id: str) -> tuple[Key, Key]:
    return (rule_id, False), (rule_id, True)


def _require_told(rule: Rule) -> None:
    if is_one_look(rule.measure) and not rule.told:
        raise ParameterError(f"measure={rule.measure!r}: say that you know how often it fires by chance. {ONE_LOOK}")


def _status(rule: Rule, own: Rule, state: RuleState, observation: Observation, now_ns: int) -> RuleStatus:
    """``rule`` has the level it needs now, ``own`` the level it was given."""
    if observation.missing:
        return RuleStatus("calibrating", observation.missing, fired_ns=state.fired_ns)
    data_ns, value = observation.values[-1]
    left_s = max(0.0, (state.cools_until_ns(rule) - now_ns) / 1e9) if now_ns >= state.fired_ns else 0.0
    name: State = "armed"
    words = f"armed: fires {rule.condition}"
    if rule.level != own.level:
        words += f" (its {number(own.level)} beside others that share the budget)"
    if not state.armed:
        name, back = "fired", ("within ±" if rule.when == "outside" else "back to ")
        words = f"fired: armed again when {back}{number(rule.clear)}"
    elif left_s > 0:
        name, words = "cooling down", f"cooling down: {math.ceil(left_s)} s left"
    return RuleStatus(name, words, value, data_ns, rule.distance(value), state.fired_ns)
