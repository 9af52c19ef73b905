"""The report: every metric with its interval, null and ceiling, the curves and arrays behind the pages, the flags."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy.typing as npt

import core
from core.config.evaluation import EvaluationConfig
from core.config.schema import to_dict
from core.data.genotypes import Genotypes
from core.evaluation import flags, panels
from core.evaluation.context import Cohort, Comparison, Panel
from core.evaluation.harmonise import harmonise
from core.evaluation.panels import Setting, setting
from core.evaluation.registry import Estimate, Metric, measurement, of_kind
from core.evaluation.structure_map import add_map
from core.registry import Entry
from core.reports.files import plain, write_report
from core.reports.report import SCHEMA, Measurement, Report


def evaluate(
    real: Genotypes,
    synthetic: Genotypes,
    *,
    holdout: Genotypes | None = None,
    seed: int = 0,
    options: EvaluationConfig | None = None,
    out: Path | None = None,
    device: str = "cpu",
    names: dict[str, str] | None = None,
    notes: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Judge `synthetic` against `real`, or against `holdout` where `real` are the individuals a model was trained on.

    Args:
        real, synthetic, holdout: matrices in any variant order; what they share is compared (see `harmonise`).
        seed: of every random choice; the same seed gives the same report.
        options: settings of the metrics. device: where distances are computed.
        out: folder that receives report.json and arrays/*.npz, with a UMAP; None writes nothing.
        names: what to call "real", "synthetic" and "holdout" in the report (a dataset, a run, a file).
        notes: sentences for the reader on what was left out before.
        progress: called with a short sentence before each stage.

    Raises InputError on matrices that cannot be compared.
    """
    started = time.monotonic()
    config = options or EvaluationConfig()
    others = {"synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    shared, aligned, said = harmonise(real, others)
    here = setting(shared, aligned["synthetic"], aligned.get("holdout"), seed=seed, config=config, device=device)
    measured, parts = _everything(here, progress)
    curves, arrays = _drawn(parts, progress)
    called = names or {}
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "genotypes",
        "real": called.get("real", "real"),
        "synthetic": called.get("synthetic", "synthetic"),
        "holdout": None if holdout is None else called.get("holdout", "holdout"),
        "judged": "real" if holdout is None else "holdout",
        "version": core.__version__,
        "seed": seed,
        "device": device,
        "options": to_dict(config),
        "n": {
            "real": real.n,
            "synthetic": synthetic.n,
            "holdout": None if holdout is None else holdout.n,
            "reference": here.reference.n,
            "variants": here.real.m,
        },
        "ploidy": real.ploidy,
        "notes": [*notes, *said],
        "metrics": {one.name: one.entry for one in measured},
        "curves": curves,
    }
    content["flags"] = [vars(flag) for flag in flags.find(Report(content), parts)]
    content["seconds"] = round(time.monotonic() - started, 2)
    report = Report(plain(content))
    if out is None:
        return report
    report = write_report(report, arrays, out)
    if config.umap_individuals:
        progress("Fitting the UMAP")
        add_map(report, config.umap_individuals, seed)
    return report


def _everything(here: Setting, progress: Callable[[str], None]) -> tuple[list[Measurement], Panel]:
    """Every metric in the order of reading, and the comparisons that they were measured on.

    Metrics that pool the real individuals come after the others, where there is a phenotype that they can study.
    """
    entries = of_kind("genotypes")
    pooled = [entry for entry in entries if entry.value.pooled]
    again = here.holdout is not None and bool(
        {*here.real.genotypes.phenotypes} & {*here.synthetic.genotypes.phenotypes}
    )
    measured, parts = _measured(here, [e for e in entries if not (again and e in pooled)], progress)
    if again:
        everyone = panels.everyone(here)
        named = partial(_with_holdout, progress)
        others, whole = _measured(everyone, pooled, named, null=parts.null.candidate)
        measured, parts = measured | others, replace(parts, pooled=whole)
    return [measured[entry.name] for entry in entries], parts


def _with_holdout(progress: Callable[[str], None], stage: str) -> None:
    progress(f"{stage}: associations")


def _measured(
    here: Setting, entries: list[Entry[Metric]], progress: Callable[[str], None], null: Cohort | None = None
) -> tuple[dict[str, Measurement], Panel]:
    """The metrics on every comparison, and these; a side takes memory when its turn comes, and lets go after it.

    `null` are individuals without linkage that are there already.
    """

    def every(comparison: Comparison) -> dict[str, Estimate]:
        return {one.name: one.value(comparison) for one in entries}

    progress("Measuring the synthetic individuals")
    value = panels.value(here)
    values = every(value)
    here.synthetic.release()
    progress("Measuring the null (independent sites)")
    nothing = panels.null(here) if null is None else here.compare(here.reference, null)
    nulls = every(nothing)
    for cohort in (here.real, here.reference, nothing.candidate):
        cohort.release()
    progress("Measuring the ceiling (real against real)")
    ceiling = panels.ceiling(here)
    parts = Panel(value, nothing, ceiling)
    ceilings = {} if ceiling is None else every(ceiling)
    unseen = panels.privacy_ceiling(here)
    if unseen is not None:
        ceilings |= {one.name: one.value(unseen) for one in entries if one.value.needs_train}
    for cohort in (here.real, *(() if ceiling is None else (ceiling.reference, ceiling.candidate))):
        cohort.release()
    pair = panels.matched(here, parts)
    if pair:
        progress("Measuring value and null at the size of the ceiling")
    sized = {name: every(comparison) for name, comparison in pair.items()}
    measured = {}
    for one in entries:
        other = ceilings.get(one.name)
        frame: dict[str, Any] = {"null": nulls[one.name].value, "ceiling": None if other is None else other.value}
        both = {name: estimates[one.name].value for name, estimates in sized.items()}
        if both and None not in both.values():
            frame["matched"] = {"n": pair["value"].candidate.n} | both
        measured[one.name] = measurement(one, values[one.name], here.real.config.confidence, **frame)
    return measured, parts


def _drawn(
    parts: Panel, progress: Callable[[str], None]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, npt.NDArray[Any]]]]:
    """Curves and arrays of every family that has some."""
    progress("Writing curves and arrays")
    curves: dict[str, list[dict[str, Any]]] = {}
    arrays: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for family in _families():
        if hasattr(family, "curves"):
            curves |= family.curves(parts)
        if hasattr(family, "arrays"):
            arrays |= family.arrays(parts)
    return curves, arrays


def _families() -> list[ModuleType]:
    """The modules that register metrics of genotypes: one file a family."""
    names = {one.value.function.__module__ for one in of_kind("genotypes")}
    return [importlib.import_module(name) for name in sorted(names)]
