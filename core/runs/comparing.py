"""Many runs on one dataset as a table: their metrics, the settings in which they differ, and their spread by seed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import Any

from core.errors import InputError
from core.reports.report import Report
from core.runs.directory import Run
from core.runs.metrics import PREFERRED

# Parts of a run's configuration that a user sets.
_PARTS = ("model", "training", "evaluation")
SEED = "training.seed"


@dataclass(frozen=True)
class Entry:
    """One run in a comparison.

    Attributes:
        run: id. label: its name for a reader. experiment: the preset that it was started from.
        settings: "model.latent" → value, of all that a user could set.
        report: its evaluation.
        validation: "best", "at epoch" and "last" of the validation score, those that there are.
        sweep: what a reader calls the sweep that it belongs to, "" for a run of its own.
    """

    run: str
    label: str
    experiment: str
    settings: Mapping[str, Any]
    report: Report
    validation: Mapping[str, float] = field(default_factory=dict)
    sweep: str = ""


def entry(run: Run, label: str) -> Entry | None:
    """What a comparison needs of a run; None where it has no readable configuration or report."""
    try:
        config, report = run.config, run.report()
    except InputError:
        return None
    if report is None:
        return None
    return Entry(run.id, label, str(config.get("name", "")), settings(config), report, _validation(run), _sweep(config))


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run's configuration, each under its path ("training.epochs")."""
    flat: dict[str, Any] = {}

    def walk(node: Mapping[str, Any], path: str) -> None:
        for key, value in node.items():
            if isinstance(value, Mapping):
                walk(value, f"{path}{key}.")
            else:
                flat[f"{path}{key}"] = value

    for part in _PARTS:
        walk(config.get(part) or {}, f"{part}.")
    return flat


def differing(entries: Sequence[Entry]) -> list[str]:
    """Paths of the settings that are not the same in all runs, in the order of their first appearance.

    A setting that a model does not have is no difference: models differ by their name.
    """
    paths = dict.fromkeys(path for one in entries for path in one.settings)
    return [path for path in paths if len({_key(one.settings[path]) for one in entries if path in one.settings}) > 1]


def table(entries: Sequence[Entry], metrics: Sequence[str], paths: Sequence[str]) -> dict[str, list[Any]]:
    """A row a run: its label, the metrics by their labels (None without a value), its validation, those settings."""
    columns: dict[str, list[Any]] = {"Run": [one.label for one in entries]}
    if any(one.sweep for one in entries):
        columns["Sweep"] = [one.sweep or None for one in entries]
    for name in metrics:
        columns[_label(entries, name)] = [one.report.metric(name).value for one in entries]
    for word, title in (("best", "Best score"), ("at epoch", "At epoch"), ("last", "Last score")):
        if any(word in one.validation for one in entries):
            columns[title] = [one.validation.get(word) for one in entries]
    return columns | {path: [_text(one.settings.get(path)) for one in entries] for path in paths}


def by_preset(entries: Sequence[Entry], metrics: Sequence[str]) -> dict[str, list[Any]]:
    """A row for each group of runs that differ in their seed alone: runs, mean and standard deviation of each metric.

    The deviation is that between trainings (n − 1 in the denominator), None for a group of one.
    """
    groups: dict[str, list[Entry]] = {}
    for one in entries:
        same = {path: value for path, value in one.settings.items() if path != SEED}
        groups.setdefault(_key([one.experiment, same]), []).append(one)
    columns: dict[str, list[Any]] = {
        "Preset": [group[0].label if len(group) == 1 else group[0].label.split(" · ")[0] for group in groups.values()],
        "Runs": [len(group) for group in groups.values()],
    }
    for name in metrics:
        label = _label(entries, name)
        values = [[v for one in group if (v := one.report.metric(name).value) is not None] for group in groups.values()]
        columns[label] = [fmean(some) if some else None for some in values]
        columns[f"± {label}"] = [stdev(some) if len(some) > 1 else None for some in values]
    return columns


def by_sweep(entries: Sequence[Entry], metrics: Sequence[str]) -> dict[str, list[Any]]:
    """A row a sweep: its runs with a report, and of the one with the best validation score its metrics and settings.

    Settings are those in which the sweep's own runs differ. Runs of no sweep are left out; a sweep whose runs have no
    score shows its first.
    """
    groups: dict[str, list[Entry]] = {}
    for one in entries:
        if one.sweep:
            groups.setdefault(one.sweep, []).append(one)
    best = [max(group, key=lambda one: one.validation.get("best", -math.inf)) for group in groups.values()]
    columns = table([replace(one, sweep="") for one in best], metrics, [])
    paths = list(dict.fromkeys(path for group in groups.values() for path in differing(group)))
    chosen = [
        {path: _text(one.settings.get(path)) for path in differing(group)}
        for one, group in zip(best, groups.values(), strict=True)
    ]
    first: dict[str, list[Any]] = {
        "Sweep": list(groups),
        "Runs": [len(group) for group in groups.values()],
        "Best run": columns.pop("Run"),
    }
    return first | columns | {path: [of.get(path) for of in chosen] for path in paths}


def _sweep(config: Mapping[str, Any]) -> str:
    sweep = config.get("sweep")
    return f"{sweep['title']} · {sweep['name'][:6]}" if sweep else ""


def _validation(run: Run) -> dict[str, float]:
    scores = run.metrics([PREFERRED]).get(PREFERRED)
    points = [] if scores is None else [p for p in zip(scores.value, scores.epoch, strict=True) if math.isfinite(p[0])]
    if not points:
        return {}
    best = max(points, key=lambda point: point[0])
    return {"best": best[0], "at epoch": best[1], "last": points[-1][0]}


def _label(entries: Sequence[Entry], name: str) -> str:
    return next((m.label for one in entries if (m := one.report.metric(name)).label), name)


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _text(value: Any) -> str | None:
    """A setting as it is written on the command line; None where a model does not have it."""
    return None if value is None else value if isinstance(value, str) else json.dumps(value)
