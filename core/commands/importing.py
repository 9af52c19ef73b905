"""import, simulate, export: data in and out of the library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.commands.answer import Answer, Command
from core.commands.settings import add_settings, read_settings
from core.data.dataset import DatasetMeta
from core.data.intake.cohort_options import ImportOptions
from core.data.intake.collection_options import SetImportOptions
from core.data.library import Library
from core.errors import InputError

COHORT = "cohort"  # the simulator of genotypes; the others are those of sets


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or files that belong together")
    parser.add_argument("--name", help="what to call the dataset (default: from the file name)")
    parser.add_argument("--kind", choices=("genotypes", "sets"), default="genotypes", help="what the file holds")
    parser.add_argument("--samples", type=Path, help="a table of individuals with populations and phenotypes")
    parser.add_argument("--variants", type=Path, help="a table of variants with ids, positions and alleles")
    parser.add_argument("--label-columns", help="which columns are labels, the population first: C[,C…]")
    add_settings(parser, ImportOptions, "reading and filtering genotypes")
    add_settings(parser, SetImportOptions, "reading and grouping sets (--kind sets)", leave_out=("label_columns",))


def _import(options: argparse.Namespace) -> Answer:
    if options.kind == "sets":
        return _import_sets(options)
    from core.data.intake.cohort import import_file

    meta = import_file(
        options.paths,
        name=options.name,
        samples=options.samples,
        variants=options.variants,
        label_columns=options.label_columns.split(",") if options.label_columns else None,
        options=read_settings(options, ImportOptions),
        library=Library(),
    )
    return _described(meta)


def _import_sets(options: argparse.Namespace) -> Answer:
    from core.data.intake.collection import import_sets

    if len(options.paths) > 1:
        raise InputError(f"{len(options.paths)} files were given; sets are imported from one file at a time.")
    choices = read_settings(options, SetImportOptions)
    return _described_sets(import_sets(options.paths[0], name=options.name, options=choices, library=Library()))


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
    from core.config.schema import describe
    from core.data.selection import SIMULATORS
    from core.data.simulators.coalescent import SimulationConfig

    parser.add_argument("--name", help="what to call the dataset")
    parser.add_argument(
        "--simulator",
        choices=(COHORT, *SIMULATORS),
        default=COHORT,
        help="a cohort of genotypes, or sets of a family of distributions, of differentiating clones, or of digits",
    )
    taken: list[str] = []
    for simulator, schema in {COHORT: SimulationConfig, **{k: v[0] for k, v in SIMULATORS.items()}}.items():
        add_settings(parser, schema, f"--simulator {simulator}", leave_out=tuple(taken))
        taken += [one["name"] for one in describe(schema)]


def _simulate(options: argparse.Namespace) -> Answer:
    from core.config.schema import describe, to_dict
    from core.data.selection import SIMULATORS, simulate_into
    from core.data.simulators.coalescent import SimulationConfig, simulate

    schemas = {COHORT: SimulationConfig, **{k: v[0] for k, v in SIMULATORS.items()}}
    own = {one["name"] for one in describe(schemas[options.simulator])}
    for schema in schemas.values():
        for name in (one["name"] for one in describe(schema)):
            if name not in own and getattr(options, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise InputError(f"{option} is no setting of the simulator {options.simulator!r}; leave it out.")
    config: Any = read_settings(options, schemas[options.simulator])
    if options.simulator != COHORT:
        stem = config.family if options.simulator == "family" else options.simulator
        return _described_sets(simulate_into(Library(), options.simulator, config, options.name or stem))
    meta = Library().add(
        simulate(config), name=options.name or "simulated", source="simulated", import_options=to_dict(config)
    )
    return _described(meta)


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
    files = [str(path) for path in write(genotypes, options.out)]
    value = {"dataset": dataset.meta.id, "individuals": genotypes.n, "variants": genotypes.m, "files": files}
    return Answer(value, f"{genotypes.n} individuals × {genotypes.m} variants written to {', '.join(files)}.")


def _described_sets(meta: DatasetMeta) -> Answer:
    shape = " × ".join(str(n) for n in meta.shape)
    value: dict[str, Any] = {
        "dataset": meta.id,
        "name": meta.name,
        "sets": meta.sets,
        "observations": meta.observations,
        "features": meta.shape[0] if len(meta.shape) == 1 else meta.shape,
        "dropped": meta.dropped,
        "modality": meta.modality,
        "sizes": meta.sizes,
        "labels": {column: len(values) for column, values in meta.labels.items()},
        "covariates": meta.covariates,
        "unit": meta.unit,
        "train": meta.n_train,
        "holdout": meta.n_holdout,
        "notes": meta.notes,
    }
    lines = [
        f"{meta.name} ({meta.id}): {meta.sets:,} sets of {meta.sizes['min']:,} to {meta.sizes['max']:,} observations "
        f"({meta.observations:,} in all), each {'an' if meta.modality == 'image' else 'a'} {meta.modality} of {shape}; "
        f"{meta.n_train:,} sets to train, {meta.n_holdout:,} held out.",
        *(f"dropped: {reason}: {count:,}" for reason, count in meta.dropped.items() if count),
        *meta.notes,
    ]
    return Answer(value, "\n".join(lines))


def _described(meta: DatasetMeta) -> Answer:
    first = next(iter(meta.labels.values()), [])
    value: dict[str, Any] = {
        "dataset": meta.id,
        "name": meta.name,
        "individuals": meta.individuals,
        "variants": meta.variants,
        "populations": len(first),
        "dropped": meta.dropped,
        "labels": {column: len(values) for column, values in meta.labels.items()},
        "phenotypes": meta.phenotypes,
        "missing": meta.missing,
        "train": meta.n_train,
        "holdout": meta.n_holdout,
        "notes": meta.notes,
    }
    lines = [
        f"{meta.name} ({meta.id}): {meta.individuals:,} individuals × {meta.variants:,} variants, "
        f"{len(first)} populations, {meta.missing:.2%} of calls missing; "
        f"{meta.n_train:,} to train, {meta.n_holdout:,} held out.",
        *(f"dropped: {reason}: {count:,}" for reason, count in meta.dropped.items() if count),
        *meta.notes,
    ]
    return Answer(value, "\n".join(lines))


COMMANDS: dict[str, Command] = {
    "import": (_import_arguments, _import),
    "simulate": (_simulate_arguments, _simulate),
    "export": (_export_arguments, _export),
}
