"""What the Runs page shows of a training at several sites: its rounds, and what it is compared with."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.config.federation import ALONE, FEDERATED, LIMITS, POOLED, role
from core.plots import federated
from core.plots.training import Curve
from core.runs.directory import Run
from core.runs.federated.plan import members
from core.runs.store import RunStore
from core.words import count
from pages.parts.chart import chart, live_chart
from pages.parts.frame import plain

SCORE = "reconstruction_fraction"


def at_sites(run: Run, *, running: bool) -> None:
    """Draw the section; nothing for a run of no such training."""
    kind = role(run.config)
    if not kind:
        return
    node: dict[str, Any] = run.config["federation"]
    names = ", ".join(node["sites"])
    st.subheader("Sites")
    where = f"values of {node['site_column']}" if node["site_column"] else "random parts"
    told = {
        FEDERATED: f"{count(len(node['sites']), 'site')} ({where}: {names}), {count(node['rounds'], 'round')} of "
        f"{count(node['local_epochs'], 'epoch')} at each. {LIMITS}",
        POOLED: f"On all sets in one place, to compare with training at the sites {names}.",
        ALONE: f"On the sets of {node.get('site', '')} alone, to compare with training at the sites {names}.",
    }
    st.caption(plain(told[kind]))
    if kind == FEDERATED:
        curves = {name: Curve(one.epoch, one.value) for name, one in run.metrics().items()}
        live_chart(
            federated.sites(curves, running=running),
            f"sites_{run.id}",
            "The sites appear here when their first round has ended.",
        )
    if running:
        return
    rows = [
        federated.Compared(_label(one), role(one.config), int(one.config["seed"]), report.metric(SCORE))
        for one in members(run, RunStore())
        if (report := one.report()) is not None
    ]
    chart(
        federated.compared(rows),
        key=f"compared_{run.id}",
        otherwise="Alone, pooled and federated stand beside each other here when two of them have a report: `federate` "
        "with --compare trains them all.",
    )


def _label(run: Run) -> str:
    node = run.config["federation"]
    words = {POOLED: "Pooled", FEDERATED: "Federated", ALONE: f"{node.get('site', '')} alone"}[node["role"]]
    return words[:1].upper() + words[1:]
