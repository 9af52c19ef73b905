"""Figures of a training at several sites."""

from __future__ import annotations

from core.config.federation import ALONE, DRIFT, FEDERATED, POOLED, SITE_CURVE
from core.plots.federated import Compared, compared, sites
from core.plots.training import Curve, Look, losses
from core.reports.report import Measurement
from tests.plots.checks import valid


def score(value: float | None) -> Measurement:
    span = {} if value is None else {"low": value - 0.05, "high": value + 0.05}
    return Measurement(
        "reconstruction_fraction", value=value, direction="lower", label="Error", null=1.0, ceiling=0.0, **span
    )


def test_each_site_has_its_curve_and_the_losses_of_the_run_are_not_crowded_by_them() -> None:
    epochs = [3, 6, 9]
    curves = {
        "loss": Curve(epochs, [3.0, 2.0, 1.5]),
        f"{SITE_CURVE}north": Curve(epochs, [3.1, 2.2, 1.7]),
        f"{SITE_CURVE}south": Curve(epochs, [2.9, 1.8, 1.3]),
        DRIFT: Curve(epochs, [0.02, 0.01, 0.004]),
    }
    figure = sites(curves, running=False)
    assert figure is not None
    assert [trace.name for trace in valid(figure).plot.data] == ["north", "south", "Drift"]
    assert list(figure.plot.data[0].x) == [1, 2, 3]
    assert "north 1.70," in figure.alt and "0.40%" in figure.alt
    assert sites({"loss": curves["loss"]}, running=True) is None
    drawn = losses(curves, "gde", Look())
    assert drawn is not None and set(drawn.table["metric"]) == {"loss"}


def test_kinds_stand_below_each_other_with_null_and_floor() -> None:
    rows = [
        Compared("Pooled", POOLED, 1, score(0.2)),
        Compared("Federated", FEDERATED, 1, score(0.22)),
        Compared("Federated", FEDERATED, 2, score(0.24)),
        Compared("Site 1 alone", ALONE, 1, score(0.4)),
        Compared("Site 2 alone", ALONE, 1, score(None)),
    ]
    figure = compared(rows)
    assert figure is not None
    marks = [trace for trace in valid(figure).plot.data if trace.mode == "markers"]
    assert [(trace.name, float(trace.x[0])) for trace in marks] == [
        ("Pooled", 0.2), ("Federated", 0.22), ("Federated", 0.24), ("Site 1 alone", 0.4),
    ]  # fmt: skip
    assert len({float(trace.y[0]) for trace in marks}) == 4
    lines = {trace.name: float(trace.x[0]) for trace in figure.plot.data if trace.mode == "lines"}
    assert sorted(lines.values()) == [0.0, 1.0]
    assert compared(rows[:1]) is None
