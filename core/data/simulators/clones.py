"""A simulated clonal differentiation: barcoded clones seen on three days, with fates that are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.config.schema import setting
from core.data.sets import SetCollection

FATES = ("Monocyte", "Neutrophil", "Basophil", "Erythroid")
DAYS = (2, 4, 6)


@dataclass(frozen=True)
class ClonesConfig:
    """How many clones, how many cells, and how early the fate shows."""

    clones: int = setting(120, "Clones.", low=4, high=100_000)
    cells: int = setting(40, "Mean number of cells of a clone on a day.", low=3, high=10_000)
    features: int = setting(12, "Features of a cell (expression components).", low=6, high=2000)
    commitment: float = setting(
        0.4, "Concentration of the clones' fate bias: small clones are of one fate, large of all.", low=0.01, high=100.0
    )
    early_signal: float = setting(
        0.8, "How strongly a clone's fate bias already shifts its undifferentiated cells.", low=0.0, high=10.0
    )
    seed: int = setting(7, "Seed.", low=0, high=2**31 - 1)


def simulate_clones(config: ClonesConfig) -> SetCollection:
    """Sets are clone × day; the truth is each clone's fate bias (clones, fates) and each cell's fate.

    A clone's bias p ~ Dirichlet(commitment) decides the fate of each of its cells. A cell starts at the
    progenitor state, shifted by `early_signal` times the clone's mean signature, and moves along the curved
    branch of its fate as days pass. So early sets tell late fates as far as `early_signal` lets them.
    """
    rng = np.random.default_rng(config.seed)
    branch, bend = _orthonormal(rng, config.features, 2 * len(FATES) if config.features >= 2 * len(FATES) else 6)
    bias = rng.dirichlet(np.full(len(FATES), config.commitment), size=config.clones)
    observations: list[npt.NDArray[np.float64]] = []
    rows: list[tuple[int, int]] = []
    for clone in range(config.clones):
        for day in DAYS:
            count = max(3, int(rng.poisson(config.cells * (0.5 + day / 6) * rng.gamma(4, 0.25))))
            fate = rng.choice(len(FATES), size=count, p=bias[clone])
            time = np.clip(rng.normal(day / 6, 0.12, size=count), 0, 1.1)[:, None]
            # Nothing of the branch shows before two fifths of the way: day 2 is undifferentiated.
            gone = np.clip((time - 0.4) / 0.6, 0, None)
            early = config.early_signal * (1 - time) * (bias[clone] @ branch)
            path = 4 * gone**1.5 * branch[fate] + 3 * gone * (1.2 - gone) * bend[fate % len(bend)]
            observations.append(early + path + 0.35 * rng.normal(size=(count, config.features)))
            rows.append((clone, day))
    sizes = np.array([len(x) for x in observations])
    clone_of = np.array([c for c, _ in rows])
    day_of = np.array([d for _, d in rows])
    dominant = np.array(FATES)[bias[clone_of].argmax(axis=1)]
    names = np.array([f"clone_{c + 1:03d}" for c in clone_of], dtype=np.str_)
    return SetCollection(
        observations=np.concatenate(observations).astype(np.float32),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        set_id=np.array([f"{n}_day{d}" for n, d in zip(names, day_of, strict=True)], dtype=np.str_),
        labels={
            "fate": dominant.astype(np.str_),
            "clone": names,
            "day_label": np.array([f"day {d}" for d in day_of], dtype=np.str_),
        },
        covariates={"day": day_of.astype(np.float64), **{f: bias[clone_of, i] for i, f in enumerate(FATES)}},
        feature=np.array([f"component_{j + 1}" for j in range(config.features)], dtype=np.str_),
        unit="clone",
        truth={"simulator": "clones", "fate_bias": bias[clone_of], "fates": list(FATES)},
    )


def _orthonormal(
    rng: np.random.Generator, d: int, count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Orthonormal directions for the branches of the fates, and for their bends."""
    q, _ = np.linalg.qr(rng.normal(size=(d, min(count, d))))
    directions = np.asarray(q.T, dtype=np.float64)
    return directions[: len(FATES)], directions[len(FATES) :]
