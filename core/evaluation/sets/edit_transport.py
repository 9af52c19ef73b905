"""Latent distances against optimal transport of sequences on their edit distance, on a checked subset of pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.edit_distance import edit_distance
from core.evaluation.registry import Estimate, Unmeasurable, metric
from core.evaluation.sets.geometry import spearman
from core.evaluation.sets.resampling import interval
from core.evaluation.sets.space import Subject
from core.evaluation.transport import sample_w2

SETS = 10  # judged sets, of which all pairs are taken
MOST = 32  # sequences of each side
LEAST = 6
_DRAWS = 200


@metric(
    kind="sets",
    label="Latent distance against transport on edit distance (rank correlation)",
    family="Sequences",
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Rank correlation of latent distances with optimal transport of the sequences themselves, at the cost of "
    "their edit distance, less what two halves of one set cost; "
    "over the pairs of at most 10 judged sets. Beside it W2 of k-mers on the same pairs. Null: the mean of the k-mers.",
    source="Popscape; Levenshtein 1966",
)
def edit_transport_spearman(subject: Subject) -> Estimate:
    """Spearman's correlation over pairs; sets are resampled, for pairs that share a set are not independent."""
    if subject.sets.modality != "sequence":
        raise Unmeasurable(f"Only for sequences; these observations are {subject.sets.modality}s.")
    rng = subject.rng(23)
    chosen = [i for i in subject.judged if subject.sets.sizes[i] >= 2 * LEAST]
    chosen = sorted(rng.permutation(chosen)[:SETS].tolist())
    pairs = list(combinations(range(len(chosen)), 2))
    if len(pairs) < 10:
        raise Unmeasurable(f"{len(chosen)} judged sets have {2 * LEAST} sequences or more; 5 are needed.")
    halves = [subject.halves(i, MOST, rng) for i in chosen]
    n = min(len(first) for first, _ in halves)
    embed = [subject.embed(first) for first, _ in halves]
    mean = [subject.space(first).mean(axis=0) for first, _ in halves]
    sample = [(first[:n], second[:n]) for first, second in halves]
    own = [_transport(*both) for both in sample]
    words = [subject.space(second) for _, second in sample]
    columns: dict[str, list[float]] = {"edit": [], "latent": [], "mean": [], "w2_of_kmers": []}
    for i, j in pairs:
        cost = _transport(sample[i][1], sample[j][1])
        columns["edit"].append(max(cost - (own[i] + own[j]) / 2, 0.0))
        columns["latent"].append(float(np.linalg.norm(embed[i] - embed[j])))
        columns["mean"].append(float(np.linalg.norm(mean[i] - mean[j])))
        columns["w2_of_kmers"].append(sample_w2(words[i], words[j]))
    column = {name: np.array(values) for name, values in columns.items()}
    a, b = np.array(pairs).T
    draws = []
    for _ in range(_DRAWS):
        count = np.bincount(rng.integers(len(chosen), size=len(chosen)), minlength=len(chosen))
        draws.append(np.repeat(np.arange(len(pairs)), count[a] * count[b]))
    baselines = {name: spearman(column["edit"], column[name]) for name in ("mean", "w2_of_kmers")}
    return Estimate(
        spearman(column["edit"], column["latent"]),
        params={"pairs": len(pairs), "n": n},
        interval=interval(lambda d: spearman(column["edit"][d], column["latent"][d]), [d for d in draws if len(d) > 2]),
        null=baselines["mean"],
        baselines=baselines,
    )


def _transport(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> float:
    """Mean cost of the best assignment of the sequences x (n, l) to those of y (n, l), in edits a sequence."""
    from scipy.optimize import linear_sum_assignment

    n = len(x)
    cost = edit_distance(np.repeat(x, n, axis=0), np.tile(y, (n, 1))).reshape(n, n)
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean())
