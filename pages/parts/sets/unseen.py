"""An upload that describes perturbations, and what it foretells of those that nobody has tried."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.data.split import Split
from core.errors import InputError
from core.runs.set_work import control_of_run
from core.words import interval, number
from pages.parts.frame import heavy, plain, refused_here
from pages.parts.sets.runs import OF_RUN, SetRun, open_model

_AUTOMATIC = "found by the names"
_OF_RUN = "as the run has it"


def unseen(chosen: SetRun) -> None:
    """A table of features, how well they foretell shifts that were left out, and the shifts of new perturbations."""
    st.markdown(
        "A table describes perturbations: its first column names them as the sets do, the others say what they are "
        "(targets, dose, an embedding of the gene). Each known one is left out in turn and foretold from the others."
    )
    if refused_here():
        return
    left, middle, right = st.columns(3)
    file = left.file_uploader(
        "Table of perturbations", type=["csv", "tsv", "txt"], key="unseen_table",
        help="Numbers are taken as they are, words as one indicator a word. Nothing leaves this machine.",
    )  # fmt: skip
    own = control_of_run(chosen.run.config)
    columns = [name for name in chosen.sets.labels if name != chosen.sets.unit] or list(chosen.sets.labels)
    column = middle.selectbox("Column of the perturbations", [_AUTOMATIC, *columns], key="unseen_column")
    values = sorted(set(chosen.sets.labels[column].tolist())) if column in chosen.sets.labels else []
    control = right.selectbox(
        "Control", [_AUTOMATIC if not own else _OF_RUN, *values], key="unseen_control",
        help=f"The value without a perturbation: {f'{plain(own)}, as the run was told' if own else 'NT, DMSO, …'}.",
    )  # fmt: skip
    if file is None:
        return
    named = ["" if choice in (_AUTOMATIC, _OF_RUN) else str(choice) for choice in (column, control)]
    try:
        found = _foretold(chosen, file.getvalue(), file.name, *named)
    except InputError as error:
        st.error(plain(error), icon=":material/error:")
        return
    pooled = found["pooled"]
    st.markdown(_verdict(found))
    titles = {
        "latent": "Features → latent", "direct": "Features → shift of the mean", "mean": "Mean shift of the others",
    }  # fmt: skip
    st.dataframe(
        [
            {
                "Prediction": title,
                "R²": interval(pooled[key], pooled[f"{key}_low"], pooled[f"{key}_high"]),
                "MSE": number(pooled[f"{key}_mse"]),
            }
            for key, title in titles.items()
        ],
        hide_index=True,
        alt="Explained share and squared error of each way to foretell a shift.",
    )
    st.caption(
        f"{found['n']} perturbations, {found['features']} features, shifts from {plain(found['control'])} in "
        f"{chosen.report.content['space']}; features at random reach R² {number(pooled['null'])}; 95% intervals over "
        "perturbations."
    )
    if found["moved"]:
        st.dataframe(
            [
                {"New": name, "Moves most": ", ".join(f"{feature} {value:+.2f}" for feature, value in moved)}
                for name, moved in found["moved"].items()
            ],
            hide_index=True,
            alt="The features that each new perturbation is foretold to move most, in deviations.",
        )
        st.caption("In deviations of a feature over all observations. Their sets as a file, on the command line:")
        command = f"python -m core unseen {chosen.run.id[:12]} {file.name} --out sets.npz"
        st.code(command, language=None, wrap_lines=True)


def _verdict(found: dict[str, Any]) -> str:
    pooled = found["pooled"]
    if pooled["difference_low"] > 0:
        return ":green[:material/check:] These features foretell more than the mean shift of the other perturbations."
    if pooled["difference_high"] < 0:
        return ":orange[:material/warning:] The mean shift of the others foretells more: do not use these features."
    return (
        ":material/info: No difference from the mean shift of the others can be told: these features do not help here."
    )


@st.cache_data(max_entries=4, hash_funcs=OF_RUN, show_spinner="Leaving out one perturbation after the other…")
@heavy()
def _foretold(chosen: SetRun, content: bytes, name: str, column: str, control: str) -> dict[str, Any]:
    """The scores, and for each new perturbation the features that it moves. Raises InputError."""
    from core.evaluation.sets.unseen import descriptions, named_features, unseen_effects

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(content)
        described = descriptions(path, name)
    side = chosen.report.arrays("latents")["split"]
    split = Split(*(np.flatnonzero(side == which) for which in ("train", "holdout")))
    subject = open_model(chosen).subject(
        chosen.sets, split, chosen.report.content["seed"], control_of_run(chosen.run.config)
    )
    found = unseen_effects(subject, described, column=column, control=control)
    moved = {new: named_features(chosen.sets.feature, subject.space.axes, shift) for new, shift in found["new"].items()}
    return {key: found[key] for key in ("pooled", "n", "features", "control")} | {"moved": moved}
