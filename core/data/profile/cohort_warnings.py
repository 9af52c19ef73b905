"""What is wrong with a cohort, in plain words, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.data.profile.sentences import Sentence, note, sentences, warning
from core.words import count


def warnings_of(profile: dict[str, Any]) -> list[Sentence]:
    """{"severity", "text", "advice"} for each thing that the user should know of, warnings before notes."""
    return sentences(_CHECKS, profile)


def _size(profile: dict[str, Any]) -> Iterator[Sentence]:
    n, m = profile["individuals"], profile["variants"]
    if n < 200:
        yield warning(
            f"The cohort has {count(n, 'individual')}.",
            "Neural models need several hundred; the Gaussian copula and the haplotype mosaic are safer with so few.",
        )
    if m < 50:
        yield warning(
            f"The cohort has {count(m, 'variant')}.",
            "With so few, many individuals are equal by chance, and precision and privacy mean little; import more.",
        )


def _missing(profile: dict[str, Any]) -> Iterator[Sentence]:
    missing = profile["missing"]
    if missing["fraction"] > 0:
        text = f"{_percent(missing['fraction'])} of the calls are missing."
        advice = "Models and distances fill each by a draw from the genotype frequencies of its variant and population."
        yield warning(text, advice) if missing["fraction"] > 0.05 else note(text, advice)
    if poor := missing["variants_above_5_percent"]:
        yield warning(
            f"{count(poor, 'variant misses', 'variants miss')} more than 5 % of their calls.",
            "Import again with a limit on missing calls for each variant, or impute the file first.",
        )
    if poor := missing["individuals_above_10_percent"]:
        yield warning(
            f"{count(poor, 'individual misses', 'individuals miss')} more than 10 % of their calls.",
            "Such samples are often of bad quality; import again with a limit on missing calls for each individual.",
        )


def _frequencies(profile: dict[str, Any]) -> Iterator[Sentence]:
    frequencies, m = profile["frequencies"], profile["variants"]
    if frequencies["monomorphic"]:
        yield warning(
            f"{count(frequencies['monomorphic'], 'variant does', 'variants do')} not vary in this cohort.",
            "Nothing can be learnt from that; import again with a minor-allele frequency above 0.",
        )
    rare = frequencies["below_1_percent"] - frequencies["monomorphic"]
    if rare > 0.2 * m:
        yield note(
            f"{_percent(rare / m)} of the variants have a minor-allele frequency below 1 %.",
            "Generative models lose rare alleles first; a filter at 1 % makes the comparison of linkage steadier.",
        )
    if frequencies["alternate_is_major"] > 0.7 * m:
        yield warning(
            f"The counted allele is the more frequent one at {_percent(frequencies['alternate_is_major'] / m)} of the "
            "variants.",
            "The file probably counts the reference or the major allele; only the signs of effects change.",
        )


def _hardy_weinberg(profile: dict[str, Any]) -> Iterator[Sentence]:
    test, m = profile["hardy_weinberg"], profile["variants"]
    if test["test"] is None:
        return
    inside, pooled = test["departures_within"], test["departures_pooled"]
    inbred = (profile["heterozygosity"]["f"] or 0) > 0.5
    if (excess := test["departures_with_excess"]) > max(1, 0.001 * m):
        yield warning(
            f"{count(excess, 'variant has', 'variants have')} too many heterozygotes for random mating.",
            "That is the mark of genotyping errors and of duplicated sequence; import again with an HWE filter.",
        )
    elif inside > max(1, 0.01 * m) and not inbred:
        where = "within a population " if profile["populations"] else ""
        yield note(
            f"{count(inside, 'variant departs', 'variants depart')} from Hardy-Weinberg proportions {where}"
            f"(p < {test['bound']:g}).",
            "Relatives and hidden populations do that as well as errors; a sample table tells them apart.",
        )
    if profile["populations"] and pooled > 2 * max(inside, 5):
        yield note(
            f"{count(pooled, 'variant departs', 'variants depart')} from Hardy-Weinberg proportions in the pooled "
            f"cohort, {inside:,} within populations.",
            "This is what several populations in one table look like, not an error.",
        )


def _heterozygosity(profile: dict[str, Any]) -> Iterator[Sentence]:
    heterozygosity = profile["heterozygosity"]
    if heterozygosity["f"] is not None and heterozygosity["f"] > 0.5:
        yield note(
            f"Heterozygotes are {_percent(1 - heterozygosity['f'])} of what random mating would give.",
            "These look like inbred lines; kinship and Hardy-Weinberg tests do not apply to them.",
        )
    outliers = heterozygosity["outliers"]
    if outliers and heterozygosity["f"] <= 0.5:
        yield warning(
            f"{count(len(outliers), 'individual is', 'individuals are')} far more or far less heterozygous than "
            f"the others ({_some(outliers)}).",
            "Too much suggests a mixed sample, too little inbreeding or lost alleles; look at them before training.",
        )


def _positions(profile: dict[str, Any]) -> Iterator[Sentence]:
    positions = profile["positions"]
    if not positions["known"]:
        yield warning(
            "The variants have no positions.",
            "Linkage decay and the haplotype mosaic need them; give a variant table (id, contig, position) at import.",
        )
        return
    if not positions["sorted"]:
        yield warning(
            "The variants are not in the order of their positions.",
            "Views of linkage and models of neighbouring variants expect it; sort the file and import it again.",
        )
    if positions["shared"]:
        yield note(
            f"{count(positions['shared'], 'variant shares', 'variants share')} a position with another one.",
            "These are split multi-allelic sites or duplicates; import again without multi-allelic sites if in doubt.",
        )


def _alleles(profile: dict[str, Any]) -> Iterator[Sentence]:
    mirrored = profile["alleles"]["mirrored"]
    if mirrored:
        yield warning(
            f"{count(len(mirrored), 'A/T or C/G variant has', 'A/T or C/G variants have')} mirrored frequencies "
            f"between populations ({_some(mirrored)}).",
            "Strands may have been mixed up when files were merged; leave these variants out or align the strands.",
        )


def _populations(profile: dict[str, Any]) -> Iterator[Sentence]:
    small = [row["population"] for row in profile["populations"] if row["individuals"] < 25]
    if small:
        yield note(
            f"{count(len(small), 'population has', 'populations have')} fewer than 25 individuals ({_some(small)}).",
            "Their holdout is too small to judge a model by; merge them, or read their scores with care.",
        )
    unknown = sum(label["missing"] for label in profile["labels"][:1])
    if unknown:
        yield note(
            f"{count(unknown, 'individual has', 'individuals have')} no population.",
            "They are used in training with the population unknown; complete the sample table if it is known.",
        )


def _phenotypes(profile: dict[str, Any]) -> Iterator[Sentence]:
    n = profile["individuals"]
    for phenotype in profile["phenotypes"]:
        name, known = phenotype["name"], phenotype["individuals"]
        if phenotype["distinct"] < 2:
            yield warning(
                f"The phenotype {name!r} has {'no value' if known == 0 else 'one value only'}.",
                "It cannot guide a model; leave it out of the condition.",
            )
            continue
        if known < 0.5 * n:
            yield note(
                f"The phenotype {name!r} is known for {known:,} of {n:,} individuals.",
                "The others are trained with the phenotype unknown.",
            )
        if phenotype["outliers"] and phenotype["distinct"] > 10:
            yield note(
                f"The phenotype {name!r} has {count(phenotype['outliers'], 'value')} more than 6 standard deviations "
                "from the mean.",
                "Check for a code of missing values (-9, 999) or a wrong unit.",
            )


def _relatives(profile: dict[str, Any]) -> Iterator[Sentence]:
    relatives = profile["relatives"]
    if relatives["duplicates"] and relatives["method"] == "exact":
        yield note(
            f"{count(relatives['duplicates'], 'pair')} of individuals equal in every call.",
            "They are kept on one side of the split; in a short region unrelated people can be equal by chance.",
        )
    elif relatives["duplicates"]:
        yield warning(
            f"{count(relatives['duplicates'], 'pair')} of individuals look like duplicates or identical twins.",
            "They are kept on one side of the split, so privacy is judged fairly; remove one of each if they are one.",
        )
    if relatives["relatives"]:
        yield note(
            f"{count(relatives['relatives'], 'pair')} of individuals as close as parent and child or siblings.",
            "Families are kept on one side of the split, so that the holdout holds no relative of the training set.",
        )
    for remark in relatives["notes"]:
        yield note(remark, "Close relatives may stand on both sides of the split; more variants would tell.")


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2g} %" if fraction < 0.995 else f"{100 * fraction:.0f} %"


def _some(names: list[str]) -> str:
    return ", ".join(name[:40] for name in names[:5]) + (" …" if len(names) > 5 else "")


_CHECKS = (
    _size,
    _missing,
    _frequencies,
    _hardy_weinberg,
    _heterozygosity,
    _positions,
    _alleles,
    _populations,
    _phenotypes,
    _relatives,
)
