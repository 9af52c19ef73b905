"""The outline of a latent's uncertainty: 95% of draws from its covariance lie inside, on any linear map."""

from __future__ import annotations

import numpy as np

from core.latents.uncertainty import ellipse


def test_the_outline_holds_95_percent_of_what_the_latent_could_have_been() -> None:
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(200, 5))
    map_axes = rng.normal(size=(5, 2))
    root = rng.normal(size=(5, 5)) * 0.1
    places = latents @ map_axes + [3.0, -2.0]
    outline = ellipse(root @ root.T, latents, places, 7)

    drawn = (latents[7] + rng.normal(size=(20_000, 5)) @ root.T) @ map_axes + [3.0, -2.0] - places[7]
    edge = outline[:-1] - places[7]
    quadratic, *_ = np.linalg.lstsq(
        np.stack([edge[:, 0] ** 2, edge[:, 0] * edge[:, 1], edge[:, 1] ** 2], axis=1), np.ones(len(edge)), rcond=None
    )
    a, b, c = quadratic
    inside = a * drawn[:, 0] ** 2 + b * drawn[:, 0] * drawn[:, 1] + c * drawn[:, 1] ** 2 <= 1
    assert abs(inside.mean() - 0.95) < 0.01
