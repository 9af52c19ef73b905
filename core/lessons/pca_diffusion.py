"""Lesson 12: noise and denoise a cohort in the space of its principal components; which alleles the components keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.data.simulators.coalescent import SimulationConfig, simulate

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from core.models.principal_components import PrincipalComponents

Floats = npt.NDArray[np.float64]

INDIVIDUALS = 60  # in each of three populations
VARIANTS = 200
MOST = 150  # components that can be asked for
COUNTS = (2, 3, 5, 8, 12, 20, 32, 50, 80, 120, MOST)
CLASSES: dict[str, tuple[float, float]] = {
    "below 2 %": (0.0, 0.02), "2 to 10 %": (0.02, 0.1), "above 10 %": (0.1, 0.51),
}  # fmt: skip
"""Classes of the minor-allele frequency, each from its first number up to its second."""
_STEPS = 25  # of the flow, as in the product
_SPREAD = 0.05  # least deviation of a population along a component, in units of that of all


@dataclass(frozen=True)
class Cohort:
    """The cohort of a seed.

    Attributes:
        calls: (n, m) int8, copies of the rarer allele.
        frequency: (m,) of it, at most 0.5.
        population: (n,) of the individuals.
        variance: (r,) of the scores on all principal components, descending.
        kept: class → (len(COUNTS),) share of the carriers whose call is still at least 1 after COUNTS components.
        seed: as asked for.
    """

    calls: Calls
    frequency: Floats
    population: npt.NDArray[np.str_]
    variance: Floats
    kept: dict[str, Floats]
    seed: int

    def share(self, components: int) -> float:
        """Of the variance that the leading components hold."""
        return float(self.variance[:components].sum() / self.variance.sum())


@dataclass(frozen=True)
class Diffusion:
    """Forward and backward, in units of each score's own deviation.

    Attributes:
        times: (s,) from 0, all noise, to 1, none.
        real, noise: (n, k) scores of the cohort and the noise that is mixed in.
        path: (s, n, k) generated scores on their way from noise.
        generated: (n, m) int8 calls of generated individuals.
        kept: class → share of the real carriers whose call is still at least 1 after so many components.
        lost: class → share of the alleles that no generated individual carries.
        components, thresholds: as asked for.
    """

    times: Floats
    real: Floats
    noise: Floats
    path: Floats
    generated: Calls
    kept: dict[str, float]
    lost: dict[str, float]
    components: int
    thresholds: bool

    def noised(self, share: float) -> Floats:
        """(n, k) real scores with `share` of noise: (1 − t) ε + t x at t = 1 − share (Lipman et al. 2023, eq. 22)."""
        return share * self.noise + (1 - share) * self.real

    def denoised(self, share: float) -> Floats:
        """(n, k) generated scores at the step that is nearest to `share` of noise."""
        return np.asarray(self.path[int(np.abs(self.times - (1 - share)).argmin())])


def cohort(seed: int) -> Cohort:
    """Three populations (YRI, CEU, CHB) from the coalescent, and what rounding keeps of their rare alleles."""
    genotypes = simulate(
        SimulationConfig(individuals=(INDIVIDUALS,), length=1e6, variants=VARIANTS, maf_min=0.004, seed=seed)
    )
    calls = genotypes.calls
    calls = np.where(calls.mean(axis=0) > 1, 2 - calls, calls).astype(np.int8)
    frequency = calls.mean(axis=0) / 2
    every = _components(calls, min(calls.shape))
    kept = [_kept(calls, frequency, count) for count in COUNTS]
    return Cohort(
        calls=calls,
        frequency=frequency,
        population=genotypes.labels["population"],
        variance=every.variance.double().numpy(),
        kept={name: np.array([share[name] for share in kept]) for name in CLASSES},
        seed=seed,
    )


def diffuse(one: Cohort, components: int, thresholds: bool) -> Diffusion:
    """Scores noised and, by the exact flow of one normal distribution a population, as many individuals generated.

    The flow is the product's own; what its network learns is here in closed form. With `thresholds` calls are cut where
    each variant's genotype frequencies are met (`DosageDecoder`), else dosages are rounded.
    """
    import torch

    from core.models.genotype.pca_diffusion import Flow, spread_normal

    noise = torch.Generator().manual_seed(one.seed)
    parts = _components(one.calls, components)
    unit = parts.variance.sqrt()
    real = parts.project(torch.from_numpy(one.calls)) / unit
    exact = _ExactFlow(real, one.population)
    start = spread_normal(len(real), parts.width, noise)
    end = Flow(_STEPS).sample(exact, start, noise)
    dosage = parts.reconstruct(end * unit)
    drawn = _decoded(dosage, one.calls, parts, noise) if thresholds else dosage.round().clamp(0, 2)
    calls = drawn.to(torch.int8).numpy()
    absent = (calls == 0).all(axis=0)
    return Diffusion(
        times=np.array([*exact.times, 1.0]),
        real=real.double().numpy(),
        noise=torch.randn(real.shape, generator=noise).double().numpy(),
        path=torch.stack([*exact.path, end]).double().numpy(),
        generated=calls,
        kept=_kept(one.calls, one.frequency, components),
        lost={name: float(absent[columns].mean()) for name, columns in _classes(one.frequency).items()},
        components=components,
        thresholds=thresholds,
    )


class _ExactFlow:
    """What the network of `Flow` would have to say, where each population is normal with independent scores.

    Of N(m, s²): x_t ~ N(t m, v) with v = (1 − t)² + t² s², and E[x − ε | x_t] = m + (t s² − (1 − t)) (x_t − t m) / v;
    of a mixture it is the mean over populations, weighted by how likely each is at x_t.

    Attributes:
        times, path: at which it was asked, and for which scores.
    """

    def __init__(self, scores: Tensor, population: npt.NDArray[np.str_]) -> None:
        import torch

        groups = [scores[torch.from_numpy(population == label)] for label in dict.fromkeys(population.tolist())]
        self.mean = torch.stack([group.mean(0) for group in groups])
        self.variance = torch.stack([group.var(0) for group in groups]).clamp(min=_SPREAD**2)
        self.share = torch.tensor([len(group) / len(scores) for group in groups])
        self.times: list[float] = []
        self.path: list[Tensor] = []

    def __call__(self, x: Tensor, time: Tensor) -> Tensor:
        """(n, k) at times (n,), all the same, in units of `Flow`: the velocity less that of standard normal scores."""
        from core.models.genotype.pca_diffusion import Flow

        t = time / Flow.SCALE
        now = float(t[0])
        self.times.append(now)
        self.path.append(x)
        v = (1 - now) ** 2 + now**2 * self.variance
        apart = x[:, None] - now * self.mean
        density = -0.5 * (apart.square() / v + v.log()).sum(2) + self.share.log()
        each = self.mean + (now * self.variance - (1 - now)) / v * apart
        velocity: Tensor = (density.softmax(1)[:, :, None] * each).sum(1)
        return velocity - Flow.normal_velocity(x, t)


def _components(calls: Calls, most: int) -> PrincipalComponents:
    import torch

    from core.models.principal_components import PrincipalComponents

    return PrincipalComponents([0] * calls.shape[1]).fit(torch.from_numpy(calls), 1.0, most)


def _classes(frequency: Floats) -> dict[str, npt.NDArray[np.bool_]]:
    """Class → (m,) whether an allele belongs to it."""
    return {name: (frequency >= low) & (frequency < high) for name, (low, high) in CLASSES.items()}


def _kept(calls: Calls, frequency: Floats, components: int) -> dict[str, float]:
    """Class → share of its carriers that rounding finds again in what so many components keep of the calls."""
    import torch

    parts = _components(calls, components)
    dosage = parts.reconstruct(parts.project(torch.from_numpy(calls))).numpy()
    carriers = calls >= 1
    survivors = (np.round(dosage) >= 1) & carriers
    return {
        name: float(survivors[:, columns].sum() / max(1, carriers[:, columns].sum()))
        for name, columns in _classes(frequency).items()
    }


def _decoded(dosage: Tensor, calls: Calls, parts: PrincipalComponents, noise: Generator) -> Tensor:
    """int8 (n, m); what the components left out is put back as noise, independent from variant to variant."""
    import torch

    from core.models.dosage_decoder import DosageDecoder

    decoder = DosageDecoder([0] * calls.shape[1], 2)
    decoder.fit(torch.from_numpy(calls), dosage, parts.matrix() * parts.variance.sqrt(), local=False)
    drawn: Tensor = decoder(dosage, noise)
    return drawn
