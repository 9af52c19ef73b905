"""What is wrong with a collection of sets, in plain words, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.data.profile.sentences import Sentence, note, sentences, warning
from core.words import count

FEW_SETS = 20
SMALL_SET = 15
FEW_HELD_OUT = 5
_UNBALANCED = 0.9  # share of the sets with the commonest value
_LIKE_A_UNIT = ("patient", "donor", "subject", "individual", "clone", "mouse", "animal", "plate", "batch")


def warnings_of(found: dict[str, Any]) -> list[Sentence]:
    """{"severity", "text", "advice"} for each thing that the user should know of, warnings before notes.

    `found` is what `core.data.profile.collection.overview` counts.
    """
    return sentences(_CHECKS, found)


def _sets(found: dict[str, Any]) -> Iterator[Sentence]:
    if found["sets"] < FEW_SETS:
        yield warning(
            f"There are only {found['sets']:,} sets.",
            "A model of sets learns from many: mix sets in training (mixer Dirichlet k), or cut large sets into parts "
            "at import.",
        )
    if 0 < found["split"]["holdout"] < FEW_HELD_OUT:
        held = found["split"]["holdout"]
        yield note(
            f"Only {held:,} {'set is' if held == 1 else 'sets are'} held out.",
            "Scores on so few sets have wide intervals; read small differences between models as noise.",
        )


def _sizes(found: dict[str, Any]) -> Iterator[Sentence]:
    median = found["sizes"]["median"]
    if median < SMALL_SET:
        yield warning(
            f"Half of the sets have {median:,} observations or fewer.",
            "So few samples say little about a distribution: merge sets, raise the minimum size, or mix sets in "
            "training.",
        )
    elif found["sizes"]["min"] < 5:
        yield note(
            f"The smallest set has {count(found['sizes']['min'], 'observation')}.",
            "Its latent is uncertain; a larger minimum at import or in training leaves such sets out.",
        )
    if found["sizes"]["max"] > 50 * max(median, 1):
        yield note(
            f"The largest set has {found['sizes']['max']:,} observations, the middle one {median:,}.",
            "Every set counts the same in training; cut large sets into parts at import if they should count for more.",
        )


def _features(found: dict[str, Any]) -> Iterator[Sentence]:
    if constant := found["constant_features"]:
        yield warning(
            f"{count(constant, 'feature does', 'features do')} not vary.",
            "They carry nothing and cost memory; leave them out, or keep the most variable genes at import.",
        )
    if len(found["features"]) > 500:
        yield note(
            f"Each observation has {len(found['features']):,} features.",
            "Training is faster and often better on 20 to 50 principal components or an embedding of the file.",
        )
    share = found["mean_share"]
    if share is not None and share < 0.01:
        yield note(
            f"The means of the sets hold {100 * share:.1g} % of the variance.",
            "If the sets differ, then in their shape: the encoders mean and PCA mean would be blind to it.",
        )


def _labels(found: dict[str, Any]) -> Iterator[Sentence]:
    for label in found["labels"][:1]:
        total = sum(one["individuals"] for one in label["values"])
        if len(label["values"]) > 1 and label["values"][0]["individuals"] > _UNBALANCED * total:
            yield note(
                f"{label['values'][0]['individuals']:,} of {total:,} sets have the same {label['column']} "
                f"({label['values'][0]['value']}).",
                "A prediction of that label is right most of the time without having learnt anything.",
            )
        if label["missing"]:
            yield note(
                f"{count(label['missing'], 'set has', 'sets have')} no {label['column']}.",
                "They are trained on like the others; complete the column if it is known.",
            )


def _unit(found: dict[str, Any]) -> Iterator[Sentence]:
    """A column that looks like a donor or a clone, with several sets each, and no unit that the split respects."""
    if found["unit"] is not None:
        return
    if found["chunk"]:
        yield note(
            "Parts of one larger set lie on both sides of the split.",
            "The held-out sets are then new samples of known distributions; for unseen ones name a unit at import.",
        )
        return
    for label in found["labels"]:
        several = len(label["values"]) < found["sets"] and len(label["values"]) > 1
        if several and any(word in label["column"].lower() for word in _LIKE_A_UNIT):
            yield warning(
                f"Sets of one {label['column']} lie on both sides of the split.",
                f"The held-out sets may then be known in part already; import again with unit = {label['column']}.",
            )


_CHECKS = (_sets, _sizes, _features, _labels, _unit)
