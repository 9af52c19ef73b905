"""A report as a thing: every number with what frames it, the curves behind the views, the failure flags."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.words import count, interval, number

SCHEMA = 1
OTHER = "Other"
"""The family of a metric that names none."""

_KEPT = 32  # array files in memory: a page of six models reads at most two of each

Direction = Literal["higher", "lower", "target"]


@dataclass(frozen=True)
class Measurement:
    """One metric of a report: its value, or the reason why it has none, and what it is to be read against.

    Attributes:
        name: snake_case, fixed. label: its name on a chart. family: the group that it is shown in.
        headline: whether it speaks for its family at the first look.
        direction: which way is better; with "target", `target` is the ideal.
        value: None where it could not be measured. low, high: bootstrap interval.
        null: the same of individuals without linkage, or of the mean alone. ceiling: the same of real data.
        matched: {"n", "value", "null"} at the ceiling's size, where the ceiling rests on fewer individuals.
        baselines: the same metric of simpler methods, by their name.
        params: whatever else changes the number. reason: why there is no value. help: definition. source: paper.
    """

    name: str
    label: str = ""
    family: str = OTHER
    headline: bool = False
    direction: Direction = "higher"
    target: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    null: float | None = None
    ceiling: float | None = None
    matched: Mapping[str, Any] | None = None
    baselines: Mapping[str, float | None] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    help: str = ""
    source: str = ""

    @property
    def shown(self) -> str:
        """The value with its interval, or the reason why there is none."""
        if self.value is None:
            return self.reason or "no reason given"
        return interval(self.value, self.low, self.high)

    @property
    def goal(self) -> str:
        """Which way is good, in words."""
        if self.target is not None:
            return f"best at {number(self.target)}"
        return "lower is better" if self.direction == "lower" else "higher is better"

    @property
    def badness(self) -> float:
        """A number that is smaller the better the value is; infinite without a value."""
        if self.value is None:
            return float("inf")
        if self.target is not None:
            return abs(self.value - self.target)
        return self.value if self.direction == "lower" else -self.value

    @property
    def best_baseline(self) -> tuple[str, float | None]:
        """(name, value) of the baseline with the highest value; ("", None) where there is none."""
        known = [(name, value) for name, value in self.baselines.items() if value is not None]
        return max(known, key=lambda item: item[1], default=("", None))

    @property
    def entry(self) -> dict[str, Any]:
        """What report.json holds of it under its name."""
        return {key: value for key, value in vars(self).items() if key != "name"}


_FIELDS = {f.name for f in dataclasses.fields(Measurement)} - {"name"}


@dataclass(frozen=True)
class Flag:
    """One failure: `severity` is "high", "medium" or "low", `evidence` its numbers, `advice` what to try."""

    name: str
    severity: str
    evidence: str
    advice: str


@dataclass(frozen=True)
class Report:
    """The evaluation of one model, as evaluation writes it and everyone else reads it.

    A figure takes what it draws by name and never looks into `content`:

        report.curve("ld_decay")             rows, [] where the report has none: [{"distance": …, "real": …}, …]
        report.analysis("effects")           one table with its facts or its reason, None where the report has none
        report.metric("ld_r").value          also .low .high .null .ceiling .params .reason .shown .label .goal
        report.arrays("linkage")             arrays/linkage.npz as {name: array}, {} where there is none
        report.flags, report.n["variants"], report.provenance("k = 5")

    Attributes:
        content: what report.json holds, JSON types.
        folder: where report.json and arrays/ lie; None for a report that was not written.
    """

    content: Mapping[str, Any]
    folder: Path | None = None

    @cached_property
    def metrics(self) -> dict[str, Measurement]:
        """Every metric by name, in the order of the file: family by family."""
        entries: Mapping[str, Mapping[str, Any]] = self.content.get("metrics", {})
        return {
            name: Measurement(name, **{"label": _label(name)} | {k: v for k, v in entry.items() if k in _FIELDS})
            for name, entry in entries.items()
        }

    def metric(self, name: str) -> Measurement:
        """The metric `name`; one without a value and with a reason where the report is older than the metric."""
        missing = "Older than this metric; evaluate the run again."
        return self.metrics.get(name) or Measurement(name, _label(name), reason=missing)

    def curve(self, name: str) -> list[dict[str, Any]]:
        """The rows of a curve; an empty list where the report does not have it."""
        return list(self.content.get("curves", {}).get(name) or [])

    def analysis(self, name: str) -> dict[str, Any] | None:
        """A table with its facts, or {"reason": why there is none}; None where the report is older than it."""
        return self.content.get("curves", {}).get(name)

    def arrays(self, stem: str) -> Mapping[str, npt.NDArray[Any]]:
        """arrays/<stem>.npz by array name, read once for each version of the file; empty where there is none."""
        if self.folder is None:
            return {}
        path = self.folder / "arrays" / f"{stem}.npz"
        try:
            return _arrays(path, path.stat().st_mtime_ns)
        except FileNotFoundError:
            return {}

    @cached_property
    def flags(self) -> list[Flag]:
        """The failures that were found, the severe ones first."""
        return [Flag(**flag) for flag in self.content.get("flags", [])]

    @property
    def kind(self) -> str:
        """ "genotypes" or "sets"."""
        return str(self.content.get("kind", "genotypes"))

    @property
    def n(self) -> Mapping[str, Any]:
        """Sizes: real, synthetic, holdout, reference, variants; or sets, train, holdout."""
        return self.content.get("n", {})

    @property
    def seed(self) -> int:
        """Of every random choice."""
        return int(self.content.get("seed") or 0)

    @property
    def judged(self) -> str:
        """What the model is judged by: "holdout"; else "real" individuals or "train" sets."""
        return str(self.content.get("judged", "real"))

    @property
    def space(self) -> str:
        """In words, the space in which distances between sets were measured; "" for genotypes."""
        return str(self.content.get("space", ""))

    @property
    def options(self) -> Mapping[str, Any]:
        """Settings of the metrics: k, distance, …"""
        return self.content.get("options", {})

    def provenance(self, *extra: str) -> str:
        """ "400 synthetic against 400 holdout individuals, 1,000 variants, seed 42", then `extra`."""
        n, seed = self.n, f"seed {self.seed}"
        if self.kind == "sets":
            return "; ".join([f"{n['sets']:,} sets, {n['holdout']:,} held out", self.space, seed, *extra]) + "."
        sizes = f"{n['synthetic']:,} synthetic against {n['reference']:,} {self.judged} individuals"
        return ", ".join([sizes, count(n["variants"], "variant"), seed, *(e for e in extra if e)]) + "."


@lru_cache(maxsize=_KEPT)
def _arrays(path: Path, _changed: int) -> Mapping[str, npt.NDArray[Any]]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
