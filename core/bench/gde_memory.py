"""Peak memory of a set embedding, each case in a process of its own: streaming, gradient checkpointing."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import child
from core.bench import peak_bytes
from core.modalities.base import Observation
from core.modalities.image import Image
from core.modalities.sequence import Sequence as Letters
from core.modalities.vector import Vector

STREAMED = 1_000_000  # observations of ten features
STREAM_GOAL = 1e9
# What is streamed → encoder, generator, observation; letters are reads of 100.
STREAMS: dict[str, tuple[dict[str, Any], str, Observation]] = {
    "stream": ({"name": "resnet_gnn"}, "flow", Vector((10,))),
    "letters": (
        {"name": "sequence_cnn", "channels": 16, "rounds": 1},  # the default takes a quarter of an hour on one core
        "position_weights",
        Letters((100,), "ACGT"),
    ),
}
# The C library keeps what was freed for later, as it happens to fall: peaks would vary by a third from run to run.
_GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
# Case → generator, observation, sets and observations of a step, settings of the generator's network.
NETWORKS: dict[str, tuple[str, Observation, int, int, dict[str, Any]]] = {
    "vector": ("flow", Vector((20,)), 64, 256, {"width": 256, "depth": 8}),
    "image": ("pixel_flow", Image((1, 32, 32)), 4, 16, {"width": 32, "depth": 6}),
    "hyenadna": ("hyenadna", Letters((4096,), "ACGT"), 1, 4, {"width": 64, "depth": 8}),
}


def main(arguments: Sequence[str]) -> int:
    """Print peaks above the baseline; exit status 1 where streaming takes a gigabyte or checkpointing saves nothing."""
    parser = argparse.ArgumentParser(prog="bench gde_memory", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--case", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        print(json.dumps(_case(options.case)))
        return 0
    rows = {name: _child(name) for name in STREAMS}
    for name in STREAMS:
        print(f"{name}: {STREAMED} observations encoded in {rows[name]['bytes'] / 1e6:.0f} MB above the baseline")
    for name in NETWORKS:
        plain, saved = _child(f"{name}:plain"), _child(f"{name}:checkpointing")
        rows |= {name: plain, f"{name}_checkpointing": saved}
        a, b = plain["bytes"] / 1e6, saved["bytes"] / 1e6
        print(f"{name}: a step {a:.0f} MB, with checkpointing {b:.0f} MB ({b / a:.0%})")
    passed = all(rows[name]["bytes"] < STREAM_GOAL for name in STREAMS)
    passed &= all(rows[f"{n}_checkpointing"]["bytes"] < rows[n]["bytes"] for n in NETWORKS)
    if options.json:
        print(json.dumps({"benchmark": "gde_memory", "rows": rows, "passed": passed}))
    return 0 if passed else 1


def _child(case: str) -> dict[str, float]:
    return child.run("core.bench.gde_memory", "--case", case, environment=os.environ | _GIVE_BACK).answer()


def _case(case: str) -> dict[str, float]:
    return _stream(case) if case in STREAMS else _step(*case.split(":"))


def _stream(case: str) -> dict[str, float]:
    """Growth of the peak while a memory-mapped set is encoded, after a small set has warmed everything up."""
    from core.config.training import TrainingConfig
    from core.models.gde.data import SetSpec
    from core.models.gde.gde import GDE, GDEConfig

    encoder, generator, observation = STREAMS[case]
    parts = {"encoder": encoder, "generator": {"name": generator}, "mixer": {"name": "none"}}
    spec = SetSpec(observation.stored, observation.modality, [], 1, letters=observation.alphabet)
    model = GDE(GDEConfig(), spec, TrainingConfig(), parts).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.npy"
        written = np.lib.format.open_memmap(
            path, mode="w+", dtype=observation.made, shape=(STREAMED, *observation.stored)
        )
        rng = np.random.default_rng(0)
        for i in range(0, STREAMED, 100_000):
            size = (100_000, *observation.stored)
            written[i : i + 100_000] = rng.integers(4, size=size) if observation.alphabet else rng.normal(size=size)
        del written
        x = np.load(path, mmap_mode="r")
        model.encode_set(x[:1000])
        before = peak_bytes()
        model.encode_set(x)
        return {"bytes": peak_bytes() - before}


def _step(name: str, mode: str) -> dict[str, float]:
    """Growth of the peak in one forward and backward pass of a generator."""
    import torch

    from core.models.gde.base import generators

    entry, observation, sets, k, settings = NETWORKS[name]
    flag = "use_checkpointing" if observation.alphabet else "checkpointing"
    config: Any = generators[entry].config(**settings, **{flag: mode == "checkpointing"})  # type: ignore[misc]
    generator = generators[entry].value(config, observation, 16).train()
    z, size = torch.randn(sets, 16), (sets, k, *observation.stored)
    x = torch.randint(0, 4, size) if observation.alphabet else torch.randn(size)
    torch.autograd.backward(generator.loss(x[:1, :2], z[:1])["loss"])
    before = peak_bytes()
    torch.autograd.backward(generator.loss(x, z)["loss"])
    return {"bytes": peak_bytes() - before}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
