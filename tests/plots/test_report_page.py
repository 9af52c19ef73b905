"""The comparison as one HTML file: nothing outside of it is asked for, and no name becomes markup."""

from __future__ import annotations

import re

from plotly.offline import get_plotlyjs

from core.plots.report_page import report_page
from tests.plots.examples import CANDIDATES


def test_the_page_stands_alone_and_escapes_names() -> None:
    page = report_page("Models of <demo>", CANDIDATES, CANDIDATES[0])
    assert page.count(get_plotlyjs()) == 1
    own = page.replace(get_plotlyjs(), "")
    assert "http" not in own.replace("http-equiv", "") and not re.search(r"\ssrc=|<link|@import", own)
    assert "default-src 'none'" in own
    assert "Mosaic &lt;b&gt;" in own and "Too few &lt;i&gt;individuals" in own and "Mosaic <b>" not in own
    assert own.count("Plotly.newPlot(") == 3  # the one family of the example, and two curves
    assert "Train longer." in own and "≈ 0.600" in own
