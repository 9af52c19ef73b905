"""Set embeddings of sequences: planted motifs, whose strength the latent must order, and likelihood by generator."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from core.bench.gde_trials import ended, machine
from core.config.training import TrainingConfig
from core.data.simulators.sequences import MOTIFS, SyntheticDnaConfig, simulate_synthetic_dna
from core.evaluation.sets.probes import ridge
from core.models.gde.data import SetData, prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.training.clock import TrainingClock

GENERATORS = ("position_weights", "causal_transformer", "hyenadna", "progen2", "gpt2", "masked_diffusion")
BASELINE, BOUND = "position_weights", "masked_diffusion"  # the second has a bound in place of a likelihood
DATA = SyntheticDnaConfig(sets=160, observations=150, letters=60)
TRAINED, BATCH = 120, 8
ORDER_GOAL = 0.95
MISSES = 1  # letters of a motif that may differ where it is counted
WALK, DRAWN = 5, 400  # moments of the walk from weak to strong, sequences at each


def main(arguments: Sequence[str]) -> int:
    """Print a row for each generator; exit status 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="bench gde_sequences", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps: a look, not a measurement")
    parser.add_argument("--steps", type=int, default=600, help="training steps of each generator (default 600)")
    parser.add_argument("--only", default=",".join(GENERATORS), metavar="A,B", help="generators; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--conditioning", default="", help="how the latent enters networks that write letter by letter")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    rows = []
    for name in options.only.split(","):
        rows.append(motifs(name, 20 if options.quick else options.steps, options.seed, options.conditioning))
        print(line(rows[-1]), flush=True)
    plain = [row["nats"] for row in rows if row["row"] == BASELINE]
    judged = [row for row in rows if row["row"] not in (BASELINE, BOUND)]
    passed = all(row["spearman"] >= ORDER_GOAL for row in rows)
    passed &= all(row["rises"] and (not plain or row["nats"] < plain[0]) for row in judged)
    print(
        f"{machine()}; goals: rank correlation {ORDER_GOAL}; counts that rise and a likelihood above position weights, "
        f"of networks that write letter by letter: {'yes' if passed else 'no'}"
    )
    return ended("gde_sequences", rows, passed, options)


def motifs(name: str, steps: int, seed: int, conditioning: str = "") -> dict[str, Any]:
    """Train on planted motifs with the generator `name`; what held-out sets say of it.

    "spearman": rank correlation of the true strength with its ridge regression on the latent; "baseline": on the mean
    k-mers. "nats": negative log-likelihood per letter, of masked diffusion an upper bound of it; "uniform": that of
    uniform letters. "counts": share of sequences with the motif at `WALK` latents between the weakest and the strongest
    held-out set.
    """
    from scipy.stats import spearmanr

    torch.manual_seed(seed)
    sets = simulate_synthetic_dna(DATA)
    strength = sets.covariates["strength"]
    train, held = np.arange(TRAINED), np.arange(TRAINED, sets.s)
    data = prepare_sets(sets, train)
    model = _model(data, name, conditioning)
    started = time.perf_counter()
    clock = TrainingClock(1, steps)
    for _ in range(steps):
        model.steps(data.index(torch.randperm(len(data))[:BATCH]), clock)
        clock.tick()
    seconds = time.perf_counter() - started
    model.eval()
    z = torch.stack([model.encode_set(sets.observations_of(i)) for i in range(sets.s)])
    means = np.stack([sets.observation.code(sets.observations_of(i)).mean(axis=0).ravel() for i in range(sets.s)])
    orders = [
        float(spearmanr(ridge(x[train], strength[train][:, None], x[held])[:, 0], strength[held]).statistic)
        for x in (z.double().numpy(), means.astype(np.float64))
    ]
    letters = DATA.letters + 1
    nats = [-float(model.log_likelihood(sets.observations_of(int(i)), z[i]).mean()) / letters for i in held]
    ends = [int(held[place]) for place in (strength[held].argmin(), strength[held].argmax())]
    weak, strong = z[ends]
    noise = [torch.Generator().manual_seed(1) for _ in range(WALK)]
    shares = torch.linspace(0, 1, WALK)
    made = [model.sample(DRAWN, ((1 - t) * weak + t * strong)[None], g)[0] for t, g in zip(shares, noise, strict=True)]
    counts = [carrying(x.numpy(), MOTIFS["TATA"]) for x in made]
    return {
        "row": name, "spearman": orders[0], "baseline": orders[1], "nats": float(np.mean(nats)),
        "uniform": float(np.log(4)) * DATA.letters / letters, "counts": counts,
        "rises": bool((np.diff(counts) > 0).all()), "seconds": seconds,
        "real": [carrying(sets.observations_of(i), MOTIFS["TATA"]) for i in ends],
    }  # fmt: skip


def carrying(x: Any, motif: str) -> float:
    """Share of sequences (n, l) of "ACGT" in which the motif stands somewhere, but for `MISSES` letters."""
    letters = np.array(["ACGT".index(one) for one in motif])
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(x), len(motif), axis=1)
    return float(((windows == letters).sum(axis=2) >= len(motif) - MISSES).any(axis=1).mean())


def line(row: dict[str, Any]) -> str:
    """One row in words."""
    counts = " ".join(f"{count:.3f}" for count in row["counts"])
    real = " and ".join(f"{count:.3f}" for count in row["real"])
    bound = "at most " if row["row"] == BOUND else ""
    return (
        f"{row['row']:>20}: rank correlation of strength {row['spearman']:.3f} (mean k-mers {row['baseline']:.3f}); "
        f"{bound}{row['nats']:.4f} nats a letter (uniform {row['uniform']:.4f}); motif from weak to strong {counts} "
        f"(real {real}); {row['seconds']:.0f} s"
    )


def _model(data: SetData, generator: str, conditioning: str) -> GDE:
    size: dict[str, Any] = {} if generator == BASELINE else {"width": 48, "depth": 2}
    if conditioning and generator not in (BASELINE, BOUND):
        size["conditioning"] = conditioning
    parts = {
        "encoder": {"name": "sequence_cnn", "channels": 32, "rounds": 2, "width": 64},
        "generator": {"name": generator, **size},
        "mixer": {"name": "none"},
    }
    config = GDEConfig(latent=24, context_min=16, context_max=96, query=16, metric_weight=0.3, metric_observations=64)
    model = GDE(config, data.spec, TrainingConfig(batch_size=BATCH, learning_rate=2e-3), parts)
    model.prepare(data)
    return model.train()
