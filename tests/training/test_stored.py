"""Training data that stay on disk: the same numbers as in memory, and a plain sentence where that cannot be."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.data.genotypes import Genotypes, from_calls
from core.data.split import Split
from core.errors import InputError
from core.models.gde.data import draw
from core.models.genotype.vae import Vae
from core.models.registry import build
from core.training import checkpoints, stored
from core.training.data import prepare_split
from core.training.loop import fit
from core.training.set_data import load_sets
from core.training.stored import Shelf, stays_on_disk
from tests.sets import from_groups
from tests.training.test_loop import Recorder

CONFIG = TrainingConfig(epochs=2, batch_size=32, device="cpu", score="last")
SPLIT = Split(np.arange(0, 200, 2), np.arange(1, 200, 4))


@pytest.fixture
def genotypes() -> Genotypes:
    rng = np.random.default_rng(3)
    population = rng.integers(0, 3, 200)
    calls = rng.binomial(2, rng.uniform(0.1, 0.9, (3, 40))[population]).astype(np.int8)
    calls[rng.random(calls.shape) < 0.2] = -1
    return from_calls(calls, labels={"population": np.array(["a", "b", ""])[population]})


@pytest.mark.parametrize("name", ["vae", "pca_diffusion", "wgan_gp", "independent_sites"])
def test_training_from_disk_is_that_from_memory(genotypes: Genotypes, tmp_path: Path, name: str) -> None:
    calls, weights = [], []
    for shelf in (None, Shelf(tmp_path / "shelf")):
        data, holdout = prepare_split(genotypes, SPLIT, CONFIG, shelf)
        assert holdout is not None
        assert data.on_disk == holdout.on_disk == (shelf is not None)
        calls.append((data.calls, holdout.calls))
        torch.manual_seed(0)
        out = tmp_path / f"{shelf is None}"
        fit(Recorder(out), build(name, {}, data.spec, CONFIG), data, holdout, CONFIG, resume=False, name=name)
        weights.append(checkpoints.load(out / "last")[0])
    assert all(torch.equal(one, two) for one, two in zip(*calls, strict=True))
    # Not bit for bit: matrix products round by where in memory their factors happen to lie.
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-5)


def test_a_wide_cohort_is_decoded_contig_by_contig_with_the_same_loss(
    genotypes: Genotypes, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = replace(genotypes, variant_contig=np.repeat(["1", "2", "3"], [9, 21, 10]))
    data, _ = prepare_split(apart, SPLIT, CONFIG)
    found = []
    for wide in (1000, 8):
        monkeypatch.setattr("core.models.genotype.vae.WIDE", wide)
        torch.manual_seed(0)
        model = build("vae", {"neighbours": 5}, data.spec, CONFIG)
        assert isinstance(model, Vae)
        model.prepare(data)
        with torch.no_grad():
            assert model.neighbours is not None
            model.neighbours.weight.copy_(torch.randn(40, 5))
        torch.manual_seed(1)
        loss = model.losses(data.index(slice(32)))[0]
        loss.backward()
        found.append((float(loss.detach()), model.encoder.mean.weight.grad, model.neighbours.weight.grad, model.parts))
    one, parts = found
    assert [(s.start, s.stop) for s in parts[3]] == [(0, 8), (8, 9), (9, 17), (17, 25), (25, 30), (30, 38), (38, 40)]
    assert one[0] == pytest.approx(parts[0], rel=1e-6)
    torch.testing.assert_close(one[1], parts[1])
    torch.testing.assert_close(one[2], parts[2])


def test_sets_on_disk_are_drawn_without_mixing_or_repeating(tmp_path: Path) -> None:
    sizes = [5, 40, 64, 130]
    of = np.repeat(np.arange(4), sizes)
    x = np.stack([of, np.arange(len(of))], axis=1).astype(np.float32)
    sets = from_groups(x, np.array(["a", "b", "c", "d"])[of])
    data, held = load_sets(sets, Split(np.array([0, 1, 3]), np.array([2])), {}, Shelf(tmp_path))
    memory, _ = load_sets(sets, Split(np.array([0, 1, 3]), np.array([2])), {})
    assert held is not None
    assert data.on_disk and held.on_disk
    assert torch.equal(data.observations, memory.observations)  # shuffled once, by the same draw
    for _ in range(20):
        context, query = draw(data, torch.tensor([1, 2]), 16, 16)
        assert (context[..., 0] == query[..., 0]).all()
        assert context[:, 0, 0].tolist() == [1, 3]
        for one, two in zip(context[..., 1].tolist(), query[..., 1].tolist(), strict=True):
            assert len({*one, *two}) == 32


def test_the_disk_is_taken_where_memory_would_be_half_full() -> None:
    assert stays_on_disk(51, "auto", 100)
    assert not stays_on_disk(49, "auto", 100)
    assert not stays_on_disk(51, "auto", 100, "compares all at once")
    assert stays_on_disk(1, "disk", 100)
    assert not stays_on_disk(1000, "memory", 100)
    with pytest.raises(InputError, match=r"this model compares all at once; take training\.read_from=memory"):
        stays_on_disk(1, "disk", 100, "compares all at once")


def test_a_disk_without_room_is_said_before_anything_is_written(
    genotypes: Genotypes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(stored.shutil, "disk_usage", lambda _: usage(0, 0, 100))
    with pytest.raises(InputError, match="GB on disk while they are read from there"):
        prepare_split(genotypes, SPLIT, CONFIG, Shelf(tmp_path))
    assert list(tmp_path.iterdir()) == []
