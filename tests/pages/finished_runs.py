"""Finished runs for the tests and pictures of pages: real reports of simple generators, without training anything."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.config.evaluation import EvaluationConfig
from core.data.dataset import Dataset
from core.data.genotypes import Calls, Genotypes
from core.evaluation.report import evaluate

Generator = Callable[[Calls, int, np.random.Generator], Calls]


def independent_sites(train: Calls, n: int, rng: np.random.Generator) -> Calls:
    """Each call from a random individual of its own: frequencies kept, linkage lost."""
    return np.take_along_axis(train, rng.integers(0, len(train), (n, train.shape[1])), axis=0)


def resample(train: Calls, n: int, rng: np.random.Generator) -> Calls:
    """Training individuals, copied."""
    return train[rng.integers(0, len(train), n)]


def haplotype_mosaic(train: Calls, n: int, rng: np.random.Generator) -> Calls:
    """Blocks of about 25 variants (fewer where there are few), each from a random individual."""
    switch = rng.random((n, train.shape[1])) < 1 / min(25, train.shape[1] / 15)
    switch[:, 0] = True
    start = np.maximum.accumulate(np.where(switch, np.arange(train.shape[1]), 0), axis=1)
    source = np.take_along_axis(rng.integers(0, len(train), switch.shape), start, axis=1)
    return np.take_along_axis(train, source, axis=0)


def wgan_gp(train: Calls, n: int, rng: np.random.Generator) -> Calls:
    """A mosaic with one call in seven at the commonest genotype: what a generator that loses variety makes."""
    calls = haplotype_mosaic(train, n, rng)
    common = np.array([np.bincount(c[c >= 0], minlength=3).argmax() for c in train.T], dtype=np.int8)
    return np.where(rng.random(calls.shape) < 1 / 7, common, calls).astype(np.int8)


GENERATORS: dict[str, tuple[str, Generator]] = {
    "wgan_gp": ("WGAN-GP", wgan_gp),
    "haplotype_mosaic": ("Haplotype mosaic", haplotype_mosaic),
    "independent_sites": ("Independent sites", independent_sites),
    "resample": ("Resampled individuals", resample),
}


def make(root: Path, dataset: Dataset, names: Sequence[str] = tuple(GENERATORS), bootstrap: int = 20) -> list[Path]:
    """Write a finished run with its report below `root` for each generator in `names`; their directories."""
    genotypes, split = dataset.genotypes(), dataset.split()
    train, holdout = genotypes.individuals(split.train), genotypes.individuals(split.holdout)
    made = []
    for k, name in enumerate(names):
        title, generator = GENERATORS[name]
        synthetic = _synthetic(train, generator, holdout.n, np.random.default_rng(k))
        path = _directory(root, dataset, name, title, created=f"2026-01-0{k + 1}T00:00:00+00:00")
        evaluate(train, synthetic, holdout=holdout, seed=42, options=EvaluationConfig(bootstrap=bootstrap), out=path)
        made.append(path)
    return made


def multiply(root: Path, path: Path, count: int) -> None:
    """`count` copies of the finished run at `path`, each under an id of its own."""
    for k in range(count):
        copy = root / secrets.token_hex(16)
        shutil.copytree(path, copy)
        config = json.loads((copy / "config.json").read_text())
        created = f"2026-02-{k % 27 + 1:02d}T{k % 24:02d}:00:00+00:00"
        (copy / "config.json").write_text(json.dumps({**config, "created": created}))


def broken(root: Path, dataset: Dataset, reason: str) -> Path:
    """A run that failed before it had a report."""
    path = _directory(root, dataset, "wgan_gp", "WGAN-GP", created="2026-03-01T00:00:00+00:00")
    (path / "status.json").write_text(
        json.dumps({"state": "failed", "reason": reason, "ended": "2026-03-01T00:05:00Z"})
    )
    return path


def _directory(root: Path, dataset: Dataset, name: str, title: str, created: str) -> Path:
    path = root / secrets.token_hex(16)
    path.mkdir(parents=True)
    config: dict[str, Any] = {
        "schema": 1,
        "name": name,
        "title": title,
        "kind": "genotypes",
        "dataset": {"id": dataset.meta.id, "name": dataset.meta.name},
        "model": {"name": name},
        "training": {"epochs": 100 if name == "wgan_gp" else 0},
        "seed": 42,
        "created": created,
    }
    (path / "config.json").write_text(json.dumps(config))
    (path / "status.json").write_text(json.dumps({"state": "succeeded", "reason": "Finished.", "created": created}))
    rows = [{"step": 10 * e, "epoch": e, "time": 0.0, "name": "loss", "value": 1 / (e + 1)} for e in range(0, 101, 10)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _synthetic(train: Genotypes, generator: Generator, n: int, rng: np.random.Generator) -> Genotypes:
    """`n` individuals made within the populations of `train`, in its proportions, labelled by them."""
    labels = next(iter(train.labels.values()), np.zeros(train.n))
    drawn = np.sort(rng.choice(train.n, n, replace=n > train.n))
    calls = np.empty((n, train.m), dtype=np.int8)
    for population in np.unique(labels):
        here = labels[drawn] == population
        calls[here] = generator(train.calls[labels == population], int(here.sum()), rng)
    ids = np.array([f"synthetic_{i + 1}" for i in range(n)])
    return replace(train.individuals(drawn), calls=calls, sample_id=ids)
