"""What each number of a set report is called, which way is better, and what it means."""

from __future__ import annotations

from typing import Any

METRICS: dict[str, dict[str, Any]] = {
    "reconstruction_w2": {
        "label": "Reconstruction error (W2)",
        "direction": "lower",
        "target": None,
        "help": "Optimal-transport distance between a held-out half of a set and as many observations regenerated "
        "from the latent of its other half. Ceiling: the distance of the two real halves. Null: the mean alone.",
        "source": "Fishman et al. 2025, section 5, with floor and null",
    },
    "reconstruction_fraction": {
        "label": "Reconstruction error, 0 = floor, 1 = mean only",
        "direction": "lower",
        "target": None,
        "help": "Where the error lies between its sampling floor (0) and a model that knows only the mean (1).",
        "source": "Popscape",
    },
    "variance_ratio": {
        "label": "Variance, generated / real",
        "direction": "target",
        "target": 1.0,
        "help": "Total variance of regenerated observations over that of the real ones, median over sets; "
        "below 1 the generator is too sure of itself.",
        "source": "Popscape",
    },
    "cycle_error": {
        "label": "Cycle error",
        "direction": "lower",
        "target": None,
        "help": "Distance between a latent and the latent of what it generates, in units of the latents' spread. "
        "Ceiling: the latents of two real halves.",
        "source": "Fishman et al. 2025, appendix E (latent reconstruction)",
    },
    "latent_w2_spearman": {
        "label": "Latent distance against W2 (rank correlation)",
        "direction": "higher",
        "target": None,
        "help": "Rank correlation of latent distances with optimal-transport distances over held-out pairs of sets; "
        "the mean, mean and covariance, and a kernel mean stand beside it as the trivial embeddings.",
        "source": "Fishman et al. 2025, figure 10, with baselines",
    },
    "invariance_error": {
        "label": "Invariance error",
        "direction": "lower",
        "target": None,
        "help": "Largest move of a latent when observations are permuted or repeated 2, 3 or 7 times, "
        "in units of the latents' spread.",
        "source": "Fishman et al. 2025, definition 1",
    },
    "set_size_leakage_r2": {
        "label": "Set-size leakage (R²)",
        "direction": "lower",
        "target": None,
        "help": "How well a linear probe reads the number of observations off the latent; at most 0 where it cannot.",
        "source": "Popscape",
    },
}
