"""The map of individuals and the walk across it: places, order of variants, and what the slider moves."""

from __future__ import annotations

import json

import numpy as np

from core.plots.cohort_latents import MOVED, SHOWN, Individuals, Path, along, cohort_map, way
from core.plots.figure import packed

RNG = np.random.default_rng(0)
COHORT = Individuals(
    names=np.array([f"i{k}" for k in range(50)]),
    labels=np.array(["<b>A", "B"] * 24 + ["", ""]),
    column="population",
    places=RNG.normal(size=(50, 2)),
    explained=np.array([0.5, 0.2]),
)


def path(m: int = 400) -> Path:
    t = np.linspace(0, 1, 5)
    start, end = RNG.random((2, m))
    return Path(
        model="vae",
        names=("A", "B"),
        observed=np.stack([start, end]),
        variants=np.array([f"v{j}" for j in range(m)]),
        t=t,
        places=np.stack([t, -t], 1),
        frequency=(1 - t)[:, None] * start + t[:, None] * end,
        heterozygosity=t / 4,
    )


def test_everybody_is_on_the_map_once_under_their_label() -> None:
    figure = cohort_map(COHORT, {"A": np.array([0.0, 1.0])})
    assert [trace.name for trace in figure.plot.data] == ["&lt;b&gt;A", "B", "unknown"]
    drawn = np.concatenate([trace.customdata for trace in figure.plot.data])
    assert sorted(drawn.tolist()) == list(range(50))
    for trace in figure.plot.data:
        np.testing.assert_allclose(np.stack([trace.x, trace.y], 1), COHORT.places[trace.customdata], atol=1e-6)
    (pin,) = figure.plot.layout.annotations
    assert (pin.x, pin.y, pin.text) == (0.0, 1.0, "<b>A</b>")
    assert "70%" in figure.alt


def test_the_slider_moves_the_variants_that_change_most() -> None:
    walked = path()
    figure = way(COHORT, walked)
    changed = np.abs(walked.frequency[-1] - walked.frequency[0])
    moving = walked.most_changed(MOVED)
    assert len(moving) == MOVED and changed[moving].min() >= np.delete(changed, moving).max()
    sent = json.loads(figure.plot.to_json())
    assert len(sent["frames"]) == len(sent["layout"]["sliders"][0]["steps"]) == 5
    for k, frame in enumerate(sent["frames"]):
        place, against_a, against_b = frame["data"]
        assert place["x"] == packed([walked.places[k, 0]])
        for trace, observed in ((against_a, walked.observed[0]), (against_b, walked.observed[1])):
            assert trace["x"] == packed(observed[moving]) and trace["y"] == packed(walked.frequency[k][moving])
    # At both ends points stand on the diagonal of their own panel.
    assert sent["frames"][0]["data"][1]["x"] == sent["frames"][0]["data"][1]["y"]
    assert sent["frames"][-1]["data"][2]["x"] == sent["frames"][-1]["data"][2]["y"]
    assert len(figure.table["t"]) == 5 * 400


def test_lines_end_at_what_was_observed() -> None:
    walked = path(30)
    figure = along(walked)
    lines, crosses = figure.plot.data[::2], figure.plot.data[1::2]
    assert len(lines) == len(crosses) == SHOWN
    for line, cross in zip(lines, crosses, strict=True):
        np.testing.assert_allclose([line.y[0], line.y[-1]], cross.y, atol=1e-6)
    assert figure.csv().startswith("t,v")
