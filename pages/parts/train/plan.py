"""What a training will do and what it will cost, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.config.command import Changes
from core.data.dataset import DatasetMeta
from core.runs.sampling import judged_individuals, most_judged
from core.words import count, duration, size
from pages.parts.frame import fact, plain


def show_plan(
    meta: DatasetMeta,
    experiment: Mapping[str, Any],
    training: Mapping[str, Any],
    changes: Changes,
    *,
    learns: bool,
    waiting: int,
) -> None:
    """The steps of the run, as a newcomer needs to know them. `learns`: by steps, else in closed form."""
    title = plain(experiment["title"])
    seen = count(meta.n_train, "training set" if meta.kind == "sets" else "training individual")
    view = {**experiment["dataset"], **changes.get("dataset", {})}
    seen += _left_out(meta, view) if meta.kind == "sets" else _used(meta, view)
    steps = [f"**{title}** sees {seen} of **{plain(meta.name)}**; {meta.n_holdout:,} held-out ones it never sees."]
    if learns:
        measured = "error and variance" if meta.kind == "sets" else "precision, recall and linkage"
        whom = "sets" if meta.kind == "sets" else "individuals"
        steps.append(
            f"It trains for {count(training['epochs'], 'epoch')}. Every {training['evaluate_every']:,} epochs "
            f"{measured} are measured on the held-out {whom}"
            + (", and the best state is kept." if training["score"] != "last" else "; the last state is kept.")
        )
    else:
        steps.append("It is fitted in closed form: there are no epochs and no curves.")
    if meta.kind == "sets":
        steps.append(
            "Then it embeds every set, regenerates the held-out ones and writes the report that Atlas, Interpolate, "
            "Geometry and Predict show."
        )
    else:
        # A part of the individuals is chosen when the run begins: how many that are is not known before.
        part = any(view.get(one) for one in ("max_individuals", "train_on", "test_on"))
        variants = meta.cohort.variants
        many = "" if part else f"{judged_individuals(meta.n_train, meta.n_holdout, variants):,} "
        most = most_judged(variants)
        sample = f", which looks at {most:,} of the real ones" if not part and meta.n_train > most else ""
        steps.append(f"Then it draws {many}synthetic individuals and writes the report that Compare shows{sample}.")
    steps.append("It runs in a process of its own: you can close this tab, and stop or resume it on the Runs page.")
    if waiting:
        steps.append(f"It waits its turn: {count(waiting, 'run')} ahead of it.")
    st.markdown("\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1)))
    if experiment.get("budget"):
        changed = " with the settings of the preset" if changes else ""
        own = experiment["dataset"].get("name") == meta.name
        where = "" if own or meta.kind != "sets" else " on its own data"
        st.caption(f"Usual time{changed}{where}: {plain(experiment['budget'])}.")


def _used(meta: DatasetMeta, view: Mapping[str, Any]) -> str:
    """Which individuals the run uses, in words that follow "1,600 training individuals"."""
    most, population = int(view.get("max_individuals", 0)), str(view.get("train_on", ""))
    words = f", those of {plain(population)} alone," if population else ""
    return words + (f" (of at most {most:,} individuals that are used)" if 0 < most < meta.cohort.individuals else "")


def _left_out(meta: DatasetMeta, view: Mapping[str, Any]) -> str:
    """Which sets the run does not use, in words that follow "80 training sets"."""
    least, most = int(view.get("min_samples", 1)), int(view.get("max_sets", 0))
    words = f", those of {least:,} observations or more," if least > meta.collection.sizes["min"] else ""
    return words + (f" (at most {most:,} sets are drawn)" if 0 < most < meta.collection.sets else "")


def show_estimate(found: Mapping[str, Any]) -> None:
    """The answer of the pre-flight, or why there is none."""
    if "refused" in found:
        st.error(plain(found["refused"]), title="It cannot be trained like this", icon=":material/error:")
        return
    low, high = found["seconds_low"], found["seconds_high"]
    with st.container(horizontal=True):
        time = "unknown" if low is None else f"{duration(low)} to {duration(high)}"
        fact("Training time", time, help="The report takes some seconds to minutes more.")
        fact("Memory", size(found["memory_bytes"]), f"{size(found['memory_available_bytes'])} free")
        free = f"{size(found['disk_free_bytes'])} free"
        fact(
            "Disk",
            size(found["disk_bytes"]),
            free,
            help="For its two checkpoints, and training data that are read from disk.",
        )
        fact("Parameters", f"{found['parameters']:,}")
    if found["fits"]:
        st.success(f"It fits on this machine ({plain(found['device'])}).", icon=":material/check_circle:")
    else:
        st.warning("Start it only if you know better.", title="It will probably not fit", icon=":material/warning:")
    for advice in found["advice"]:
        st.markdown(f"- {plain(advice)}")
