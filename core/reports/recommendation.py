"""Which experiment to train on a cohort, and why: what a benchmark on it has found, else what its shape suggests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from core.config.home import home, resolve_inside
from core.words import number

# Models of ours as the tables of docs/benchmarks.md rank them over all data; the first is shown first.
ORDER = (
    "neighbour_mosaic", "vae", "hidden_tree", "wgan_gp", "pca_diffusion", "gan", "masked_transformer", "rbm",
)  # fmt: skip
LINKED = 0.3  # mean r² of neighbouring variants from which haplotypes can be followed from one to the next


@dataclass(frozen=True)
class Recommendation:
    """The experiment, why in one sentence, and whether a benchmark on the very dataset has `measured` it."""

    experiment: str
    why: str
    measured: bool = False


@dataclass(frozen=True)
class Shape:
    """What of a cohort decides: training individuals, variants, and the mean r² of neighbouring variants."""

    individuals: int
    variants: int
    neighbour_r2: float


def recommend(dataset: str, shape: Shape) -> Recommendation:
    """What was measured on the dataset of that digest, else by rule."""
    return measured(dataset) or by_rule(shape)


def by_rule(shape: Shape) -> Recommendation:
    """The first rule that holds."""
    return next(Recommendation(experiment, why(shape)) for holds, experiment, why in RULES if holds(shape))


def measured(dataset: str) -> Recommendation | None:
    """What `python -m core bench models` found best on the dataset; None where it has not been run."""
    try:
        return Recommendation(**json.loads(_file(dataset).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def keep(dataset: str, found: Recommendation) -> None:
    """Remember what was found best on the dataset."""
    path = _file(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def _file(dataset: str) -> Path:
    return resolve_inside(home() / "bench" / "models", dataset) / "recommendation.json"


def _linkage(shape: Shape) -> str:
    return f"Neighbouring variants have a mean r² of {number(shape.neighbour_r2)}"


Rule = tuple[Callable[[Shape], bool], str, Callable[[Shape], str]]

# Quality is the geometric mean of precision, recall and LD r as shares of the ceiling, as `bench models` measures it.
RULES: tuple[Rule, ...] = (
    # The demo, 2,000 × 1,000 in 2 Mb (r² .38): quality .97 with no warning sign; the neighbourhood mosaic has .98, but
    # a membership attack finds some of its training individuals.
    (
        lambda shape: shape.neighbour_r2 >= LINKED,
        "haplotype_mosaic",
        lambda shape: f"{_linkage(shape)}: haplotypes can be followed along the genome and pieced together anew.",
    ),
    # One division, trainings of two minutes: 805 variants of 1000 Genomes (r² .09) .96, WGAN-GP .90, Gaussian copula
    # .65, haplotype mosaic .24; 741 variants of a region (.15) .98, haplotype mosaic .94; 500 cattle × 7,250 (.15) .71,
    # Gaussian copula .67, haplotype mosaic .57, WGAN-GP .56.
    (
        lambda shape: True,
        "neighbour_mosaic",
        lambda shape: (
            f"{_linkage(shape)}: too little to follow haplotypes alone, so copies are taken from individuals "
            "of like ancestry, which keeps what structure links."
        ),
    ),
)
