"""Are generated sequences like held-out ones: k-mers, composition, lengths, copies, and the likelihood of letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import once
from core.evaluation.position_weights import PositionWeights, fit_position_weights
from core.evaluation.registry import Estimate, Unmeasurable, metric
from core.evaluation.sets.resampling import interval, resamples
from core.evaluation.sets.space import Subject
from core.modalities.profiles import composition, fingerprints, gc, hellinger, lengths, word_shares

Array = npt.NDArray[np.float64]

LEAST = 8  # sequences of a set whose halves mean something
SETS = 60  # judged sets that are regenerated
MOST = 256  # sequences of a half
FEWEST = 3  # sets that a number and its interval rest on
POOLED = 20_000  # training sequences behind the pooled position weights
TOGETHER = 16  # sets that are generated at once
_ROWS = 100_000  # training sequences that are compared at once

_FRAME = (
    "Ceiling: the two real halves. Null: position weights of all training sequences; beside it those of the set's own "
    "first half, drawn towards them."
)


@metric(
    kind="sets",
    label="k-mers, generated against held-out half",
    family="Sequences",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Hellinger distance of the mean shares of k-mers between a held-out half of a set and as many sequences "
    f"generated from the latent of its other half, mean over sets. {_FRAME}",
    source="Popscape",
)
def sequence_kmer_distance(subject: Subject) -> Estimate:
    """Mean over sets, 0 to 1."""
    return _framed(subject, "kmers")


@metric(
    kind="sets",
    label="Composition, generated against held-out half",
    family="Sequences",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Absolute difference of the mean GC share (DNA, RNA), else mean absolute difference of the shares of letters, "
    f"mean over sets. {_FRAME}",
    source="Popscape",
)
def sequence_composition(subject: Subject) -> Estimate:
    """Mean over sets; `params` say whether of GC or of all letters."""
    rows = halved(subject)
    of = "GC share" if gc(np.zeros((1, 1)), subject.sets.alphabet) is not None else "shares of letters"
    return _framed(subject, "composition", {"of": of} if len(rows["n"]) else {})


@metric(
    kind="sets",
    label="Lengths, generated against held-out half (W1)",
    family="Sequences",
    direction="lower",
    bounds=(0.0, np.inf),
    help=f"W1 distance of the lengths in letters, mean over sets. {_FRAME}",
    source="Popscape",
)
def sequence_length_w1(subject: Subject) -> Estimate:
    """Mean over sets, in letters."""
    return _framed(subject, "length")


@metric(
    kind="sets",
    label="Copies of training sequences",
    family="Sequences",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Share of generated sequences that equal a training sequence, mean over sets. Ceiling: the share of held-out "
    "real sequences that do, which is high where sequences repeat by nature (spikes, clones): only what lies above it "
    "is copying. Null: position weights of all training sequences.",
    source="Popscape",
)
def sequence_copies(subject: Subject) -> Estimate:
    """Mean over held-out sets."""
    if len(subject.holdout) < 2:
        _of_sequences(subject)
        raise Unmeasurable("Fewer than two sets are held out: real sequences to compare with are training ones.")
    return _framed(subject, "copies")


@metric(
    kind="sets",
    label="Log-likelihood per letter",
    family="Sequences",
    direction="higher",
    bounds=(-np.inf, 0.0),
    help="Nats per letter, ends included, of a held-out half given the latent of the other half, mean over sets. Null: "
    "position weights of all training sequences; beside it those of the set's own first half, drawn towards them. "
    "No ceiling is known: the entropy of the real sequences is not.",
    source="Popscape",
)
def sequence_likelihood(subject: Subject) -> Estimate:
    """Mean over sets, in nats."""
    if "likelihood" not in halved(subject):
        raise Unmeasurable("The generator has no likelihood of sequences.")
    return _framed(subject, "likelihood")


@once
def halved(subject: Subject) -> dict[str, Array]:
    """Columns (sets,) of the judged sets of 8 sequences or more, at most 60.

    "n" sequences of a half, "set" its place; for each of "kmers", "composition", "length", "copies" and "likelihood"
    the value under its name and its frames under name + "_ceiling", "_pooled" and "_own" (copies have no own, the
    likelihood no ceiling; it is absent where the generator has none). Raises Unmeasurable for other observations than
    sequences, and below three sets.
    """
    _of_sequences(subject)
    rng, letters = subject.rng(21), len(subject.sets.alphabet)
    chosen = [i for i in subject.judged if subject.sets.sizes[i] >= LEAST]
    chosen = sorted(rng.permutation(chosen)[:SETS].tolist())
    if len(chosen) < FEWEST:
        raise Unmeasurable(
            f"{len(chosen)} judged sets have {LEAST} sequences or more, which two halves need; {FEWEST} are needed."
        )
    pooled = fit_position_weights(_training(subject, rng), letters)
    halves = [subject.halves(i, MOST, rng) for i in chosen]
    latents = np.stack([subject.embed(first) for first, _ in halves])
    generated: list[npt.NDArray[Any]] = []
    for i in range(0, len(chosen), TOGETHER):
        n = max(len(first) for first, _ in halves[i : i + TOGETHER])
        generated += list(subject.generate(latents[i : i + TOGETHER], n, int(rng.integers(2**31))))
    rows, sources = [], []
    for (first, second), z, y in zip(halves, latents, generated, strict=True):
        n, own = len(second), fit_position_weights(first, letters, pooled)
        source = {"": y[:n], "_ceiling": first, "_pooled": pooled.sample(n, rng), "_own": own.sample(n, rng)}
        rows.append(_row(subject, source, second) | _likelihoods(subject, second, z, pooled, own))
        sources.append((source[""], second, source["_pooled"]))
    columns = {key: np.array([row[key] for row in rows], dtype=np.float64) for key in rows[0]}
    columns |= {"n": np.array([len(second) for _, second in halves], dtype=np.float64)}
    columns["set"] = np.array(chosen, dtype=np.float64)
    return columns | _copies(subject, sources)


def _of_sequences(subject: Subject) -> None:
    if subject.sets.modality != "sequence":
        raise Unmeasurable(f"Only for sequences; these observations are {subject.sets.modality}s.")


def _training(subject: Subject, rng: np.random.Generator) -> npt.NDArray[Any]:
    """At most POOLED training sequences."""
    offsets = subject.sets.offsets
    rows = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in subject.train])
    if len(rows) > POOLED:
        rows = np.sort(rng.choice(rows, POOLED, replace=False))
    return np.asarray(subject.sets.observations[rows])


def _row(subject: Subject, source: dict[str, npt.NDArray[Any]], real: npt.NDArray[Any]) -> dict[str, float]:
    """Distances of each source from the `real` half."""
    alphabet, row = subject.sets.alphabet, {}
    words, letters, length = word_shares(real, len(alphabet)), _letters(real, alphabet), np.sort(lengths(real))
    for name, x in source.items():
        row["kmers" + name] = hellinger(word_shares(x, len(alphabet)), words)
        row["composition" + name] = float(np.abs(_letters(x, alphabet) - letters).mean())
        row["length" + name] = float(np.abs(np.sort(lengths(x)) - length).mean())
    return row


def _letters(x: npt.NDArray[Any], alphabet: str) -> Array:
    """(1,) mean GC share of DNA and RNA, (letters,) mean shares of letters else."""
    share = gc(x, alphabet)
    return composition(x, len(alphabet)) if share is None else share.mean(keepdims=True)


def _likelihoods(
    subject: Subject, x: npt.NDArray[Any], z: npt.NDArray[Any], pooled: PositionWeights, own: PositionWeights
) -> dict[str, float]:
    """Nats per letter of x, the end of each sequence counted as a letter; {} where the generator has none."""
    said = None if subject.likelihood is None else subject.likelihood(x, z)
    if said is None:
        return {}
    count = float((lengths(x) + 1).sum())
    weights = {"likelihood_pooled": pooled, "likelihood_own": own}
    frames = {name: float(model.log_likelihood(x).sum()) / count for name, model in weights.items()}
    return {"likelihood": float(np.asarray(said).sum()) / count, **frames}


def _copies(subject: Subject, sources: Sequence[tuple[npt.NDArray[Any], ...]]) -> dict[str, Array]:
    """Shares of sequences that equal a training one: generated, held-out real, of pooled position weights."""
    prints = [[fingerprints(x) for x in source] for source in sources]
    asked = np.unique(np.concatenate([one for row in prints for one in row]))
    known = np.zeros(len(asked), dtype=bool)
    offsets = subject.sets.offsets
    for i in subject.train:
        for first in range(int(offsets[i]), int(offsets[i + 1]), _ROWS):
            part = fingerprints(subject.sets.observations[first : min(first + _ROWS, int(offsets[i + 1]))])
            known |= np.isin(asked, part)
    copied = asked[known]
    names = ("copies", "copies_ceiling", "copies_pooled")
    return {name: np.array([np.isin(row[i], copied).mean() for row in prints]) for i, name in enumerate(names)}


def _framed(subject: Subject, name: str, params: dict[str, Any] | None = None) -> Estimate:
    """The mean over sets with its frames; `params` hold the paired difference from the null and from the ceiling."""
    column = halved(subject)
    place = column["set"].astype(np.int64)
    draws, resampled = resamples(subject.groups[place], subject.rng(22))
    mean = {key: float(column[name + key].mean()) for key in ("_ceiling", "_pooled", "_own") if name + key in column}

    def difference(key: str) -> dict[str, Any]:
        if name + key not in column:
            return {}
        low, high = interval(_mean(column[name] - column[name + key]), draws)
        return {f"over{key}": [low, high]}

    return Estimate(
        float(column[name].mean()),
        params={"sets": len(place), "n": int(column["n"].max()), "resampled": resampled, **(params or {})}
        | difference("_pooled")
        | difference("_ceiling"),
        interval=interval(_mean(column[name]), draws),
        null=mean.get("_pooled"),
        ceiling=mean.get("_ceiling"),
        baselines={"position_weights_of_the_set": mean["_own"]} if "_own" in mean else {},
    )


def _mean(values: Array) -> Callable[[npt.NDArray[np.int64]], float]:
    return lambda index: float(values[index].mean())
