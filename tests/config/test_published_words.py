"""The commands of the published system are read as they are written."""

from __future__ import annotations

import numpy as np
import pytest

from core.config.experiments import compose
from core.data.library import Library
from core.data.selection import SetViewConfig, unknown_labels, view
from core.data.sets import SetCollection
from core.data.split import Split
from core.errors import InputError
from core.runs.submission import prepare


def test_num_epochs_and_the_optimal_training() -> None:
    config = compose(["experiment=gpra_dna", "generator=hyenadna", "training.num_epochs=500", "training=optimal"])
    assert config["training"]["epochs"] == 500 and config["training"]["batch_size"] == 256
    assert config["training"]["learning_rate"] == 2e-4 and config["model"]["latent"] == 128
    assert config["generator"] == {"name": "hyenadna"}
    with pytest.raises(InputError, match="no training 'best'; choose one of: optimal"):
        compose(["experiment=gpra_dna", "training=best"])
    with pytest.raises(InputError, match="for models of sets; vae is a model of genotypes"):
        compose(["experiment=vae", "training=optimal"])


def sequences() -> tuple[SetCollection, Split]:
    letters = np.tile(np.arange(10, dtype=np.int8) % 4, (12, 1))
    letters[::2, 6:] = -1
    species = np.array(["a", "a", "a", "b", "b", "b"])
    sets = SetCollection(
        letters, np.arange(7) * 2, np.array(list("uvwxyz")), labels={"species": species}, modality="sequence",
        alphabet="ACGT",
    )  # fmt: skip
    return sets, Split(train=np.array([0, 1, 3, 4]), holdout=np.array([2, 5]))


def test_sequences_are_cut_around_their_middle() -> None:
    sets, split = sequences()
    chosen, _, _ = view(sets, split, SetViewConfig(sequence_length=4))
    assert chosen.observations[1].tolist() == [3, 0, 1, 2]  # of ten letters the fourth to the seventh
    assert chosen.observations[0].tolist() == [1, 2, 3, 0]  # of six the second to the fifth


def test_sets_are_chosen_by_a_label_that_they_have() -> None:
    sets, split = sequences()
    chosen, kept, left_out = view(sets, split, SetViewConfig(where=("species=b",)))
    assert chosen.set_id.tolist() == ["x", "y", "z"] and left_out == 3
    assert kept.train.tolist() == [0, 1] and kept.holdout.tolist() == [2]
    assert view(sets, split, SetViewConfig(where=("tissue=blood",)))[2] == 0
    with pytest.raises(InputError, match="No set has 'c' as species; there are: a, b"):
        view(sets, split, SetViewConfig(where=("species=c",)))


@pytest.mark.parametrize(
    "command",
    [
        "experiment=gpra_dna dataset.sequence_length=80 generator=hyenadna training.num_epochs=500",
        "experiment=virus dataset.species=SARS-CoV2 encoder=esm_gnn generator=progen2",
        "experiment=lineage_tracing dataset.params.cell_type=hematopoietic encoder=resnet_gnn generator=cvae",
        "experiment=lineage_tracing mixer=dirichlet_k dataset.min_samples=50",
        "experiment=gpra_dna generator=hyenadna generator.use_checkpointing=true training=optimal",
    ],
)
def test_the_commands_of_the_published_system_are_prepared_as_they_are_written(command: str) -> None:
    """What `python -m core train` submits, on the shipped demos."""
    config = prepare(compose(command.split()))
    assert config["dataset"]["name"] in ("demo-promoters", "demo-proteins", "demo-clones")
    if "num_epochs" in command:
        assert config["training"]["epochs"] == 500 and config["dataset"]["view"]["sequence_length"] == 80
    if "species" in command:
        assert config["dataset"]["view"]["where"] == ["species=SARS-CoV2"]
        assert unknown_labels(config["dataset"]["view"]["where"], Library().open("demo-proteins").meta) == ["species"]
