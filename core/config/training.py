"""Settings of the training loop, the same for every model."""

from __future__ import annotations

from dataclasses import dataclass

from core.config.schema import more, setting


@dataclass(frozen=True)
class TrainingConfig:
    """What the loop does; a model's own settings stand in its own dataclass."""

    epochs: int = setting(
        100, "Passes over the training individuals (0: the model is fitted in closed form).", low=0, high=1_000_000
    )
    batch_size: int = setting(256, "Individuals or sets in one step.", low=2, high=65536)
    learning_rate: float = setting(1e-4, "Step size of Adam.", low=1e-8, high=1.0)
    seed: int = setting(42, "Seed of weights, batches, noise and samples.", low=0, high=2**31 - 1)
    device: str = setting(
        "auto", "Where to train: the first free GPU if there is one, else the CPU.", choices=("auto", "cpu", "cuda")
    )
    processes: int = more(
        1,
        "Processes that share every batch, one a GPU; for models whose step is one loss and one optimiser.",
        low=1,
        high=64,
    )
    read_from: str = more(
        "auto",
        "Where training data are read from: memory, or a file on disk, batch by batch; auto takes the disk where they "
        "would fill half of the free memory.",
        choices=("auto", "memory", "disk"),
    )
    precision: str = more(
        "auto",
        "Number format of the matrix products; auto takes bf16 where the device gains from it.",
        choices=("auto", "fp32", "bf16"),
    )
    compile: str = more("auto", "torch.compile or CUDA graphs where they pay.", choices=("auto", "on", "off"))
    evaluate_every: int = setting(10, "Epochs between two validations (precision, recall, allele frequencies).", low=1)
    checkpoint_every: int = more(10, "Epochs between two checkpoints.", low=1)
    patience: int = more(0, "Validations without a better score before training stops early (0: never).", low=0)
    score: str = more(
        "quality",
        "Validation score that picks the best checkpoint.",
        choices=("quality", "f1", "ld_r", "precision", "recall", "loss", "held_out", "last"),
    )
    condition_on: tuple[str, ...] = setting(
        ("auto",),
        "Columns to condition on; auto: the first label column and every phenotype; none: nothing.",
    )
    minutes: float = more(
        0.0, "Wall-clock budget; training ends cleanly when it is spent (0: no limit).", unit="min", low=0.0
    )
