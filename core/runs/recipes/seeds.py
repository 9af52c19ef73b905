"""Five seeds: how far trainings of one model lie apart, beside the interval that one report states."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import stdev

from core.config.experiments import load
from core.data.dataset import Dataset, DatasetMeta
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.recipes.base import QUICK_INDIVIDUALS, Recipe, Step, recipes, step
from core.words import number

SEEDS = (1, 2, 3, 4, 5)
METRICS = ("precision", "recall", "ld_r", "aats")


@recipes.register(
    "seeds",
    title="Five seeds",
    help="How far do five trainings of one model lie apart, and is a gap between two models larger than that?",
    source="Bouthillier et al. 2021 (variance of benchmarks)",
)
class Seeds(Recipe):
    """The same individuals five times; seeds of weights, batches and samples differ."""

    about = "wgan_gp"

    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """One run a seed, on a part of the individuals."""
        some = {"max_individuals": QUICK_INDIVIDUALS}
        return [step(f"seed {k}", experiment, training={"seed": k}, dataset=some) for k in SEEDS]

    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """The metric that varies most between trainings, and by how much a gap must exceed that."""
        points, spreads = [], {}
        for name in METRICS:
            measured = [(label, report.metric(name)) for label, report in reports.items()]
            known = [(label, one) for label, one in measured if one.value is not None]
            points += [
                {"series": label, "x": one.label, "y": one.value, "low": one.low, "high": one.high}
                for label, one in known
            ]
            widths = [(one.high - one.low) / 2 for _, one in known if one.high is not None and one.low is not None]
            if len(known) > 1 and widths:
                values = [float(one.value or 0.0) for _, one in known]
                spreads[known[0][1].label] = (stdev(values), sum(widths) / len(widths), min(values), max(values))
        title = load(experiment)["title"]
        if not spreads:
            return Finding(f"{title}: no metric has a value in two trainings.", "", "value", points, {})
        worst = max(spreads, key=lambda label: spreads[label][0])
        deviation, half, low, high = spreads[worst]
        sentence = (
            f"Five trainings of {title} differ most in {worst}, from {number(low)} to {number(high)} (standard "
            f"deviation {number(deviation)}, {number(deviation / half) if half else '–'} of the half width of one "
            f"report's interval): between two models, a gap below {number(2 * 2**0.5 * deviation)} is noise."
        )
        return Finding(sentence, "", "value, with the 95% interval of its report", points, {})
