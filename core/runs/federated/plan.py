"""From the config of a run to the same at several sites, and to what it is compared with: all sets in one place, and
each site alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.config.federation import ALONE, FEDERATED, MISSING, MOST_SITES, POOLED, FederationConfig, flower, role
from core.config.schema import to_dict
from core.data.library import Library
from core.data.sites import site_of
from core.errors import InputError
from core.runs.directory import Run
from core.runs.set_work import viewed
from core.runs.store import RunStore


def federated(config: Mapping[str, Any], wish: FederationConfig, library: Library | None = None) -> dict[str, Any]:
    """The config of a run at several sites, from that of a run in one place (`core.runs.submission.prepare`).

    Raises InputError where the model cannot be averaged, a site has too little, or Flower is not installed.
    """
    _refuse(config)
    if not flower():
        raise InputError(MISSING)
    epochs, dataset = int(config["training"]["epochs"]), (library or Library()).open(config["dataset"]["id"])
    sets, split = viewed(config, dataset)
    names = _names(dataset.meta.labels, wish)
    node = {**to_dict(wish), "sites": names}
    site = site_of(sets, split, node, int(config["seed"]))[split.train]
    counts = np.bincount(site[site >= 0], minlength=len(names))
    if counts.min() < 2:
        raise InputError(
            f"The site {names[int(counts.argmin())]!r} would have {counts.min()} sets to train on; 2 are needed: take "
            "fewer sites, or another column."
        )
    local = wish.local_epochs or len(names)
    node |= {
        "role": FEDERATED,
        "group": _group(config, wish),
        "rounds": wish.rounds or epochs,
        "local_epochs": local,
        "pooled_epochs": epochs,
        "validation_epochs": int(config["training"]["evaluate_every"]),
    }
    return _taught(config, node, f"{config['title']}, {len(names)} sites")


def compared(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of the config of a federated run those that it is compared with: pooled, then each site alone.

    A site alone trains as many epochs as in all rounds of the federated run.
    """
    node = config["federation"]
    title = str(config["title"]).rpartition(", ")[0]
    pooled = _taught(config, node | {"role": POOLED}, f"{title}, pooled")
    pooled["training"] |= {"epochs": node["pooled_epochs"], "evaluate_every": node["validation_epochs"]}
    alone = [_taught(config, node | {"role": ALONE, "site": name}, f"{title}, {name} alone") for name in node["sites"]]
    return [pooled, *alone]


def members(run: Run, store: RunStore) -> list[Run]:
    """The finished runs that are compared with this one, itself among them: pooled, federated, then each site."""
    group = run.config["federation"]["group"]
    found = []
    for row in store.list():
        other = store.open(row)
        try:
            node = other.config.get("federation", {})
        except InputError:
            continue
        if node.get("group") == group and other.report() is not None:
            found.append(other)
    order = {POOLED: 0, FEDERATED: 1, ALONE: 2}
    return sorted(found, key=lambda one: (order[role(one.config)], one.config["federation"].get("site", "")))


def _taught(config: Mapping[str, Any], node: Mapping[str, Any], title: str) -> dict[str, Any]:
    """The config with as many epochs as all rounds have, validated and saved as often as the pooled training is."""
    local = int(node["local_epochs"])
    training = {
        **config["training"],
        "epochs": int(node["rounds"]) * local,
        "evaluate_every": int(node["validation_epochs"]) * local,
    }
    return {**config, "title": title, "training": training, "federation": dict(node)}


def _names(labels: Mapping[str, list[str]], wish: FederationConfig) -> list[str]:
    if not wish.site_column:
        return [f"site {i + 1}" for i in range(wish.sites)]
    if wish.site_column not in labels:
        known = ", ".join(labels) or "none"
        raise InputError(f"There is no label column {wish.site_column!r}; those of this dataset: {known}.")
    names = sorted({value for value in labels[wish.site_column] if value})
    if not 2 <= len(names) <= MOST_SITES:
        raise InputError(
            f"The column {wish.site_column!r} has {len(names)} values; 2 to {MOST_SITES} can be sites. Choose another."
        )
    return names


def _refuse(config: Mapping[str, Any]) -> None:
    """Raise InputError for what cannot be trained by averaging weights, or would send sets along with them."""
    why = ""
    if config["kind"] != "sets":
        why = "models of genotypes keep labels of their training individuals among their weights"
    elif not config["training"]["epochs"]:
        why = "it is fitted in closed form, and there are no steps to average"
    elif config["model"].get("exact"):
        why = "model.exact keeps statistics of single sets among the weights, which would leave their site"
    elif config["model"].get("auxiliary") == "classification":
        why = "a site may lack a value of the label that model.auxiliary=classification predicts"
    elif config["training"].get("processes", 1) > 1:
        why = "a site trains in one process; set training.processes=1"
    elif config["training"].get("read_from") == "disk":
        why = "a site keeps its sets in memory; set training.read_from=memory"
    if why:
        raise InputError(f"{config['title']} cannot be trained at several sites: {why}.")


def _group(config: Mapping[str, Any], wish: FederationConfig) -> str:
    """The same for runs that differ in nothing but their seed."""
    same = {key: config[key] for key in ("name", "dataset", "model", "encoder", "generator", "mixer")}
    training = {key: value for key, value in config["training"].items() if key != "seed"}
    return hashlib.sha256(json.dumps([same, training, to_dict(wish)], sort_keys=True).encode()).hexdigest()[:12]
