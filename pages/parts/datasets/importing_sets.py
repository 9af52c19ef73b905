"""What a file of cells, images or sequences holds, and how its observations become sets."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.config.schema import describe
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.inbox import UserFile
from core.data.intake.suggestions import choices, relevant, suggested_sets
from core.modalities import observation
from core.words import count
from pages.parts.datasets.uploads import SET_FORM, SETS, looked
from pages.parts.frame import plain
from pages.parts.settings_form import settings_form

_COLUMNS = 8  # columns of the file whose values are shown before the rest folds away


def sets_form(files: list[UserFile]) -> dict[str, Any] | None:
    """What the file holds, and the settings that say what a set is; None where they do not make one yet."""
    found = looked(files, SETS, {})
    if "error" in found:
        st.error(plain(found["error"]), icon=":material/error:")
        return None
    seen = st.container()
    st.markdown("**What is a set, and what of an observation is kept**")
    chosen = _form(found)
    formed = chosen["set_column"] or chosen["whole"] or chosen["neighbourhood"] or chosen["quantiles"]
    sets = looked(files, SETS, chosen) if formed else found
    with seen:
        # What was guessed holds no longer where another choice was made.
        _show_contents(found, [note for note in found["notes"] if note in sets.get("notes", [note])])
    if not formed:
        st.info("Choose the column, or the columns, that say which observations form a set.", icon=":material/info:")
        return None
    _show_sets(sets, found["notes"])
    return chosen


def _form(found: dict[str, Any]) -> dict[str, Any]:
    """The settings that mean something for this file, with what it offers to choose from."""
    described = describe(CollectionOptions)
    wanted = relevant(found, [one["name"] for one in described])
    return settings_form(
        [one for one in described if one["name"] in wanted],
        SET_FORM,
        {"set_column": suggested_sets(found)},
        options=choices(found),
        bound=False,
    )


def _show_contents(found: dict[str, Any], notes: list[str]) -> None:
    holds = observation(found["modality"], tuple(found["shape"])).many(found["observations"])
    st.markdown(f"Format **{found['title']}**, {holds}.")
    rows = [
        {
            "Column": column,
            "Holds": "numbers" if one["kind"] == "number" else "words",
            "Distinct values": one["distinct"],
            "Such as": ", ".join(one.get("examples", [])),
        }
        for column, one in found["columns"].items()
    ]
    if rows:
        st.dataframe(
            rows,
            hide_index=True,
            height="auto" if len(rows) <= _COLUMNS else 320,
            alt=f"{len(rows)} columns of the file, with how many distinct values each has.",
        )
    elif found["format"] != "table":
        st.caption("The file has no columns beside the observations.")
    if found["features"]:
        st.caption(plain(f"Features: {', '.join(found['features'][:12])}{' …' if found['shape'][0] > 12 else ''}"))
    _show_notes(notes)


def _show_notes(notes: list[str]) -> None:
    """What was understood of the file, which the settings below can change."""
    for note in notes:
        st.caption(f":material/info: {plain(note)}")


def _show_sets(found: dict[str, Any], said: list[str]) -> None:
    if "error" in found:
        st.error(plain(found["error"]), icon=":material/error:")
        return
    built = found["built"]
    least, most = built["least"], built["most"]
    sizes = f"{least:,} to {most:,} observations" if least < most else f"{count(most, 'observation')} each"
    st.markdown(
        f":material/check: This makes **{count(built['sets'], 'set')}** of {sizes} ({built['observations']:,} in all)."
    )
    for reason, n in built["dropped"].items():
        st.caption(plain(f"Left out: {reason}: {n:,}"))
    _show_notes([note for note in found["notes"] if note not in said])
