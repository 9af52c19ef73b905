"""impute: missing calls and absent variants of a genotype file, filled in by the model of a run."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.commands.answer import Answer, Command
from core.commands.settings import add_run
from core.commands.tables import number, table
from core.config.catalogue import imputes, imputing_models, title
from core.data.alignment import Alignment, align
from core.data.dataset import Dataset
from core.data.genotypes import MISSING, Calls, Genotypes
from core.data.imputed import Imputed, writable, write_imputed
from core.data.selection import cohort_split
from core.errors import InputError
from core.evaluation.imputation import Bin, accuracy
from core.runs.directory import Run
from core.runs.imputing import (
    CALLS,
    VARIANTS,
    hide,
    impute,
    imputed_provenance,
    trained_on,
    training_frequency,
)
from core.runs.store import RunStore
from core.runs.work import dataset_of
from core.words import count

HEADER = ["minor-allele frequency", "variants", "calls", "r²", "null", "promised", "concordance", "null"]
_READING = ("multiallelic", "haploid_calls", "haplotypes")  # choices of an import that decide what a variant is


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        type=Path,
        help="genotypes of any format that `import` reads; left out: the held-out individuals of the run's dataset",
    )
    parser.add_argument("--out", type=Path, help="file ending in .vcf.gz, .vcf or .csv (dosages)")
    parser.add_argument("--name", help="what to call the file (default: its own name)")
    parser.add_argument("--individuals", type=int, metavar="N", help="so many of them, by chance (default: all)")
    parser.add_argument("--samples", type=Path, help="a table with the populations of the individuals")
    parser.add_argument(
        "--truth", type=Path, metavar="FILE", help="the same individuals with known calls: says how well it went"
    )
    parser.add_argument("--mask", type=float, metavar="SHARE", help="hide this share first, and say how well it went")
    parser.add_argument("--hide", choices=(VARIANTS, CALLS), default=VARIANTS, help="what --mask hides a share of")
    parser.add_argument("--seed", type=int, default=0, help="of what is hidden and of models that draw (default 0)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the model is run")


def _impute(options: argparse.Namespace) -> Answer:
    _check(options)
    run = RunStore().get(options.run)
    dataset = _dataset(run)
    name, given = _individuals(options, run, dataset)
    if options.individuals is not None:
        given = _some(given, options.individuals, options.seed)
    seen, truth = given.genotypes, given.genotypes.calls
    hidden = ""
    if options.mask is not None:
        seen = hide(seen, options.mask, options.hide, options.seed)
        hidden = f"{options.mask:g} of the {options.hide}, seed {options.seed}"
    elif options.truth is not None:
        truth = _truth(options.truth, dataset, seen)
    imputed = impute(run, seen, seed=options.seed, device=options.device, progress=_progress(seen.n))
    trained = trained_on(run, dataset, seen) if options.file is not None else 0
    notes = given.sentences()
    if trained:
        notes.append(f"{count(trained, 'individual')} bear the name of a training individual: they prove nothing.")
    files = []
    if options.out is not None:
        files = [str(write_imputed(imputed, options.out, imputed_provenance(run, name, hidden)))]
    value: dict[str, Any] = {
        "run": run.id,
        "model": str(run.config["model"]["name"]),
        "file": name,
        "individuals": seen.n,
        "variants": seen.m,
        "matched": given.matched,
        "absent": int(given.absent.sum()),
        "left": given.left,
        "imputed_calls": int(imputed.missing.sum()),
        "expected_r2": _mean(imputed.expected_r2),
        "trained_on": trained,
        "notes": notes,
        "files": files,
    }
    text = [_summary(name, given, imputed), *notes]
    if options.mask is not None or options.truth is not None:
        whole, bins = accuracy(imputed.probability, truth, imputed.missing, training_frequency(run, dataset))
        if whole is None:
            raise InputError("The truth knows none of the calls that were imputed; give one that has them.")
        value["accuracy"] = {"hidden": hidden, "all": whole.row(), "bins": [one.row() for one in bins]}
        text += ["", accuracy_table(whole, bins)]
    return Answer(value, "\n".join([*text, *(f"Written to {file}." for file in files)]))


def accuracy_table(whole: Bin, bins: list[Bin]) -> str:
    """A row a bin of minor-allele frequency, and one of all calls."""
    return table(HEADER, [_row(f"{b.low:.1%} to {b.high:.1%}", b) for b in bins] + [_row("all", whole)])


def _row(name: str, b: Bin) -> list[str]:
    return [name, f"{b.variants:,}", f"{b.calls:,}", number(b.r2), number(b.null_r2), number(b.expected_r2),
            number(b.concordance), number(b.null_concordance)]  # fmt: skip


def _check(options: argparse.Namespace) -> None:
    """Refuse what does not go together before anything is read."""
    if options.mask is not None and options.truth is not None:
        raise InputError("--mask takes the file itself for the truth, and --truth another one; give one of them.")
    if options.file is None and options.mask is None:
        raise InputError("Held-out individuals have few calls to impute; give a FILE, or hide some with --mask 0.5.")
    if options.file is None and options.samples is not None:
        raise InputError("--samples belongs to a FILE; the held-out individuals have their populations.")
    if options.out is None and options.mask is None and options.truth is None:
        raise InputError("Nothing would come of it; give --out FILE.vcf.gz, or --mask 0.5 to see how well it goes.")
    if options.out is not None:
        writable(options.out)


def _dataset(run: Run) -> Dataset:
    """What the run was trained on. Raises InputError for a model that cannot impute."""
    name = str(run.config["model"]["name"])
    if not imputes(name):
        raise InputError(f"{title(name)} cannot impute; train one of: {', '.join(imputing_models())}.")
    return dataset_of(run)


def _individuals(options: argparse.Namespace, run: Run, dataset: Dataset) -> tuple[str, Alignment]:
    """What to call the individuals, and they themselves on the variants of the dataset."""
    if options.file is not None:
        name = options.name or options.file.name
        return name, _read(options.file, dataset, options.samples, name)
    holdout = cohort_split(dataset, run.config).holdout
    if not len(holdout):
        raise InputError(f"The dataset {dataset.meta.name!r} holds no individuals out; give a FILE.")
    genotypes = dataset.genotypes().individuals(holdout)
    return f"{dataset.meta.name}, held out", Alignment(genotypes, np.zeros(genotypes.m, dtype=bool))


def _some(given: Alignment, individuals: int, seed: int) -> Alignment:
    """So many individuals, by chance; all where there are not more."""
    if individuals < 1:
        raise InputError(f"--individuals is {individuals}; at least 1 is expected.")
    n = given.genotypes.n
    rows = np.sort(np.random.default_rng([seed, 1]).permutation(n)[:individuals])
    return replace(given, genotypes=given.genotypes.individuals(rows))


def _read(path: Path, dataset: Dataset, samples: Path | None, name: str) -> Alignment:
    """A file on the variants of the dataset, read as the dataset was."""
    from core.config.schema import from_dict
    from core.data.intake.cohort_options import CohortOptions
    from core.data.intake.importing import read_file
    from core.data.intake.inbox import UserFile

    kept = dataset.meta.import_options
    chosen = from_dict(CohortOptions, {key: kept[key] for key in _READING if key in kept})
    file = UserFile(name, path, path.stat().st_size if path.is_file() else 0)
    found = read_file([file], options=chosen, samples=samples, least=1)
    for note in found.notes:
        print(f"{name}: {note}", file=sys.stderr)
    assert isinstance(found.population, Genotypes)
    return align(dataset.genotypes(), found.population, name)


def _truth(path: Path, dataset: Dataset, seen: Genotypes) -> Calls:
    """(n, m) what is known of the individuals `seen`, -1 where nothing is."""
    known = _read(path, dataset, None, path.name).genotypes
    row = {name: i for i, name in enumerate(known.sample_id.tolist())}
    place = np.array([row.get(name, -1) for name in seen.sample_id.tolist()])
    if (place < 0).all():
        raise InputError(f"None of the {count(seen.n, 'individual')} is in {path.name}; their ids must be the same.")
    if (place < 0).any():
        print(f"{path.name}: {count(int((place < 0).sum()), 'individual')} are not in it.", file=sys.stderr)
    return np.where((place >= 0)[:, None], known.calls[place], MISSING).astype(np.int8)


def _summary(name: str, given: Alignment, imputed: Imputed) -> str:
    genotypes = imputed.genotypes
    absent = int(given.absent.sum())
    filled = f"{count(absent, 'variant')} absent from it and " if absent else ""
    promised = number(_mean(imputed.expected_r2))
    return (
        f"{name}: {count(genotypes.n, 'individual')}; {given.matched:,} of the {genotypes.m:,} variants of the run are "
        f"in it. {filled}{int(imputed.missing.sum()):,} calls in all are imputed; their probabilities promise r² "
        f"{promised} on average."
    )


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _progress(n: int) -> Any:
    def told(done: int) -> None:
        if n > 64:
            print(f"imputed {done:,} of {n:,} individuals", file=sys.stderr, flush=True)

    return told


COMMANDS: dict[str, Command] = {"impute": (_arguments, _impute)}
