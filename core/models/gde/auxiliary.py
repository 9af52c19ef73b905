"""What a latent may be asked to predict beside its own distribution."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from core.models.gde.data import SetBatch

KINDS = ("none", "classification", "next_set", "effect")


class AuxiliaryHead(nn.Module):
    """A head on the latent, trained beside the generator; each kind adds one term to the loss.

    classification: cross-entropy of softmax(W z) with the (soft, where sets are mixed) label of the set.
    next_set: ‖(z′ − z) − (A z + b)‖² with z′ the latent of the next set in order (dynamics of a time course).
    effect: ‖Δx̄ − W (z′ − z)‖², Δx̄ the shift of the mean from the control z′ to the set (perturbation effect).
    """

    def __init__(self, kind: str, latent: int, outputs: int) -> None:
        super().__init__()
        self.kind = kind
        self.net = nn.Linear(latent, latent if kind == "next_set" else outputs, bias=kind != "effect")

    def loss(self, z: Tensor, partner: Tensor, batch: SetBatch, weights: Tensor, shift: Tensor) -> Tensor:
        """z (b, latent) of the mixed sets, `partner` (b, latent) of the partners, weights (b, b) of the mixer,
        shift (b, d) of the mean between a set and its partner. 0 where no set of the batch has a target.
        """
        if self.kind == "classification":
            known = batch.data.label[batch.index]
            hot = functional.one_hot(known.clamp_min(0), self.net.out_features).float() * (known >= 0)[:, None]
            soft = weights @ hot
            mass = soft.sum(dim=1)
            losses = -(soft * functional.log_softmax(self.net(z), dim=1)).sum(dim=1)
            return losses.sum() / mass.sum().clamp_min(1e-6)
        has = (batch.data.partner[batch.index] >= 0).float()[:, None]
        dynamics = self.kind == "next_set"
        error: Tensor = partner.detach() - z - self.net(z) if dynamics else shift - self.net(z - partner)
        return (has * error.square()).sum() / (has.sum() * error.shape[1]).clamp_min(1.0)
