"""Who stands where after the trials of many models and seeds: first places, share of the ceiling, what to take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from core.bench.model_measures import APART, SCORES
from core.evaluation import flags
from core.evaluation.registry import Estimate, measurement, metrics
from core.reports.report import Measurement, Report
from core.words import count

NULL = "independent_sites"
"""The experiment that is the null: it is shown, and in no running."""

SHARED = ("precision", "recall", "ld_r")
"""The metrics whose shares of the ceiling make up the quality of a model."""

REMEMBERING = {"copying", "membership"}
"""The warning signs of a model that knows its training individuals."""

_COPIED = 0.01  # share of copies, beyond what real individuals have, from which a model is in no running
_NOISE = 0.05  # quality up to which a model makes noise: scattered wide enough, noise has the best recall and AATS

Result = Mapping[str, Any]


@dataclass
class Row:
    """One model: what its trials found.

    Attributes:
        name: experiment. title: what a reader calls it.
        results: seed → what `Job.result` gives. failures: seed → why there is none.
    """

    name: str
    title: str
    results: dict[int, Result] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)

    def values(self, metric: str) -> list[float]:
        """The metric of every trial that has it."""
        found = [_value(result, metric) for result in self.results.values()]
        return [value for value in found if value is not None]

    def mean(self, metric: str) -> float:
        """Over the trials; NaN where none has it."""
        return mean(self.values(metric) or [math.nan])

    def facts(self, key: str) -> list[float]:
        """A number of every training: "seconds", "sampling", "epochs", "of"."""
        return [float(r["trained"][key]) for r in self.results.values() if r.get("trained")]


@dataclass(frozen=True)
class Standings:
    """The rows of a table with the null and the ceiling that frame them."""

    rows: list[Row]
    null: Row
    ceiling: Row

    def signs(self, row: Row) -> list[str]:
        """The warning signs that more than half of a model's trials show."""
        found = [name for seed in row.results for name in self._flags(row, seed)]
        return [name for name in dict.fromkeys(found) if 2 * found.count(name) > len(row.results)]

    def remembers(self, row: Row) -> bool:
        """Whether training individuals can be told from others by what the model makes."""
        return not REMEMBERING.isdisjoint(self.signs(row))

    def copies(self, row: Row) -> bool:
        """Whether training individuals come back unchanged."""
        usual = self.ceiling.mean("copies")
        return row.mean("copies") > _COPIED + (usual if math.isfinite(usual) else 0.0)

    def noise(self, row: Row) -> bool:
        """Whether precision, recall or linkage is as good as absent."""
        return self.quality(row) <= _NOISE

    @property
    def ranked(self) -> list[Row]:
        """The models in the running: not the null, none that copies, which looks perfect, and none that makes noise."""
        models = [row for row in self.rows if row.results and row.name != NULL]
        return [row for row in models if not self.copies(row) and not self.noise(row)]

    def first(self, metric: str) -> Row | None:
        """The ranked model whose mean is best; of AATS, the one whose worse part is."""
        name = APART.get(metric, metric)
        measured = [row for row in self.ranked if row.values(name)]
        return min(measured, key=lambda row: badness(name, row.mean(name)), default=None)

    def firsts(self, row: Row) -> int:
        """In how many of the eight scores a model is first."""
        return sum(self.first(metric) is row for metric in SCORES)

    def share(self, row: Row, metric: str) -> float:
        """Mean as a share of the ceiling's; NaN for what is not the better the higher."""
        best = self.ceiling.mean(metric)
        if not best > 0 or _about(metric).direction != "higher":
            return math.nan
        return row.mean(metric) / best

    def quality(self, row: Row) -> float:
        """Geometric mean of the shares of the ceiling of precision, recall and LD r: none buys another."""
        shares = [self.share(row, metric) for metric in SHARED]
        known = [max(share, 0.0) for share in shares if math.isfinite(share)]
        return math.prod(known) ** (1 / len(known)) if known else 0.0

    @property
    def recommended(self) -> Row | None:
        """The ranked model of the highest quality, of those that do not remember training individuals if there are."""
        return max(self._eligible, key=self.quality, default=None)

    @property
    def _eligible(self) -> list[Row]:
        return [row for row in self.ranked if not self.remembers(row)] or self.ranked

    def why(self, row: Row) -> str:
        """Why a row is recommended, in a sentence that stands alone."""
        others = self._eligible
        which = ""
        if self.remembers(row):
            which = ", which all remember training individuals"
        elif len(others) < len(self.ranked):
            which = " that do not remember training individuals"
        return (
            f"Trained on one half of these individuals and judged by the other, it reached {self.quality(row):.0%} of "
            "what real individuals reach in precision, recall and linkage together, the most of "
            f"{count(len(others), 'model')}{which}."
        )

    def sentences(self) -> list[str]:
        """Who is first in how many scores, what to take and why, and how far that is from the goals."""
        best = self.recommended
        if best is None:
            return ["No model is in the running: each failed, is the null, makes noise, or gives individuals back."]
        order = sorted(self.ranked, key=self.firsts, reverse=True)
        leading = "; ".join(f"{row.title} in {self.firsts(row)}" for row in order if self.firsts(row))
        others = [row for row in self.rows if row.results and row.name != NULL]
        copiers = ", ".join(row.title for row in others if self.copies(row))
        noise = ", ".join(row.title for row in others if self.noise(row) and not self.copies(row))
        goals = "; ".join(f"{what} ({goal}: {'met' if met else 'missed'})" for what, goal, met in self.goals(best))
        return [
            f"First in the {len(SCORES)} scores: {leading}.",
            *([f"In no running, because training individuals come back: {copiers}."] if copiers else []),
            *([f"In no running, because precision, recall or linkage is as good as absent: {noise}."] if noise else []),
            f"Recommended: {best.title}. {self.why(best)}",
            f"Goals: {goals}.",
        ]

    def goals(self, row: Row) -> list[tuple[str, str, bool]]:
        """What a model that can be trusted reaches: (measured, goal, whether it is met)."""
        near, seen, ld = (row.mean(name) for name in ("aats", "aats_train", "ld_r"))
        fst, usual = abs(row.mean("fst")), abs(self.ceiling.mean("fst"))
        shares = [(metrics[name].title.lower(), self.share(row, name)) for name in SHARED[:2]]
        return [
            *((f"{title} {share:.0%} of the ceiling", "95%", share >= 0.95) for title, share in shares),
            (f"AATS {near:.3f} to the holdout", "0.45 to 0.55", 0.45 <= near <= 0.55),
            (f"{seen:.3f} to the training half", "within 0.05 of that", abs(near - seen) <= 0.05),
            (f"LD r {ld:.3f}", "0.98", ld >= 0.98),
            (f"F_ST {fst:.1e}", f"twice the ceiling's {usual:.1e}", fst <= 2 * usual),
        ]

    def _flags(self, row: Row, seed: int) -> list[str]:
        """Names of the failures of one trial, found as a report finds them."""
        trial, null, ceiling = row.results[seed], self.null.results.get(seed), self.ceiling.results.get(seed)
        entries = {
            name: measurement(
                metrics[name],
                Estimate(one["value"], params=one["params"]),
                null=_value(null, name),
                ceiling=_value(ceiling, name),
            ).entry
            for name, one in trial["metrics"].items()
            if name in metrics
        }
        return [flag.name for flag in flags.find(Report({"metrics": entries, "curves": {"ld_decay": trial["ld"]}}))]


def _value(result: Result | None, metric: str) -> float | None:
    """The metric in what `core.bench.model_measures.measure` gave."""
    entry = result["metrics"].get(metric) if result else None
    return None if entry is None else entry["value"]


def badness(metric: str, value: float) -> float:
    """A number that is the smaller the better the value is."""
    about = _about(metric)
    return Measurement(metric, direction=about.direction, target=about.target, value=value).badness


def _about(metric: str) -> Measurement:
    """Direction and target as the registry has them, at whatever k; the distance of a part of AATS is to be small."""
    if metric in APART.values():
        return Measurement(metric, direction="lower")
    name = metric.rsplit("_", 1)[0] if metric.rsplit("_", 1)[-1].isdigit() else metric
    return Measurement(name, direction=metrics[name].value.direction, target=metrics[name].value.target)
