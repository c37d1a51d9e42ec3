"""The alerts page: rules and how they stand, what fired, and where it was sent."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast

import streamlit as st

from alphastream.alerts import Rule, measure_name
from alphastream.errors import AlphaStreamError
from alphastream.instruments import in_words
from alphastream.pairs import PairSpec
from runtime.alerts.service import MAX_RULES, AlertService
from runtime.alerts.webhooks import Webhooks
from system import System
from views.alerts.controls import Choices, rule_form
from views.alerts.tables import deliveries_frame, history_csv, history_frame, rules_frame
from views.shared.clock_controls import moment_column
from views.shared.controls import LAST_PAIR
from views.shared.elements import offer_file
from views.shared.escaping import in_markdown
from views.shared.links import tell
from views.shared.metrics import UNKNOWN
from views.shared.page_head import page_head
from views.shared.pair_view import PAIR_KEYS, PairView
from views.shared.rights import change_button, read_only_notice
from views.shared.system import get_system, shown_venue
from views.shared.user_code import user_code_notices
from views.shared.workflow import WATCHED

REFRESH_S: Final = 2.0
HISTORY_ROWS: Final = 200  # on the page; the file has all that are kept
NEW: Final = "new"
SECRETS_EXAMPLE: Final = """[webhooks.desk]
kind = "slack"                  # or "discord", or "json" for any program
url = "https://hooks.slack.com/services/..."

[webhooks.phone]
kind = "telegram"
token = "123456:ABC..."         # of the bot
chat_id = "-100123456789"
"""


def page() -> None:
    """Rules, a form, the history, the webhooks."""
    page_head("Alerts")
    system = get_system()
    user_code_notices()
    _troubles(system.alerts, system.webhooks)
    read_only_notice()
    st.subheader("Rules")
    st.fragment(_rules, run_every=REFRESH_S, key="rules_panel")(system)
    _change(system)
    st.subheader("History")
    st.fragment(_history, run_every=REFRESH_S, key="history_panel")(system)
    _download(system.alerts)
    st.subheader("Webhooks")
    _webhooks(system)
    _caveats()


def _troubles(book: AlertService, hooks: Webhooks) -> None:
    """What is wrong with the files, and what the last press of a button did."""
    if book.notice is not None:
        st.error(in_markdown(book.notice), icon=":material/error:", title="An alert file is damaged or cannot be read")
    if book.failure is not None:
        st.error(in_markdown(book.failure), icon=":material/hard_drive:", title="Alerts cannot be saved")
    if book.held is not None:
        st.warning(in_markdown(book.held), icon=":material/lock:", title="Another process watches these alerts")
    if book.outage is not None:
        st.error(in_markdown(book.outage), icon=":material/error:", title="Rules are not evaluated now")
    for problem in hooks.problems:
        st.warning(in_markdown(problem), icon=":material/key:", title="A webhook is not usable")
    message = st.session_state.pop("alerts_message", None)
    if message is not None:
        st.success(in_markdown(message), icon=":material/check:")


def _rules(system: System) -> None:
    """How every rule stands; runs again every two seconds."""
    book = system.alerts
    rules = book.rules
    if not rules:
        st.info(
            "No rule yet. Add one below: it is watched from then on, even with no browser open.",
            icon=":material/notifications:",
        )
        return
    st.dataframe(
        rules_frame([(rule, book.status(rule.id)) for rule in rules], shown_venue(system)),
        hide_index=True,
        placeholder=UNKNOWN,
        alt="Rules and how they stand",
        column_config={
            "subject": st.column_config.TextColumn(width=330),
            "now": st.column_config.NumberColumn(
                format="%.5g", width=80, help="On the last closed bar; ages are measured to now."
            ),
            "distance": st.column_config.NumberColumn(
                format="%.3g", width=80, help="From the value to the level; negative beyond."
            ),
            "state": st.column_config.TextColumn(width=270),
            "fires by chance": st.column_config.TextColumn(
                width=300,
                help="Where it is known. Rules on evidence share one budget: this holds for all of them together.",
            ),
            "fired last (UTC)": _moments("fired last"),
        },
    )


def _moments(label: str) -> Any:
    return moment_column(label, width=150)


def _change(system: System) -> None:
    """Add a rule, or edit, switch off or delete one."""
    book, pipeline, venue = system.alerts, system.pipeline, shown_venue(system)
    rules = {rule.id: rule for rule in book.rules}
    chosen = NEW
    if rules:
        chosen = st.selectbox(
            "Add or change",
            [NEW, *rules],
            format_func=lambda key: "A new rule" if key == NEW else _label(rules[key], venue),
            key="alerts_chosen",
            width=460,
        )
    before = rules.get(chosen)
    choices = Choices(
        pipeline.symbols if pipeline is not None else system.settings.symbols,
        venue,
        list(system.webhooks.kinds),
        lambda symbol: (
            tick.price if pipeline is not None and (tick := pipeline.store.last(symbol)) is not None else None
        ),
        [each.asset for each in system.arbitrage.assets()],
    )
    with st.container(border=True):
        if before is not None:
            _switch_or_delete(book, before)
        rule = rule_form(before, choices, system.settings, _viewed(system, venue))
    if rule is not None:
        _do(lambda: book.add(rule) if before is None else book.replace(rule), f"Saved: {_label(rule, venue)}")


def _viewed(system: System, venue: str) -> PairSpec | None:
    """The pair that somebody came with, from another page or by the address, which has it from then on; else the one
    that was looked at last."""
    taken = st.session_state.pop(WATCHED, None)
    if isinstance(taken, PairView):
        st.query_params.from_dict(taken.query(venue))
        return taken.spec
    if system.pipeline is None or not any(key in st.query_params for key in PAIR_KEYS):
        return cast(PairSpec | None, st.session_state.get(LAST_PAIR))
    view, told = PairView.from_query(st.query_params.to_dict(), PairView(system.pipeline.first_pair), venue)
    for key, sentence in told.items():
        tell(key, sentence)
    return view.spec


def _label(rule: Rule, venue: str) -> str:
    return f"{rule.name}: {in_words(measure_name(rule.measure, rule.spec), venue)} {rule.condition}"


def _switch_or_delete(book: AlertService, rule: Rule) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    word = "Switch off" if rule.on else "Switch on"
    if change_button(word, place=row, icon=":material/power_settings_new:", key=f"switch-{rule.id}"):
        _do(lambda: book.replace(_switched(rule)), f"{'Switched off' if rule.on else 'Switched on'}: {rule.name}")
    with row.popover("Delete", icon=":material/delete:", key=f"delete-{rule.id}"):
        st.markdown("The rule and its state will be deleted. Its alerts stay in the history.")
        if change_button("Delete it", type="primary", key=f"confirm-{rule.id}"):
            _do(lambda: book.remove(rule.id), f"Deleted: {rule.name}")


def _switched(rule: Rule) -> Rule:
    return replace(rule, on=not rule.on)


def _do(work: Callable[[], None], message: str) -> None:
    """Change the book and begin again, or say why it did not work."""
    try:
        work()
    except AlphaStreamError as error:
        st.error(in_markdown(error), icon=":material/error:", title="Nothing was changed")
        return
    st.session_state["alerts_message"] = message
    st.session_state["alerts_added"] = st.session_state.get("alerts_added", 0) + 1  # an empty form
    st.rerun()


def _history(system: System) -> None:
    """What fired, newest first."""
    alerts = system.alerts.history()
    if not alerts:
        st.caption("Nothing has fired yet.")
        return
    st.dataframe(
        history_frame(alerts[:HISTORY_ROWS], shown_venue(system))[
            ["time", "rule", "value", "sentence", "trades", "notified"]
        ],
        hide_index=True,
        alt="Alerts, newest first",
        column_config={
            "time": _moments("time"),
            "value": st.column_config.NumberColumn(format="%.5g", width=80),
            "sentence": st.column_config.TextColumn(width=760),
            "trades": st.column_config.TextColumn(width=80),
        },
    )
    if len(alerts) > HISTORY_ROWS:
        st.caption(f"The newest {HISTORY_ROWS} of {len(alerts):,}; the file has all of them.")


def _download(book: AlertService) -> None:
    """The history as a file, as of the moment the box was opened."""
    with st.popover("Download", icon=":material/download:", on_change="rerun", key="alerts_download") as box:
        if box.open:
            offer_file("History as CSV", history_csv(book.history()), "alerts.csv", key="alerts_csv")


def _webhooks(system: System) -> None:
    """Where alerts can go: names and kinds, never addresses."""
    hooks = system.webhooks
    if not hooks.kinds:
        file = in_markdown(system.settings.secrets_file.name)
        st.caption(
            f"None configured. Addresses are secrets: they stand in {file} beside the app "
            "(ALPHASTREAM_SECRETS_FILE names another file) and are read when the app starts."
        )
        st.code(SECRETS_EXAMPLE, language=None, wrap_lines=True)
        return
    for name, kind in hooks.kinds.items():
        row = st.container(horizontal=True, vertical_alignment="center")
        row.markdown(f"**{in_markdown(name)}**, {kind}", width=300)
        if change_button("Send a test", place=row, icon=":material/send:", key=f"test-{name}"):
            hooks.test(name)
    st.fragment(_deliveries, run_every=REFRESH_S, key="deliveries_panel")(hooks)


def _deliveries(hooks: Webhooks) -> None:
    """Every try, newest first."""
    tries = hooks.deliveries
    if not tries:
        st.caption("Nothing was sent since the app started.")
        return
    if hooks.waiting:
        st.caption(f"{hooks.waiting} waiting to be sent.")
    st.dataframe(
        deliveries_frame(tries),
        hide_index=True,
        alt="Deliveries, newest first",
        column_config={
            "time": _moments("time"),
            "detail": st.column_config.TextColumn(width="large"),
        },
    )


def _caveats() -> None:
    """When not to trust an alert."""
    with st.expander("When not to trust an alert", icon=":material/help:"):
        st.markdown(
            "- Bars decide when they have closed; the one that is still forming never does. So an alert comes up to a "
            "bar and about a second late, and a trade that arrives later may change the bar.\n"
            "- A p-value of a window is about one look. Watched bar after bar it is small every day by chance: use the "
            "evidence, which stays valid while you watch. It counts from when this app began to compute the pair, in "
            "bars in which both legs traded, and begins anew after a restart.\n"
            "- Rules on evidence share one budget, and so do those on the end of a relation. With n rules on, and "
            "k of the others fired, each needs n/(k + 1) times its level (e-LOND, Xu and Ramdas 2024). So at a level "
            "of 20 days at most 5 % of days bring an alarm from any of them where nothing is there.\n"
            "- A number that is not defined yet neither fires nor clears. After a restart a rule waits until its "
            "window is full again.\n"
            "- No alert does not mean that all is well: add a rule for the silence of the feed. Nothing fires while "
            "this app is not running, and what happened meanwhile is not reported afterwards.\n"
            "- While a recording is shown, rules see recorded trades and say so. Each rule keeps separate state for "
            "live and recorded trades.\n"
            "- An alert is not a fill: costs, the bid-ask spread and your own delay are not in it.\n"
            "- Messages that wait for a webhook are lost when the app stops; the history here is not.\n"
            "- Everybody who may change anything here can change every rule.\n"
            f"- There is room for {MAX_RULES} rules. Those on the same pair with the same bars, model and thresholds "
            "cost what one costs. Up to about 200 different pairs at 1 s bars leave the pages as quick as they are; "
            "with more of them, or with Huber models, everything shown comes later."
        )


page()
