"""The comparison as one HTML file: nothing outside of it is asked for, and no name becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from plotly.offline import get_plotlyjs

from core.plots.report_page import report_page
from core.reports.standing import Candidate
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


def test_associations_are_drawn_for_each_model(tmp_path: Path) -> None:
    from core.config.evaluation import EvaluationConfig
    from core.evaluation.report import evaluate
    from tests.conftest import tiny_cohort

    real = replace(tiny_cohort(n=80, m=30, seed=1), phenotypes={"height <b>": tiny_cohort(n=80).phenotypes["height"]})
    quick = EvaluationConfig(bootstrap=0, neighbours=(3,), projections=8)
    candidates = []
    for k in range(2):
        report = evaluate(real, real.individuals(slice(k, 70)), options=quick, out=tmp_path / str(k))
        candidates.append(Candidate(f"Model {k}", "wgan_gp", report))
    own = report_page("Models", candidates).replace(get_plotlyjs(), "")
    for k in range(2):
        assert f"Association with height &lt;b&gt;: Model {k}" in own
        assert all(f"chart-{name}-{k}-" in own for name in ("manhattan", "effects", "condition"))
    assert "height <b>" not in own
