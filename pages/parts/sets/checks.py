"""How far a model of sets can be trusted: its numbers, its warning signs, and the questions asked when it fails."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.reports.report import Report
from core.words import count, number
from pages.parts.frame import plain
from pages.parts.sets.runs import SetRun

_ICONS = {"high": ":red[:material/error:]", "medium": ":orange[:material/warning:]", "low": ":material/info:"}
_EXACT = 1e-3  # invariance in units of the spread: rounding, not a leak
_LEAK = 0.3
_MANY = 50_000_000  # numbers of one step that a small machine or card holds with all that is kept for the gradient


def scores(chosen: SetRun) -> None:
    """The four numbers of the report with their frames, and the badges."""
    name, value = chosen.report.metric("latent_w2_spearman").best_baseline
    frames = {
        "latent_w2_spearman": ("Rank correlation", f"{name.replace('_', ' and ')} alone {number(value)}"),
        "reconstruction_fraction": ("Reconstruction error", "0 = floor, 1 = mean only"),
        "variance_ratio": ("Variance ratio", "should be 1"),
        "cycle_error": ("Cycle error", "should be near 0"),
    }
    with st.container(horizontal=True):
        for key, (title, frame) in frames.items():
            one = chosen.report.metric(key)
            st.metric(
                title, number(one.value), frame, delta_color="off", delta_arrow="off", border=True,
                help=f"{one.label}. {one.help} "
                + (f"95% interval: {one.shown}." if one.value is not None else one.shown),
            )  # fmt: skip
    if found := badges(chosen.report):
        st.markdown(
            " ".join(
                f":{'green' if good else 'red'}-badge[:material/{'check' if good else 'close'}: {plain(text)}]"
                for text, good, _ in found
            ),
            help="\n\n".join(f"**{plain(text)}**: {plain(measured)}" for text, _, measured in found),
        )


def badges(report: Report) -> list[tuple[str, bool, str]]:
    """(words, whether good, how measured) of each check that is passed or not; a check without a value is left out."""
    found = []
    for name, words, failed, passes in (
        ("invariance_error", "Distribution-invariant", "Not invariant", lambda v: v < _EXACT),
        ("set_size_leakage_r2", "Blind to the set size", "The set size leaks", lambda v: v <= _LEAK),
        ("variance_ratio", "Keeps the variance", "Variance collapse", lambda v: v >= 0.8),
    ):
        one = report.metric(name)
        if one.value is not None:
            good = passes(one.value)
            found.append((f"{words if good else failed} ({number(one.value)})", good, one.help))
    return found


def warning_signs(chosen: SetRun) -> None:
    """Each failed check of the report: evidence and advice."""
    if not chosen.report.flags:
        st.markdown(":green[:material/check_circle:] No check of this model fails.")
    for flag in chosen.report.flags:
        icon = _ICONS.get(flag.severity, "")
        st.markdown(f"{icon} **{plain(flag.name)}.** {plain(flag.evidence)} {plain(flag.advice)}")


def questions(chosen: SetRun) -> None:
    """Small sets, generated unlike real, memory: what the checks say, and what to do."""
    st.markdown("**My sets are small. Are their latents worth anything?**")
    st.markdown(_small_sets(chosen))
    st.markdown("**What is generated does not look like the real set. Where is it lost?**")
    for good, step in _unlike(chosen.report):
        mark = ":green[:material/check:]" if good else ":red[:material/arrow_forward:]"
        st.markdown(f"{mark} {step}")
    st.markdown("**Training runs out of memory. What is it that fills it?**")
    st.markdown(_memory(chosen))


def _small_sets(chosen: SetRun) -> str:
    from core.evaluation.sets.reconstruction import latent_spread

    sizes = chosen.sets.sizes
    median = int(np.median(sizes))
    words = f"The median set has {count(median, 'observation')}, the smallest {int(sizes.min())}. "
    curve = chosen.report.curve("set_size")
    if curve:
        row = min(curve, key=lambda r: abs(np.log(r["m"] / max(median, 1))))
        share = row["rms"] / max(latent_spread(chosen.latents), 1e-12)
        words += f"With {row['m']} observations a latent errs by {share:.0%} of the spread between sets. "
        if share < 0.3:
            return words + "That is enough to tell sets apart."
    return words + (
        "To do: leave small sets out (`dataset.min_samples=20`), merge sets, or let training mix sets into larger ones "
        "(`mixer=dirichlet_k`). The Atlas shows the uncertainty of each latent."
    )


def _unlike(report: Report) -> list[tuple[bool, str]]:
    names = ("reconstruction_fraction", "variance_ratio", "invariance_error")
    fraction, ratio, invariance = (report.metric(name).value for name in names)
    return [
        (
            fraction is not None and fraction < 0.5,
            f"Reconstruction: the error stands at {number(fraction)} between the sampling floor (0) and knowing the "
            "mean alone (1). Above a half: train longer, or widen the latent (`model.latent=64`).",
        ),
        (
            invariance is not None and invariance < _EXACT,
            f"Invariance: repeated observations move the latent by {number(invariance)} of the spread. Above 0: the "
            "encoder does not see a distribution; take one of the registry.",
        ),
        (
            ratio is not None and 0.8 <= ratio <= 1.25,
            f"Generator: it keeps {number(ratio)} of the variance. Below 0.8: take `generator=flow`; above 1.25 or "
            "noisy: bound its slope (`generator.lipschitz=true` where it has one) or train longer.",
        ),
    ]


def _memory(chosen: SetRun) -> str:
    config = chosen.run.config
    model, batch = config["model"], int(config["training"]["batch_size"])
    width = int(np.prod(chosen.sets.shape)) * (len(chosen.sets.alphabet) + 1 if chosen.sets.alphabet else 1)
    observations = int(model["context_max"]) + int(model["query"])
    numbers = batch * observations * width
    size = "That is much: " if numbers > _MANY else "That is little; if a larger model fills the memory: "
    return (
        f"One step of this run holds {batch} sets × {observations} observations × {width:,} features = "
        f"{numbers:,} numbers, and every layer keeps as many for the gradient. {size}"
        "lower `training.batch_size`, then `model.context_max` and `model.query`; `generator.checkpointing=true` "
        "computes layers again instead of keeping them. Embedding and sampling go by parts: their memory does not "
        "grow with the set."
    )
