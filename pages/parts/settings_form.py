"""A form from the description of settings (`core.config.schema.describe`): one widget a setting, basic and advanced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.words import ABBREVIATIONS, sentence
from pages.parts.state import choose

Settings = list[dict[str, Any]]

_COLUMNS = 3
_MANY = 500  # from so many on the list may have been cut, and others may be typed
_FEW, _SHORT = 5, 24  # choices, and letters in them, that fit side by side
_SPELLED = {
    "bp": "bp",
    "cuda": "GPU (CUDA)",
    "gmm": "Gaussian mixture",
    "mvn": "Correlated Gaussians",
    "normal": "Independent Gaussians",
    "chi2": "chi-squared",
    "out_of_africa": "Out of Africa",
    "fp32": "fp32",
    "bf16": "bf16",
    "log1p": "log1p",
    "size_log1p": "Size factors, log1p",
    "X": "X",
    "film": "FiLM",
    "lora": "LoRA",
    "kl": "KL",
}
_TITLES = {
    "variant_missing_max": "Most missing in a variant",
    "individual_missing_max": "Most missing in an individual",
    "thin_bp": "Minimum distance",
    "set_column": "Columns that form a set",
    "min_samples": "Smallest set",
    "max_sets": "Most sets",
    "max_individuals": "Most individuals",
    "chunk": "Cut into parts of",
    "unit": "Keep together in the split",
    "neighbourhood": "Neighbourhoods along",
    "align": "Along a reference",
    "backend": "Engine",
    "cpus": "Processor cores",
    "gpus": "GPUs",
    "memory_gb": "Memory",
    "quantiles": "Quantiles of",
    "quantiles_count": "Number of quantiles",
    "region_size": "Size of a region",
    "variable_genes": "Most variable genes",
}
# What an empty choice means, where it is not "none".
_EMPTY = {"control": "found by its name", "backend": "Usual", "site_column": "random parts"}
_BOUNDS = {"min": "Minimum", "max": "Maximum"}


def settings_form(
    settings: Settings,
    prefix: str,
    values: Mapping[str, Any] | None = None,
    *,
    options: Mapping[str, Sequence[str]] | None = None,
    bound: bool = True,
    fold: str = "",
) -> dict[str, Any]:
    """Draw `settings` with `values` over their defaults; the value of each as chosen.

    Args:
        prefix: stable beginning of every key, and of the query parameter where `bound`.
        options: for settings that are a text or a list, what may be chosen from.
        fold: put all settings behind this title, not only the advanced ones.
    """
    start = {one["name"]: one["default"] for one in settings} | dict(values or {})

    def draw(one: dict[str, Any]) -> Any:
        known = (options or {}).get(one["name"])
        common = {"label": _label(one), "key": f"{prefix}.{one['name']}", "help": one["help"]}
        return _widget(one, start[one["name"]], known, common | ({"bind": "query-params"} if bound else {}))

    basic = [one for one in settings if not one.get("advanced") and not fold]
    rest = [one for one in settings if one not in basic]
    chosen = _rows(basic, draw)
    if rest:
        keys = [f"{prefix}.{one['name']}" for one in rest]
        with st.expander(
            f"{fold or 'More settings'} ({len(rest)})", icon=":material/tune:", key=f"{prefix}.fold", on_change="rerun"
        ) as folded:
            # A closed fold draws nothing, unless a link or the reader has set something in it.
            if folded.open or any(key in st.query_params or key in st.session_state for key in keys):
                chosen |= _rows(rest, draw)
            else:
                chosen |= {one["name"]: start[one["name"]] for one in rest}
    return chosen


def title(name: str) -> str:
    """The name of a setting as its label: "hwe_p_min" -> "Minimum HWE p"."""
    if name in _TITLES:
        return _TITLES[name]
    words = name.split("_")
    words = [_BOUNDS[words[-1]], *words[:-1]] if words[-1] in _BOUNDS and len(words) > 1 else words
    said = " ".join(_SPELLED.get(word, word.upper() if word in ABBREVIATIONS else word) for word in words)
    return said[:1].upper() + said[1:]


def choice(value: str) -> str:
    """A choice as its label: "samples_in_rows" -> "Samples in rows"."""
    return _SPELLED.get(value, sentence(value))


def _rows(settings: Settings, draw: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    chosen = {}
    for first in range(0, len(settings), _COLUMNS):
        columns = st.columns(_COLUMNS, vertical_alignment="bottom")
        for column, one in zip(columns, settings[first : first + _COLUMNS], strict=False):
            with column:
                chosen[one["name"]] = draw(one)
    return chosen


def _label(one: dict[str, Any]) -> str:
    return title(one["name"]) + (f" ({one['unit']})" if one.get("unit") else "")


def _widget(one: dict[str, Any], value: Any, options: Sequence[str] | None, common: dict[str, Any]) -> Any:
    kind = one["type"].removesuffix("?")
    if kind.startswith("list["):
        return _several(kind[5:-1], value, options, common)
    if kind == "bool":
        return st.toggle(value=value, **common)
    if kind in ("int", "float"):
        return _number(one, kind, value, common)
    if one.get("choices"):
        return _one_of(list(one["choices"]), value, _EMPTY.get(one["name"], "none"), common)
    if options is not None:
        known = list(dict.fromkeys([*([] if one["default"] else [""]), *options, value or ""]))
        empty = _EMPTY.get(one["name"], "none")
        return st.selectbox(options=known, index=known.index(value or ""), format_func=lambda v: v or empty, **common)
    return st.text_input(value=value or "", **common) or ""


def _several(kind: str, value: Sequence[Any], options: Sequence[str] | None, common: dict[str, Any]) -> list[Any]:
    if options is not None:
        known = list(dict.fromkeys([*options, *value]))
        return st.multiselect(options=known, default=list(value), accept_new_options=len(known) >= _MANY, **common)
    text = st.text_input(value=", ".join(map(str, value)), placeholder="automatic", **common)
    parts = (text or "").split(",") if kind == "str" else (text or "").replace(",", " ").split()
    return [_item(part.strip(), kind) for part in parts if part.strip()]


def _one_of(choices: list[str], value: str, empty: str, common: dict[str, Any]) -> str:
    def said(one: str) -> str:
        return choice(one) if one else empty

    if len(choices) <= _FEW and sum(map(len, choices)) <= _SHORT:
        return choose(options=choices, default=value, format_func=said, **common)
    return st.selectbox(options=choices, index=choices.index(value), format_func=said, **common)


def _number(one: dict[str, Any], kind: str, value: float | None, common: dict[str, Any]) -> float | int | None:
    cast = int if kind == "int" else float
    low, high, value = (None if v is None else cast(v) for v in (one.get("low"), one.get("high"), value))
    step = 1 if kind == "int" else abs(value) / 10 if value else 0.01
    form = "%d" if kind == "int" else "%g"
    return st.number_input(
        min_value=low, max_value=high, value=value, step=step, format=form, placeholder="off", **common
    )


def _item(text: str, kind: str) -> Any:
    """An item of a list; what is no number stays text, so that the check of the settings can name it."""
    try:
        return {"int": int, "float": float}.get(kind, str)(text)
    except ValueError:
        return text
