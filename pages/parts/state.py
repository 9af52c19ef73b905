"""The names of every bound widget, in one place: a name is a query parameter, so a link can restore the view.

Query parameters belong to the whole app. A name without a page in it is meant to follow the reader from page to page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

T = TypeVar("T")

DATASET = "dataset"
RUNS = "runs"
RUN = "run"

DATASETS_VIEW = "datasets"
DATASETS_IMPORT = "import"
DATASETS_SIMULATOR = "simulator"
DATASETS_LABEL = "labels"
DATASETS_PHENOTYPE = "phenotype"
DATASETS_COVARIATE = "covariate"
DATASETS_FIGURES = "profile"
DATASETS_SAID = "datasets_said"

RESOURCES = "resources"
TRAIN_EXPERIMENT = "experiment"
TRAIN_PRESET = "preset"
TRAIN_ROLE = "models"
TRAIN_VIEW = "train"
TRAIN_SEVERAL = "several"
TRAIN_SITES = "at_sites"
RECIPE = "recipe"
RECIPE_EXPERIMENT = "recipe_about"

RUNS_VIEW = "runs_view"
RUNS_STATE = "state"
RUNS_SEARCH = "find"
RUNS_SMOOTHING = "smoothing"
RUNS_AXES = "axes"
RUNS_SAID = "runs_said"
STEPS_MODEL = "steps_model"
STEPS_SEED = "steps_seed"
STEPS_LAYER = "layer"

COMPARE_BASELINE = "baseline"
COMPARE_FAMILY = "metrics"
COMPARE_NUMBERS = "numbers"
COMPARE_VIEW = "comparison"
COMPARE_ROWS = "rows"
COMPARE_COLUMNS = "columns"

FREQUENCIES_VIEW = "frequencies"

LINKAGE_VIEW = "linkage"
LINKAGE_CONTIG = "contig"
LINKAGE_REGION = "region"
LINKAGE_PAIR = "linkage_pair"

PRECISION_VIEW = "precision"
PRECISION_COLUMN = "pr_column"
PRECISION_METRIC = "pr_metric"

STRUCTURE_X = "pc_x"
STRUCTURE_Y = "pc_y"
STRUCTURE_Z = "pc_z"
STRUCTURE_SOLID = "pc_solid"
STRUCTURE_COLOUR = "colour"
STRUCTURE_MAP = "map"
STRUCTURE_PAIRS = "pairs"

DIVERSITY_VIEW = "diversity"
DIVERSITY_STATISTIC = "statistic"

PRIVACY_VIEW = "privacy"
PRIVACY_ATTACK = "attack"

ASSOCIATION_VIEW = "association"
ASSOCIATION_PHENOTYPE = "studied"

LATENTS_RUN = "latents_run"
LATENTS_COLUMN = "latents_column"
LATENTS_KIND = "between"
LATENTS_A = "from_individual"
LATENTS_B = "to_individual"
LATENTS_FROM = "from_population"
LATENTS_TO = "to_population"

JUDGE_HOLDOUT = "never_seen"

IMPUTE_RUN = "impute_run"
IMPUTE_WHOM = "impute"
IMPUTE_SHARE = "hidden"

SET_RUN = "model"
SET_A = "a"
SET_B = "b"
SET_LAYOUT = "layout"
SET_COLOUR = "set_colour"
SET_X = "x"
SET_Y = "y"
SET_VIEW = "samples"

INTERPOLATE_T = "t"
INTERPOLATE_SEED = "noise"
INTERPOLATE_VIEW = "walk"
INTERPOLATE_C = "c"
INTERPOLATE_OTHERS = "sets"
INTERPOLATE_BEYOND = "beyond"
INTERPOLATE_POINTS = "points"
INTERPOLATE_SHOWN = "walk_shown"
INTERPOLATE_LETTERS = "letters_t"
INTERPOLATE_FIRST = "letters_first"

ATLAS_SOLID = "solid"
ATLAS_SURE = "uncertainty"
ATLAS_EMBED = "new_set"

GEOMETRY_VIEW = "geometry"

SEQUENCES_VIEW = "sequences"
SEQUENCES_BESIDE = "beside"
SEQUENCES_FIRST = "first"
SEQUENCES_BY = "by"
SEQUENCES_REFERENCE = "reference"
SEQUENCES_P = "motif_p"

PREDICT_KIND = "predict"
PREDICT_TARGET = "target"
PREDICT_FROM = "carried"
PREDICT_TO = "condition"


def link_to_view(keys: tuple[str, ...]) -> str:
    """The address that restores this page with the values of `keys`, defaults written out.

    The address bar leaves out defaults, and a default can depend on what is in the library; this link does not.
    """
    values: list[tuple[str, Any]] = []
    for key in keys:
        value = st.session_state.get(key)
        if value is not None:
            values += [(key, v) for v in (value if isinstance(value, list | tuple) else [value])]
    return f"{st.context.url or ''}?{urlencode(values)}" if values else st.context.url or ""


_PENDING = "pending"


def go(**values: Any) -> None:
    """Run the page again with these values in its widgets; a widget that is already drawn cannot be set."""
    st.session_state[_PENDING] = values
    st.rerun()


def pick_followed(page: str, label: str, key: str, options: Sequence[str], help: str) -> str:
    """A select box on `page` whose choice follows the reader from the last page that asked the same.

    A link cannot carry what a widget of its own page is bound to, and a bound widget whose parameter is not in the
    address takes its default: so the choice becomes the default of the next page, once, as the page is opened.
    """
    start, kept = f"start_{key}", st.session_state.get(f"kept_{key}", (page, None))
    if kept[0] != page and key not in st.query_params:
        st.session_state[start] = kept[1]
    first = st.session_state.get(start)
    index = options.index(first) if first in options else 0
    chosen = st.selectbox(label, options, index=index, key=key, bind="query-params", help=help) or options[index]
    st.session_state[f"kept_{key}"] = (page, chosen)
    return chosen


def choose(label: str, options: Sequence[T], *, default: T, key: str, place: Any = st, **look: Any) -> T:
    """A segmented control, in `place`, in which one option is always chosen.

    Streamlit's own `required` holds against clicks; an empty parameter in the address still leaves it without one.
    """
    chosen: T | None = place.segmented_control(label, options, default=default, required=True, key=key, **look)
    return default if chosen is None else chosen


def arrive() -> None:
    """Put the values of `go` in place; call it before the first widget of a page."""
    for key, value in st.session_state.pop(_PENDING, {}).items():
        st.session_state[key] = value
