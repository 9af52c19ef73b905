"""The numbers of the shipped reports, measured again from the shipped individuals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config.evaluation import EvaluationConfig
from core.config.home import PRETRAINED
from core.config.schema import from_dict
from core.evaluation.context import Cohort, Comparison
from core.evaluation.harmonise import harmonise
from core.evaluation.registry import metrics
from core.reports.files import read_report
from core.runs import sampling
from core.runs.directory import Run
from core.runs.work import dataset_of

RUNS = sorted(path.parent for path in PRETRAINED.glob("*/synthetic.npz"))
QUICK = {"Frequencies", "Structure"}  # families that need no distance between all individuals


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_a_shipped_report_says_what_its_individuals_say(folder: Path) -> None:
    run, report = Run(folder, embedded=True), read_report(folder)
    dataset, synthetic = dataset_of(run), sampling.load(run)
    assert report is not None and synthetic is not None
    genotypes, split = dataset.genotypes(), dataset.split()
    train = genotypes.individuals(split.train)
    shared, aligned, _ = harmonise(train, {"synthetic": synthetic, "holdout": genotypes.individuals(split.holdout)})
    config = from_dict(EvaluationConfig, report.options, where="options")
    real, made, judge = (
        Cohort(x, name, seed=report.seed, config=config)
        for x, name in ((shared, "real"), (aligned["synthetic"], "synthetic"), (aligned["holdout"], "holdout"))
    )
    comparison = Comparison(judge, made, real, seed=report.seed, config=config)
    again = {name: metrics[name].value(comparison).value for name, one in report.metrics.items() if one.family in QUICK}
    stored = {name: report.metric(name).value for name in again}
    assert len(again) > 10 and set(map(type, stored.values())) == {float}
    np.testing.assert_allclose(list(again.values()), list(stored.values()), rtol=1e-5, atol=1e-7)
