"""Why a panel of a pair's figure may be empty, in words."""

from alphastream.pairs import PairAnalytics, PairSpec
from views.shared.chart_options import HEIGHTS, Panel


def waiting_words(answer: PairAnalytics | None, spec: PairSpec) -> dict[Panel, str]:
    """What each panel waits for while it has nothing to show."""
    if answer is None:
        return dict.fromkeys(HEIGHTS, "Waiting for the first bars")
    needed = {step.what: step.needed for step in answer.calibration}
    z_steps = [step for step in answer.calibration if step.what in ("hedge ratio", "z-score")]
    if not answer.computed:
        hedge = zscore = "The models are being compiled"
    else:
        hedge = f"Calibrating: the hedge ratio needs {needed.get('hedge ratio', spec.window):,} closed bars"
        zscore = f"Calibrating: the z-score needs {max(step.needed for step in z_steps):,} closed bars"
        if all(step.done for step in z_steps):
            zscore = "No z-score: the spread does not move"
    test = f"Calibrating: the test needs {spec.tested_rows:,} closed bars in which both legs traded"
    return {
        "price": "Waiting for the first closed bars",
        "ratio": "Waiting for the first closed bars",
        "spread": hedge,
        "zscore": zscore,
        "hedge": hedge,
        "stationarity": test,
        "volume": "No volumes are known",
    }
