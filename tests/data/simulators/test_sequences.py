"""What is true of simulated sequences by construction."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from core.data.library import Library
from core.data.selection import SIMULATORS, simulate_into
from core.data.simulators.labelled_sequences import (
    SyntheticMethylationConfig,
    SyntheticReceptorsConfig,
    SyntheticTextConfig,
    simulate_synthetic_methylation,
    simulate_synthetic_receptors,
    simulate_synthetic_text,
)
from core.data.simulators.sequences import (
    MOTIFS,
    DnaMultinomialConfig,
    SyntheticDnaConfig,
    SyntheticProteinConfig,
    motif_weights,
    simulate_dna_multinomial,
    simulate_synthetic_dna,
    simulate_synthetic_protein,
)
from core.modalities.sequence import spell


def test_bases_of_random_dna_are_those_of_the_set() -> None:
    sets = simulate_dna_multinomial(DnaMultinomialConfig(sets=20, observations=400, letters=25, alpha=2.0))
    for i in range(sets.s):
        x = sets.observations[sets.offsets[i] : sets.offsets[i + 1]]
        share = np.bincount(x.ravel(), minlength=4) / x.size
        p = sets.truth["bases"][i]
        assert (np.abs(share - p) < 5 * np.sqrt(p * (1 - p) / x.size) + 1e-9).all()
        assert [sets.covariates[f"p_{letter}"][i] for letter in "ACG"] == p[:3].tolist()


def test_planted_motifs_follow_their_shares_and_weights() -> None:
    config = SyntheticDnaConfig(sets=40, observations=300)
    sets = simulate_synthetic_dna(config)
    shares = np.column_stack([sets.covariates["strength"], sets.covariates["second share"]])
    count = sets.truth["carriers"]
    assert (np.abs(count - 300 * shares) < 5 * np.sqrt(300 * shares * (1 - shares)) + 1).all()
    assert abs(np.corrcoef(shares.T)[0, 1]) < 0.5
    for motif, name in enumerate(MOTIFS):
        best = _best_score(sets.observations, motif_weights(MOTIFS[name]), *sets.truth["starts"][name])
        hits = np.array([part.mean() for part in np.split(best > 6, sets.offsets[1:-1])])
        assert np.corrcoef(hits, shares[:, motif])[0, 1] > 0.97
        assert abs(np.corrcoef(hits, shares[:, 1 - motif])[0, 1]) < 0.5
    background = simulate_synthetic_dna(SyntheticDnaConfig(sets=40, observations=300, gc_spread=0.4))
    g_or_c = np.isin(background.observations, (1, 2)).mean(axis=1)
    mean = [part.mean() for part in np.split(g_or_c, background.offsets[1:-1])]
    assert np.corrcoef(mean, background.covariates["gc"])[0, 1] > 0.95


def test_mutations_sweep_when_the_truth_says() -> None:
    config = SyntheticProteinConfig(observations=400, noise=0.0, places=3)
    sets = simulate_synthetic_protein(config)
    assert sets.unit == "place" and sets.s == 36 and "".join(sets.alphabet) == "ACDEFGHIKLMNPQRSTVWY"
    reference = np.array([sets.alphabet.index(one) for one in sets.truth["reference"]])
    shares = sets.truth["shares"]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    delay = np.array([sets.truth["delay"][place] for place in sets.labels["place"]])
    time = sets.covariates["month"] - 0.5 - delay
    touched = {one["position"] for one in sets.truth["mutations"]}
    rest = np.delete(sets.observations, sorted(touched), axis=1)
    assert (rest == np.delete(reference, sorted(touched))).all()
    for one in sets.truth["mutations"]:
        has = sets.observations[:, one["position"]] == sets.alphabet.index(one["to"])
        seen = np.array([part.mean() for part in np.split(has, sets.offsets[1:-1])])
        p = shares[:, one["lineage"] :].sum(axis=1)
        assert (np.abs(seen - p) < 5 * np.sqrt(p * (1 - p) / 400) + 1e-3).all()
        # Against the lineage before alone, growth is logistic with its half at the month of the truth.
        two = shares[:, one["lineage"]] / shares[:, one["lineage"] - 1 : one["lineage"] + 1].sum(axis=1)
        np.testing.assert_allclose(two, 1 / (1 + np.exp(-config.growth * (time - one["month"]))), rtol=1e-6)


def test_reads_are_methylated_at_cpgs_as_often_as_the_truth_says() -> None:
    config = SyntheticMethylationConfig(donors=30, observations=300, regions=3)
    sets = simulate_synthetic_methylation(config)
    texts = np.array(spell(sets.observations, sets.alphabet))
    plain = np.array([text.replace("M", "C") for text in texts])
    assert sets.unit == "donor" and set(plain) == set(sets.truth["regions"])
    assert not any("M" in text.replace("MG", "") for text in texts)
    tissue = np.repeat([int(name.split()[1]) - 1 for name in sets.labels["tissue"]], sets.sizes)
    for (i, r), level in np.ndenumerate(sets.truth["levels"]):
        region = sets.truth["regions"][r]
        reads = texts[(tissue == i) & (plain == region)]
        share = np.mean([text.count("M") for text in reads]) / region.count("CG")
        assert abs(share - level) < 0.06
    share = [np.mean([t.count("M") for t in part]) for part in np.split(texts, sets.offsets[1:-1])]
    assert np.corrcoef(share, sets.covariates["methylated"])[0, 1] > 0.97


def test_receptors_of_cases_share_a_motif_as_often_as_the_truth_says() -> None:
    sets = simulate_synthetic_receptors(SyntheticReceptorsConfig(donors=20, observations=400))
    texts = np.array(spell(sets.observations, sets.alphabet))
    assert sets.unit == "donor" and all(text.startswith("C") and text.endswith("F") for text in texts)
    seen = np.array([np.mean([sets.truth["motif"] in t for t in part]) for part in np.split(texts, sets.offsets[1:-1])])
    share = sets.covariates["clone share"]
    assert (np.abs(seen - share) < 5 * np.sqrt(share * (1 - share) / 400) + 1e-2).all()
    assert ((share > 0) == (sets.labels["status"] == "case")).all()


def test_documents_mix_topics_in_the_shares_of_their_set() -> None:
    sets = simulate_synthetic_text(SyntheticTextConfig(sets=20, observations=300))
    texts = np.array(spell(sets.observations, sets.alphabet))
    for topic, (_, nouns, _) in sets.truth["words"].items():
        of = np.array([text.split()[-1] in nouns for text in texts])
        seen, share = [part.mean() for part in np.split(of, sets.offsets[1:-1])], sets.covariates[topic]
        assert (np.abs(seen - share) < 5 * np.sqrt(share * (1 - share) / 300) + 1e-2).all()
    assert (sets.labels["topic"] == np.array(list(sets.truth["words"]))[sets.truth["shares"].argmax(axis=1)]).all()


@pytest.mark.parametrize("simulator", [name for name in SIMULATORS if "_" in name])
def test_the_defaults_are_small_and_the_same_again(simulator: str, home: object) -> None:
    schema, simulate = SIMULATORS[simulator]
    first, second = simulate(schema()), simulate(schema())
    assert (first.observations == second.observations).all()
    assert first.observations.nbytes < 1_000_000
    assert simulate_into(Library(), simulator, schema()).collection.sets == first.s


def _best_score(
    x: npt.NDArray[np.int8], weights: npt.NDArray[np.float64], first: int, last: int
) -> npt.NDArray[np.float64]:
    """(k,) the best log-odds of a motif over its starts, in bits."""
    odds = np.log2(4 * weights)
    scores = [sum(odds[i, x[:, start + i]] for i in range(len(odds))) for start in range(first, last + 1)]
    return np.max(np.array(scores), axis=0)
