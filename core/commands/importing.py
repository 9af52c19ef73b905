"""import, simulate, export: data in and out of the library."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any, cast

from core.commands.answer import Answer, Command
from core.commands.settings import add_settings, read_settings
from core.data.dataset import DatasetMeta
from core.data.description import size_of
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.library import Library
from core.data.selection import COHORT, SIMULATORS, simulate_into
from core.errors import InputError

_SHARED = ("label_columns", "delimiter")  # settings that both kinds of data have


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or files that belong together")
    parser.add_argument("--name", help="what to call the dataset (default: from the file name)")
    parser.add_argument("--kind", choices=("genotypes", "sets"), default="genotypes", help="what the file holds")
    parser.add_argument("--samples", type=Path, help="a table of individuals with populations and phenotypes")
    parser.add_argument("--variants", type=Path, help="a table of variants with ids, positions and alleles")
    parser.add_argument("--label-columns", help="which columns are labels, the main one first: C[,C…]")
    add_settings(parser, CohortOptions, "reading and filtering genotypes", leave_out=("label_columns",))
    add_settings(parser, CollectionOptions, "reading and grouping sets (--kind sets)", leave_out=_SHARED)


def _import(options: argparse.Namespace) -> Answer:
    from core.data.intake.importing import import_file

    sets = options.kind == "sets"
    schema, other = (CollectionOptions, CohortOptions) if sets else (CohortOptions, CollectionOptions)
    for name in _settings(other):
        if name not in _settings(schema) and getattr(options, name) is not None:
            hint = "leave it out" if sets else "add --kind sets, or leave it out"
            raise InputError(f"--{name.replace('_', '-')} is no setting of {options.kind}; {hint}.")
    meta = import_file(
        options.paths,
        name=options.name,
        samples=options.samples,
        variants=options.variants,
        options=read_settings(options, cast(Any, schema)),
        library=Library(),
    )
    return _described(meta)


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="what to call the dataset")
    parser.add_argument(
        "--simulator",
        choices=tuple(SIMULATORS),
        default=COHORT,
        help="a cohort of genotypes, or sets: of a family of distributions, clones, digits or sequences",
    )
    taken: list[str] = []
    for simulator, (schema, _) in SIMULATORS.items():
        add_settings(parser, schema, f"--simulator {simulator}", leave_out=tuple(taken))
        taken += _settings(schema)


def _simulate(options: argparse.Namespace) -> Answer:
    own = SIMULATORS[options.simulator][0]
    for name in (name for schema, _ in SIMULATORS.values() for name in _settings(schema)):
        if name not in _settings(own) and getattr(options, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} is no setting of the simulator {options.simulator!r}; leave it out.")
    config: Any = read_settings(options, own)
    return _described(simulate_into(Library(), options.simulator, config, options.name or ""))


def _settings(schema: type) -> list[str]:
    return [field.name for field in dataclasses.fields(schema)]


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="name or digest")
    parser.add_argument("--part", choices=("all", "train", "holdout"), default="all", help="which individuals")
    parser.add_argument("--out", type=Path, required=True, help="file ending in .npz, .csv, .vcf.gz or .bed")


def _export(options: argparse.Namespace) -> Answer:
    from core.data.export import write

    dataset = Library().open(options.dataset)
    if dataset.meta.kind == "sets":
        raise InputError(
            f"The dataset {dataset.meta.name!r} holds sets, and genotypes alone are exported; its observations are "
            f"plain NumPy files in datasets/{dataset.meta.id}."
        )
    genotypes = dataset.genotypes()
    if options.part != "all":
        index = getattr(dataset.split(), options.part)
        if not len(index):
            raise InputError(f"The dataset {dataset.meta.name!r} has no {options.part} part; export all of it.")
        genotypes = genotypes.individuals(index)
    told = {"dataset": f"{dataset.meta.name} {dataset.meta.id}", "part": options.part, "from": dataset.meta.source}
    files = [str(path) for path in write(genotypes, options.out, told)]
    value = {"dataset": dataset.meta.id, "individuals": genotypes.n, "variants": genotypes.m, "files": files}
    return Answer(value, f"{genotypes.n} individuals × {genotypes.m} variants written to {', '.join(files)}.")


def _described(meta: DatasetMeta) -> Answer:
    values, sentence = (_cohort if meta.kind == "genotypes" else _collection)(meta)
    common = {
        "dropped": meta.dropped,
        "labels": {column: len(distinct) for column, distinct in meta.labels.items()},
        "train": meta.n_train,
        "holdout": meta.n_holdout,
        "notes": meta.notes,
    }
    lines = [
        f"{meta.name} ({meta.id}): {sentence}; {meta.n_train:,} to train, {meta.n_holdout:,} held out.",
        *(f"dropped: {reason}: {count:,}" for reason, count in meta.dropped.items() if count),
        *meta.notes,
    ]
    return Answer({"dataset": meta.id, "name": meta.name} | values | common, "\n".join(lines))


def _cohort(meta: DatasetMeta) -> tuple[dict[str, Any], str]:
    facts, populations = meta.cohort, len(next(iter(meta.labels.values()), []))
    values = {key: getattr(facts, key) for key in ("individuals", "variants", "phenotypes", "missing")}
    return values | {"populations": populations}, (
        f"{size_of(meta)}, {populations} populations, {facts.missing:.2%} of calls missing"
    )


def _collection(meta: DatasetMeta) -> tuple[dict[str, Any], str]:
    facts = meta.collection
    values = {key: getattr(facts, key) for key in ("sets", "observations", "modality", "sizes", "covariates", "unit")}
    return values | {"features": facts.shape[0] if len(facts.shape) == 1 else facts.shape}, (
        f"{size_of(meta)}, {facts.sizes['min']:,} to {facts.sizes['max']:,} in a set"
    )


COMMANDS: dict[str, Command] = {
    "import": (_import_arguments, _import),
    "simulate": (_simulate_arguments, _simulate),
    "export": (_export_arguments, _export),
}
