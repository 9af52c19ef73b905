"""The scorecard: every metric of several reports side by side, who is better, and whether the gap is real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.reports.report import OTHER, Flag, Measurement, Report
from core.words import number

BETTER, WORSE, UNCLEAR = "better", "worse", "within noise"


@dataclass(frozen=True)
class Candidate:
    """A report under the name a reader knows it by.

    Attributes:
        label: unique among the candidates of a comparison ("WGAN-GP · 3f2a").
        model: what fixes its colour (a preset's or a model's name).
        report: what is compared. run: id of its run, empty for a report without one.
    """

    label: str
    model: str
    report: Report
    run: str = ""

    def metric(self, name: str) -> Measurement:
        """The metric `name` of the report; without a value and with a reason where it lacks it."""
        return self.report.metric(name)

    @property
    def flags(self) -> list[Flag]:
        """The failure flags of the report."""
        return self.report.flags

    @property
    def copies(self) -> bool:
        """Whether a flag says that training individuals come back."""
        return any(flag.name == "copying" for flag in self.flags)


def families(candidates: Sequence[Candidate]) -> dict[str, list[str]]:
    """Family → the metrics in it that any report has, both in the order of the reports; those without one come last."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for c in candidates for name in c.report.metrics):
        groups.setdefault(described(candidates, name).family, []).append(name)
    return dict(sorted(groups.items(), key=lambda group: group[0] == OTHER))


def metric_names(candidates: Sequence[Candidate]) -> list[str]:
    """Every metric that any report has, family by family."""
    return [name for group in families(candidates).values() for name in group]


def headline(candidates: Sequence[Candidate]) -> list[str]:
    """The metrics that speak for their families at the first look; the first six where no report names any."""
    names = metric_names(candidates)
    return [name for name in names if described(candidates, name).headline] or names[:6]


def described(candidates: Sequence[Candidate], name: str) -> Measurement:
    """The metric in the first report that has it: for its label, help, direction, target and family."""
    return next((c.metric(name) for c in candidates if name in c.report.metrics), Measurement(name))


def verdict(one: Measurement, baseline: Measurement) -> str:
    """Whether a value is better or worse than the baseline's; "within noise" where their intervals overlap.

    "" where one of the two has no value.
    """
    if one.value is None or baseline.value is None:
        return ""
    (low, high), (other_low, other_high) = _span(one, one.value), _span(baseline, baseline.value)
    if low <= other_high and other_low <= high:
        return UNCLEAR
    return BETTER if one.badness < baseline.badness else WORSE


def ranking(candidates: Sequence[Candidate], name: str) -> list[Candidate]:
    """The candidates that a metric was measured on, the best first; copiers only where all are."""
    honest = [c for c in candidates if not c.copies] or candidates
    return sorted((c for c in honest if c.metric(name).value is not None), key=lambda c: c.metric(name).badness)


def standing(candidates: Sequence[Candidate], names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Per candidate: on how many metrics it is best or within noise of the best, out of how many it was measured on.

    A candidate that copies training individuals is counted but sets no mark for others: a copy looks perfect.
    """
    scores = {c.label: [0, 0] for c in candidates}
    for name in names:
        ranked = ranking(candidates, name)
        if len(ranked) < 2:
            continue
        for c in candidates:
            word = verdict(c.metric(name), ranked[0].metric(name))
            if word:
                scores[c.label][1] += 1
                scores[c.label][0] += word != WORSE
    return {label: (won, of) for label, (won, of) in scores.items()}


def leader(candidates: Sequence[Candidate], names: Sequence[str]) -> tuple[Candidate, int, int] | None:
    """The candidate that is best, or within noise of it, on most metrics: (it, on how many, of how many).

    Copiers are left out; None where no other is left.
    """
    scores = standing(candidates, names)
    honest = [(c, *scores[c.label]) for c in candidates if not c.copies and scores[c.label][1]]
    return max(honest, key=lambda scored: scored[1] / scored[2], default=None)


def frame(candidates: Sequence[Candidate], name: str) -> tuple[float | None, float | None]:
    """(null, ceiling) of a metric, each of the first report that has one: all candidates share the real data."""
    measured = [c.metric(name) for c in candidates]
    null = next((one.null for one in measured if one.null is not None), None)
    return null, next((one.ceiling for one in measured if one.ceiling is not None), None)


def marked(c: Candidate, name: str, baseline: Candidate | None) -> str:
    """The value with its interval, before it ▲ ▼ ≈ against the baseline; the reason where there is no value."""
    one = c.metric(name)
    if one.value is None:
        return f"no value: {one.shown}"
    if baseline is None or c.label == baseline.label:
        return one.shown
    return {BETTER: "▲ ", WORSE: "▼ ", UNCLEAR: "≈ "}.get(verdict(one, baseline.metric(name)), "") + one.shown


def table(
    candidates: Sequence[Candidate], names: Sequence[str], baseline: Candidate | None = None
) -> dict[str, list[Any]]:
    """The scorecard for reading: a row a metric; value with interval, and the verdict against the baseline."""
    about = [described(candidates, name) for name in names]
    frames = [frame(candidates, name) for name in names]
    return {
        "Family": [one.family for one in about],
        "Metric": [one.label for one in about],
        "Goal": [one.goal for one in about],
        "Null": [number(null) for null, _ in frames],
        "Ceiling": [number(ceiling) for _, ceiling in frames],
        **{c.label: [marked(c, name, baseline) for name in names] for c in candidates},
    }


def numbers(
    candidates: Sequence[Candidate], names: Sequence[str], baseline: Candidate | None = None
) -> dict[str, list[Any]]:
    """The scorecard for other programs: a row a metric and candidate, every number in its own column."""
    rows = []
    for name in names:
        about = described(candidates, name)
        for c in candidates:
            one = c.metric(name)
            other = baseline.metric(name) if baseline else Measurement(name)
            rows.append(
                {
                    "family": about.family,
                    "metric": name,
                    "candidate": c.label,
                    "run": c.run,
                    **{k: getattr(one, k) for k in ("value", "low", "high", "null", "ceiling")},
                    "direction": about.direction,
                    "target": about.target,
                    "baseline": baseline.label if baseline else None,
                    "difference": None if one.value is None or other.value is None else one.value - other.value,
                    "verdict": verdict(one, other) or None,
                    "params": dict(one.params),
                    "reason": one.reason,
                }
            )
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}


def _span(one: Measurement, value: float) -> tuple[float, float]:
    return (value if one.low is None else one.low, value if one.high is None else one.high)
