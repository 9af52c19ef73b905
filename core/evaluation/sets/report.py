"""The report of a set model: every number with its floor or ceiling, its null, and what to do where it is bad."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.effects import effects
from core.evaluation.sets.flags import flags
from core.evaluation.sets.geometry import BASELINES, invariance, set_size_curve, shepard, spearman
from core.evaluation.sets.held_effects import held_effects
from core.evaluation.sets.lineage import early_late
from core.evaluation.sets.maps import maps
from core.evaluation.sets.metrics import METRICS
from core.evaluation.sets.probes import probes
from core.evaluation.sets.reconstruction import LEAST, latent_spread, reconstruct
from core.evaluation.sets.space import Subject

DRAWS = 500
SAMPLED_SETS = 200
SAMPLES = 300
FEWEST = 3  # regenerated sets that a score and its interval rest on


def evaluate_sets(
    subject: Subject, *, out: Path | None = None, names: dict[str, str] | None = None, version: str = ""
) -> dict[str, Any]:
    """Judge a model on its held-out sets; writes report.json and arrays/*.npz into `out`.

    Metrics: see `METRICS`. Curves: "shepard", "reconstruction", "set_size", "probes"; "early_late" (early and late
    sets of a unit), "effects" (conditions carried over to held-out units) and "held_effects" (held-out
    perturbations), each with values or the reason why there are none.
    """
    started = time.monotonic()
    rebuilt, pairs = reconstruct(subject), shepard(subject)
    sizes, leak = set_size_curve(subject)
    values = {
        **_reconstruction(rebuilt, subject),
        **_geometry(pairs, subject),
        "invariance_error": _entry(invariance(subject), params={"copies": [2, 3, 7]}),
        "set_size_leakage_r2": _entry(leak),
    }
    report: dict[str, Any] = {
        "schema": 1,
        "kind": "sets",
        **(names or {}),
        "version": version,
        "seed": subject.seed,
        "n": {"sets": subject.sets.s, "train": len(subject.train), "holdout": len(subject.holdout)},
        "space": subject.space.description,
        "judged": "holdout" if len(subject.holdout) >= 2 else "train",
        "metrics": {name: METRICS[name] | value for name, value in values.items()},
        "curves": {
            "shepard": pairs,
            "reconstruction": rebuilt,
            "set_size": sizes,
            "probes": probes(subject),
            "early_late": early_late(subject),
            "effects": effects(subject),
            "held_effects": held_effects(subject),
        },
    }
    report["flags"] = flags(report)
    arrays = _arrays(subject)
    report["seconds"] = round(time.monotonic() - started, 2)
    if out is not None:
        (out / "arrays").mkdir(parents=True, exist_ok=True)
        for stem, columns in arrays.items():
            np.savez_compressed(out / "arrays" / f"{stem}.npz", **columns)  # type: ignore[arg-type]
        partial = out / "report.json.partial"
        partial.write_text(json.dumps(_plain(report)), encoding="utf-8")
        partial.rename(out / "report.json")
    return report


def _reconstruction(rows: list[dict[str, Any]], subject: Subject) -> dict[str, dict[str, Any]]:
    names = ("reconstruction_w2", "reconstruction_fraction", "variance_ratio", "cycle_error")
    if len(rows) < FEWEST:
        reason = (
            f"{len(rows)} judged sets have {LEAST} observations or more, which two halves need; {FEWEST} are needed."
        )
        return {name: _entry(None, reason=reason) for name in names}
    column = {key: np.array([r[key] for r in rows], dtype=np.float64) for key in rows[0] if key != "set"}
    draws = subject.rng(7).integers(len(rows), size=(DRAWS, len(rows)))

    def fraction(index: npt.NDArray[Any]) -> float:
        w2, floor, null = (_rms(column[k][index]) for k in ("w2", "floor", "mean_only"))
        return (w2 - floor) / (null - floor) if null > floor else float("nan")

    spread = latent_spread(subject.latents)
    everyone = np.arange(len(rows))
    params = {"sets": len(rows), "n": int(column["n"].max()), "space": subject.space.description}
    return {
        "reconstruction_w2": _interval(lambda i: _rms(column["w2"][i]), everyone, draws)
        | {"ceiling": _rms(column["floor"]), "null": _rms(column["mean_only"]), "params": params},
        "reconstruction_fraction": _interval(fraction, everyone, draws)
        | {"ceiling": 0.0, "null": 1.0, "params": params},
        "variance_ratio": _interval(lambda i: float(np.median(column["variance_ratio"][i])), everyone, draws)
        | {"params": params},
        "cycle_error": _interval(lambda i: float(np.mean(column["cycle"][i])) / spread, everyone, draws)
        | {"params": params},
    }


def _geometry(pairs: list[dict[str, Any]], subject: Subject) -> dict[str, dict[str, Any]]:
    if len(pairs) < 10:
        return {"latent_w2_spearman": _entry(None, reason=f"{len(pairs)} pairs of judged sets; 10 are needed.")}
    column = {key: np.array([r[key] for r in pairs]) for key in ("w2", "latent", *BASELINES)}
    # Pairs that share a set are not independent: sets are resampled, and a pair counts as often as both its sets.
    names = sorted({r[side] for r in pairs for side in ("a", "b")})
    place = {name: i for i, name in enumerate(names)}
    a, b = (np.array([place[r[side]] for r in pairs]) for side in ("a", "b"))
    rng = subject.rng(8)
    draws = []
    for _ in range(200):
        count = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        index = np.repeat(np.arange(len(pairs)), count[a] * count[b])
        if len(index) > 2:
            draws.append(spearman(column["w2"][index], column["latent"][index]))
    low, high = np.nanquantile(draws, [0.025, 0.975])
    baselines = {name: spearman(column["w2"], column[name]) for name in BASELINES}
    entry = _entry(spearman(column["w2"], column["latent"]), params={"pairs": len(pairs)})
    return {
        "latent_w2_spearman": entry
        | {"low": float(low), "high": float(high), "baselines": baselines, "null": baselines["mean"]}
    }


def _rms(v: npt.NDArray[Any]) -> float:
    return float(np.sqrt(np.square(v).mean()))


def _interval(
    statistic: Callable[[npt.NDArray[Any]], float], everyone: npt.NDArray[Any], draws: npt.NDArray[Any]
) -> dict[str, Any]:
    boot = np.array([statistic(d) for d in draws])
    low, high = np.nanquantile(boot, [0.025, 0.975])
    return _entry(statistic(everyone)) | {"low": float(low), "high": float(high)}


def _entry(value: float | None, *, reason: str | None = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
    if value is not None and not np.isfinite(value):
        value, reason = None, reason or "Undefined for these sets (too few, too small or without variation)."
    return {
        "value": value,
        "low": None,
        "high": None,
        "null": None,
        "ceiling": None,
        "params": params or {},
        "reason": reason,
    }


def _arrays(subject: Subject) -> dict[str, dict[str, npt.NDArray[Any]]]:
    split = np.full(subject.sets.s, "train")
    split[subject.holdout] = "holdout"
    rng = subject.rng(9)
    held = rng.permutation(subject.judged)
    chosen = np.concatenate([held, np.setdiff1d(rng.permutation(subject.sets.s), held, assume_unique=False)])
    chosen = np.sort(chosen[:SAMPLED_SETS])
    real, made, offsets = [], [], [0]
    for i in chosen:
        x = subject.observations(i)
        x = x[rng.permutation(len(x))[:SAMPLES]]
        y = subject.generate(subject.latents[i][None], len(x), int(rng.integers(2**31)))[0]
        real.append(x)
        made.append(subject.sets.observation.generated(y))
        offsets.append(offsets[-1] + len(x))
    return {
        "latents": {"z": subject.latents, "set_id": subject.sets.set_id, "split": split},
        "maps": maps(subject),
        "samples": {
            "set": chosen,
            "offsets": np.array(offsets),
            "real": np.concatenate(real),
            "generated": np.concatenate(made),
        },
    }


def _plain(value: Any) -> Any:
    """JSON types; numbers that JSON has no word for become null."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
