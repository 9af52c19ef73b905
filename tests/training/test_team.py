"""Two processes that share every batch take the steps of one, and hold the same weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.config.home import REPOSITORY

EVEN = ("vae", "pca_diffusion", "gde")
NAMES = ("masked_transformer", *EVEN)  # the first has its noise, which the others' silence would take away


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and curves of each model, trained by one process and by two."""
    out = tmp_path_factory.mktemp("trained")
    two = [
        "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1", "--nproc-per-node=2",
        "-m", "tests.training.shared_training",
    ]  # fmt: skip
    for words in (["-m", "tests.training.shared_training"], two):
        subprocess.run([sys.executable, *words, str(out), *NAMES], cwd=REPOSITORY, check=True)
    return out


@pytest.mark.parametrize("name", NAMES)
def test_all_processes_hold_the_same_weights(trained: Path, name: str) -> None:
    first, second = (load_file(trained / f"{name}-2-{rank}.safetensors") for rank in range(2))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert (trained / f"{name}-2-0/last/checkpoint.json").exists()
    assert not (trained / f"{name}-2-1").exists()  # the first saves for all
    assert json.loads((trained / f"{name}-2-1.json").read_text()) == []


@pytest.mark.parametrize("name", EVEN)
def test_two_processes_train_as_one_with_the_whole_batch(trained: Path, name: str) -> None:
    """Batches of 25: parts of 13 and 12, whose gradients do not weigh the same."""
    one, two = (load_file(trained / f"{name}-{size}-0.safetensors") for size in (1, 2))
    for key in one:
        np.testing.assert_allclose(two[key], one[key], rtol=1e-3, atol=1e-4, err_msg=key)
    alone, shared = (json.loads((trained / f"{name}-{size}-0.json").read_text()) for size in (1, 2))
    assert len(alone) == 3 and [row[:2] for row in alone] == [row[:2] for row in shared]
    for (*_, mine), (*_, theirs) in zip(alone, shared, strict=True):
        assert mine.keys() == theirs.keys()
        np.testing.assert_allclose(list(theirs.values()), list(mine.values()), rtol=1e-4, atol=1e-5)
