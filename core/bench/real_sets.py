"""Set embeddings on eight real collections, cross-validated over units, beside what needs no training."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from core.bench.real_probes import add_letters, add_read_off, letters, read_off
from core.config.experiments import compose
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import read_file
from core.data.sets import SetCollection
from core.data.split import Split
from core.data.stages import timeline
from core.errors import InputError
from core.evaluation.sets.conditions import control_of
from core.evaluation.sets.geometry import BASELINES, FEWEST, distances, set_sizes, spearman
from core.evaluation.sets.held_effects import PREDICTIONS, origin_of, score_of, shifts
from core.evaluation.sets.lineage import early_late
from core.evaluation.sets.reconstruction import TRIVIAL, reconstructions
from core.evaluation.sets.resampling import interval, resamples
from core.evaluation.sets.space import Subject
from core.latents.lens import Lens
from core.models.registry import build
from core.runs.set_work import settings_of
from core.training.clock import TrainingClock
from core.training.set_data import load_sets

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

FOLDS = 5  # one a unit where there are fewer units


@dataclass(frozen=True)
class Collection:
    """A file, how its sets are formed, and the experiment that trains on them."""

    file: str
    options: dict[str, Any]
    experiment: str
    generated: int = 1000  # observations behind a generated mean
    beside: tuple[str, ...] = ()  # files that belong to it
    settings: tuple[str, ...] = ()  # of the experiment
    targets: tuple[str, ...] = ()  # labels and covariates that are read off the latent


COLLECTIONS = {
    "larry": Collection(
        "larry-clones/test_adata_preprocessed.h5ad",
        {"set_column": ("clone", "time_info"), "unit": "clone", "layer": "obsm:X_pca", "min_samples": 1,
         "label_columns": ("time_info", "clone")},
        "lineage_tracing",
    ),
    "cropseq": Collection(
        "cropseq-perturbations/cropseq_6229.h5ad",
        {"set_column": ("perturbation",), "layer": "obsm:X_pca"},
        "perturbseq",
    ),
    "cytof": Collection(
        "cytof-pbmc/pbmc_bcrxl_cytof.h5ad",
        {"set_column": ("patient_id", "condition"), "unit": "patient_id", "chunk": 60, "normalise": "arcsinh",
         "label_columns": ("condition", "patient_id")},
        "cytometry",
    ),
    "fields": Collection(
        "blood-cells/bccd_crops32.npz", {"set_column": ("image",), "unit": "image"}, "cell_images", generated=100
    ),
    "promoters": Collection(
        "promoters-gpra/promoters_gpra_complex.csv.xz", {"quantiles": "expression", "quantiles_count": 100}, "gpra_dna",
        targets=("expression",),
    ),
    "methylation": Collection(
        "methylation-reads/reads.csv.gz",
        {"set_column": ("ctype", "dmr_label"), "chunk": 30, "unit": "dmr_label"},
        "methylation",
        targets=("ctype",),
    ),
    # The same sets with parts of each region on both sides: only so can the region of a set be asked.
    "regions": Collection(
        "methylation-reads/reads.csv.gz", {"set_column": ("ctype", "dmr_label"), "chunk": 30}, "methylation",
        targets=("dmr_label", "ctype"),
    ),
    "tcr": Collection(
        "tcr-donors/tcr_cdr3.csv.gz",
        {"set_column": ("Sample",), "unit": "Sample", "label_columns": ("Status", "Sample"), "gaps": "drop",
         "chunk": 500},
        "tcr",
        targets=("Status",),
    ),
    "spikes": Collection(
        "spike-by-month/spike_unique.fasta.xz",
        {"set_column": ("month",), "chunk": 40, "unit": "month"},
        "virus",
        beside=("spike-by-month/spike_dated_index.csv.gz",),
        settings=("encoder=sequence_cnn", "encoder.channels=16", "encoder.rounds=2", "encoder.width=64",
                  "generator=causal_transformer", "generator.width=32", "generator.depth=2", "generator.align=true",
                  "model.context_max=12", "model.query=4", "training.epochs=30", "training.learning_rate=2e-3"),
        targets=("month (year)",),
    ),
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Print a table for each collection; exit status 0."""
    parser = argparse.ArgumentParser(prog="bench real_sets", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files of the collections are")
    parser.add_argument(
        "--only", default="larry,cropseq,cytof,fields", metavar="A,B,…", help=f"among {', '.join(COLLECTIONS)}"
    )
    parser.add_argument("--seeds", type=int, default=3, help="trainings in every fold (default 3)")
    parser.add_argument("--folds", type=int, default=FOLDS, help="units are held out in so many parts (default 5)")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of the experiments")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.only.split(",") if name not in COLLECTIONS]
    if unknown:
        raise InputError(f"There is no collection called {unknown[0]!r}; choose among: {', '.join(COLLECTIONS)}.")
    tables = {}
    for name in options.only.split(","):
        started = time.monotonic()
        collection = COLLECTIONS[name]
        sets = read(options.folder, collection)
        facts = gathered(sets, collection, options.folds, options.seeds, options.set)
        tables[name] = rows = table(facts)
        print(f"\n{name}: {sets.s} sets, {options.seeds} seeds, {time.monotonic() - started:.0f} s")
        for row in rows:
            print(f"  {row['score']:<44} {row['value']:>7.3f} ({row['low']:.3f} to {row['high']:.3f})", flush=True)
    if options.json:
        print(json.dumps({"benchmark": "real_sets", "tables": tables}))
    return 0


def read(folder: Path, collection: Collection) -> SetCollection:
    """The sets of a collection, as an import with these options gives them."""
    paths = [folder / file for file in (collection.file, *collection.beside)]
    for path in paths:
        if not path.exists():
            raise InputError(f"There is no file {path}; give the folder that holds {collection.file}.")
    sets = read_file(paths, options=CollectionOptions(**collection.options)).population
    assert isinstance(sets, SetCollection)
    return sets


def folds(sets: SetCollection, count: int) -> list[Index]:
    """Held-out sets of each fold: whole units, every unit once; of units that are dates a span of time."""
    unit = sets.labels[sets.unit] if sets.unit else sets.set_id
    names = np.unique(unit)
    if timeline(sets) is None:
        names = np.random.default_rng(0).permutation(names)
    return [np.flatnonzero(np.isin(unit, part)) for part in np.array_split(names, min(count, len(names)))]


def trained(sets: SetCollection, split: Split, experiment: dict[str, Any], seed: int) -> Lens:
    """A model of the training sets after all its epochs: no held-out set picks anything."""
    training = from_dict(TrainingConfig, {**experiment["training"], "device": "cpu"}, where="training")
    data, _ = load_sets(sets, split, experiment["model"])
    torch.manual_seed(seed)
    model = build("gde", settings_of(experiment), data.spec, training)
    model.prepare(data)
    if model.closed_form:
        return Lens(model.eval(), "cpu")
    model.train()
    clock = TrainingClock(training.epochs, -(-len(data) // training.batch_size))
    while not clock.finished:
        order = torch.randperm(len(data))
        for i in range(0, len(data), training.batch_size):
            model.steps(data.index(order[i : i + training.batch_size]), clock)
            clock.tick()
    return Lens(model.eval(), "cpu")


@dataclass
class Facts:
    """What all folds and seeds say: rows of held-out sets with their units, and one number a training."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    shifts: list[dict[str, Any]] = field(default_factory=list)
    ranks: list[dict[str, float]] = field(default_factory=list)
    leaks: list[float] = field(default_factory=list)
    early: list[dict[str, Any]] = field(default_factory=list)
    read_off: list[dict[str, Any]] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)


def gathered(sets: SetCollection, collection: Collection, count: int, seeds: int, overrides: Sequence[str]) -> Facts:
    """Every fold trained and judged with every seed."""
    experiment = compose([f"experiment={collection.experiment}", *collection.settings, *overrides])
    facts = Facts()
    for seed, held in product(range(seeds), folds(sets, count)):
        split = Split(np.setdiff1d(np.arange(sets.s), held), held)
        lens = trained(sets, split, experiment, seed)
        subject = lens.subject(sets, split, seed)
        unit = dict(zip(sets.set_id.tolist(), subject.groups.tolist(), strict=True))
        facts.rows += [{**row, "unit": unit[row["set"]]} for row in reconstructions(subject)]
        facts.read_off += read_off(subject, collection.targets)
        if sets.modality == "sequence":
            facts.letters += letters(subject)
        else:
            facts.shifts += shifted(subject, collection.generated)
        pairs = distances(subject)
        if len(pairs) >= FEWEST:
            facts.ranks.append({k: spearman([r["w2"] for r in pairs], [r[k] for r in pairs]) for k in _RANKED})
        facts.leaks.append(set_sizes(subject)[1])
        facts.early += [found for found in [early_late(subject)] if "reason" not in found]
        print(f"  seed {seed}, {len(held)} sets held out", file=sys.stderr, flush=True)
    return facts


_EARLY = [f"{side}{what}{frame}" for what in ("retrieval_top1", "retrieval_top5", "information")
          for side, frame in (("", ""), ("mean_", ""), ("", "_null"))]  # fmt: skip


def mean_of_units(found: Sequence[dict[str, Any]], name: str, d: Index) -> float:
    """The mean of a score over the chosen trainings, each with the weight of the units that it held out."""
    return float(np.average([found[i][name] for i in d], weights=[found[i]["n_holdout"] for i in d]))


_RANKED = ("latent", *BASELINES)


def shifted(subject: Subject, generated: int) -> list[dict[str, Any]]:
    """From one half of each held-out set the shift of its other half from the control of its unit, or from the mean of
    all training sets where nothing names a control."""
    named = next(((v, control_of(v)) for v in subject.sets.labels.values() if control_of(v)), None)
    control = np.flatnonzero(named[0] == named[1]) if named else subject.train
    everyone = np.concatenate([subject.space(subject.observations(int(i))) for i in subject.train]).mean(axis=0)

    def origin(i: int) -> Array:
        return origin_of(subject, i, control) if named else everyone

    train = np.setdiff1d(subject.train, control) if named else subject.train
    usual = np.mean([subject.space(subject.observations(int(i))).mean(axis=0) - origin(int(i)) for i in train], axis=0)
    held = [int(i) for i in subject.holdout if subject.sets.sizes[i] >= 2 and not (named and i in control)]
    return [{**shifts(subject, i, origin(i), usual, generated), "unit": int(subject.groups[i])} for i in held]


def table(facts: Facts) -> list[dict[str, Any]]:
    """Scores with 95 % intervals from a bootstrap over units, over trainings where a score is of a training."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []

    def add(score: str, items: Sequence[Any], groups: Sequence[int], value: Callable[[Index], float]) -> None:
        if not items:
            return
        draws, _ = resamples(np.asarray(groups, dtype=np.int64), rng)
        low, high = interval(value, draws)
        rows.append({"score": score, "value": value(np.arange(len(items))), "low": low, "high": high})

    column = {k: np.array([r[k] for r in facts.rows]) for k in ("w2", "floor", "variance_ratio", *TRIVIAL)}
    units = [row["unit"] for row in facts.rows]

    def rms(name: str, d: Index) -> float:
        return float(np.sqrt(np.square(column[name][d]).mean()))

    def gap(name: str, d: Index) -> float:
        return rms(name, d) - rms("floor", d)

    def rank(name: str, d: Index) -> float:
        return float(np.mean([facts.ranks[i][name] for i in d]))

    for name in ("floor", "w2", *TRIVIAL):
        add(f"W2, {name}", facts.rows, units, partial(rms, name))
    for name in TRIVIAL:
        add(f"{name} − floor", facts.rows, units, partial(gap, name))
    add("mean_only − W2", facts.rows, units, lambda d: rms("mean_only", d) - rms("w2", d))
    add("reconstruction fraction", facts.rows, units, lambda d: gap("w2", d) / gap("mean_only", d))
    add("variance ratio, median", facts.rows, units, lambda d: float(np.median(column["variance_ratio"][d])))
    add_read_off(facts.read_off, add)
    add_letters(facts.letters, add)
    shift_units = [part["unit"] for part in facts.shifts]
    scores = {name: score_of(facts.shifts, name) for name in (*PREDICTIONS, "ceiling")}
    for name, score in scores.items():
        add(f"shift R², {name}", facts.shifts, shift_units, score)
    add("shift R², latent − mean", facts.shifts, shift_units, lambda d: scores["latent"](d) - scores["mean"](d))
    trainings = list(range(len(facts.ranks)))
    for name in _RANKED:
        add(f"rank correlation, {name}", trainings, trainings, partial(rank, name))
    trainings = list(range(len(facts.early)))
    for name in _EARLY if trainings else ():
        add(f"early and late, {name}", trainings, trainings, partial(mean_of_units, facts.early, name))
    leaks = np.array([leak for leak in facts.leaks if np.isfinite(leak)])
    add("set-size leakage, R²", leaks.tolist(), range(len(leaks)), lambda d: float(leaks[d].mean()))
    return rows
