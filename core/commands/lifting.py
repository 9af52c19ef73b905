"""lift: the latents of a run's sets as a dataset of sets, one level up."""

from __future__ import annotations

import argparse

from core.commands.answer import Answer, Command
from core.data.library import Library
from core.latents.lens import open_lens
from core.latents.lift import lift
from core.runs.store import RunStore
from core.words import count


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="id of a run on sets, or its first six letters or more")
    parser.add_argument(
        "--unit", default="", metavar="COLUMN", help="label column whose values become sets (default: the sets' unit)"
    )
    parser.add_argument("--name", required=True, help="what to call the dataset")


def _lift(options: argparse.Namespace) -> Answer:
    from core.runs.set_work import sets_of
    from core.runs.work import dataset_of

    run = RunStore().get(options.run)
    dataset = dataset_of(run)
    sets, split = sets_of(run, dataset)
    latents = open_lens(run.checkpoints).subject(sets, split, int(run.config["seed"])).latents
    made = lift(sets, latents, split.holdout, options.unit)
    column = options.unit or sets.unit
    keep = len(made.holdout) and len(made.holdout) < made.sets.s
    notes = [
        f"Each set is a value of {column!r} of {dataset.meta.name!r}, each observation the latent of one of its sets "
        f"in run {run.id}.",
        f"The {count(len(made.holdout), 'unit')} that this run had held out are held out here too."
        if keep
        else "No unit was wholly held out by this run, so its encoder has seen sets of those that are held out here: "
        "scores are too good by what it remembers of them.",
    ]
    if keep and made.mixed:
        notes.append(f"{count(made.mixed, 'unit')} had sets on both sides of the run's split and are trained on here.")
    meta = Library().add(
        made.sets,
        name=options.name,
        source=f"latents of run {run.id} on {dataset.meta.name} {dataset.meta.id}",
        dropped={"units with fewer than two sets": made.dropped},
        notes=notes,
        import_options={"run": run.id, "unit": column},
        holdout=made.holdout if keep else None,
    )
    value = {
        "dataset": meta.id, "name": meta.name, "run": run.id, "unit": column, "sets": made.sets.s,
        "observations": made.sets.k, "features": made.sets.shape[0], "labels": list(made.sets.labels),
        "covariates": list(made.sets.covariates), "dropped": made.dropped, "train": meta.n_train,
        "holdout": meta.n_holdout, "notes": meta.notes,
    }  # fmt: skip
    kept = ", ".join([*made.sets.labels, *made.sets.covariates]) or "none"
    lines = [
        f"{meta.name} ({meta.id}): {made.sets.s} sets of {made.sets.k} latents × {made.sets.shape[0]}; {meta.n_train} "
        f"to train, {meta.n_holdout} held out. Labels and covariates that are the same within a unit: {kept}.",
        *([f"dropped: units with fewer than two sets: {made.dropped}"] if made.dropped else []),
        *notes,
    ]
    return Answer(value, "\n".join(lines))


COMMANDS: dict[str, Command] = {"lift": (_arguments, _lift)}
