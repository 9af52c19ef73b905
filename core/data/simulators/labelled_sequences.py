"""Sets of simulated sequences by label: methylated reads by tissue, receptors by donor, documents by topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.config.schema import setting
from core.data.intake.alphabets import METHYLATION, PROTEIN
from core.data.sets import SetCollection
from core.data.simulators.sequences import sequence_sets

_TOGETHER = 4.0  # CpGs of a read are methylated together as if its own level had been seen in so many of them
_DONOR = 0.3  # standard deviation of the logit by which a donor's levels differ
_SPACING = 10  # letters to a CpG
# Ends of human V segments and beginnings of J segments of the beta chain (IMGT).
_V, _J = ("CASSL", "CASSP", "CASSQ", "CSAR", "CAWS", "CATS"), ("NTEAFF", "NYGYTF", "NEQFF", "DTQYF", "YEQYF", "SPLHF")
_CLONE = "RSSY"  # what the receptors of cases share
_INSERT = (2, 8)  # letters between the segments
# Topic → adjectives, nouns and verbs.
_TOPICS = {
    "kitchen": ("warm sweet fresh salty", "bread soup oven knife butter onion", "fills burns covers cools"),
    "sea": ("deep grey stormy calm", "wave boat sail island harbour whale", "carries rocks passes drowns"),
    "workshop": ("heavy rusty sharp loud", "hammer engine wheel bolt ladder drill", "turns breaks lifts holds"),
    "sky": ("dark bright distant cold", "star moon cloud comet planet storm", "hides follows lights crosses"),
}


@dataclass(frozen=True)
class SyntheticMethylationConfig:
    """How many donors and tissues, and which reads are drawn from them."""

    donors: int = setting(16, "Donors; each is a unit.", low=2, high=10_000)
    tissues: int = setting(4, "Tissues of each donor.", low=2, high=100)
    regions: int = setting(5, "Regions of the genome that reads come from.", low=1, high=1000)
    observations: int = setting(40, "Reads in a set of one donor and tissue.", low=2, high=1_000_000)
    letters: int = setting(60, "Letters of a read.", low=20, high=4096)
    seed: int = setting(5, "Seed.", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class SyntheticReceptorsConfig:
    """How many donors, and how many receptors of each are seen."""

    donors: int = setting(16, "Donors, every other one a case; each is a unit.", low=4, high=10_000)
    parts: int = setting(4, "Sets of each donor.", low=1, high=1000)
    observations: int = setting(80, "Receptors in a set.", low=2, high=1_000_000)
    share: float = setting(0.4, "Largest share of a case's receptors that have the motif.", low=0.01, high=1.0)
    seed: int = setting(5, "Seed.", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class SyntheticTextConfig:
    """How many sets of short documents, and how much their topics are mixed."""

    sets: int = setting(80, "Sets.", low=4, high=100_000)
    observations: int = setting(30, "Documents in a set.", low=2, high=1_000_000)
    alpha: float = setting(0.3, "Concentration of the Dirichlet distribution of the topics.", low=0.01, high=1000.0)
    seed: int = setting(5, "Seed.", low=0, high=2**31 - 1)


def simulate_synthetic_methylation(config: SyntheticMethylationConfig) -> SetCollection:
    """Sets are donor × tissue; a read is one of the regions, with M for each methylated C of a CpG.

    A region has a level of methylation in each tissue, ~ Beta(½, ½), moved a little by the donor; the CpGs of a read
    are methylated together (a level of its own, beta-distributed). Covariate "methylated": the share of M among the
    CpGs of a set; labels "tissue" and "donor", the unit. The truth: the regions, and the (tissues, regions) levels.
    """
    rng = np.random.default_rng(config.seed)
    regions = rng.integers(0, 4, size=(config.regions, config.letters))
    cytosine, guanine, methylated = (METHYLATION.index(letter) for letter in "CGM")
    for region in regions:
        starts = np.arange(0, config.letters - 1, _SPACING)
        starts = starts + rng.integers(0, np.minimum(_SPACING, config.letters - starts) - 1)
        region[starts], region[starts + 1] = cytosine, guanine
    cpg = np.pad((regions[:, :-1] == cytosine) & (regions[:, 1:] == guanine), ((0, 0), (0, 1)))
    levels = rng.beta(0.5, 0.5, size=(config.tissues, config.regions)).clip(0.02, 0.98)
    parts, rows, shares = [], [], []
    for donor in range(config.donors):
        moved = np.log(levels / (1 - levels)) + _DONOR * rng.standard_normal(levels.shape)
        for tissue, level in enumerate(1 / (1 + np.exp(-moved))):
            region = rng.integers(0, config.regions, size=config.observations)
            own = rng.beta(_TOGETHER * level[region], _TOGETHER * (1 - level[region]))
            marked = cpg[region] & (rng.uniform(size=(config.observations, config.letters)) < own[:, None])
            parts.append(np.where(marked, methylated, regions[region]))
            rows.append((f"tissue {tissue + 1}", f"donor {donor + 1}"))
            shares.append(marked.sum() / cpg[region].sum())
    truth = {
        "simulator": "synthetic_methylation",
        "regions": ["".join(METHYLATION[i] for i in region) for region in regions.tolist()],
        "levels": levels,
    }
    return sequence_sets(
        parts, [f"{donor} | {tissue}" for tissue, donor in rows], METHYLATION,
        labels=_columns(("tissue", "donor"), rows), covariates={"methylated": np.array(shares)},
        truth=truth, unit="donor",
    )  # fmt: skip


def simulate_synthetic_receptors(config: SyntheticReceptorsConfig) -> SetCollection:
    """Sets are parts of a donor: CDR3 of T-cell receptors, V end + random letters + J beginning.

    Donors use the segments in shares of their own. In cases a share of the receptors, uniform up to `share`, has the
    same four letters in the middle. Covariate "clone share" (0 in controls); labels "status" and "donor", the unit. The
    truth: the motif, and the (donors, segments) usage of V and J.
    """
    rng = np.random.default_rng(config.seed)
    usage = [rng.dirichlet(np.full(len(segments), 5.0), size=config.donors) for segments in (_V, _J)]
    texts, rows, shares = [], [], []
    for donor in range(config.donors):
        case = donor % 2 == 0
        share = float(rng.uniform(0.1, 1.0)) * config.share if case else 0.0
        for part in range(config.parts):
            v, j = (
                rng.choice(segments, size=config.observations, p=used[donor])
                for segments, used in zip((_V, _J), usage, strict=True)
            )
            shared = rng.uniform(size=config.observations) < share
            middle = [_CLONE if one else _random(rng) for one in shared]
            texts.append(["".join(parts) for parts in zip(v, middle, j, strict=True)])
            rows.append(("case" if case else "control", f"donor {donor + 1}", f"part {part + 1}"))
            shares.append(share)
    truth = {"simulator": "synthetic_receptors", "motif": _CLONE, "v": usage[0], "j": usage[1]}
    return sequence_sets(
        _coded(texts, PROTEIN), [f"{donor} | {part}" for _, donor, part in rows], PROTEIN,
        labels=_columns(("status", "donor"), rows), covariates={"clone share": np.array(shares)},
        truth=truth, unit="donor",
    )  # fmt: skip


def simulate_synthetic_text(config: SyntheticTextConfig) -> SetCollection:
    """Sets of short documents, "the grey boat carries the island", each of one topic.

    The topics of a set have shares ~ Dirichlet(alpha): covariates of their names; the label "topic" is the commonest.
    The truth: the (s, 4) shares, and the words of each topic.
    """
    rng = np.random.default_rng(config.seed)
    names = list(_TOPICS)
    words = [[kind.split() for kind in _TOPICS[name]] for name in names]
    shares = rng.dirichlet(np.full(len(names), config.alpha), size=config.sets)
    texts = []
    for share in shares:
        documents = []
        for topic in rng.choice(len(names), size=config.observations, p=share):
            adjective, first, verb, second = (
                kind[rng.integers(len(kind))] for kind in (words[topic][i] for i in (0, 1, 2, 1))
            )
            documents.append(f"the {adjective} {first} {verb} the {second}")
        texts.append(documents)
    alphabet = "".join(sorted({letter for documents in texts for text in documents for letter in text}))
    topics = [(names[i],) for i in shares.argmax(axis=1)]
    return sequence_sets(
        _coded(texts, alphabet), [f"set_{i + 1:04d}" for i in range(config.sets)], alphabet,
        labels=_columns(("topic",), topics), covariates={name: shares[:, i] for i, name in enumerate(names)},
        truth={"simulator": "synthetic_text", "shares": shares, "words": dict(zip(names, words, strict=True))},
    )  # fmt: skip


def _random(rng: np.random.Generator) -> str:
    return "".join(PROTEIN[i] for i in rng.integers(0, len(PROTEIN), size=rng.integers(_INSERT[0], _INSERT[1] + 1)))


def _columns(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> dict[str, npt.NDArray[np.str_]]:
    return {name: np.array([row[i] for row in rows], dtype=np.str_) for i, name in enumerate(names)}


def _coded(sets: Sequence[Sequence[str]], alphabet: str) -> list[npt.NDArray[np.int8]]:
    """Texts as (k, l) places in the alphabet, all as long as the longest, −1 behind the end of a shorter one."""
    place = {letter: i for i, letter in enumerate(alphabet)}
    length = max(len(text) for texts in sets for text in texts)
    return [
        np.array([[place[x] for x in text] + [-1] * (length - len(text)) for text in texts], dtype=np.int8)
        for texts in sets
    ]
