"""Settings of an evaluation; every one that changes a number is written into that number's `params`."""

from __future__ import annotations

from dataclasses import dataclass

from core.config.schema import more, setting


@dataclass(frozen=True)
class SetEvaluationConfig:
    """What a report on sets measures."""

    control: str = setting(
        "",
        "Value of a label from which shifts are measured, such as the sets that were not perturbed (empty: found by "
        "its name: NT, control, DMSO, …).",
    )


@dataclass(frozen=True)
class EvaluationConfig:
    """What a report measures and how precisely."""

    distance: str = setting(
        "euclidean",
        "Distance between two individuals, over all variants, for every nearest-neighbour metric.",
        choices=("euclidean", "manhattan", "hamming"),
    )
    distance_individuals: int = setting(
        5000,
        "Individuals per side that distance metrics use at most; larger cohorts are drawn from with the seed.",
        low=10,
        high=200_000,
    )
    k: int = setting(5, "Neighbour whose distance is the radius of a ball in precision and recall.", low=1, high=1000)
    neighbours: tuple[int, ...] = setting(
        (3, 5, 10, 20, 50, 60, 100), "Values of k along the precision and recall curves.", low=1, high=1000
    )
    bootstrap: int = setting(200, "Bootstrap resamples behind each interval (0: no intervals).", low=0, high=10_000)
    confidence: float = more(0.95, "Probability that an interval covers.", low=0.5, high=0.999)
    components: int = more(10, "Principal components, fitted on the reference.", low=2, high=100)
    projections: int = more(128, "Random directions of the sliced Wasserstein distance.", low=8, high=4096)
    display_individuals: int = more(
        2000, "Individuals per cohort kept in the report's arrays for drawing.", low=10, high=100_000
    )
    umap_individuals: int = more(
        1000,
        "Individuals per cohort on the UMAP of a written report, at most (0: no UMAP; it costs some 20 seconds).",
        low=0,
        high=20_000,
    )
    population_minimum: int = more(20, "Individuals that a population needs for values of its own.", low=2)
    phenotypes: tuple[str, ...] = more(
        (), "Phenotypes whose associations and prediction are measured (empty: the first six of the real individuals)."
    )
    association_components: int = more(
        5,
        "Principal components that are taken out of phenotypes and variants before their association.",
        low=0,
        high=50,
    )
