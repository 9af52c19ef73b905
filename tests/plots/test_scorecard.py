"""The scorecard: every model, interval, null and ceiling where the report has it, and words under the pointer."""

from __future__ import annotations

from dataclasses import replace

from core.plots.scorecard import scorecard
from core.plots.theme import CEILING_LABEL, NULL_LABEL, model_colour, model_symbol
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES


def test_points_intervals_and_references_are_those_of_the_reports() -> None:
    figure = valid(scorecard(CANDIDATES, ["ld_r", "recall"]))
    null, ceiling, first, second = (trace for trace in figure.plot.data if trace.xaxis == "x")
    assert (null.name, ceiling.name) == (NULL_LABEL, CEILING_LABEL)
    assert set(null.x.tolist()) == {null.x[0]} and round(float(null.x[0]), 3) == 0.1
    assert round(float(ceiling.x[0]), 3) == 0.9
    for row, (trace, c) in enumerate(zip((first, second), CANDIDATES, strict=True)):
        one = c.metric("ld_r")
        assert (trace.x[0], trace.y[0]) == (one.value, row)
        ends = (trace.x[0] - trace.error_x.arrayminus[0], trace.x[0] + trace.error_x.array[0])
        assert [round(end, 9) for end in ends] == [one.low, one.high]
        assert (trace.marker.color, trace.marker.symbol) == (model_colour(c.model), model_symbol(c.model))
    assert "higher is better" in figure.plot.layout.annotations[0].text


def test_a_verdict_is_said_against_the_best_or_the_baseline() -> None:
    def words(*baseline) -> list[str]:
        figure = scorecard(CANDIDATES, ["ld_r"], *baseline)
        return [trace.hovertext for trace in figure.plot.data if trace.hovertext]

    best = words()
    assert "within noise of Mosaic &lt;b&gt;" in best[0] and "the best of these" in best[1]
    pinned = words(CANDIDATES[0])
    assert "the baseline" in pinned[0] and "within noise of WGAN-GP" in pinned[1]


def test_in_place_of_a_missing_value_stands_its_reason_and_no_name_is_markup() -> None:
    figure = scorecard([*CANDIDATES, replace(CANDIDATES[0], label="A\n<script>")], ["recall"])
    assert all(trace.mode == "lines" for trace in figure.plot.data)
    reasons = [note for note in figure.plot.layout.annotations if note.yref == "y"]
    assert [note.text for note in reasons] == ["Too few &lt;i&gt;individuals&lt;/i&gt;."] * 3
    assert "<script>" not in figure.plot.to_json().replace("\\u003c", "<")
