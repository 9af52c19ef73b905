"""sample, evaluate, report: what a model makes, and whether it can be trusted."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from core.commands.answer import Answer, Command
from core.commands.settings import add_run, add_settings, read_settings
from core.commands.tables import report_table
from core.config.evaluation import EvaluationConfig
from core.config.schema import describe
from core.data.dataset import Dataset
from core.data.genotypes import Genotypes
from core.data.intake.cohort_options import CohortOptions
from core.data.library import Library
from core.data.selection import cohort_split
from core.errors import InputError
from core.reports.report import Report
from core.runs import sampling
from core.runs.directory import Run
from core.runs.store import RunStore
from core.runs.work import dataset_of


def _sample_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--n", type=int, help="how many individuals; default: those that the report of the run judged")
    parser.add_argument("--condition", action="append", default=[], metavar="KEY=VALUE", help="such as pop=GBR")
    parser.add_argument("--seed", type=int, help="of the noise; default: from the run's seed")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the model is run")
    parser.add_argument("--out", type=Path, required=True, help="file ending in .npz, .csv, .vcf.gz or .bed")


def _sample(options: argparse.Namespace) -> Answer:
    from core.data.export import write

    run = RunStore().get(options.run)
    if run.config["kind"] == "sets":
        raise InputError(
            f"Run {run.id} is a model of sets; regenerate them with `python -m core interpolate {run.id[:12]} "
            "--from SET --to SET --steps 2 --out FILE.npz`."
        )
    wish = dict(_condition(text) for text in options.condition)
    if options.n is None:
        made = _judged(run, asked=bool(wish) or options.seed is not None)
    else:
        made = sampling.synthesise(run, _dataset(run), options.n, wish=wish, seed=options.seed, device=options.device)
    told = sampling.provenance(run, ", ".join(f"{key} = {value}" for key, value in wish.items()))
    files = [str(path) for path in write(made, options.out, told)]
    value = {"run": run.id, "individuals": made.n, "variants": made.m, "condition": wish, "files": files}
    return Answer(value, f"{made.n} synthetic individuals × {made.m} variants written to {', '.join(files)}.")


def _judged(run: Run, *, asked: bool) -> Genotypes:
    """The individuals of the run's report; `asked`: whether the user wants others, by a condition or a seed."""
    kept = None if asked else sampling.load(run)
    if kept is None:
        raise InputError(
            f"How many individuals of run {run.id} are wanted is not said; give --n, such as --n 1000."
            if asked
            else f"Run {run.id} has no report yet, so no individuals are kept; give --n to draw some, such as --n 1000."
        )
    return kept


def _condition(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"--condition {text!r} is not a condition; write KEY=VALUE, such as pop=GBR.")
    return key, value


def _dataset(run: Run) -> Dataset | None:
    """What the run was trained on; without it the variants have no names, but individuals can still be drawn."""
    try:
        return dataset_of(run)
    except InputError as error:
        print(f"{error} Variants get made-up names.", file=sys.stderr)
        return None


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--real", required=True, metavar="DATASET|FILE", help="the real individuals")
    parser.add_argument("--synthetic", required=True, metavar="RUN|DATASET|FILE", help="the synthetic individuals")
    parser.add_argument(
        "--holdout",
        metavar="DATASET|FILE",
        help="real individuals that the model never saw; for a run and its own dataset, the dataset's held-out part",
    )
    parser.add_argument("--samples", type=Path, help="a table with the populations of the real individuals of a file")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice (default 0)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where distances are computed")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="report.json, with its arrays beside it; or report.html, one page to read and to pass on",
    )
    add_settings(parser, EvaluationConfig, "the metrics")
    others = tuple(one["name"] for one in describe(CohortOptions) if one["name"] not in _READING)
    add_settings(parser, CohortOptions, "reading files (real and synthetic alike)", leave_out=others)


_READING = ("ploidy", "coding", "orientation", "haplotypes")  # the options of an import that say how a file is meant


@dataclass(frozen=True)
class _Cohort:
    """Individuals with what to call them; `dataset` where they are from the library."""

    genotypes: Genotypes
    name: str
    dataset: Dataset | None = None


def _evaluate(options: argparse.Namespace) -> Answer:
    from core.evaluation.report import evaluate

    config = read_settings(options, EvaluationConfig)
    reading = CohortOptions(**{name: value for name in _READING if (value := getattr(options, name))})
    real = _real(options.real, options.samples, reading)
    if reading.ploidy == "auto" and real.genotypes.ploidy == 2:
        reading = replace(reading, ploidy="2")  # a few individuals with rare variants alone do not say it
    synthetic, run = _synthetic(options.synthetic, reading)
    holdout = _real(options.holdout, None, reading) if options.holdout else None
    if holdout is None and run is not None and real.dataset is not None:
        real, holdout = _as_trained(run, real)
    with tempfile.TemporaryDirectory(prefix="popscape-report-") as scratch:
        report = evaluate(
            real.genotypes,
            synthetic.genotypes,
            holdout=holdout.genotypes if holdout else None,
            seed=options.seed,
            options=config,
            device=options.device,
            names={"real": real.name, "synthetic": synthetic.name} | ({"holdout": holdout.name} if holdout else {}),
            progress=lambda stage: print(f"{stage} …", file=sys.stderr, flush=True),
            out=_folder(options.out, Path(scratch)),
        )
        if options.out is not None and options.out.suffix == ".html":
            _write_page(synthetic.name, report, options.out, run)
        elif options.out is not None and options.out.name != "report.json":
            (options.out.parent / "report.json").replace(options.out)
    return Answer(dict(report.content), report_table(report))


def _folder(out: Path | None, scratch: Path) -> Path | None:
    """Where the report and its arrays go: to `scratch` for a page, which holds all that it shows."""
    if out is None:
        return None
    if out.suffix not in (".json", ".html"):
        raise InputError(f"--out {out.name!r} does not end in .json, for a report, or .html, for a page to read.")
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent if out.suffix == ".json" else scratch


def _write_page(name: str, report: Report, out: Path, run: Run | None = None) -> None:
    from core.plots.report_page import report_page
    from core.reports.standing import Candidate

    model = str(run.config.get("name") or run.config["model"]["name"]) if run else name
    page = report_page(f"{name} against real individuals", [Candidate(name, model, report)])
    out.write_text(page, encoding="utf-8")


def _real(reference: str, samples: Path | None, reading: CohortOptions) -> _Cohort:
    """A file that exists, else a dataset of the library."""
    if Path(reference).is_file():
        return _file(reference, samples, reading)
    if samples is not None:
        raise InputError("--samples belongs to a file; a dataset of the library already has its populations.")
    if "/" in reference or Path(reference).suffix:
        raise InputError(f"There is no file {reference!r}; check the path, or give the name of a dataset.")
    dataset = Library().open(reference)
    return _Cohort(dataset.genotypes(), dataset.meta.name, dataset)


def _synthetic(reference: str, reading: CohortOptions) -> tuple[_Cohort, Run | None]:
    """A file that exists, else a dataset by its name, else a run: the individuals of its report, or new ones."""
    if Path(reference).is_file():
        return _file(reference, _table_beside(Path(reference)), reading), None
    if reference in {name for meta in Library().list() for name in (meta.name, meta.id)}:
        return _real(reference, None, reading), None
    if "/" in reference or Path(reference).suffix:
        raise InputError(f"There is no file {reference!r}; check the path, or give a run or the name of a dataset.")
    run = RunStore().get(reference)
    kept = sampling.load(run)
    if kept is None:
        dataset = dataset_of(run)
        kept = sampling.synthesise(run, dataset, max(dataset.meta.n_holdout or dataset.meta.n_train, 2))
    return _Cohort(kept, run.config.get("title") or run.id), run


def _table_beside(path: Path) -> Path | None:
    """The table of individuals that an export wrote beside `path`, None where there is none."""
    stems = [path.name.removesuffix(ending) for ending in (".vcf.gz", ".bed") if path.name.endswith(ending)]
    table = path.with_name(f"{stems[0]}.samples.tsv") if stems else path
    return table if stems and table.is_file() else None


def _as_trained(run: Run, real: _Cohort) -> tuple[_Cohort, _Cohort | None]:
    """A run's own dataset in its two parts: what it was trained on, and what it never saw."""
    assert real.dataset is not None
    if run.config["dataset"]["id"] != real.dataset.meta.id:
        return real, None
    split = cohort_split(real.dataset, run.config)
    if not len(split.holdout):
        return real, None
    train = _Cohort(real.genotypes.individuals(split.train), real.name, real.dataset)
    return train, _Cohort(real.genotypes.individuals(split.holdout), f"{real.name}, held out", real.dataset)


def _file(path: str, samples: Path | None, reading: CohortOptions) -> _Cohort:
    from core.data.intake.importing import read_file

    found = read_file([Path(path)], samples=samples, options=reading)
    for note in found.notes:
        print(f"{Path(path).name}: {note}", file=sys.stderr)
    assert isinstance(found.population, Genotypes)
    return _Cohort(found.population, Path(path).name)


def _report(options: argparse.Namespace) -> Answer:
    run = RunStore().get(options.run)
    report = run.report()
    if report is None:
        raise InputError(f"Run {run.id} is {run.state} and has no report; a run gets one when its training ends.")
    return Answer(dict(report.content), report_table(report))


COMMANDS: dict[str, Command] = {
    "sample": (_sample_arguments, _sample),
    "evaluate": (_evaluate_arguments, _evaluate),
    "report": (add_run, _report),
}
