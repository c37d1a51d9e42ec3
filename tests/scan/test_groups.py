"""Groups of symbols: read from a table of two columns, or cut from their tree."""

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import UploadError
from alphastream.scan import clusters
from alphastream.scan.groups import cluster_groups, read_groups

KNOWN = ["KO", "PEP", "XOM"]


@pytest.mark.parametrize(
    "text",
    [
        "symbol,group\nKO,Drinks\nPEP,Drinks\n",
        "KO;Drinks\r\nPEP;Drinks\r\n",
        "\ufeffTicker\tSector\nko\tDrinks\npep\tDrinks\nABC\tOther\n",
        '\nKO,"Drinks"\n\nPEP, Drinks ,more\n',
    ],
)
def test_tables_of_two_columns(text: str) -> None:
    assert read_groups("g.csv", text.encode(), KNOWN) == {"KO": "Drinks", "PEP": "Drinks"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"KO,Drinks\nPEP\n", "g.csv, line 2: 'PEP' has no symbol and group: write such as KO,Drinks"),
        (b"KO,Drinks\nKO,Oil\n", "g.csv, line 2: KO is in Drinks and in Oil: give each symbol one group"),
        (b"KOO,Drinks\n", "g.csv: none of its 1 symbols is in the data: did you mean KO?"),
        (b"symbol,group\n", "g.csv: none of its 0 symbols is in the data: the data have KO, PEP, XOM"),
        (b"\xff\xfe1", "g.csv: not text in UTF-8: save it as CSV in UTF-8"),
    ],
)
def test_what_is_no_table_of_groups_is_told_in_words(data: bytes, words: str) -> None:
    with pytest.raises(UploadError) as caught:
        read_groups("g.csv", data, KNOWN)
    assert str(caught.value) == words


def test_symbols_that_move_together_are_in_one_cluster() -> None:
    rng = np.random.default_rng(5)
    factors = rng.normal(size=(400, 2))
    moves = np.repeat(factors, 3, axis=1) + rng.normal(size=(400, 6)) / 4
    prices = pd.DataFrame(np.exp(np.cumsum(moves, axis=0) / 100), columns=list("ABCDEF"))
    groups = cluster_groups(clusters(prices), 2)
    assert groups["A"] == groups["B"] == groups["C"] != groups["D"] == groups["E"] == groups["F"]
    assert {*groups.values()} == {"Cluster 1", "Cluster 2"}
