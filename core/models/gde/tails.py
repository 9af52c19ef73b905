"""Features with heavy tails: linear in their middle, logarithmic beyond it, and bounded when they are generated."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

# A feature has heavy tails where its largest value lies this many deviations from the median, and this many times as
# far as half of the values that differ from the median. Gaussian, exponential, binary and logged features have none.
DEVIATIONS, TIMES = 10.0, 30.0
BULK = 0.98  # of the values
ENTRIES = 50_000_000  # numbers from which the tails are judged
MARGIN = 0.5  # on the logarithmic scale: generated values go at most 1.6 times as far as those that were seen


class Tails(nn.Module):
    """t(x) = sign(u) (1 + log |u|) where |u| > 1, else u; u = (x − centre) / unit; x itself for light-tailed features.

    The unit is the median distance from the median among values that differ from it, so that zeros, however many, do
    not make it nothing. Moments and likelihoods in t are finite where those of x are not: the sample variance of
    Cauchy numbers grows with the sample, and one count of 1,318 among zeros and ones outweighs all of them.
    """

    heavy: Tensor
    centre: Tensor
    unit: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, d: int) -> None:
        super().__init__()
        self.any = False  # known to the processor, so that no step waits for the device
        self.register_buffer("heavy", torch.zeros(d, dtype=torch.bool))
        for name, value in {"centre": 0.0, "unit": 1.0, "low": 0.0, "high": 0.0}.items():
            self.register_buffer(name, torch.full((d,), value))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """From observations (k, d)."""
        rows = x[: max(ENTRIES // x.shape[1], 1000)]
        centre = rows.median(dim=0).values
        distance = (rows - centre).abs()
        typical = torch.where(distance > 0, distance, torch.nan).nanmedian(dim=0).values.nan_to_num(nan=1.0)
        # In double precision: squares of single-precision numbers may overflow.
        deviation = torch.stack([column.double().std(correction=0) for column in rows.T]).to(x)
        # One value that makes the deviation is at most √k deviations away; then the bulk tells how far it is.
        bulk = distance.kthvalue(max(1, int(BULK * len(rows))), dim=0).values.clamp_min(typical)
        farthest = (x - centre).abs().max(dim=0).values
        self.heavy = (farthest > TIMES * typical) & (farthest > DEVIATIONS * torch.minimum(deviation, bulk))
        self.any = bool(self.heavy.any())
        self.centre, self.unit = centre, typical
        t = self._bent(x)
        self.low, self.high = t.min(dim=0).values - MARGIN, t.max(dim=0).values + MARGIN

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) → the same shape."""
        return torch.where(self.heavy, self._bent(x), x) if self.any else x

    def inverse(self, t: Tensor) -> Tensor:
        """Back to x, a little beyond the range that was seen at most."""
        if not self.any:
            return t
        u = t.clamp(self.low, self.high)
        far = u.sign() * (u.abs() - 1).clamp_min(0).exp()
        return torch.where(self.heavy, self.centre + self.unit * torch.where(u.abs() > 1, far, u), t)

    def _bent(self, x: Tensor) -> Tensor:
        u = (x - self.centre) / self.unit
        return torch.where(u.abs() > 1, u.sign() * (1 + u.abs().clamp_min(1).log()), u)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Checkpoints from before there were tails have none."""
        for name, buffer in self.named_buffers():
            state_dict.setdefault(prefix + name, buffer)
        self.any = bool(state_dict[prefix + "heavy"].any())
        super()._load_from_state_dict(state_dict, prefix, *rest)
