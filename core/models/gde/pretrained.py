"""Checkpoints of language models on this machine: where they lie, how much of them learns, what they said before."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from core.config.home import home
from core.errors import InputError


def folder_of(folder: str, what: str) -> Path:
    """The folder of a checkpoint as `transformers` saves it. Raises InputError where there is none."""
    path = Path(folder).expanduser()
    if not (path / "config.json").is_file():
        raise InputError(
            f"{folder!r} holds no {what} checkpoint: a folder with config.json and model.safetensors is needed, as "
            "`save_pretrained` writes it. Download it on a machine with a network, copy the folder here and name it."
        )
    if not any((path / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json")):
        raise InputError(
            f"{folder!r} has a config.json but no model.safetensors; weights in other formats (pytorch_model.bin) are "
            "not read: open the model with transformers and save it again with `save_pretrained`."
        )
    return path


class LowRank(nn.Module):
    """W x + B A x: a frozen linear layer and a learned correction of rank r (Hu et al. 2022, eq. 3). B starts at 0."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Linear(layer.in_features, rank, bias=False)
        self.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + self.up(self.down(x))


LEARNS = ("all", "last_layer", "lora", "nothing")


def let_learn(net: nn.Module, layers: Sequence[nn.Module], what: str, rank: int) -> None:
    """Freeze the weights of a transformer but for `what` of LEARNS: all, the last layer, or corrections of rank `rank`
    to the queries and values of every layer."""
    net.requires_grad_(what == "all")
    if what == "last_layer":
        layers[-1].requires_grad_(True)
    if what == "lora":
        for layer in layers:
            for name, part in list(layer.named_modules()):
                if isinstance(part, nn.Linear) and name.rpartition(".")[2] in ("query", "value"):
                    owner = layer.get_submodule(name.rpartition(".")[0])
                    setattr(owner, name.rpartition(".")[2], LowRank(part, rank))


class EmbeddingCache:
    """Embeddings of sequences by a network that does not learn, kept in a file of the home folder.

    A key is the digest of the network's weights and settings, and the text; two processes may use one file.
    """

    def __init__(self, net: nn.Module) -> None:
        digest = hashlib.sha256()
        for name, weight in net.state_dict().items():
            digest.update(name.encode() + weight.detach().cpu().contiguous().numpy().tobytes())
        folder = home() / "cache"
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"embeddings-{digest.hexdigest()[:16]}.sqlite"
        self._known: dict[bytes, npt.NDArray[np.float32]] = {}
        with self._open() as table:
            table.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB)")
            self._known = {
                key: np.frombuffer(value, dtype=np.float32) for key, value in table.execute("SELECT * FROM kept")
            }

    def look_up(
        self, rows: npt.NDArray[np.int8], embed: Callable[[npt.NDArray[np.intp]], Tensor]
    ) -> npt.NDArray[np.float32]:
        """(n, f) embeddings of the rows (n, l) of letters; `embed` is asked for those at the places that are new."""
        keys = [row.tobytes() for row in rows]
        new = np.array([i for i, key in enumerate(keys) if key not in self._known], dtype=np.intp)
        if len(new):
            values = embed(new).float().cpu().numpy()
            fresh = {keys[i]: value for i, value in zip(new.tolist(), values, strict=True)}
            self._known |= fresh
            with self._open() as table:
                table.executemany(
                    "INSERT OR IGNORE INTO kept VALUES (?, ?)", [(k, v.tobytes()) for k, v in fresh.items()]
                )
        return np.stack([self._known[key] for key in keys])

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return closing_and_committing(sqlite3.connect(self._file, timeout=60))


@contextmanager
def closing_and_committing(table: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A connection whose changes are kept when the block ends, and that is closed then."""
    try:
        with table:
            yield table
    finally:
        table.close()
