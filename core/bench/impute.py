"""Imputation: models trained on one half of a cohort fill in variants that are hidden in the other half."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from core.bench.code import code_digest
from core.bench.model_trials import CHECKPOINTS, Job, fitted, halves, keep_cohort
from core.bench.models import read_cohort
from core.config.catalogue import imputes, imputing_models
from core.config.experiments import load, presets
from core.data.genotype_counts import allele_frequency, genotype_counts
from core.data.genotypes import MISSING, Genotypes
from core.errors import InputError
from core.evaluation.imputation import EDGES, accuracy
from core.reports.files import plain
from core.runs.files import read_json, write_json
from core.words import count, duration

MODELS = "hidden_tree,masked_transformer,haplotype_mosaic"
INDIVIDUALS = 300  # of the holdout that are imputed: some 100,000 calls in a small region
_BATCH = 32
ALL = "all"


@dataclass
class Trial:
    """What one model gave: {bin → row of `core.evaluation.imputation.Bin`} for each seed, and what it took."""

    title: str
    name: str
    bins: dict[int, dict[str, dict[str, Any]]] = field(default_factory=dict)
    facts: dict[int, dict[str, Any]] = field(default_factory=dict)

    def values(self, bin: str, key: str) -> list[float]:
        """The value of every seed that has one."""
        rows = (bins.get(bin, {}) for bins in self.bins.values())
        return [row[key] for row in rows if row.get(key) is not None]

    def mean(self, bin: str, key: str = "r2") -> float | None:
        """The mean over seeds."""
        values = self.values(bin, key)
        return fmean(values) if values else None


def main(arguments: Sequence[str]) -> int:
    """Print r² by frequency of each model beside the null, and who is ahead; a trial that is done is kept."""
    options = _options(arguments)
    genotypes, name = read_cohort(options.data, options.samples, options.maf_min)
    folder = keep_cohort(genotypes, name)
    trials = [_trials(genotypes, folder, one, options) for one in _experiments(options)]
    said = _protocol(genotypes, name, options)
    if options.json:
        print(json.dumps(plain(answer(trials) | {"data": name, "protocol": said})))
    else:
        print("\n\n".join([said, markdown(trials), "\n".join(sentences(trials))]))
    return 0


def hidden_variants(m: int, share: float, seed: int) -> np.ndarray:
    """(m,) bool, the variants that nobody of the holdout shows."""
    hidden = np.zeros(m, dtype=bool)
    hidden[np.random.default_rng([seed, 2]).choice(m, round(share * m), replace=False)] = True
    return hidden


def bins_of(trials: Sequence[Trial]) -> list[str]:
    """The bins in which a model was judged, by frequency, then all of them together."""
    named = [_bin(low, high) for low, high in pairwise(EDGES)]
    return [bin for bin in (*named, ALL) if any(trial.mean(bin) is not None for trial in trials)]


def markdown(trials: Sequence[Trial]) -> str:
    """A row a bin: r² of each model, of the null, and who is ahead."""
    first = trials[0]
    lines = [
        f"| minor-allele frequency | variants | null | {' | '.join(t.title for t in trials)} | ahead |",
        "|---" * (len(trials) + 4) + "|",
    ]
    for bin in bins_of(trials):
        variants = fmean(first.values(bin, "variants"))
        cells = [_number(trial.values(bin, "r2")) for trial in trials]
        null = _number(first.values(bin, "null_r2"))
        lines.append(f"| {bin} | {variants:,.0f} | {null} | {' | '.join(cells)} | {_ahead(trials, bin).title} |")
    return "\n".join(lines)


def sentences(trials: Sequence[Trial]) -> list[str]:
    """By how much the first of the bins differ from the second, and what the trainings took."""
    told = []
    for bin in bins_of(trials):
        best = _ahead(trials, bin)
        others = [t for t in trials if t is not best and t.mean(bin) is not None]
        if others:
            second = max(others, key=lambda t: t.mean(bin) or 0.0)
            gap = (best.mean(bin) or 0.0) - (second.mean(bin) or 0.0)
            told.append(f"{bin}: {best.title} is ahead of {second.title} by {gap:.3f}.")
    for trial in trials:
        facts = list(trial.facts.values())
        took = duration(fmean(f["seconds"] for f in facts))
        slow = duration(fmean(f["imputing"] for f in facts))
        told.append(
            f"{trial.title}: trained in {took} ({facts[0]['epochs']} of {facts[0]['of']} epochs), imputed in {slow}; "
            f"r² {_number(trial.values(ALL, 'r2'))} where its probabilities promise "
            f"{_number(trial.values(ALL, 'expected_r2'))}; concordance {_number(trial.values(ALL, 'concordance'))} "
            f"(null {_number(trial.values(ALL, 'null_concordance'))})."
        )
    return told


def answer(trials: Sequence[Trial]) -> dict[str, Any]:
    """The object of `--json`: every bin of every model by seed, and who is ahead in each."""
    models = [
        {
            "name": trial.name,
            "title": trial.title,
            "bins": {str(seed): list(bins.values()) for seed, bins in trial.bins.items()},
            "facts": {str(seed): facts for seed, facts in trial.facts.items()},
        }
        for trial in trials
    ]
    ahead = {bin: _ahead(trials, bin).name for bin in bins_of(trials)}
    return {"benchmark": "impute", "models": models, "ahead": ahead, "sentences": sentences(trials)}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m core bench impute", description=__doc__)
    parser.add_argument("--data", required=True, metavar="FILE|DATASET", help="a genotype file, or a dataset by name")
    parser.add_argument("--samples", type=Path, metavar="TABLE", help="populations of a file")
    parser.add_argument("--maf-min", type=float, default=0.0, help="leave rarer variants of a file out")
    parser.add_argument("--mask", type=float, default=0.5, help="share of the variants that is hidden (default 0.5)")
    parser.add_argument("--seeds", type=int, default=1, help="divisions into halves, each trained anew (default 1)")
    parser.add_argument("--models", default=MODELS, metavar="A,B,…", help=f"experiments (default {MODELS})")
    parser.add_argument("--preset", default="laptop", help="laptop, or gpu for the experiments that have one")
    parser.add_argument("--minutes", type=float, default=0.0, help="after which a training ends (default: its own)")
    parser.add_argument(
        "--individuals", type=int, default=INDIVIDUALS, help=f"of the holdout that are imputed (default {INDIVIDUALS})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.individuals < 2 or not 0 < options.mask < 1:
        raise InputError("--seeds is at least 1, --individuals at least 2, and --mask a share between 0 and 1.")
    return options


def _experiments(options: argparse.Namespace) -> list[dict[str, Any]]:
    found = []
    for name in options.models.split(","):
        one = load(name, options.preset if options.preset in presets(name) else "laptop")
        if not imputes(str(one["model"]["name"])):
            raise InputError(f"{one['title']} cannot impute; choose among: {', '.join(imputing_models())}.")
        found.append(one)
    return found


def _trials(genotypes: Genotypes, folder: Path, experiment: Mapping[str, Any], options: argparse.Namespace) -> Trial:
    """Every seed of one model."""
    trial = Trial(str(experiment["title"]), str(experiment["name"]))
    for seed in range(options.seeds):
        job = Job(folder, seed, experiment, minutes=options.minutes)
        kept = job.folder / f"imputed-{options.mask:g}-{options.individuals}.json"
        found = read_json(kept)
        if found is None or found["code"] != _digest():
            print(f"{trial.title}, seed {seed}", file=sys.stderr, flush=True)
            found = _one(genotypes, job, options) | {"code": _digest()}
            write_json(kept, plain(found))
            shutil.rmtree(job.folder / CHECKPOINTS)
        trial.bins[seed], trial.facts[seed] = found["bins"], found["facts"]
    return trial


def _one(genotypes: Genotypes, job: Job, options: argparse.Namespace) -> dict[str, Any]:
    """Train on one half, hide variants in the other, impute them, compare."""
    import torch

    job.write()
    whole, _ = halves(genotypes, job.seed)
    order, half = np.random.default_rng(job.seed).permutation(genotypes.n), genotypes.n // 2
    holdout = genotypes.individuals(np.sort(order[half : 2 * half][: options.individuals]))
    hidden = hidden_variants(genotypes.m, options.mask, job.seed)
    seen = replace(holdout, calls=np.where(hidden, MISSING, holdout.calls).astype(np.int8))
    model, facts = fitted(job, whole)
    device, started = model.condition_labels.device, time.monotonic()
    noise = torch.Generator(device).manual_seed(job.seed)
    parts = []
    for start in range(0, seen.n, _BATCH):
        calls = torch.from_numpy(seen.calls[start : start + _BATCH]).to(device)
        parts.append(model.impute(calls, None, noise).cpu().numpy())
        print(f"  imputed {min(start + _BATCH, seen.n)} of {seen.n}", file=sys.stderr, flush=True)
    frequency = np.nan_to_num(allele_frequency(genotype_counts(whole.calls, whole.ploidy)))
    together, bins = accuracy(np.concatenate(parts), holdout.calls, np.tile(hidden, (seen.n, 1)), frequency)
    assert together is not None
    rows = {_bin(one.low, one.high): one.row() for one in bins} | {ALL: together.row()}
    return {"bins": rows, "facts": facts | {"imputing": time.monotonic() - started}}


def _digest() -> str:
    """Of the code that judges; the model's own is in the name of the folder."""
    return code_digest([__name__, "core.evaluation.imputation"], "core.evaluation")


def _ahead(trials: Sequence[Trial], bin: str) -> Trial:
    return max(trials, key=lambda trial: -1.0 if (value := trial.mean(bin)) is None else value)


def _bin(low: float, high: float) -> str:
    return f"{100 * low:g}–{100 * high:g} %"


def _number(values: Sequence[float]) -> str:
    if not values:
        return "–"
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{spread}"


def _protocol(genotypes: Genotypes, name: str, options: argparse.Namespace) -> str:
    budget = f", each training at most {options.minutes:g} minutes" if options.minutes else ""
    return (
        f"{name}: {genotypes.n:,} individuals × {genotypes.m:,} variants, divided in half "
        f"{count(options.seeds, 'time')}, without labels{budget}. {options.mask:.0%} of the variants are hidden, the "
        f"same for all models, in {min(options.individuals, genotypes.n // 2):,} individuals of the other half. r² of "
        "imputed and true dosages by frequency in the training half; null: that frequency alone."
    )
