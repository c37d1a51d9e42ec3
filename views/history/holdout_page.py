"""Train and test on the history page: one ratio from the first rows, judged on the others."""

import streamlit as st

from alphastream.diagnosis import Holdout, holdout
from alphastream.pairs import PairAnalytics
from alphastream.uploads import Upload
from views.history.holdout_tables import holdout_frame, traded_together
from views.shared.elements import PLOT, is_dark
from views.shared.spread_charts import spread_figure
from views.shared.uploads import session_cached


def holdout_of(upload: Upload, answer: PairAnalytics, split_ns: int) -> None:
    """The spread of the ratio of the training rows over all rows, and what both parts say of it.

    Parameters
    ----------
    upload : the rows that were used.
    split_ns : bars that end by then are trained on.
    """
    time_ns, y, x = traded_together(answer)
    split = int(time_ns.searchsorted(split_ns, side="right"))
    found: Holdout = session_cached("holdout", [upload, answer.spec, split], lambda: holdout(y, x, split))
    with st.container(key="holdout"):
        st.markdown("**Train and test**")
        st.caption(
            "One ratio, fitted on the training rows and held on the others. The test rows had no say in it, so their p "
            "is honest once: not after you have changed settings until it is small. Only bars in which both legs "
            "traded count. The charts above move their ratio along and do not stop at the line."
        )
        left, right = st.columns([2, 3], gap="medium")
        left.dataframe(
            holdout_frame(found, answer.spec.price),
            hide_index=True,
            height="content",
            key="holdout_table",
            alt="The fitted ratio on the rows of the training and of the test",
            column_config={name: st.column_config.TextColumn(alignment="right") for name in ("train", "test")},
        )
        if len(time_ns) and found.train.std > 0.0:
            figure = spread_figure(
                time_ns, found.spread, 0.0, found.train.std, [(split_ns, "train", "test")], dark=is_dark()
            )
            right.plotly_chart(
                figure, key="holdout_figure", config=PLOT, alt="Spread of the fitted ratio over all rows"
            )
        st.markdown(found.verdict)
