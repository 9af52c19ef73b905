"""A set's real observations beside those regenerated from its latent, and the sets nearest to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.plots.numbers import count, number
from core.plots.sets_samples import cloud, density, strip
from pages.parts.chart import chart
from pages.parts.set_runs import SetRun
from pages.parts.state import SET_VIEW, SET_X, SET_Y

SHOWN = 300
IMAGES = 24
_NEAR = 8


def real_and_regenerated(chosen: SetRun, name: str) -> None:
    """Both, drawn as their kind is: points and densities of vectors, strips of images."""
    real, made = _kept(chosen, name)
    row = {str(r["set"]): r for r in chosen.report["curves"]["reconstruction"]}.get(name)
    caption = f"{count(len(real), 'real observation')} and as many regenerated from the set's latent"
    if row:
        caption += (
            f"; on its held-out half, W2 {number(row['w2'])} (floor {number(row['floor'])}, "
            f"mean alone {number(row['mean_only'])})"
        )
    if chosen.sets.modality == "image":
        image_pair(real, made, caption)
        return
    flat = {"Real": real.reshape(len(real), -1), "Generated": made.reshape(len(made), -1)}
    show_vectors(chosen, flat, caption + ".", key="samples")


def show_vectors(chosen: SetRun, flat: dict[str, Any], caption: str, key: str) -> None:
    """Sources (name → (n, d)) as a cloud of two chosen features or as densities of many."""
    features = chosen.features
    view = st.segmented_control(
        "View", ["Scatter", "Densities"], default="Scatter", required=True, key=SET_VIEW, bind="query-params"
    )
    if view == "Densities" or len(features) < 2:
        varied = np.argsort(-flat["Real"].var(axis=0), kind="stable")[:8] if "Real" in flat else range(8)
        shown = sorted(int(j) for j in varied if j < len(features))
        chart(density(flat, features, shown, caption=caption), key=f"{key}_density", width="content")
        return
    x, y = pick_features(features)
    chart(cloud(flat, features, x, y, caption=caption), key=f"{key}_cloud")


def pick_features(features: list[str]) -> tuple[int, int]:
    """Let the reader choose the two features of a scatter plot."""
    left, right = st.columns(2)
    with left:
        x = st.selectbox("Horizontal", features, key=SET_X, bind="query-params")
    with right:
        y = st.selectbox("Vertical", features, index=1, key=SET_Y, bind="query-params")
    return features.index(x or features[0]), features.index(y or features[1])


def image_pair(real: Any, made: Any, caption: str) -> None:
    """Two strips of images, real and generated."""
    scale = max(1, 160 // (real.shape[2] * 2))
    left, right = st.columns(2)
    for place, title, images in ((left, "Real", real), (right, "Generated", made)):
        with place:
            st.markdown(f"**{title}**")
            st.image(strip(images[:IMAGES], 8, scale), width="stretch", alt=f"{title} images: {caption}")
    st.caption(caption + ".")


def neighbours(chosen: SetRun, name: str, z: Any = None) -> None:
    """A table of the sets whose latents are nearest to that of `name`, or to the latent `z`."""
    latents = chosen.arrays("latents")
    names = latents["set_id"].tolist()
    here = latents["z"][names.index(name)] if z is None else z
    distance = np.linalg.norm(latents["z"] - here, axis=1)
    order = [i for i in np.argsort(distance, kind="stable") if names[i] != name or z is not None][:_NEAR]
    shown = list(chosen.sets.labels)[:3]
    st.dataframe(
        [
            {"Set": names[i], "Distance": float(distance[i]), **{c: str(chosen.sets.labels[c][i]) for c in shown}}
            for i in order
        ],
        hide_index=True,
        column_config={"Distance": st.column_config.NumberColumn(format="%.3f")},
        alt=f"The {len(order)} sets whose latents are nearest.",
    )


def _kept(chosen: SetRun, name: str) -> tuple[Any, Any]:
    """Real and regenerated observations: from the report where it kept them, else made now."""
    index = [str(n) for n in chosen.sets.set_id].index(name)
    stored = chosen.arrays("samples")
    places = np.flatnonzero(stored["set"] == index)
    if len(places):
        part = slice(int(stored["offsets"][places[0]]), int(stored["offsets"][places[0] + 1]))
        return stored["real"][part], stored["generated"][part]
    from core.evaluation.sets.space import coded
    from pages.parts.set_runs import open_model

    real = coded(chosen.sets, np.asarray(chosen.sets.observations_of(index)))[:SHOWN]
    z = chosen.arrays("latents")["z"][index]
    return real, open_model(chosen).generate(z[None], len(real), 0)[0]
