"""Reports and arrays to draw: what the tests of figures have in common."""

from __future__ import annotations

import numpy as np

from core.plots.precision_recall import PANELS
from core.reports.arrays import Frequencies, Scores
from core.reports.linkage_bands import pack
from core.reports.linkage_windows import contigs
from core.reports.report import Report
from core.reports.standing import Candidate

RNG = np.random.default_rng(3)


def report(shift: float = 0.0) -> Report:
    """A report with one of everything that is drawn."""
    entry = {"value": 0.5 + shift, "low": 0.4, "high": 0.6, "null": 0.1, "ceiling": 0.9, "direction": "higher"}
    ks = [{"k": k, **{p + n: 0.5 for p in ("", "null_", "ceiling_") for n in PANELS}} for k in (3, 5, 10)]
    where = [
        {"distance": d, "count": 9, "real": 0.4, "synthetic": 0.3, "null": 0.0, "ceiling": 0.4} for d in (1e3, 1e4)
    ]
    bins = [{"low": 0.0, "high": 0.1, "count": 5, "rmse": 0.01, "null_rmse": 0.02, "ceiling_rmse": None}]
    groups = [{"column": "population", "population": "A<b>", "n": 30, "n_synthetic": 3, "k": 5, "recall": 0.7}]
    content = {
        "n": {"synthetic": 40, "reference": 40, "variants": 30},
        "seed": 1,
        "metrics": {"ld_r": entry, "recall": {**entry, "value": None, "reason": "Too few <i>individuals</i>."}},
        "curves": {
            "precision_recall": ks,
            "precision_recall_by_population": groups,
            "ld_decay": where,
            "allele_frequency_bins": bins,
        },
        "flags": [
            {"name": "lost_linkage", "severity": "high", "evidence": "<script>1</script>", "advice": "Train longer."}
        ],
    }
    return Report(content)


CANDIDATES = [Candidate("WGAN-GP", "wgan_gp", report()), Candidate("Mosaic <b>", "haplotype_mosaic", report(0.1))]


def window(size: int, width: int = 600, low: float = 0, high: float = 1e9):
    """A window of a contig of `size` variants 1 kb apart, with random r²; and the two matrices behind it."""
    matrices = {}
    stored = {
        "contig": np.array(["1"]),
        "position_0": np.arange(1, size + 1) * 1000,
        "id_0": np.array([f"v{i}" for i in range(size)]),
    }
    for name in ("real", "synthetic"):
        values = RNG.random((size, size))
        matrices[name] = (values + values.T) / 2
        band = np.full((size, min(width, size - 1)), np.nan)
        for step in range(band.shape[1]):
            band[: size - 1 - step, step] = np.diagonal(matrices[name], step + 1)
        stored[f"{name}_0"] = pack(band)
    if size > width + 1:
        edges = np.linspace(0, size, 11).astype(int)
        stored["overview_edges_0"] = edges
        for name, matrix in matrices.items():
            stored[f"overview_{name}_0"] = matrix[np.ix_(edges[:-1], edges[:-1])].astype(np.float16)
    return contigs(stored)["1"].window(low, high), matrices


def frequency_data(m: int) -> Frequencies:
    p = RNG.random(m)
    made = np.clip(p + RNG.normal(0, 0.05, m), 0, 1)
    shares = [np.stack([(1 - q) ** 2, 2 * q * (1 - q), q**2]) for q in (p, made)]
    return Frequencies(p, made, shares[0], shares[1], 50, 50, [f"v{i}" for i in range(m)])


def score_data() -> Scores:
    labels = {"population": RNG.choice(["A", "B", ""], 60)}
    real, made = (RNG.normal(size=(60, 4)).astype(np.float32) for _ in range(2))
    names = [np.array([f"{kind}_{i}" for i in range(60)]) for kind in ("real", "made")]
    return Scores(real, made, np.array([0.3, 0.2, 0.1, 0.05]), *names, real, labels, labels)
