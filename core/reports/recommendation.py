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
REGION = 0.12  # from which they are variants of a region, whose linkage is most of what there is to learn
MANY_SETS = 1000  # below which learned embeddings of real sets were no better than exact moments
FEW = 400  # individuals, below which every model remembers some


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


def recommend_sets(modality: str, sets: int, followed: bool) -> Recommendation | None:
    """For sets of a modality, `followed` where a unit is seen at several times; None where nothing was measured.

    `python -m core bench real_sets` compares with what was learned: docs/sets.md.
    """
    if modality == "vector" and followed:
        return Recommendation(
            "lineage_tracing", "Units are followed over time, and its latent learns what comes next of them."
        )
    experiment = {"vector": "cytometry", "image": "cell_images"}.get(modality)
    if experiment is None or sets > MANY_SETS:
        return None
    return Recommendation(
        experiment,
        f"{sets:,} sets are few to learn from: their exact means and spreads, with the shapes of sets nearby, "
        "came nearer to unseen sets than learned models where both were tried (docs/sets.md).",
    )


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

# Quality is the geometric mean of precision, recall and LD r as shares of the ceiling, as `bench models` measures it;
# docs/benchmarks.md has the tables.
RULES: tuple[Rule, ...] = (
    # 500 cattle × 7,250, 250 to train on: quality .71, neighbourhood mosaic .70, tree .60; none is without a warning.
    (
        lambda shape: shape.individuals < FEW and shape.variants > 2 * shape.individuals,
        "pca_diffusion",
        lambda shape: (
            f"{shape.individuals:,} individuals have {shape.variants:,} variants: a few components are all that so few "
            "can teach, and every model remembers some of them, so look at Privacy."
        ),
    ),
    # The shipped demo, 2,000 × 1,000 in 2 Mb (r² .38), with its phenotypes: no warning sign, quality .95, .70 of the
    # associated loci recovered; both mosaics have .97 and .98, but recover none, and an attack finds some individuals.
    (
        lambda shape: shape.neighbour_r2 >= LINKED,
        "vae",
        lambda shape: (
            f"{_linkage(shape)}: it draws each call after its neighbours, keeps what is linked and what is associated "
            "with phenotypes, and an attack finds none of its training individuals."
        ),
    ),
    # 741 variants of a region of 1000 Genomes (r² .15): quality .92; the neighbourhood mosaic has .97, but remembers.
    (
        lambda shape: shape.neighbour_r2 >= REGION,
        "hidden_tree",
        lambda shape: f"{_linkage(shape)}: a tree over the variants keeps it, and remembers no individual.",
    ),
    # 805 variants of 1000 Genomes (r² .09): quality .94, WGAN-GP .94, tree .90; the neighbourhood mosaic has .90.
    (
        lambda shape: True,
        "gan",
        lambda shape: (
            f"{_linkage(shape)}: structure is most of what there is to learn, which few factors and a gentle "
            "discriminator hold without remembering individuals."
        ),
    ),
)
