"""Text of others as text, in figures."""

from typing import Final

_CHART: Final = {ord(sign): f"&#{ord(sign)};" for sign in "&<>#%$"}


def in_chart(text: object) -> str:
    """Text in Plotly's names, ticks and hover labels, which read HTML, templates and colours of Streamlit's theme.

    >>> in_chart("<b>A&B</b>")
    '&#60;b&#62;A&#38;B&#60;/b&#62;'
    """
    return str(text).translate(_CHART)
