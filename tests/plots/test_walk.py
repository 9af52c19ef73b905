"""The walk as a figure: every moment travels with it, the slider has them all, and what is drawn is what was made."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from core.plots import walk
from core.plots.walk import GENERATED, MIXTURE, TRANSPORT, Moments
from tests.plots.checks import valid

T = [0.0, 0.25, 0.5, 0.75, 1.0]
MOMENTS = Moments(T, [f"near <{i}>" for i in range(5)], start=3)
ENDS = {"A": np.zeros((30, 2)), "B": np.ones((30, 2))}


def panels(n: int, *shape: int) -> dict[str, list[Any]]:
    base = np.random.default_rng(0).normal(size=(n, *shape))
    return {name: [base + k + t for t in T] for k, name in enumerate((GENERATED, TRANSPORT, MIXTURE))}


FIGURES = {
    "points": lambda: walk.points(MOMENTS, panels(40, 2), ENDS, ("x", "y")),
    "many points": lambda: walk.points(MOMENTS, panels(700, 2), ENDS, ("x", "y")),
    "density map": lambda: walk.density_map(MOMENTS, panels(40, 2), ENDS, ("x", "y")),
    "densities": lambda: walk.densities(MOMENTS, panels(40, 6), {f"f{i}": i for i in range(6)}),
    "images": lambda: walk.boards(MOMENTS, {k: [90 + 20 * x for x in v] for k, v in panels(30, 1, 8, 8).items()}),
    "whole way": lambda: walk.whole_way(panels(40, 2), T),
    "straying": lambda: walk.straying(np.array(T), np.arange(5.0), np.arange(5.0), 2.0),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_whole(name: str) -> None:
    valid(FIGURES[name]())


@pytest.mark.parametrize("name", ["points", "many points", "density map", "densities", "images"])
def test_the_figure_begins_with_the_moment_that_was_asked_for_and_plays_through_all(name: str) -> None:
    plot: Any = FIGURES[name]().plot
    (slider,) = plot.layout.sliders
    assert slider.active == 3 and [step.label.split()[0] for step in slider.steps] == ["0", "0.25", "0.5", "0.75", "1"]
    assert slider.steps[2].label.endswith("near &lt;2&gt;")
    assert {"0", "4"} <= {frame.name for frame in plot.frames}
    drawn = go.Figure(plot)
    if name == "many points":
        change, places = slider.steps[3].args
        read = [np.frombuffer(base64.b64decode(x["bdata"]), "<f4") for x in change["x"]]
        assert all(np.array_equal(x, drawn.data[i].x) for x, i in zip(read, places, strict=True))
    else:
        frame = plot.frames[3]
        for i, part in zip(frame.traces, frame.data, strict=True):
            for key in ("x", "y", "z", "source"):
                if key in part and part[key] is not None:
                    np.testing.assert_array_equal(part[key], drawn.data[i][key])


def test_few_points_move_without_a_redraw_and_many_are_restyled() -> None:
    few, many = FIGURES["points"]().plot, FIGURES["many points"]().plot
    assert {trace.type for trace in few.data} == {"scatter"} and {trace.type for trace in many.data} == {"scattergl"}
    assert few.layout.sliders[0].steps[0].args[1]["frame"]["redraw"] is False
    assert {step.method for step in many.layout.sliders[0].steps} == {"restyle"}
    # WebGL and heatmaps do not move without a redraw, and the slider must then be moved along.
    assert many.layout.updatemenus[0].buttons[0].args[1]["frame"]["redraw"] is True
    assert [frame.layout.sliders[0].active for frame in many.frames] == [0, 2, 4]
    assert FIGURES["density map"]().plot.layout.sliders[0].steps[0].args[1]["frame"]["redraw"] is True


def test_the_points_drawn_and_exported_are_those_of_the_walk() -> None:
    figure, parts = FIGURES["points"](), panels(40, 2)
    for i in range(5):
        for k, name in enumerate(parts):
            np.testing.assert_array_equal(figure.plot.frames[i].data[k].y, parts[name][i][:, 1].astype(np.float32))
    rows = (np.array(figure.table["t"]) == 0.5) & (np.array(figure.table["source"]) == MIXTURE)
    np.testing.assert_array_equal(np.stack([figure.table["x"], figure.table["y"]], 1)[rows], parts[MIXTURE][2])


def test_images_are_sent_pixel_by_pixel_and_large_ones_are_fewer() -> None:
    sizes = []
    for side in (8, 128):
        figure = walk.boards(MOMENTS, {k: [x * 20 for x in v] for k, v in panels(30, 3, side, side).items()})
        source = figure.plot.data[0].source.partition(",")[2]
        sizes.append(Image.open(io.BytesIO(base64.b64decode(source))).size)
    assert sizes == [(6 * 9 - 1, 4 * 9 - 1), (2 * 129 - 1, 2 * 129 - 1)]


def test_a_message_of_a_usual_walk_is_small() -> None:
    moments = Moments(list(np.linspace(0, 1, 41)), [""] * 41)
    parts = {name: [samples[0]] * 41 for name, samples in panels(300, 2).items()}
    assert len(json.dumps(json.loads(walk.points(moments, parts, ENDS, ("x", "y")).plot.to_json()))) < 700_000
