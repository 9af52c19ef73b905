"""What is wrong with a set model, the evidence, and what to do: the troubleshooting questions as checks."""

from __future__ import annotations

from core.reports.report import Flag, Report


def flags(report: Report) -> list[Flag]:
    """Each check that failed; an empty list where nothing is wrong."""
    value = {name: one.value for name, one in report.metrics.items() if one.value is not None}
    failed: list[Flag] = []

    def add(*facts: str) -> None:
        failed.append(Flag(*facts))

    ratio = value.get("variance_ratio")
    if ratio is not None and ratio < 0.8:
        add(
            "Variance collapse",
            "high",
            f"Regenerated sets keep {ratio:.0%} of the real variance.",
            "Train longer or wider; if the generator is the published CVAE, which drops it by construction, choose one "
            "that learns its variance (flow, cvae). Images lose some where pixels are cut at black and white.",
        )
    elif ratio is not None and ratio > 1.25:
        add(
            "Too much variance",
            "medium",
            f"Regenerated sets have {ratio:.2f} times the real variance.",
            "Train longer, or give the generator more width; check that sets are not mixed at random.",
        )
    fraction = value.get("reconstruction_fraction")
    if fraction is not None and fraction > 0.9:
        add(
            "No better than the mean",
            "high",
            f"The reconstruction error stands at {fraction:.2f} between the floor (0) and the mean-only model (1).",
            "Check the invariance error first, then train longer, then take an encoder with second moments "
            "(resnet_gnn) or a wider latent.",
        )
    geometry = report.metric("latent_w2_spearman")
    name, best = geometry.best_baseline
    if geometry.value is not None and best is not None and best > geometry.value + 0.01:
        add(
            "A trivial embedding does better",
            "medium",
            f"Latent distances rank pairs with {geometry.value:.3f}, the {name.replace('_', ' and ')} alone with "
            f"{best:.3f}.",
            "Raise model.metric_weight, or use the trivial embedding: on these data nothing more is needed.",
        )
    if value.get("invariance_error", 0.0) > 1e-2:
        add(
            "Not invariant",
            "high",
            f"A latent moves by {value['invariance_error']:.3f} of the latents' spread when observations are repeated.",
            "Use an encoder from the registry; sums and batch norm over sets break invariance.",
        )
    if value.get("set_size_leakage_r2", 0.0) > 0.3:
        add(
            "The set size leaks",
            "medium",
            f"A linear probe reads the number of observations with R² {value['set_size_leakage_r2']:.2f}.",
            "Compare sets of like size: an exact part (model.exact) draws small ones towards all. What is learned by "
            "steps sees more sizes with a wider model.context_min and model.context_max.",
        )
    failed += _of_sequences(report)
    small = [row["n"] for row in report.curve("reconstruction")]
    if small and sorted(small)[len(small) // 2] < 15:
        add(
            "Small sets",
            "low",
            f"Half of the judged sets have fewer than {2 * sorted(small)[len(small) // 2] + 1} observations.",
            "Raise dataset.min_samples, merge sets, or mix them in training (mixer=dirichlet_k); "
            "the uncertainty of each latent is shown on the Atlas.",
        )
    return failed


def _of_sequences(report: Report) -> list[Flag]:
    """Copies beyond those of real sequences, and generated sequences less alike than position weights make them."""
    failed = []
    copies = report.metric("sequence_copies")
    if copies.value is not None and copies.params.get("over_ceiling", [0.0])[0] > 0:
        failed.append(
            Flag(
                "Copies training sequences",
                "high",
                f"{copies.value:.1%} of the generated sequences equal a training sequence, of the held-out real ones "
                f"{copies.ceiling or 0.0:.1%}.",
                "Stop the training earlier, take a narrower generator or more dropout; do not share these sequences "
                "as new ones.",
            )
        )
    likelihood, words = report.metric("sequence_likelihood"), report.metric("sequence_kmer_distance")
    worse = []
    if likelihood.value is not None and likelihood.params.get("over_pooled", [0.0, 0.0])[1] < 0:
        worse.append(f"log-likelihood per letter {likelihood.value:.3f}, position weights {likelihood.null or 0.0:.3f}")
    if words.value is not None and words.params.get("over_pooled", [0.0, 0.0])[0] > 0:
        worse.append(f"distance of k-mers {words.value:.3f}, position weights {words.null or 0.0:.3f}")
    if worse:
        failed.append(
            Flag(
                "Worse than position weights",
                "high",
                f"On held-out halves: {'; '.join(worse)}.",
                "Train longer; where the loss of held-out sets rises, train less or with fewer parameters.",
            )
        )
    return failed
