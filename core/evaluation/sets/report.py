"""The report of a set model: every number with its floor or ceiling, its null, and what to do where it is bad."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.registry import measurement, of_kind
from core.evaluation.sets.effects import effects
from core.evaluation.sets.flags import flags
from core.evaluation.sets.forecast import forecast
from core.evaluation.sets.geometry import distances, set_sizes
from core.evaluation.sets.held_effects import held_effects
from core.evaluation.sets.intervention import interventions
from core.evaluation.sets.lineage import early_late
from core.evaluation.sets.maps import maps
from core.evaluation.sets.probes import probes
from core.evaluation.sets.reconstruction import reconstructions
from core.evaluation.sets.space import Subject, affordable
from core.evaluation.sets.units import units
from core.reports.files import plain, write_report
from core.reports.report import SCHEMA, Report

SAMPLED_SETS = 200
SAMPLED_LEAST = 20
SAMPLES = 300
TOGETHER = 16  # sets that are generated at once: a sequence costs its letters however many are written beside it


def evaluate_sets(
    subject: Subject, *, out: Path | None = None, names: dict[str, str] | None = None, version: str = ""
) -> Report:
    """Judge a model on its held-out sets; writes report.json and arrays/*.npz into `out`.

    Curves: "shepard", "reconstruction", "set_size", "probes". Analyses, each with values or the reason why there are
    none: "early_late" (early and late sets of a unit), "effects" (conditions carried over to held-out units),
    "held_effects" (held-out perturbations), "forecast" (the next set of a unit), "interventions" (whether intervals of
    a set under another condition hold) and "units" (labels of units from their sets).
    """
    started = time.monotonic()
    measured = [measurement(one, one.value(subject)) for one in of_kind("sets")]
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "sets",
        **(names or {}),
        "version": version,
        "seed": subject.seed,
        "n": {"sets": subject.sets.s, "train": len(subject.train), "holdout": len(subject.holdout)},
        "space": subject.space.description,
        "judged": "holdout" if len(subject.holdout) >= 2 else "train",
        "metrics": {one.name: one.entry for one in measured},
        "curves": {
            "shepard": distances(subject),
            "reconstruction": reconstructions(subject),
            "set_size": set_sizes(subject)[0],
            "probes": probes(subject),
            "early_late": early_late(subject),
            "effects": effects(subject),
            "held_effects": held_effects(subject),
            "forecast": forecast(subject),
            "interventions": interventions(subject),
            "units": units(subject),
        },
    }
    content["flags"] = [vars(flag) for flag in flags(Report(content))]
    arrays = _arrays(subject)
    content["seconds"] = round(time.monotonic() - started, 2)
    report = Report(plain(content))
    return report if out is None else write_report(report, arrays, out)


def _arrays(subject: Subject) -> dict[str, dict[str, npt.NDArray[Any]]]:
    split = np.full(subject.sets.s, "train")
    split[subject.holdout] = "holdout"
    sets, rng = subject.sets, subject.rng(9)
    most = min(SAMPLED_SETS, max(SAMPLED_LEAST, affordable(subject, min(int(sets.sizes.max()), SAMPLES))))
    held = rng.permutation(subject.judged)
    chosen = np.concatenate([held, np.setdiff1d(rng.permutation(sets.s), held, assume_unique=False)])
    chosen = np.sort(chosen[:most])
    real = [x[rng.permutation(len(x))[:SAMPLES]] for x in map(subject.observations, chosen)]
    made, offsets = [], np.concatenate([[0], np.cumsum([len(x) for x in real])])
    for first in range(0, len(chosen), TOGETHER):
        sizes = [len(x) for x in real[first : first + TOGETHER]]
        latents = subject.latents[chosen[first : first + TOGETHER]]
        generated = subject.generate(latents, max(sizes), int(rng.integers(2**31)))
        made += [sets.observation.generated(y[:n]) for y, n in zip(generated, sizes, strict=True)]
    return {
        "latents": {"z": subject.latents, "set_id": sets.set_id, "split": split},
        "maps": maps(subject),
        "samples": {
            "set": chosen,
            "offsets": offsets,
            "real": np.concatenate(real),
            "generated": np.concatenate(made),
        },
    }
