"""Every model of genotypes, published and ours, trained on one half of a cohort and judged by the other."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import child
from core.bench import model_table
from core.bench.model_measures import SCORES
from core.bench.model_standings import Row, Standings
from core.bench.model_trials import Job, keep_cohort
from core.config.experiments import load, names, presets
from core.config.home import environment
from core.data.digest import content_digest
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.errors import InputError
from core.reports.files import plain
from core.reports.recommendation import Recommendation, keep
from core.words import count, duration

LEAST = 16  # individuals whose halves have neighbours to tell


def main(arguments: Sequence[str]) -> int:
    """Print the tables; whatever was done is kept, so that an interrupted benchmark goes on where it was."""
    options = _options(arguments)
    genotypes, name = read_cohort(options.data, options.samples, options.maf_min)
    digest = content_digest(genotypes)
    genotypes = _studied(genotypes, options.phenotypes)
    folder = keep_cohort(genotypes, name)
    standings = run(_jobs(folder, options))
    best = standings.recommended
    if best is not None and not options.models:  # of a few models the best may be none to recommend
        keep(digest, Recommendation(best.name, standings.why(best), measured=True))
    how = _described(genotypes, name, options)
    if options.json:
        print(json.dumps(plain(answer(standings) | {"data": name, "protocol": how})))
    else:
        print(document(standings, how) if options.markdown else brief(standings, how))
    return 0 if all(row.results for row in standings.rows) else 1


def run(jobs: Sequence[tuple[str, Job]]) -> Standings:
    """Do every job that is not done yet, each in a process of its own, one after the other."""
    rows: dict[str, Row] = {}
    for place, (title, job) in enumerate(jobs, 1):
        name = str(job.experiment["name"]) if job.experiment else ""
        row = rows.setdefault(name, Row(name, title))
        found = job.result()
        if found is None:
            print(f"[{place}/{len(jobs)}] {title}, seed {job.seed}", file=sys.stderr, flush=True)
            job.write()
            started = time.monotonic()
            ended = child.run("core.bench.model_trials", str(job.folder), environment=environment(), quiet=False)
            print(f"  {duration(time.monotonic() - started)}", file=sys.stderr, flush=True)
            found = job.result() if ended.status == 0 else None
            if found is None:
                row.failures[job.seed] = job.failure() or f"it ended with status {ended.status}"
        if found is not None:
            row.results[job.seed] = found
    frame = rows.pop("")
    frames = {
        side: Row(side, title, {seed: found[side] for seed, found in frame.results.items()})
        for side, title in (("null", "Null: independent sites"), ("ceiling", "Ceiling: real against real"))
    }
    return Standings(list(rows.values()), **frames)


def read_cohort(data: str, samples: Path | None, maf_min: float) -> tuple[Genotypes, str]:
    """The cohort, and what to call it: a file that exists, else a dataset of the library. Raises InputError."""
    path = Path(data)
    if path.is_file():
        from core.data.intake.cohort_options import CohortOptions
        from core.data.intake.importing import read_file

        read = read_file([path], options=CohortOptions(maf_min=maf_min), samples=samples)
        assert isinstance(read.population, Genotypes)
        genotypes, name = read.population, path.name
    else:
        if samples or maf_min:
            raise InputError("--samples and --maf-min belong to a file; a dataset was imported with its own.")
        dataset = Library().open(data)
        genotypes, name = dataset.genotypes(), dataset.meta.name
    if genotypes.n < LEAST:
        raise InputError(f"{name} has {genotypes.n} individuals; {LEAST} are needed for two halves.")
    return genotypes, name


def brief(standings: Standings, how: str) -> str:
    """The eight scores and what follows from them."""
    words = [*standings.sentences(), *model_table.failures(standings)]
    return "\n\n".join([how, model_table.scores(standings), "\n".join(words)])


def document(standings: Standings, how: str) -> str:
    """Every table, as docs/benchmarks.md has them."""
    tables = [model_table.scores(standings), model_table.more(standings), model_table.linkage_by_distance(standings)]
    words = [*standings.sentences(), *model_table.failures(standings)]
    return "\n\n".join([how, *filter(None, tables), *words])


def answer(standings: Standings) -> dict[str, Any]:
    """The object of `--json`: every value of every model by seed, first places, the recommendation."""
    rows = [standings.ceiling, standings.null, *standings.rows]
    models = [
        {
            "name": row.name,
            "title": row.title,
            "trials": {str(seed): found for seed, found in row.results.items()},
            "failures": {str(seed): why for seed, why in row.failures.items()},
        }
        for row in rows
    ]
    first = {name: row.name if (row := standings.first(name)) else None for name in SCORES}
    best = standings.recommended
    return {
        "benchmark": "models",
        "models": models,
        "first": first,
        "recommended": best.name if best else None,
        "sentences": standings.sentences(),
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m core bench models", description=__doc__)
    parser.add_argument("--data", required=True, metavar="FILE|DATASET", help="a genotype file, or a dataset by name")
    parser.add_argument("--samples", type=Path, metavar="TABLE", help="populations and phenotypes of a file")
    parser.add_argument("--maf-min", type=float, default=0.0, help="leave rarer variants of a file out")
    parser.add_argument("--seeds", type=int, default=5, help="divisions into halves, each trained anew (default 5)")
    parser.add_argument("--models", default="", metavar="A,B,…", help="experiments (default: all of genotypes)")
    parser.add_argument("--preset", default="laptop", help="laptop, or gpu for the experiments that have one")
    parser.add_argument("--minutes", type=float, default=0.0, help="after which a training ends (default: its own)")
    parser.add_argument(
        "--labels", nargs="?", const="auto", default="none", metavar="COLUMNS",
        help="condition on labels and phenotypes: on these, or without a value as a run does (default: on nothing)",
    )  # fmt: skip
    parser.add_argument("--phenotypes", default="", metavar="A,B,…", help="leave the others out (default: none is)")
    parser.add_argument(
        "--validation", type=float, default=0.0, metavar="SHARE",
        help="of the training half, to pick each checkpoint by (default 0: the last state is judged)",
    )  # fmt: skip
    parser.add_argument("--markdown", action="store_true", help="print every table of docs/benchmarks.md")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or not 0 <= options.validation < 0.5:
        raise InputError("--seeds is at least 1, and --validation a share below 0.5.")
    return options


def _studied(genotypes: Genotypes, phenotypes: str) -> Genotypes:
    """The cohort with the phenotypes that were asked for alone."""
    chosen = [name for name in phenotypes.split(",") if name]
    missing = [name for name in chosen if name not in genotypes.phenotypes]
    if missing:
        known = ", ".join(genotypes.phenotypes) or "none"
        raise InputError(f"There is no phenotype {missing[0]!r}; the cohort has: {known}.")
    return replace(genotypes, phenotypes={k: genotypes.phenotypes[k] for k in chosen}) if chosen else genotypes


def _jobs(folder: Path, options: argparse.Namespace) -> list[tuple[str, Job]]:
    """Null and ceiling, then every experiment, for one seed after the other: an early look has all models."""
    chosen = options.models.split(",") if options.models else names("genotypes")
    experiments = [load(name, options.preset if options.preset in presets(name) else "laptop") for name in chosen]
    wrong = [one["name"] for one in experiments if one["kind"] != "genotypes"]
    if wrong:
        raise InputError(f"The experiment {wrong[0]!r} is of sets; choose among: {', '.join(names('genotypes'))}.")
    settings = {key: getattr(options, key) for key in ("minutes", "validation")} | {"condition_on": options.labels}
    return [
        (one["title"] if one else "null and ceiling", Job(folder, seed, one, **(settings if one else {})))
        for seed in range(options.seeds)
        for one in (None, *experiments)
    ]


def _described(genotypes: Genotypes, name: str, options: argparse.Namespace) -> str:
    """The protocol in a sentence or two."""
    budget = f", each training at most {options.minutes:g} minutes" if options.minutes else ""
    picked = f"; {options.validation:.0%} of the training half picks the checkpoint" if options.validation else ""
    labels = {"none": "without labels", "auto": "conditioned on the first label and every phenotype"}
    size = f"{genotypes.n:,} individuals × {genotypes.m:,} variants"
    return (
        f"{name}: {size}, divided in half {count(options.seeds, 'time')}, "
        f"{labels.get(options.labels, f'conditioned on {options.labels}')}{budget}{picked}. Mean ± standard deviation "
        "over divisions; in brackets the share of the ceiling; precision and recall at k = 5."
    )
