"""The graph encoder with medians for means: robust to stray observations."""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.gde.base import Chunks, Encoder, encoders
from core.models.gde.encoders.gnn import GNNConfig, GNNEncoder
from core.models.gde.pooled import Parts


@encoders.register(
    "median_gnn",
    title="Median GNN",
    kind="sets",
    config=GNNConfig,
    help="Each observation meets the median of the set in every round (robust to outliers).",
    source="Fishman et al. 2025, appendix C (median GNN)",
)
class MedianGNNEncoder(GNNEncoder):
    """As the graph encoder, pooled by the lower median of each feature.

    The lower median, not the midpoint of the middle two, is what repeating the observations leaves unchanged.
    """

    def pool(self, parts: Parts, weights: Tensor | None) -> Tensor:
        h = torch.cat(parts, dim=-1)
        if weights is None:
            return h.median(dim=1).values
        order = h.argsort(dim=1)
        ordered = h.gather(1, order)
        share = (weights / weights.sum(dim=1, keepdim=True))[..., None].expand_as(h).gather(1, order)
        # A hair below one half, so that rounding of equal weights does not pass over the lower median.
        reached = share.cumsum(dim=1) >= 0.5 - 1e-6
        return ordered.gather(1, reached.int().argmax(dim=1, keepdim=True))[:, 0]

    @torch.no_grad()
    def encode_stream(self, chunks: Chunks) -> Tensor:
        # A median has no exact one-pass form: fall back to the mean of the chunks' latents.
        return Encoder.encode_stream(self, chunks)
