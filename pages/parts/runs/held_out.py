"""What the Runs page says of a held-out loss that has not become better."""

from __future__ import annotations

import math

import streamlit as st

from core.runs.directory import Run


def held_out_warning(run: Run) -> None:
    """A warning, already while it trains, where the held-out loss is worse than before the first step."""
    losses = run.metrics(["holdout_loss"]).get("holdout_loss")
    if losses is None or losses.epoch[0] != 0 or len(losses.value) < 2:
        return
    first, now = losses.value[0], losses.value[-1]
    if math.isfinite(now) and not now > first + 0.01 * abs(first):
        return
    st.warning(
        f"The loss on held-out sets is {_words(now)} after {losses.epoch[-1]:,} epochs, and was {_words(first)} at "
        "first. "
        "What is kept is the best state so far. Look at the values of the features (raw counts, outliers), or take a "
        "smaller learning rate.",
        icon=":material/trending_up:",
    )


def _words(loss: float) -> str:
    return f"{loss:.4g}" if math.isfinite(loss) else "no number"
