"""Sets of simulated sequences: random bases, planted motifs, and proteins that evolve over months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.config.schema import setting
from core.data.intake.alphabets import DNA, PROTEIN
from core.data.sets import SetCollection

MOTIFS = {"TATA": "TATAAAAG", "GCN4": "TGACTCA"}
"""Consensus of the two planted motifs, TATA box and binding site of GCN4."""
_SURE = 0.88  # share of the consensus letter in each place of a motif
_MUTATIONS = 3  # of each new lineage

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class DnaMultinomialConfig:
    """How many sets of random DNA, and how much their bases differ."""

    sets: int = setting(200, "Sets.", low=4, high=1_000_000)
    observations: int = setting(50, "Sequences in a set.", low=2, high=1_000_000)
    letters: int = setting(20, "Letters of a sequence.", low=1, high=4096)
    alpha: float = setting(1.0, "Concentration of the Dirichlet distribution of the bases.", low=0.01, high=1000.0)
    seed: int = setting(5, "Seed.", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class SyntheticDnaConfig:
    """How many sets of DNA with planted motifs, and how long their sequences are."""

    sets: int = setting(120, "Sets.", low=4, high=1_000_000)
    observations: int = setting(60, "Sequences in a set.", low=2, high=1_000_000)
    letters: int = setting(80, "Letters of a sequence.", low=40, high=4096)
    gc_spread: float = setting(
        0.0, "The share of G and C in the background of a set is uniform in 0.5 ± this.", low=0.0, high=0.45
    )
    seed: int = setting(5, "Seed.", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class SyntheticProteinConfig:
    """How long a population of proteins evolves, in how many places, and how fast its lineages sweep."""

    months: int = setting(12, "Months.", low=2, high=1000)
    places: int = setting(6, "Places; each is a unit.", low=2, high=1000)
    observations: int = setting(40, "Proteins in a set of one month and place.", low=2, high=1_000_000)
    letters: int = setting(120, "Letters of a protein.", low=20, high=4096)
    lineages: int = setting(5, "Lineages that follow each other, the first included.", low=2, high=100)
    growth: float = setting(1.2, "Advantage of a lineage over the one before.", unit="a month", low=0.01, high=20.0)
    delay: float = setting(
        0.5, "Standard deviation of the time by which a place is ahead or behind.", unit="months", low=0.0, high=100.0
    )
    noise: float = setting(0.002, "Random substitutions in a protein.", unit="per letter", low=0.0, high=0.5)
    seed: int = setting(5, "Seed.", low=0, high=2**31 - 1)


def simulate_dna_multinomial(config: DnaMultinomialConfig) -> SetCollection:
    """Sets of DNA whose letters are independent draws of the set's own bases p ~ Dirichlet(alpha).

    Covariates "p_A", "p_C", "p_G"; the truth is the (s, 4) bases in the order of the alphabet. Source: Fishman et al.
    2025, the multinomial of DNA.
    """
    rng = np.random.default_rng(config.seed)
    bases = rng.dirichlet(np.full(4, config.alpha), size=config.sets)
    parts = [rng.choice(4, size=(config.observations, config.letters), p=p) for p in bases]
    covariates = {f"p_{letter}": bases[:, i] for i, letter in enumerate(DNA[:3])}
    truth = {"simulator": "dna_multinomial", "bases": bases}
    names = [f"set_{i + 1:04d}" for i in range(config.sets)]
    return sequence_sets(parts, names, DNA, covariates=covariates, truth=truth)


def simulate_synthetic_dna(config: SyntheticDnaConfig) -> SetCollection:
    """Sets of DNA in which a share of the sequences carries a motif.

    Each sequence is background, with the TATA-like motif in its first half with probability "strength" and the site of
    GCN4 in its second half with probability "second share"; both covariates are uniform in [0, 1] and independent, and
    "gc" is the share of G and C in the background. A motif is drawn from its position weights and starts at a uniform
    place of its half. The truth is these weights, (places, 4) in the order of the alphabet, the half (first and last
    start) of each, and the (s, 2) numbers of sequences that carry each.
    """
    rng = np.random.default_rng(config.seed)
    names = list(MOTIFS)
    weights = [motif_weights(MOTIFS[name]) for name in names]
    half = config.letters // 2
    starts = [(0, half - len(weights[0])), (half, config.letters - len(weights[1]))]
    shares = rng.uniform(size=(config.sets, 2))
    gc = 0.5 + config.gc_spread * rng.uniform(-1, 1, size=config.sets)
    parts, carriers = [], np.zeros((config.sets, 2), dtype=np.int64)
    for i in range(config.sets):
        p = np.array([1 - gc[i], gc[i], gc[i], 1 - gc[i]]) / 2
        x = rng.choice(4, size=(config.observations, config.letters), p=p)
        for motif, (first, last) in enumerate(starts):
            rows = np.flatnonzero(rng.uniform(size=config.observations) < shares[i, motif])
            at = rng.integers(first, last + 1, size=len(rows))
            for place, chances in enumerate(weights[motif]):
                x[rows, at + place] = rng.choice(4, size=len(rows), p=chances)
            carriers[i, motif] = len(rows)
        parts.append(x)
    covariates = {"strength": shares[:, 0], "second share": shares[:, 1], "gc": gc}
    truth = {
        "simulator": "synthetic_dna",
        "motifs": {name: weight.tolist() for name, weight in zip(names, weights, strict=True)},
        "starts": dict(zip(names, map(list, starts), strict=True)),
        "carriers": carriers,
    }
    set_names = [f"set_{i + 1:04d}" for i in range(config.sets)]
    return sequence_sets(parts, set_names, DNA, covariates=covariates, truth=truth)


def motif_weights(consensus: str) -> npt.NDArray[np.float64]:
    """(places, 4) position weights of a motif: the letter of its consensus, or any other seldom."""
    weights = np.full((len(consensus), 4), (1 - _SURE) / 3)
    weights[np.arange(len(consensus)), [DNA.index(letter) for letter in consensus]] = _SURE
    return weights


def simulate_synthetic_protein(config: SyntheticProteinConfig) -> SetCollection:
    """Sets are month × place of a population of proteins in which lineages follow each other.

    Lineage i has the mutations of lineage i − 1 and three of its own. The shares at time t are those of competing
    logistic growth, softmax_i(s i t − s (T_1 + … + T_i)): lineage i is as frequent as the one before at time T_i, and
    grows against it by s = `growth` a month. A place lives at t minus its own delay. Covariates "month" (a number) and
    the mean "mutations" of a protein against the reference; labels "month_label" (which orders as it reads) and
    "place", the unit. The truth: the reference, each mutation {lineage, position (from 0), from, to, month of half},
    the delay of each place and the (s, lineages) shares.
    """
    rng = np.random.default_rng(config.seed)
    reference = rng.integers(0, len(PROTEIN), size=config.letters)
    reference[0] = PROTEIN.index("M")
    count = min(_MUTATIONS * (config.lineages - 1), config.letters - 1) // (config.lineages - 1)
    positions = 1 + rng.permutation(config.letters - 1)[: count * (config.lineages - 1)]
    times = config.months * np.arange(1, config.lineages) / config.lineages
    lineages = np.tile(reference, (config.lineages, 1))
    mutations: list[dict[str, Any]] = []
    for i, position in enumerate(positions.tolist()):
        lineage = 1 + i // count
        new = int((reference[position] + rng.integers(1, len(PROTEIN))) % len(PROTEIN))
        lineages[lineage:, position] = new
        old = PROTEIN[int(reference[position])]
        half = float(times[lineage - 1])
        mutations.append({"lineage": lineage, "position": position, "from": old, "to": PROTEIN[new], "month": half})
    delay = config.delay * rng.standard_normal(config.places)
    offset = np.concatenate([[0.0], np.cumsum(times)])
    parts, rows, shares, differ = [], [], [], []
    for place in range(config.places):
        for month in range(1, config.months + 1):
            fitness = config.growth * (np.arange(config.lineages) * (month - 0.5 - delay[place]) - offset)
            share = np.exp(fitness - fitness.max())
            share /= share.sum()
            x = lineages[rng.choice(config.lineages, size=config.observations, p=share)]
            changed = rng.uniform(size=x.shape) < config.noise
            x = np.where(changed, (x + rng.integers(1, len(PROTEIN), size=x.shape)) % len(PROTEIN), x)
            parts.append(x)
            rows.append((place, month))
            shares.append(share)
            differ.append(float((x != reference).sum(axis=1).mean()))
    width = len(str(config.months))
    month_label = [f"month {month:0{width}d}" for _, month in rows]
    place_label = [f"place {place + 1}" for place, _ in rows]
    labels = {"month_label": month_label, "place": place_label}
    covariates = {"month": np.array([month for _, month in rows], dtype=np.float64), "mutations": np.array(differ)}
    truth = {
        "simulator": "synthetic_protein",
        "reference": "".join(PROTEIN[i] for i in reference.tolist()),
        "mutations": mutations,
        "delay": {f"place {i + 1}": float(value) for i, value in enumerate(delay)},
        "shares": np.array(shares),
    }
    names = [f"{m} | {p}" for m, p in zip(month_label, place_label, strict=True)]
    columns = {name: np.array(values, dtype=np.str_) for name, values in labels.items()}
    return sequence_sets(parts, names, PROTEIN, labels=columns, covariates=covariates, truth=truth, unit="place")


def sequence_sets(parts: list[npt.NDArray[Any]], names: list[str], alphabet: str, **others: Any) -> SetCollection:
    """Sets of letters, (k_i, l) places in the alphabet and −1 behind the end, with what else is known of them."""
    return SetCollection(
        observations=np.concatenate(parts).astype(np.int8),
        offsets=np.concatenate([[0], np.cumsum([len(x) for x in parts])]).astype(np.int64),
        set_id=np.array(names, dtype=np.str_),
        modality="sequence",
        alphabet=alphabet,
        **others,
    )
