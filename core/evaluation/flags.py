"""Failure flags: patterns in a report that mean something, each with its numbers and what to do about it.

Every threshold stands between what real individuals give (the ceiling) and what individuals without linkage give
(the null) on the same data, so that it means the same for any cohort; a flag whose metrics have no value is silent.
"""

from __future__ import annotations

from collections.abc import Callable

from core.evaluation.context import Panel
from core.evaluation.frequencies import genotype_frequencies
from core.reports.report import Flag, Measurement, Report


def find(report: Report, panel: Panel | None = None) -> list[Flag]:
    """The failures that a report shows, the severe ones first; an empty list where it shows none.

    `panel` gives the individuals; without it missing populations and lost genotypes are not looked for.
    """
    raised = [check(report) for check in _CHECKS]
    if panel is not None:
        raised += [_population_missing(panel), _genotypes_lost(panel)]
    return sorted((flag for flag in raised if flag is not None), key=lambda flag: flag.severity != "high")


def _mode_collapse(report: Report) -> Flag | None:
    """High precision with low recall or coverage, or rows that repeat: the model makes few kinds of individuals."""
    repeated, usual = report.metric("duplicates").value, report.metric("duplicates").ceiling or 0.0
    if repeated is not None and repeated > usual + 0.05:
        return Flag(
            "mode_collapse",
            "high",
            f"{_percent(repeated)} of the synthetic individuals are identical to another one ({_percent(usual)} of the "
            "real ones are).",
            "Train with more latent noise or a larger batch, or stop at an earlier checkpoint with a higher recall.",
        )
    precision, recall, coverage = (_fair(report.metric(name)) for name in ("precision", "recall", "coverage"))
    if precision is None or recall is None:
        return None
    spread = min(_of_ceiling(recall), 1.0 if coverage is None else _of_ceiling(coverage))
    near = report.metric("aa_synthetic").value or 0.0
    # What is made need not be good to be all alike: some of it plausible, and nearer to itself than to anybody real.
    alike = _of_ceiling(recall) < 0.4 and recall[0] < recall[1] and _of_ceiling(precision) > 0.3 and near > 0.75
    if spread > 0.6 or (_of_ceiling(precision) < 0.9 and not alike):
        return None
    covered = "" if coverage is None else f", coverage {_against(coverage)}"
    quality = "plausible" if _of_ceiling(precision) >= 0.9 else "alike"
    return Flag(
        "mode_collapse",
        "high" if spread < 0.4 else "medium",
        f"Precision {_against(precision)} but recall {_against(recall)}{covered}: what is made is {quality}, and most "
        "of what is real is never made.",
        "Choose the checkpoint by recall, train longer with more critic steps or a lower learning rate, sample calls "
        "instead of taking the likeliest one; do not read precision alone.",
    )


def _frequency_distortion(report: Report) -> Flag | None:
    """The Matthew effect: frequent alleles get more frequent and heterozygotes go; or rare alleles are inflated."""
    says = []
    worst = 0.0
    matthew = False
    slope, ratio = _frequency_gap(report, "matthew_slope"), _frequency_gap(report, "heterozygosity_ratio")
    if slope is not None:
        says.append(f"allele frequency slope {slope[0]:.2f} (real {slope[1]:.2f})")
        worst, matthew = abs(slope[0] - slope[1]), slope[0] > slope[1]
    if ratio is not None and ratio[0] < ratio[1]:
        says.append(f"heterozygosity ratio {ratio[0]:.2f} (real {ratio[1]:.2f})")
        worst, matthew = max(worst, ratio[1] - ratio[0]), True
    if not says:
        return None
    return Flag(
        "frequency_distortion",
        "high" if worst > 0.15 else "medium",
        "Frequencies are distorted: " + "; ".join(says) + ".",
        "Frequent alleles gain (the Matthew effect): draw each call from its probabilities instead of taking the "
        "likeliest, start the output at the observed frequencies, and compare rare bins on the Frequencies page."
        if matthew
        else "Rare alleles are inflated: lower the temperature of the output, or start it at the observed frequencies.",
    )


def _heterozygotes_inflated(report: Report) -> Flag | None:
    """More heterozygotes than real individuals have, as rounded principal components and noise in the output give."""
    ratio = _frequency_gap(report, "heterozygosity_ratio")
    common = _frequency_gap(report, "heterozygosity_ratio", "common_ratio")
    # Of two ratios the larger; where one allele is rare, rounding takes the heterozygotes that it adds elsewhere.
    inflated = [
        (one, where) for one, where in ((ratio, ""), (common, " at common variants")) if one and one[0] > one[1]
    ]
    if not inflated:
        return None
    (value, usual), where = max(inflated)
    return Flag(
        "heterozygotes_inflated",
        "high" if value - usual > 0.15 else "medium",
        f"Heterozygotes are inflated{where}: {value:.2f} for each one expected (real {usual:.2f}).",
        "Values between genotypes were rounded to the middle one, the likeliest call was taken, or the output is too "
        "noisy: replace rounding by thresholds at each variant's own genotype frequencies (decoding by thresholds), "
        "draw each call from its probabilities, or lower the temperature.",
    )


def _rare_alleles_lost(report: Report) -> Flag | None:
    """Alleles that few real individuals carry and no synthetic one does."""
    lost = report.metric("rare_alleles_lost")
    if lost.value is None:
        return None
    # Chance loses alleles too, more in the ceiling's smaller halves; the null loses them at the value's size.
    usual = max(lost.null or 0.0, lost.ceiling or 0.0)
    if lost.value - usual <= 0.05 or (lost.value - usual) * lost.params.get("rare", 0) < 3:
        return None
    return Flag(
        "rare_alleles_lost",
        "high" if lost.value - usual > 0.3 else "medium",
        f"{_percent(lost.value)} of the rare alleles are gone ({_percent(usual)} by chance).",
        "Rounding and taking the likeliest call never emit a rare genotype: draw calls from their probabilities, or "
        "cut them at each variant's own genotype frequencies; compare rare bins on the Frequencies page.",
    )


def _frequency_gap(report: Report, name: str, part: str = "") -> tuple[float, float] | None:
    """A ratio (or a part of it from its params) and that of real individuals, where they differ by more than chance."""
    one = report.metric(name)
    value = one.params.get(part) if part else one.value
    if value is None:
        return None
    usual = 1.0 if one.ceiling is None else one.ceiling
    # Real samples of n individuals of a structured population differ by up to about 1/√n.
    chance = max(0.05, one.params.get("n", 400) ** -0.5)
    return (value, usual) if abs(value - usual) > chance else None


def _misleading_aats(report: Report) -> Flag | None:
    """AA truth and AA synthetic on opposite sides of 0.5, so that their mean hides most of the worse one."""
    truth, synthetic, both = (report.metric(name).value for name in ("aa_truth", "aa_synthetic", "aats"))
    if truth is None or synthetic is None or both is None:
        return None
    worse = max(abs(truth - 0.5), abs(synthetic - 0.5))
    # Four standard errors of a share of n: small cohorts stray from 0.5 by chance.
    chance = 4 * 0.5 / max(1, report.metric("aats").params.get("n", 1000)) ** 0.5
    if (truth - 0.5) * (synthetic - 0.5) >= 0 or worse < max(0.15, chance) or abs(both - 0.5) > 0.4 * worse:
        return None
    return Flag(
        "misleading_aats",
        "high" if worse > 0.3 else "medium",
        f"AATS {both:.2f} is the mean of AA truth {truth:.2f} and AA synthetic {synthetic:.2f}, which fail in opposite "
        "directions.",
        "Do not read this AATS as good: the synthetic individuals lie closer together than real ones (AA synthetic "
        "high: too little variety)."
        if synthetic > 0.5
        else "Do not read this AATS as good: the synthetic individuals are scattered more widely than real ones (AA "
        "truth high: noise in place of structure).",
    )


def _copying(report: Report) -> Flag | None:
    """Synthetic individuals that are, or stand closer than chance to, single training individuals."""
    copied, usual = report.metric("copies").value, report.metric("copies").ceiling or 0.0
    near, loss = report.metric("aats_train").value, report.metric("privacy_loss").value
    says = []
    high = False
    if copied is not None and copied > usual + 0.01:
        says.append(f"{_percent(copied)} of the synthetic individuals equal a training individual at every call")
        high = copied > usual + 0.05
    if near is not None and near < 0.35 and (loss is None or loss > 0.05):
        # Without privacy loss a low value is collapse, not memory: unseen individuals are as near as seen ones.
        says.append(f"AATS against the training individuals is {near:.2f} (0.5 without memory)")
    if loss is not None and loss > 0.1:
        chance = report.metric("privacy_loss").ceiling or 0.0
        says.append(f"privacy loss is {loss:.2f} ({chance:.2f} for real individuals)")
        high = high or loss > 0.2
    if not says:
        return None
    return Flag(
        "copying",
        "high" if high else "medium",
        _sentence("; ".join(says)),
        "Do not share these individuals. Train on more individuals, with a smaller model or for fewer epochs, and "
        "look at the Privacy page.",
    )


def _membership(report: Report) -> Flag | None:
    """Training individuals that an attacker tells from strangers by distance alone."""
    plain, calibrated = report.metric("membership_auc"), report.metric("membership_auc_calibrated")
    known = [one for one in (plain, calibrated) if one.value is not None]
    worst = max(known, key=lambda one: one.value or 0.0, default=None)
    if worst is None or worst.value is None:
        return None
    # Three standard errors of the area without memory, √(1/6n).
    chance = max(0.05, 3 * (6 * worst.params.get("members", 400)) ** -0.5)
    if worst.value <= max(0.5, worst.ceiling or 0.0) + chance:
        return None
    return Flag(
        "membership",
        "high" if worst.value > 0.7 else "medium",
        f"An attacker who holds genotypes tells training individuals from strangers in {_percent(worst.value)} of "
        f"pairs ({worst.label}; 50% is guessing).",
        "Synthetic individuals lie nearer to training individuals than to others: train on more individuals or for "
        "fewer epochs, and look at the Privacy page before sharing.",
    )


def _lost_linkage(report: Report) -> Flag | None:
    """Linkage nearer to that of independent sites than to the real one."""
    for name, least in (("ld_decay_rmse", 0.005), ("ld_r", 0.1)):
        fair = _fair(report.metric(name))
        if fair is None:
            continue
        value, null, ceiling = fair
        rows = report.curve("ld_decay")
        real, made = (sum(row[column] or 0.0 for row in rows) for column in ("real", "synthetic"))
        if name == "ld_decay_rmse" and rows and made >= 0.9 * real:
            continue
        # How far the value stands on the way from null to ceiling, where these are far enough apart to tell.
        fraction = (value - null) / (ceiling - null) if abs(ceiling - null) >= least else 1.0
        if fraction < 0.6:
            near = ""
            if rows:
                real, made = rows[0]["real"], rows[0]["synthetic"]
                near = f"; mean r² at the shortest distance {made:.3f} (real {real:.3f})"
            return Flag(
                "lost_linkage",
                "high" if fraction < 0.3 else "medium",
                f"{report.metric(name).label} stands at {max(fraction, 0.0):.0%} of the way from independent sites to "
                f"real data ({_against(fair)}, independent sites {null:.3g}){near}.",
                "Variants are drawn too independently: lower the output temperature, train longer, widen the layer "
                "before the output, or use a model that knows positions (haplotype mosaic).",
            )
    return None


def _spurious_linkage(report: Report) -> Flag | None:
    """More linkage between far variants than the real individuals have."""
    one = report.metric("ld_long_range_error")
    if one.value is None or not {"real", "synthetic"} <= set(one.params):
        return None
    real, made = one.params["real"], one.params["synthetic"]
    chance = one.ceiling or 0.0
    if made - real < max(0.01, 3 * chance, 0.25 * real):
        return None
    return Flag(
        "spurious_linkage",
        "high" if made - real > 0.05 else "medium",
        f"Mean r² between far variants is {made:.3f} in synthetic and {real:.3f} in real individuals.",
        "Too few kinds of individuals, or populations set too far apart, link everything with everything: check "
        "recall and the Structure page, and raise the latent size.",
    )


def _lost_association(report: Report) -> Flag | None:
    """Effects on the phenotype nearer to those of independent sites than to the real ones."""
    one = report.metric("gwas_effect_r")
    fair = _fair(one)
    if fair is None or fair[2] - fair[1] < 0.2:
        return None
    value, null, ceiling = fair
    fraction = max(0.0, (value - null) / (ceiling - null))
    if fraction >= 0.6:
        return None
    names = ", ".join(one.params.get("phenotypes", {}))
    return Flag(
        "lost_association",
        "high" if fraction < 0.3 else "medium",
        f"The association of variants with {names} correlates {_against(fair)}: {fraction:.0%} of the way from "
        "independent sites to real individuals.",
        "The model heeds the phenotype too little: condition it on the phenotype, train longer or with a larger weight "
        "of the condition, and look at the Association page. Do not use these individuals for association.",
    )


def _population_missing(panel: Panel) -> Flag | None:
    """A population of the reference that no or hardly any synthetic individual belongs to (by its labels)."""
    real, made = panel.value.reference.genotypes, panel.value.candidate.genotypes
    absent: list[str] = []
    for column, labels in real.labels.items():
        made_labels = made.labels.get(column)
        if made_labels is None or not (made_labels != "").any():
            continue
        for name in sorted(set(labels.tolist()) - {""}):
            expected = float((labels == name).mean()) * made.n
            # A tenth of an expectation of at least five has a chance below 1 in 100 under random sampling.
            if expected >= 5 and int((made_labels == name).sum()) < 0.1 * expected:
                absent.append(f"{name} ({int((made_labels == name).sum())} of {expected:.0f} expected)")
        if absent:
            break
    if not absent:
        return None
    listed = ", ".join(absent[:5]) + ("" if len(absent) <= 5 else f" and {len(absent) - 5} more")
    return Flag(
        "population_missing",
        "medium",
        f"Synthetic individuals of these populations are missing: {listed}.",
        "Sample with the labels of the real individuals as conditions, or train a model conditional on the population.",
    )


def _genotypes_lost(panel: Panel) -> Flag | None:
    """Minority genotypes of a variant that no synthetic individual has, as the likeliest call of all never is one."""
    real, made = panel.value.reference, panel.value.candidate
    share = genotype_frequencies(real)
    # Ten expected individuals or more are all missed by chance once in 20,000 times.
    minority = (share < 0.25) & (share * min(real.n, made.n) >= 10)
    number = int(minority.sum())
    if number < 10:
        return None
    lost, usual = (float((side.genotype_counts.T[minority] == 0).mean()) for side in (made, panel.null.candidate))
    if lost - usual <= 0.1:
        return None
    return Flag(
        "genotypes_lost",
        "high" if lost - usual > 0.3 else "medium",
        f"{_percent(lost)} of the minority genotypes of variants ({number:,} that at most a quarter of the real "
        f"individuals have) are never made ({_percent(usual)} by chance).",
        "The likeliest call is never the minority's: draw each call from its probabilities (decoding: sampled), or cut "
        "values at each variant's own genotype frequencies; see the Frequencies page.",
    )


_CHECKS: tuple[Callable[[Report], Flag | None], ...] = (
    _mode_collapse,
    _frequency_distortion,
    _heterozygotes_inflated,
    _rare_alleles_lost,
    _misleading_aats,
    _copying,
    _membership,
    _lost_linkage,
    _spurious_linkage,
    _lost_association,
)

# (value, null, ceiling) of a metric, at one size.
_Fair = tuple[float, float, float]


def _fair(one: Measurement) -> _Fair | None:
    """Value, null and ceiling measured at the same size, or None where one is lacking."""
    if one.value is None or one.ceiling is None:
        return None
    value, null = (one.matched["value"], one.matched["null"]) if one.matched else (one.value, one.null)
    return None if value is None or null is None else (float(value), float(null), one.ceiling)


def _of_ceiling(fair: _Fair) -> float:
    return fair[0] / fair[2] if fair[2] > 0 else 1.0


def _against(fair: _Fair) -> str:
    return f"{fair[0]:.3g} against {fair[2]:.3g} for real data"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
