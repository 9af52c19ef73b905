"""How a training is divided among sites that keep their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from core.config.schema import setting

MOST_SITES = 16

FEDERATED, POOLED, ALONE = "federated", "pooled", "alone"
"""The roles of a run in a comparison: at all sites without exchanging sets, on all sets in one place, at one site."""

SITE_CURVE = "site: "  # begins the name of the curve of a site's loss
DRIFT = "drift"  # curve: how far the weights of the sites are apart when they are averaged

LIMITS = (
    "Sets stay at their site; weights, losses and numbers of sets cross the line, readable by the server: this is not "
    "secure aggregation and not differential privacy, and weights can tell of the sets that they were trained on. Here "
    "the sites are processes of one machine, and the report is made where all sets are."
)
"""What training at several sites promises, and what it does not."""

MISSING = "Training at several sites needs Flower; pip install -r requirements-federated.txt, then try again."


@dataclass(frozen=True)
class FederationConfig:
    """Who the sites are, and how often their weights are averaged."""

    sites: int = setting(
        3, "Sites among which the sets are dealt out at random, those of a unit together.", low=2, high=MOST_SITES
    )
    site_column: str = setting("", "Label column whose values are the sites (empty: random parts).")
    rounds: int = setting(
        0, "Rounds, each with one averaging (0: as many as the experiment has epochs).", low=0, high=100_000
    )
    local_epochs: int = setting(
        0,
        "Epochs that each site trains in a round (0: as many as there are sites, so that a round takes as many steps "
        "as an epoch of all sets in one place).",
        low=0,
        high=100_000,
    )


def flower() -> bool:
    """Whether Flower is installed here."""
    return find_spec("flwr") is not None


def role(config: Mapping[str, Any]) -> str:
    """What the run with this config is in a comparison of sites; "" where it belongs to none."""
    return str(config.get("federation", {}).get("role", ""))
