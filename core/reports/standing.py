"""The scorecard: every metric of several reports side by side, who is better, and whether the gap is real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.words import interval, number

HEADLINE = ("allele_frequency_rmse", "ld_r", "precision", "recall", "pca_wasserstein", "privacy_loss")
"""One metric a family: what the first look shows."""

# A metric belongs to the family with the longest prefix that begins its name.
_FAMILIES = {
    "Frequencies": (
        "allele",
        "genotype",
        "matthew",
        "rare",
        "heterozyg",
        "hwe",
        "f_is",
        "fis",
        "site",
        "fst",
        "population_allele",
    ),
    "Linkage": ("ld", "linkage", "correlation"),
    "Structure": ("pca", "umap", "population"),
    "Fidelity and diversity": ("precision", "recall", "density", "coverage", "f1", "aa", "diversity"),
    "Privacy": ("privacy", "dupl", "cop", "nearest", "closer", "member", "aats_train"),
}
_OTHER = "Other"
FAMILIES = (*_FAMILIES, _OTHER)

BETTER, WORSE, UNCLEAR, BASELINE = "better", "worse", "within noise", "baseline"


_MISSING = {"value": None, "reason": "This report was made before the metric existed; evaluate the run again."}


@dataclass(frozen=True)
class Candidate:
    """A report under the name a reader knows it by.

    Attributes:
        label: unique among the candidates of a comparison ("WGAN-GP · 3f2a").
        model: what fixes its colour (a preset's or a model's name).
        report: the report, as `core.evaluation.report` writes it.
        run: id of its run, empty for a report without one.
    """

    label: str
    model: str
    report: Mapping[str, Any]
    run: str = ""

    def metric(self, name: str) -> Mapping[str, Any]:
        """The entry of a metric; an entry without value and with a reason where the report lacks it."""
        found: Mapping[str, Any] = self.report.get("metrics", {}).get(name, _MISSING)
        return found

    @property
    def flags(self) -> list[dict[str, Any]]:
        """The failure flags of the report."""
        return list(self.report.get("flags", []))

    @property
    def copies(self) -> bool:
        """Whether a flag says that training individuals come back."""
        return any(flag.get("name") == "copying" for flag in self.flags)


@cache
def family(name: str) -> str:
    """The family of a metric, one of FAMILIES."""
    fits = [(len(p), f) for f, prefixes in _FAMILIES.items() for p in prefixes if name.startswith(p)]
    return max(fits)[1] if fits else _OTHER


def metric_names(candidates: Sequence[Candidate], families: Sequence[str] = FAMILIES) -> list[str]:
    """Every metric that any report has, by family, each family in the order of the reports."""
    seen = dict.fromkeys(name for c in candidates for name in c.report.get("metrics", {}))
    return [name for f in FAMILIES if f in families for name in seen if family(name) == f]


def described(candidates: Sequence[Candidate], name: str) -> dict[str, Any]:
    """Label, help, direction and target of a metric, from the first report that has them."""
    entry: Mapping[str, Any] = next((c.metric(name) for c in candidates if name in c.report.get("metrics", {})), {})
    return {
        "label": entry.get("label") or name.replace("_", " ").capitalize(),
        "help": entry.get("help", ""),
        "direction": entry.get("direction", "higher"),
        "target": entry.get("target"),
    }


def goal(direction: str, target: float | None) -> str:
    """Which way is good, in words."""
    if direction == "target" and target is not None:
        return f"best at {number(target)}"
    return "lower is better" if direction == "lower" else "higher is better"


def badness(value: float, direction: str, target: float | None) -> float:
    """A number that is smaller the better the value is."""
    if direction == "target":
        return abs(value - (target or 0.0))
    return value if direction == "lower" else -value


def verdict(entry: Mapping[str, Any], baseline: Mapping[str, Any], direction: str, target: float | None) -> str:
    """Whether a value is better or worse than the baseline's; "within noise" where their intervals overlap."""
    if entry.get("value") is None or baseline.get("value") is None:
        return ""
    low, high = _span(entry)
    other_low, other_high = _span(baseline)
    if low <= other_high and other_low <= high:
        return UNCLEAR
    nearer = badness(entry["value"], direction, target) < badness(baseline["value"], direction, target)
    return BETTER if nearer else WORSE


def standing(candidates: Sequence[Candidate], names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Per candidate: on how many metrics it is best or within noise of the best, out of how many it was measured on.

    A candidate that copies training individuals is counted but sets no mark for others: a copy looks perfect.
    """
    scores = {c.label: [0, 0] for c in candidates}
    honest = [c for c in candidates if not c.copies] or list(candidates)
    for name in names:
        about = described(candidates, name)
        measured = [entry for c in honest if (entry := c.metric(name)).get("value") is not None]
        if len(measured) < 2:
            continue
        sign = (about["direction"], about["target"])
        first = min(measured, key=lambda entry: badness(entry["value"], *sign))
        for c in candidates:
            entry = c.metric(name)
            if entry.get("value") is None:
                continue
            scores[c.label][1] += 1
            scores[c.label][0] += verdict(entry, first, *sign) != WORSE
    return {label: (won, of) for label, (won, of) in scores.items()}


def leader(candidates: Sequence[Candidate], names: Sequence[str]) -> tuple[Candidate, int, int] | None:
    """The candidate that is best, or within noise of it, on most metrics: (it, on how many, of how many).

    Copiers are left out; None where no other is left.
    """
    scores = standing(candidates, names)
    honest = [(c, *scores[c.label]) for c in candidates if not c.copies and scores[c.label][1]]
    return max(honest, key=lambda found: found[1] / found[2], default=None)


def table(
    candidates: Sequence[Candidate], names: Sequence[str], baseline: Candidate | None = None
) -> dict[str, list[Any]]:
    """The scorecard for reading: a row a metric; value with interval, and the verdict against the baseline."""
    columns: dict[str, list[Any]] = {k: [] for k in ("Family", "Metric", "Goal", "Null", "Ceiling")}
    for c in candidates:
        columns[c.label] = []
    for name in names:
        about = described(candidates, name)
        first: Mapping[str, Any] = next((e for c in candidates if (e := c.metric(name)).get("ceiling") is not None), {})
        columns["Family"].append(family(name))
        columns["Metric"].append(about["label"])
        columns["Goal"].append(goal(about["direction"], about["target"]))
        columns["Null"].append(number(first.get("null")))
        columns["Ceiling"].append(number(first.get("ceiling")))
        for c in candidates:
            columns[c.label].append(_cell(c, name, about, baseline))
    return columns


def numbers(
    candidates: Sequence[Candidate], names: Sequence[str], baseline: Candidate | None = None
) -> dict[str, list[Any]]:
    """The scorecard for other programs: a row a metric and candidate, every number in its own column."""
    rows: dict[str, list[Any]] = {
        k: []
        for k in (
            "family", "metric", "candidate", "run", "value", "low", "high", "null", "ceiling", "direction", "target",
            "baseline", "difference", "verdict", "params", "reason",
        )
    }  # fmt: skip
    for name in names:
        about = described(candidates, name)
        for c in candidates:
            entry = c.metric(name)
            base: Mapping[str, Any] = baseline.metric(name) if baseline else {}
            both = entry.get("value") is not None and base.get("value") is not None
            row = {
                **{k: entry.get(k) for k in ("value", "low", "high", "null", "ceiling", "params", "reason")},
                "family": family(name),
                "metric": name,
                "candidate": c.label,
                "run": c.run,
                "direction": about["direction"],
                "target": about["target"],
                "baseline": baseline.label if baseline else None,
                "difference": entry["value"] - base["value"] if both else None,
                "verdict": verdict(entry, base, about["direction"], about["target"]) if both else None,
            }
            for key, column in rows.items():
                column.append(row[key])
    return rows


def _cell(c: Candidate, name: str, about: Mapping[str, Any], baseline: Candidate | None) -> str:
    entry = c.metric(name)
    if entry.get("value") is None:
        return f"no value: {entry.get('reason') or 'no reason given'}"
    shown = interval(entry["value"], entry.get("low"), entry.get("high"))
    if baseline is None or c.label == baseline.label:
        return shown
    word = verdict(entry, baseline.metric(name), about["direction"], about["target"])
    sign = {BETTER: "▲ ", WORSE: "▼ ", UNCLEAR: "≈ "}.get(word, "")
    return sign + shown


def _span(entry: Mapping[str, Any]) -> tuple[float, float]:
    value = float(entry["value"])
    low, high = entry.get("low"), entry.get("high")
    return (value if low is None else float(low), value if high is None else float(high))
