"""How long each model of genotypes of ours takes to sample a large cohort, extrapolated from a part of it."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from core.bench.metrics import linked_calls
from core.config.experiments import load, names
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, Model, TrainData
from core.models.registry import build

ASKED = 10_000  # individuals of the cohort that the seconds are for
GOAL = 60.0  # processor seconds for it


def main(arguments: Sequence[str]) -> int:
    """`bench sampling [--experiments A,B] [--variants M] [--individuals N] [--drawn K]`; 0 where all meet GOAL."""
    ours = [name for name in names("genotypes") if load(name).get("role") != "published"]
    parser = argparse.ArgumentParser(prog="python -m core bench sampling", description=__doc__)
    parser.add_argument("--experiments", default=",".join(ours), help="default: all of ours")
    for name, default in (("variants", 805), ("individuals", 1024), ("drawn", 512)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    chosen = options.experiments.split(",")
    rows = [measure(name, options.individuals, options.variants, options.drawn) for name in chosen]
    passed = all(row["seconds"] <= GOAL for row in rows)
    if options.json:
        print(json.dumps({"benchmark": "sampling", "individuals": ASKED, "rows": rows, "passed": passed}))
    else:
        print(f"{ASKED:,} individuals × {options.variants} variants, in seconds of the processor:")
        print("\n".join(f"{row['experiment']:>20} {row['seconds']:8.1f}" for row in rows))
    return 0 if passed else 1


def measure(experiment: str, individuals: int, variants: int, drawn: int) -> dict[str, Any]:
    """Processor seconds for ASKED individuals, from `drawn` of them; on the CPU, from where training begins.

    The time of a sample does not depend on how far its model has learned.
    """
    config = load(experiment)
    place = np.arange(1, variants + 1, dtype=np.int64) * 1000
    spec = DataSpec(variants, 3, {}, {}, place, np.zeros_like(place), individuals)
    nobody = Condition(torch.empty(individuals, 0, dtype=torch.int64), torch.empty(individuals, 0))
    data = TrainData(torch.from_numpy(linked_calls(individuals, variants, 1)), nobody, spec)
    torch.manual_seed(1)
    training = from_dict(TrainingConfig, config["training"], where="training")
    model: Model = build(config["model"]["name"], config["model"], spec, training)
    model.prepare(data)
    model.settle()
    model.eval()
    started = time.process_time()
    model.sample(drawn, None, torch.Generator().manual_seed(1))
    seconds = (time.process_time() - started) * ASKED / drawn
    return {"experiment": experiment, "variants": variants, "seconds": seconds, "threads": torch.get_num_threads()}
