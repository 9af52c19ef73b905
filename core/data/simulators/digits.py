"""Sets of handwritten digits: the 1,797 images of 8 × 8 pixels that scikit-learn ships."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.config.schema import setting
from core.data.sets import SetCollection


@dataclass(frozen=True)
class DigitsConfig:
    """How the images are divided into sets."""

    images: int = setting(30, "Images in a set.", low=2, high=200)
    mixed: int = setting(
        40, "Sets that hold two digits in a random proportion, beside the pure ones.", low=0, high=1000
    )
    seed: int = setting(3, "Seed.", low=0, high=2**31 - 1)


def digit_sets(config: DigitsConfig) -> SetCollection:
    """Sets of one digit, and mixtures of two whose share is known; no image stands in two sets of the same kind.

    Observations are uint8 (k, 1, 8, 8) in 0..255. Labels: "digit" ("3", or "3+8" for a mixture). Covariate:
    "share", the true share of the second digit. Source: Alpaydin & Kaynak 1998 (UCI), public, in scikit-learn.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images / 16 * 255).astype(np.uint8)[:, None]
    rng = np.random.default_rng(config.seed)
    rows: list[np.ndarray] = []
    names: list[str] = []
    digits: list[str] = []
    shares: list[float] = []
    by_digit = [rng.permutation(np.flatnonzero(bunch.target == d)) for d in range(10)]
    for d, members in enumerate(by_digit):
        for part in range(len(members) // config.images):
            rows.append(members[part * config.images : (part + 1) * config.images])
            names.append(f"digit_{d}_part_{part + 1}")
            digits.append(str(d))
            shares.append(0.0)
    for i in range(config.mixed):
        a, b = rng.choice(10, size=2, replace=False)
        second = int(rng.integers(1, config.images))
        first = rng.choice(by_digit[a], config.images - second, replace=False)
        rows.append(np.concatenate([first, rng.choice(by_digit[b], second, replace=False)]))
        names.append(f"mixture_{i + 1}_{a}_and_{b}")
        digits.append(f"{a}+{b}")
        shares.append(second / config.images)
    sizes = np.array([len(r) for r in rows])
    return SetCollection(
        observations=images[np.concatenate(rows)],
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        set_id=np.array(names, dtype=np.str_),
        labels={"digit": np.array(digits, dtype=np.str_)},
        covariates={"share": np.array(shares)},
        modality="image",
        truth={"simulator": "digits"},
    )
