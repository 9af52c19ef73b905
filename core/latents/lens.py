"""A trained GDE as two functions on arrays, and what one does with latents: average, add, extrapolate."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection
from core.data.split import Split
from core.errors import InputError
from core.evaluation.sets.space import Subject

if TYPE_CHECKING:
    from core.models.gde.gde import GDE

Latents = npt.NDArray[np.float32]

# Latents of one network call: what bounds memory when many sets are generated at once.
BATCH_OBSERVATIONS = 200_000
# Latents among which the usual distance to the nearest is measured.
MOST = 2000


@dataclass(frozen=True)
class Lens:
    """The model of a run, on one device."""

    model: GDE
    device: str

    def embed(self, x: npt.NDArray[Any], n: int | None = None) -> Latents:
        """(k, *stored) observations of one set, any k, or a memory map → (latent,) float32.

        n: how many were seen, where those in x repeat them.
        """
        return np.asarray(self.model.encode_set(x, n=n).cpu().numpy(), dtype=np.float32)

    def generate(self, z: npt.NDArray[Any], n: int, seed: int, *, alike: bool = False) -> npt.NDArray[Any]:
        """(b, latent) latents → (b, n, *stored) observations; the same seed, the same noise.

        `alike`: the same noise for each latent too, as if each were given alone.
        """
        import torch

        noise = torch.Generator(self.device).manual_seed(seed)
        latents = torch.as_tensor(np.asarray(z, dtype=np.float32), device=self.device)
        step = max(1, BATCH_OBSERVATIONS // max(n, 1))
        parts = []
        for i in range(0, len(latents), step):
            noise = noise.manual_seed(seed) if alike else noise
            parts.append(self.model.sample(n, latents[i : i + step], noise, alike=alike).cpu())
        return np.asarray(torch.cat(parts).numpy(), dtype=self.model.spec.observation.made)

    def likelihood(self, x: npt.NDArray[Any], z: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
        """Log-likelihood (k,) in nats of observations x (k, *stored) given the latent z (latent,); None where the
        generator has none."""
        import torch

        if not self.model.tractable:
            return None
        latent = torch.as_tensor(np.asarray(z, dtype=np.float32), device=self.device)
        return np.asarray(self.model.log_likelihood(np.asarray(x), latent).cpu().numpy(), dtype=np.float64)

    def uncertainty(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Covariance (latent, latent) of the latent of one set under resampling of its observations."""
        import torch

        own = torch.as_tensor(np.array(x), device=self.device)  # a copy: a memory map is read-only
        return np.asarray(self.model.uncertainty(own).cpu().numpy())

    def subject(self, sets: SetCollection, split: Split, seed: int, control: str = "") -> Subject:
        """What the set report judges; `control`: the label value from which shifts are measured, empty: by its name."""
        from core.models.gde.conditioned_transport import fit_transport

        return Subject(
            sets, split.train, split.holdout, self.embed, self.generate, seed, control, self.likelihood, fit_transport
        )


def open_lens(checkpoints: Path, device: str = "cpu", *, sharing: bool = False) -> Lens:
    """The best checkpoint in a run's folder `checkpoints`. Raises InputError where there is none or it is of genotypes.

    `sharing`: from now on the process leaves half of the cores to others, such as a browser that draws what it sends.
    Threads that wait for one of theirs on a core that is taken make a small network four times as slow.
    """
    from core.models.gde.gde import GDE
    from core.training.load import load_trained

    folder = checkpoint_of(checkpoints)
    if sharing:
        leave_half_of_the_cores()
    model = load_trained(folder, device)
    if not isinstance(model, GDE):
        name = checkpoints.parent.name
        raise InputError(f"Run {name} is a model of genotypes; interpolation needs a model of sets.")
    return Lens(model, device)


def checkpoint_of(checkpoints: Path) -> Path:
    """The best checkpoint in a run's folder `checkpoints`, or the last. Raises InputError where there is none."""
    folder = next((f for f in (checkpoints / "best", checkpoints / "last") if f.is_dir()), None)
    if folder is None:
        raise InputError(f"Run {checkpoints.parent.name} has no checkpoint yet; let it train until its first one.")
    return folder


def leave_half_of_the_cores() -> None:
    """From now on torch takes at most half of them: the rest is for whoever draws what this process sends."""
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), max(1, (os.cpu_count() or 2) // 2)))


def barycentre(latents: Latents, weights: npt.NDArray[Any] | None = None) -> Latents:
    """The weighted mean of latents (b, latent): the barycentre, as far as latent distances are W2."""
    w = np.full(len(latents), 1.0) if weights is None else np.asarray(weights, dtype=np.float64)
    return np.asarray((w[:, None] * latents).sum(axis=0) / w.sum(), dtype=np.float32)


def arithmetic(a: Latents, minus: Latents, plus: Latents) -> Latents:
    """a − minus + plus: what the change from `minus` to `plus` does to `a`."""
    return np.asarray(a - minus + plus, dtype=np.float32)


def nearest(z: Latents, known: Latents) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """The places of the known latents (s, latent), the nearest to z (latent,) first, and the distance of each place."""
    distance = np.linalg.norm(known - z, axis=1)
    return np.argsort(distance, kind="stable"), distance


def outside(z: Latents, known: Latents) -> float:
    """How far z (latent,) lies outside of the known latents (s, latent): its distance to the nearest of them, as a
    multiple of the largest such distance among themselves; above 1 the model extrapolates.
    """
    return float(np.linalg.norm(known - z, axis=1).min() / max(reach(known), 1e-12))


def reach(known: Latents) -> float:
    """The largest distance of a known latent (s, latent) from its nearest other one, among at most 2,000 of them."""
    some = known if len(known) <= MOST else known[np.random.default_rng(0).permutation(len(known))[:MOST]]
    x = some.astype(np.float64)
    length = np.square(x).sum(axis=1)
    # ‖a − b‖² = ‖a‖² + ‖b‖² − 2a·b: no array of all differences.
    gap = length[:, None] + length[None] - 2 * x @ x.T
    np.fill_diagonal(gap, np.inf)
    return float(np.sqrt(max(float(gap.min(axis=1).max()), 0.0)))
