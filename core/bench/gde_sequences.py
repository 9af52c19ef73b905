"""Set embeddings of sequences: planted motifs, likelihood by generator, speed beside the published way of sampling."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.bench.gde_trials import ended, machine
from core.config.training import TrainingConfig
from core.data.simulators.sequences import MOTIFS, SyntheticDnaConfig, simulate_synthetic_dna
from core.evaluation.sets.probes import ridge
from core.modalities.sequence import Sequence as Letters
from core.models.gde.data import SetData, prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.models.gde.generators.hyenadna import HyenaDNA, HyenaDNAConfig
from core.training.clock import TrainingClock

GENERATORS = ("position_weights", "causal_transformer", "hyenadna", "progen2", "gpt2", "masked_diffusion")
WEAK = ("position_weights", "masked_diffusion")  # the baseline, and one that has a bound in place of a likelihood
DATA = SyntheticDnaConfig(sets=160, observations=150, letters=60)
TRAINED, BATCH = 120, 8
ORDER_GOAL, SAMPLE_GOAL = 0.95, 20.0
MISSES = 1  # letters of a motif that may differ where it is counted
WALK, DRAWN = 5, 400  # moments of the walk from weak to strong, sequences at each
# The published sequence network (Fishman et al. 2025, appendix A.2) and the length of a promoter with its scaffold.
WIDTH, DEPTH, LENGTH, CHANNELS, KERNEL = 128, 6, 129, 64, 7


def main(arguments: Sequence[str]) -> int:
    """Print a row for each generator, then the ratios; exit status 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="bench gde_sequences", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps: a look, not a measurement")
    parser.add_argument("--steps", type=int, default=600, help="training steps of each generator (default 600)")
    parser.add_argument("--only", default=",".join(GENERATORS), metavar="A,B", help="generators; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-speed", action="store_true", help="without the comparison with the published way")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    rows = []
    for name in options.only.split(","):
        rows.append(motifs(name, 20 if options.quick else options.steps, options.seed))
        print(_motif_line(rows[-1]), flush=True)
    plain = [row["nats"] for row in rows if row["row"] == "position_weights"]
    passed = all(row["spearman"] >= ORDER_GOAL for row in rows)
    passed &= all(row["rises"] and (not plain or row["nats"] < plain[0]) for row in rows if row["row"] not in WEAK)
    if not options.skip_speed:
        rows.append(speed())
        print(_speed_line(rows[-1]))
        passed &= rows[-1]["sample_ratio"] >= SAMPLE_GOAL and rows[-1]["step_ratio"] >= 1
    print(
        f"{machine()}; goals: rank correlation {ORDER_GOAL}, counts that rise and a likelihood above position weights "
        f"but for those themselves, sampling {SAMPLE_GOAL:g} times, a step no slower: {'yes' if passed else 'no'}"
    )
    return ended("gde_sequences", rows, passed, options)


def motifs(name: str, steps: int, seed: int) -> dict[str, Any]:
    """Train on planted motifs with the generator `name`; what held-out sets say of it.

    "spearman": rank correlation of the true strength with its ridge regression on the latent; "baseline": on the mean
    k-mers. "nats": negative log-likelihood per letter, and of the entropy of uniform letters. "counts": share of
    sequences with the motif at `WALK` latents between the weakest and the strongest held-out set.
    """
    from scipy.stats import spearmanr

    torch.manual_seed(seed)
    sets = simulate_synthetic_dna(DATA)
    strength = sets.covariates["strength"]
    train, held = np.arange(TRAINED), np.arange(TRAINED, sets.s)
    data = prepare_sets(sets, train)
    model = _model(data, name)
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


def speed() -> dict[str, Any]:
    """A training step and the sampling of sequences beside the published way, turn by turn, on the same network."""
    torch.manual_seed(0)
    x = torch.randint(0, 4, (8, 16, LENGTH), dtype=torch.int8)
    data = _as_data(x)
    parts = {
        "encoder": {"name": "sequence_cnn", "channels": CHANNELS, "kernel": KERNEL, "rounds": 3},
        "generator": {"name": "hyenadna", "width": WIDTH, "depth": DEPTH},
        "mixer": {"name": "none"},
    }
    config = GDEConfig(latent=64, context_min=8, context_max=8, query=16, metric_weight=0.0)
    ours = GDE(config, data.spec, TrainingConfig(batch_size=8), parts)
    ours.prepare(data)
    plain = PlainLetters()
    clock, times = TrainingClock(1, 100), {"ours": [], "plain": []}  # type: ignore[var-annotated]
    for _ in range(5):
        times["ours"].append(_seconds(lambda: ours.steps(data.index(torch.arange(8)), clock)))
        clock.tick()
        times["plain"].append(_seconds(lambda: plain.step(x)))
    row: dict[str, Any] = {"row": "speed"}
    row |= _ratio("step", times)
    z, generator = torch.randn(1, 64), torch.Generator().manual_seed(0)
    net = ours.averaged.generator
    assert isinstance(net, HyenaDNA)
    batch, single = 64, 1
    with torch.no_grad():
        own = [_seconds(lambda: net.sample(z, batch, generator)) / batch for _ in range(3)]
        theirs = [_seconds(lambda: net.sample_plainly(z, single, generator)) for _ in range(3)]
    return row | _ratio("sample", {"ours": own, "plain": theirs})


class PlainLetters(nn.Module):
    """The published step, written plainly: convolutions that meet the mean maps of the set, HyenaDNA on its latent."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(5, CHANNELS, KERNEL, padding=KERNEL // 2)
        self.convs = nn.ModuleList(nn.Conv1d(CHANNELS, CHANNELS, KERNEL, padding=KERNEL // 2) for _ in range(3))
        self.joins = nn.ModuleList(nn.Conv1d(2 * CHANNELS, CHANNELS, 1) for _ in range(3))
        self.last = nn.Conv1d(CHANNELS, 128, 1)
        self.flat = nn.Sequential(nn.Linear(LENGTH, 256), nn.GELU(), nn.Linear(256, 128))
        self.head = nn.Sequential(nn.Linear(128, 256), nn.GELU(), nn.Linear(256, 64))
        self.generator = HyenaDNA(HyenaDNAConfig(width=WIDTH, depth=DEPTH, rank=0), Letters((LENGTH,), "ACGT"), 64)
        self.optimiser = torch.optim.Adam(self.parameters(), lr=2e-4)

    def encode(self, x: Tensor) -> Tensor:
        """Letters (b, k, l) → (b, 64)."""
        b, k, length = x.shape
        hot = nn.functional.one_hot(x.long(), 5).float().flatten(0, 1).transpose(1, 2)
        h = nn.functional.gelu(self.first(hot))
        for conv, join in zip(self.convs, self.joins, strict=True):
            h = nn.functional.gelu(conv(h))
            mean = h.reshape(b, k, CHANNELS, length).mean(dim=1, keepdim=True).expand(-1, k, -1, -1).flatten(0, 1)
            h = nn.functional.gelu(join(torch.cat([h, mean], dim=1)))
        maps = self.flat(self.last(h)).mean(dim=1)
        return self.head(maps.reshape(b, k, -1).mean(dim=1))

    def step(self, x: Tensor) -> None:
        """One step of Adam on sets x (b, k, l), encoded and scored on the same sequences."""
        self.optimiser.zero_grad()
        self.generator.loss(x, self.encode(x))["loss"].backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()


def _model(data: SetData, generator: str) -> GDE:
    size = {} if generator == "position_weights" else {"width": 48, "depth": 2}
    parts = {
        "encoder": {"name": "sequence_cnn", "channels": 32, "rounds": 2, "width": 64},
        "generator": {"name": generator, **size},
        "mixer": {"name": "none"},
    }
    config = GDEConfig(latent=24, context_min=16, context_max=96, query=16, metric_weight=0.3, metric_observations=64)
    model = GDE(config, data.spec, TrainingConfig(batch_size=BATCH, learning_rate=2e-3), parts)
    model.prepare(data)
    return model.train()


def _as_data(x: Tensor) -> SetData:
    from core.data.sets import SetCollection

    b, k, _ = x.shape
    names = np.array([f"set {i}" for i in range(b)])
    sets = SetCollection(x.flatten(0, 1).numpy(), np.arange(b + 1) * k, names, modality="sequence", alphabet="ACGT")
    return prepare_sets(sets, np.arange(b))


def _seconds(action: Any) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _ratio(what: str, times: dict[str, list[float]]) -> dict[str, float]:
    ours, plain = (float(np.median(times[who])) for who in ("ours", "plain"))
    return {f"{what}_ours": ours, f"{what}_plain": plain, f"{what}_ratio": plain / ours}


def _motif_line(row: dict[str, Any]) -> str:
    counts = " ".join(f"{count:.3f}" for count in row["counts"])
    real = " and ".join(f"{count:.3f}" for count in row["real"])
    return (
        f"{row['row']:>20}: rank correlation of strength {row['spearman']:.3f} (mean k-mers {row['baseline']:.3f}); "
        f"{row['nats']:.4f} nats a letter (uniform {row['uniform']:.4f}); motif from weak to strong {counts} "
        f"(real {real}); {row['seconds']:.0f} s"
    )


def _speed_line(row: dict[str, Any]) -> str:
    return (
        f"{'speed':>20}: step {1e3 * row['step_ours']:.0f} ms, plain {1e3 * row['step_plain']:.0f} ms, "
        f"{row['step_ratio']:.2f} times as fast; a sequence {1e3 * row['sample_ours']:.1f} ms, plain "
        f"{1e3 * row['sample_plain']:.0f} ms, {row['sample_ratio']:.0f} times as fast"
    )
