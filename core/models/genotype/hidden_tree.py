"""Hidden Chow–Liu tree: a tree of hidden states over the variants, with exact likelihood, conditioning, imputation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.config.schema import more, setting
from core.config.training import TrainingConfig
from core.models.ancestry import known, latent, posterior_mean
from core.models.base import UNKNOWN, Batch, Clock, Condition, DataSpec, Losses, Model, TrainData
from core.models.chow_liu import forest
from core.models.phasing import phase
from core.models.populations import population_codes, population_count, uniform
from core.models.registry import models

DENSE, SPARSE = 32, 2  # hidden states where variants are linked, and where few are
LINKED = 0.1  # mean r² between a variant and its parent from which variants count as linked
HAPLOTYPES = 16  # training haplotypes that a hidden state should have on average
MISREAD = 1e-3  # an allele is off its hidden state's with at least this probability
PRIOR = 1.0  # weight, in haplotypes, of the starting transitions in those of each state
HALVING = 0.6  # exponent of the step sizes of stepwise EM, between 0.5 and 1
LIKELIEST = 4  # classes over which imputation sums where the class is unknown
HELD_OUT = 128  # holdout individuals whose likelihood is reported
ENTRIES = 1 << 24  # largest tensor of messages, in numbers: 64 MiB


@dataclass(frozen=True)
class HiddenTreeConfig:
    """Settings of the hidden Chow–Liu tree."""

    states: int = setting(0, "Hidden states of each variant; 0: 32 where variants are linked, else 2.", low=0, high=128)
    classes: int = setting(32, "Most latent classes of individuals where they have no label.", low=1, high=256)
    phasing_window: int = more(
        64, "Variants consulted to place a heterozygous call's alleles.", unit="variants", low=1, high=1024
    )


@models.register(
    "hidden_tree",
    title="Hidden Chow–Liu tree",
    colour="#6b7a99",
    kind="genotypes",
    help="Each variant has a hidden state that depends on one other variant's: likelihood and imputation are exact.",
    source="Dang, Vergari & Van den Broeck 2022, arXiv:2206.09061; Chow & Liu 1968; Scheet & Stephens 2006",
    config=HiddenTreeConfig,
)
class HiddenTree(Model):
    r"""A haplotype of an individual of class c has a hidden state z_v at each variant v, along the Chow–Liu forest:

        P(z_v | c) = α_cv(z_v) at a root,  P(z_v | z_u, c) = (1 − ρ_v) B_v(z_u, z_v) + ρ_v α_cv(z_v) below its parent u
        P(alternate allele | z_v) = θ_v(z_v)

    so that linkage (B) is everybody's and a class has its own frequencies (α) wherever ancestry matters. Given the
    class the two haplotypes of an individual are independent; the class is its first label or, without labels, one of
    the latent classes that `core.models.ancestry` finds. α is smoothed by the drift between the classes.

    Fitted by stepwise EM (Cappé & Moulines 2009, J. R. Stat. Soc. B 71:593) to haplotypes that `core.models.phasing`
    makes, drawn anew for each step; a step on all individuals is a step of plain EM. The likelihood of genotypes and
    imputation sum over all pairs of hidden states, so they need no phase. Inbreeding (the share F of individuals whose
    second haplotype repeats the first) concerns sampling alone. Phenotypes are ignored.
    """

    imputes: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("count_",)
    loss_titles: ClassVar[Mapping[str, str]] = {"log_likelihood": "Log-likelihood of an individual's haplotypes"}

    config: HiddenTreeConfig
    order: Tensor  # (m,) variant at each place of the forest; what follows is in this order
    parent: Tensor  # (m,)
    bounds: Tensor  # (levels + 1,)
    share: Tensor  # (C,) of the classes
    drift: Tensor  # (C, C)
    inbreeding: Tensor  # ()
    first: Tensor  # (m, C, H), α
    renewal: Tensor  # (m,), ρ; 1 at roots
    transition: Tensor  # (m, H, H), B
    allele: Tensor  # (m, H), θ
    updates: Tensor  # () steps of EM
    count_state: Tensor  # (m, H) expected haplotypes in each state, and how many of them carry the alternate allele
    count_allele: Tensor  # (m, H)
    count_first: Tensor  # (m, C, H) expected draws from α
    count_transition: Tensor  # (m, H, H) expected draws from B

    def __init__(self, config: HiddenTreeConfig, spec: DataSpec, training: TrainingConfig) -> None:
        super().__init__(config, spec, training)
        for name in ("order", "parent", "bounds"):
            self.register_buffer(name, torch.zeros(0, dtype=torch.int64))
        for name in ("share", "drift", "first", "renewal", "transition", "allele"):
            self.register_buffer(name, torch.zeros(0))
        for name in ("count_state", "count_allele", "count_first", "count_transition"):
            self.register_buffer(name, torch.zeros(0))
        self.register_buffer("inbreeding", torch.zeros(()))
        self.register_buffer("updates", torch.zeros(()))
        self.data: list[Tensor] = []  # haplotypes (h, m) int8 and their classes (h,): data, not state

    @property
    def closed_form(self) -> bool:
        return False

    # --- the start

    def prepare(self, data: TrainData) -> None:
        """Classes, phase, forest, and where EM begins; its random choices depend on the seed alone."""
        super().prepare(data)
        calls, ploidy = data.calls, self.spec.ploidy
        populations = population_count(self.spec)
        code = population_codes(data.condition)
        ancestry = (
            known(calls, ploidy, code, populations) if populations else latent(calls, ploidy, self.config.classes)
        )
        member, frequency = ancestry.member, ancestry.frequency
        self.share = torch.bincount(member, minlength=len(frequency)) / len(calls)
        self.drift = ancestry.drift
        self.inbreeding = _inbreeding(calls, frequency[member]) if ploidy == 2 else torch.zeros_like(self.inbreeding)
        with torch.random.fork_rng(devices=[calls.device] if calls.is_cuda else []):
            torch.manual_seed(self.training_config.seed)
            haplotypes = calls
            if ploidy == 2:
                haplotypes = phase(calls, torch.from_numpy(self.spec.contig), self.config.phasing_window)
            member = member.repeat_interleave(ploidy)
            residual = haplotypes.float() - frequency[member]
            tree = forest(residual, haplotypes.float().mean(0))
            self.order, self.parent, self.bounds = (t.to(calls.device) for t in (tree.order, tree.parent, tree.bounds))
            self.data = [haplotypes[:, self.order].contiguous(), member]
            self._begin(residual[:, self.order], frequency[:, self.order])

    def _begin(self, residual: Tensor, frequency: Tensor) -> None:
        """Where EM begins: with two states, alleles and their linkage; with more, some training haplotypes."""
        haplotypes, (classes, m) = self.data[0], frequency.shape
        root = self.parent == torch.arange(m, device=self.parent.device)
        scale = residual.square().mean(0).clamp(min=1e-6)
        covariance = torch.where(root, 0.0, (residual * residual[:, self.parent]).mean(0))
        linkage = float((covariance.square() / (scale * scale[self.parent])).mean())
        wanted = self.config.states or (DENSE if linkage > LINKED else SPARSE)
        states = max(2, min(wanted, len(haplotypes) // HAPLOTYPES))
        mean = haplotypes.float().mean(0)
        if states == 2:
            self.allele = torch.tensor([0.02, 0.98], device=mean.device).repeat(m, 1)
            self.first = torch.stack([1 - frequency.T, frequency.T], 2)
            slope = covariance / scale[self.parent]
            ahead = mean[:, None] + slope[:, None] * (torch.arange(2, device=mean.device) - mean[self.parent, None])
            ahead = ahead.clamp(0.01, 0.99)
            self.transition = torch.stack([1 - ahead, ahead], 2)
            self.renewal = torch.full_like(mean, 0.5 if classes > 1 else 0.0)
        else:
            pick = torch.randperm(len(haplotypes))[:states].to(mean.device)
            self.allele = (0.1 * mean[:, None] + 0.9 * haplotypes[pick].float().T).clamp(MISREAD, 1 - MISREAD)
            self.first = torch.full((m, classes, states), 1.0 / states, device=mean.device)
            stay = torch.eye(states, device=mean.device)
            self.transition = (0.97 * stay + 0.03 / states).repeat(m, 1, 1)
            self.renewal = torch.full_like(mean, 0.02 if classes > 1 else 0.0)
        self.renewal[root] = 1.0
        self.prior_transition = 0.97 * torch.eye(states, device=mean.device) + 0.03 / states
        self.count_state, self.count_allele = torch.zeros_like(self.allele), torch.zeros_like(self.allele)
        self.count_first, self.count_transition = torch.zeros_like(self.first), torch.zeros_like(self.transition)

    # --- messages; x has the dimensions (variant, individual, state) or, for both haplotypes, (…, state, state)

    def _levels(self) -> list[slice]:
        bounds = self.bounds.tolist()
        return [slice(a, b) for a, b in pairwise(bounds)]

    def _back(self, x: Tensor, level: slice, member: Tensor) -> Tensor:
        """What x, a function of the children's states, is expected to be given their parents' states."""
        renewal, first = self.renewal[level, None, None], self.first[level][:, member]
        for axis in range(2, x.dim()):
            last = x.movedim(axis, -1)
            moved = torch.bmm(last.reshape(len(x), -1, x.shape[-1]), self.transition[level].transpose(1, 2))
            fresh = (last * _beside(first, last)).sum(-1, keepdim=True)
            last = _beside(1 - renewal, last) * moved.view(last.shape) + _beside(renewal, last) * fresh
            x = last.movedim(-1, axis)
        return x

    def _forth(self, x: Tensor, level: slice, member: Tensor) -> Tensor:
        """From weights x of the parents' states to those of the children's."""
        renewal, first = self.renewal[level, None, None], self.first[level][:, member]
        for axis in range(2, x.dim()):
            last = x.movedim(axis, -1)
            moved = torch.bmm(last.reshape(len(x), -1, x.shape[-1]), self.transition[level])
            fresh = last.sum(-1, keepdim=True) * _beside(first, last)
            last = _beside(1 - renewal, last) * moved.view(last.shape) + _beside(renewal, last) * fresh
            x = last.movedim(-1, axis)
        return x

    def _begun(self, x: Tensor, member: Tensor) -> Tensor:
        """x times the probabilities of the roots' states."""
        first = self.first[: x.shape[0]][:, member]
        for axis in range(2, x.dim()):
            last = x.movedim(axis, -1)
            x = (last * _beside(first, last)).movedim(-1, axis)
        return x

    def _emitted(self, calls: Tensor, level: slice, strands: int) -> Tensor:
        """Probability of the calls (individuals, level) in each (pair of) hidden state(s); 1 where missing."""
        table = self._genotype(level, strands)
        table = torch.cat([torch.ones_like(table[:, :1]), table], 1)
        code = calls.T.long() + 1
        return table.flatten(0, 1)[code + table.shape[1] * torch.arange(len(table), device=code.device)[:, None]]

    def _genotype(self, level: slice, strands: int) -> Tensor:
        """(level, genotypes, states…) probability of each genotype."""
        a = self.allele[level]
        if strands == 1:
            return torch.stack([1 - a, a], 1)
        a, b = a[:, :, None], a[:, None, :]
        return torch.stack([(1 - a) * (1 - b), a * (1 - b) + (1 - a) * b, a * b], 1)

    def _upward(self, calls: Tensor, member: Tensor, strands: int) -> tuple[Tensor, Tensor, Tensor]:
        """Evidence below each variant, the message to its parent, (b,) log-likelihoods; calls in the forest's order.

        Messages to one parent are multiplied as logarithms, and evidence is scaled as it passes: no product underflows.
        """
        b, m = calls.shape
        states = self.allele.shape[1]
        shape = (m, b, *(states,) * strands)
        evidence, message = self.allele.new_empty(shape), self.allele.new_empty(shape)
        below = self.allele.new_zeros(shape)
        likelihood = self.allele.new_zeros(b)
        dims = tuple(range(2, 2 + strands))
        for depth, level in reversed(list(enumerate(self._levels()))):
            top = below[level].amax(dims, keepdim=True)
            x = self._emitted(calls[:, level], level, strands) * (below[level] - top).exp()
            total = (self._begun(x, member) if depth == 0 else x).sum(dims, keepdim=True)
            likelihood += (total.log() + top).sum((0, *dims))
            evidence[level] = x / total
            if depth:
                message[level] = self._back(evidence[level], level, member).clamp(min=1e-30)
                below.index_add_(0, self.parent[level], message[level].log())
        return evidence, message, likelihood

    def _downward(self, evidence: Tensor, message: Tensor, member: Tensor) -> Tensor:
        """Posterior probabilities of the hidden states; overwrites `message` with them."""
        for depth, level in enumerate(self._levels()):
            if depth == 0:
                message[level] = self._begun(evidence[level], member)
            else:
                outside = message[self.parent[level]] / message[level]
                message[level] = self._forth(outside, level, member) * evidence[level]
        return message

    # --- learning

    def steps(self, batch: Batch, clock: Clock) -> Losses:
        """One step of stepwise EM on as many training individuals as the batch has, drawn from all.

        The haplotypes were phased together when the model was prepared; the batch's own calls are not phased again.
        """
        haplotypes, member = self.data
        ploidy, n = self.spec.ploidy, len(haplotypes) // self.spec.ploidy
        whole = len(batch.calls) >= n
        pick = torch.arange(n) if whole else torch.randperm(n)[: len(batch.calls)]
        rows = (ploidy * pick[:, None] + torch.arange(ploidy)).flatten().to(haplotypes.device)
        step = 1.0 if whole else float(self.updates + 1) ** -HALVING
        likelihood = self._expect(haplotypes[rows], member[rows], step, len(haplotypes) / len(rows))
        self._maximise()
        self.updates += 1
        return Losses({"log_likelihood": likelihood * ploidy / len(rows)})

    def _expect(self, haplotypes: Tensor, member: Tensor, step: float, weight: float) -> Tensor:
        """Move the expected counts towards those of these haplotypes, each counted `weight` times."""
        counts = (self.count_state, self.count_allele, self.count_first, self.count_transition)
        for count in counts:
            count.mul_(1 - step)
        weight *= step
        likelihood = self.allele.new_zeros(())
        height = max(8, ENTRIES // (8 * self.allele.numel()))
        for start in range(0, len(haplotypes), height):
            x, c = haplotypes[start : start + height], member[start : start + height]
            evidence, message, each = self._upward(x, c, 1)
            likelihood += each.sum()
            for depth, level in enumerate(self._levels()):
                below = evidence[level]
                if depth == 0:
                    fresh = posterior = self._begun(below, c)
                else:
                    outside = message[self.parent[level]] / message[level]
                    renewal = self.renewal[level, None, None]
                    kept = (1 - renewal) * torch.bmm(outside, self.transition[level]) * below
                    fresh = renewal * self.first[level][:, c] * outside.sum(2, keepdim=True) * below
                    posterior = kept + fresh
                    pairs = torch.bmm(outside.transpose(1, 2), below) * (1 - renewal) * self.transition[level]
                    self.count_transition[level] += weight * pairs
                message[level] = posterior
                self.count_first[level] = self.count_first[level].index_add(1, c, weight * fresh)
                self.count_state[level] += weight * posterior.sum(1)
                self.count_allele[level] += weight * (posterior * (x[:, level].T == 1)[..., None]).sum(1)
        return likelihood

    def _maximise(self) -> None:
        """Parameters from expected counts; each is the posterior mean or mode under its prior."""
        self.allele = (self.count_allele / self.count_state.clamp(min=1e-12)).clamp(MISREAD, 1 - MISREAD)
        root = self.parent == torch.arange(len(self.parent), device=self.parent.device)
        drawn, carried = self.count_first.sum((1, 2)), self.count_transition.sum((1, 2))
        self.renewal = torch.where(root, 1.0, drawn / (drawn + carried).clamp(min=1e-12))
        transition = self.count_transition + PRIOR * self.prior_transition
        self.transition = transition / transition.sum(2, keepdim=True)
        size = self.count_first.sum(2).T
        mean = self.count_first.sum(1) / drawn.clamp(min=1e-12)[:, None]
        mean = (mean + 1e-5) / (mean + 1e-5).sum(1, keepdim=True)
        share = self.count_first.transpose(0, 1) / size.clamp(min=1e-12)[..., None]
        first = posterior_mean(share, size, mean, self.drift).clamp(min=1e-5).transpose(0, 1)
        self.first = first / first.sum(2, keepdim=True)

    # --- likelihood, imputation, sampling

    @torch.no_grad()
    def log_likelihood(self, calls: Tensor, condition: Condition) -> Tensor:
        """(n,) exact log probability of genotypes (n, m) in nats, over missing calls (-1) and unknown classes."""
        return self._by_class(calls[:, self.order], condition).logsumexp(1)

    def held_out(self, holdout: Any) -> Mapping[str, float]:
        """Mean exact log-likelihood of up to `HELD_OUT` individuals of the holdout."""
        some = holdout.to(self.order.device).index(torch.arange(min(HELD_OUT, len(holdout))))
        return {"held_out_log_likelihood": float(self.log_likelihood(some.calls, some.condition).mean())}

    def _by_class(self, calls: Tensor, condition: Condition) -> Tensor:
        """(n, C) log P(class and calls), of a known class log P(calls | class) and -inf for the others."""
        n, strands = len(calls), self.spec.ploidy
        code = population_codes(condition)
        possible = (code[:, None] < 0) | (code[:, None] == torch.arange(len(self.share), device=code.device))
        person, member = torch.nonzero(possible, as_tuple=True)
        joint = calls.new_full((n, len(self.share)), -math.inf, dtype=torch.float32)
        height = self._height(strands)
        for start in range(0, len(person), height):
            p, c = person[start : start + height], member[start : start + height]
            joint[p, c] = self._upward(calls[p], c, strands)[2]
        return joint + torch.where(code[:, None] < 0, self.share.clamp(min=1e-12).log(), 0.0)

    def _height(self, strands: int) -> int:
        return max(1, ENTRIES // (self.allele.numel() * self.allele.shape[1] ** (strands - 1)))

    @torch.no_grad()
    def impute(self, calls: Tensor, condition: Condition | None, generator: torch.Generator) -> Tensor:
        """Exact: P(genotype | known calls), summed over pairs of hidden states and the class. Draws nothing.

        Where the class is unknown and there are more than `LIKELIEST`, the sum is over those that the frequencies of
        the known calls speak for.
        """
        n, m = calls.shape
        device, strands = self.order.device, self.spec.ploidy
        if condition is None:
            unknown = self.condition_labels.new_full((n, self.condition_labels.shape[1]), UNKNOWN)
            condition = Condition(unknown, torch.empty(n, 0, device=device))
        sorted_calls = calls.to(device)[:, self.order]
        member, prior = self._likeliest(sorted_calls, condition.to(device))
        k = member.shape[1]
        table = self._genotype(slice(0, m), strands).flatten(2).transpose(1, 2)
        result = torch.empty(n, m, strands + 1, device=device)
        height = max(1, self._height(strands) // k)
        for start in range(0, n, height):
            rows = slice(start, start + height)
            some, c = sorted_calls[rows].repeat_interleave(k, 0), member[rows].flatten()
            evidence, message, likelihood = self._upward(some, c, strands)
            weight = (likelihood.view(-1, k) + prior[rows]).softmax(1)
            posterior = torch.bmm(self._downward(evidence, message, c).flatten(2), table)
            result[rows] = torch.einsum("vnkg,nk->nvg", posterior.view(m, -1, k, strands + 1), weight)
        result /= result.sum(2, keepdim=True)
        probability = torch.empty_like(result)
        probability[:, self.order] = result
        known_call = torch.nn.functional.one_hot(calls.to(device).long().clamp(min=0), strands + 1).float()
        return torch.where((calls.to(device) >= 0)[..., None], known_call, probability)

    def _likeliest(self, calls: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """(n, k) classes of each individual and their log prior probabilities; calls in the forest's order.

        The k are chosen as if variants were independent given the class; a known class is the only one.
        """
        code = population_codes(condition)[:, None]
        every = torch.arange(len(self.share), device=code.device)
        prior = torch.where((code < 0) | (code == every), self.share.clamp(min=1e-12).log(), -math.inf)
        p = self._frequency().clamp(1e-4, 1 - 1e-4)
        genotype = [1 - p, p] if self.spec.ploidy == 1 else [(1 - p) ** 2, 2 * p * (1 - p), p**2]
        score = prior + sum((calls == g).float() @ chance.log() for g, chance in enumerate(genotype))
        k = 1 if bool((code >= 0).all()) else min(LIKELIEST, len(every))
        member = score.topk(k, dim=1).indices
        return member, prior.gather(1, member)

    def _frequency(self) -> Tensor:
        """(m, C) frequency of the alternate allele in each class."""
        every = torch.arange(len(self.share), device=self.order.device)
        state = torch.empty_like(self.first)
        for depth, level in enumerate(self._levels()):
            state[level] = self._forth(state[self.parent[level]], level, every) if depth else self.first[level]
        return (state * self.allele[:, None]).sum(2)

    @torch.no_grad()
    def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> Tensor:
        device, m = self.order.device, len(self.order)
        code = population_codes(self.complete(n, condition, generator)).clone()
        drawn = (uniform((n,), generator, device)[:, None] > self.share.cumsum(0)).sum(1).clamp(max=len(self.share) - 1)
        member = torch.where(code < 0, drawn, code)
        calls = torch.empty(n, m, dtype=torch.int8, device=device)
        height = max(1, ENTRIES // (m * self.allele.shape[1]))
        for start in range(0, n, height):
            c = member[start : start + height]
            calls[start : start + height] = self._haplotype(c, generator)
            if self.spec.ploidy == 2:
                again = uniform((len(c),), generator, device) < self.inbreeding
                second = self._haplotype(c, generator)
                calls[start : start + height] += torch.where(again[:, None], calls[start : start + height], second)
        result = torch.empty_like(calls)
        result[:, self.order] = calls
        return result

    def _haplotype(self, member: Tensor, generator: torch.Generator) -> Tensor:
        """(b, m) int8 alleles in the forest's order."""
        device, b = self.order.device, len(member)
        state = torch.zeros(len(self.order), b, dtype=torch.int64, device=device)
        for depth, level in enumerate(self._levels()):
            rows = torch.arange(level.stop - level.start, device=device)[:, None]
            chance = self.first[level][:, member]
            if depth:
                carried = self.transition[level][rows, state[self.parent[level]]]
                renewed = uniform((len(rows), b), generator, device) < self.renewal[level, None]
                chance = torch.where(renewed[..., None], chance, carried)
            draw = uniform((len(rows), b, 1), generator, device)
            state[level] = (draw > chance.cumsum(2)).sum(2).clamp(max=chance.shape[2] - 1)
        chance = self.allele.gather(1, state)
        return (uniform((len(self.order), b), generator, device) < chance).T.to(torch.int8)


def _beside(x: Tensor, like: Tensor) -> Tensor:
    """x (variant, individual, state) with further axes before the last, so that it broadcasts with `like`."""
    return x.reshape(*x.shape[:2], *(1,) * (like.dim() - 3), x.shape[2])


def _inbreeding(calls: Tensor, frequency: Tensor) -> Tensor:
    """F = 1 − heterozygotes observed / expected from the frequencies (n, m) of each individual's class, at least 0."""
    expected = (2 * frequency * (1 - frequency)).sum()
    return (1 - (calls == 1).sum() / expected.clamp(min=1e-6)).clamp(0.0, 1.0).float()
