"""What a panel without values waits for, in words that change with the minute at most. No Streamlit, no clock."""

from alphastream.pairs import PairAnalytics, PairSpec
from views.shared.chart_options import HEIGHTS, Panel
from views.shared.head_words import no_test, ready_text


def waiting_words(answer: PairAnalytics | None, spec: PairSpec) -> dict[Panel, str]:
    """What each panel waits for while it has nothing to show."""
    if answer is None:
        return dict.fromkeys(HEIGHTS, "Waiting for the first bars")
    needed = {step.what: step.needed for step in answer.calibration}
    z_steps = [step for step in answer.calibration if step.what in ("hedge ratio", "z-score")]
    fetching = answer.head.progress.is_fetching
    if not answer.computed:
        hedge = zscore = "The models are being compiled"
    elif fetching:
        hedge = zscore = "Fetching history"
    else:
        ready = f", {text}" if (text := ready_text(answer)) else ""
        hedge = f"Calibrating: the hedge ratio needs {needed.get('hedge ratio', spec.window):,} closed bars{ready}"
        zscore = f"Calibrating: the z-score needs {max(step.needed for step in z_steps):,} closed bars{ready}"
        if all(step.done for step in z_steps):
            zscore = "No z-score: the spread does not move"
    test = f"Calibrating: the test needs {spec.tested_rows:,} closed bars in which both legs traded"
    test = no_test(answer) or ("Fetching history" if fetching else test)
    return {
        "price": "Waiting for the first closed bars",
        "ratio": "Waiting for the first closed bars",
        "spread": hedge,
        "zscore": zscore,
        "hedge": hedge,
        "stationarity": test,
        "volume": "No volumes are known",
    }
