"""How long a WGAN-GP epoch takes beside a plain implementation of the published procedure, in one run."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from core.bench.published import PlainWganGp
from core.config.experiments import load
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.models.adversarial import published_widths
from core.models.base import Condition, DataSpec, TrainData
from core.models.genotype.wgan_gp import WganGp, WganGpConfig
from core.training import devices
from core.training.clock import TrainingClock

INDIVIDUALS = 1024
VARIANTS = 1000
BATCH = 128
EPOCHS = 4  # of each, minibatch by minibatch in turn; the ratio is the median of the pairs
WARM_UP = 8  # minibatches of each before the first is timed; a CUDA graph is captured among them
GOAL = {"cpu": 1.8, "cuda": 5.0}

# The settings of the preset that trains as published.
PUBLISHED = from_dict(WganGpConfig, {k: v for k, v in load("wgan_gp_published")["model"].items() if k != "name"})

# Dense bf16 (or fp16) products a second of common devices, in 1e12, from the makers' data sheets.
PEAKS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0, "V100": 125.0, "T4": 65.0}


def main(arguments: Sequence[str]) -> int:
    """`bench training [--variants M] [--individuals N] [--epochs E] [--json]`; 0 where the goal is met."""
    parser = argparse.ArgumentParser(prog="python -m core bench training", description=__doc__)
    for name, default in (("variants", VARIANTS), ("individuals", INDIVIDUALS), ("epochs", EPOCHS)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = run(options.variants, max(BATCH, options.individuals), options.epochs)
    print(json.dumps(result) if options.json else summary(result))
    return 0 if result["passed"] else 1


def run(variants: int = VARIANTS, individuals: int = INDIVIDUALS, epochs: int = EPOCHS) -> dict[str, Any]:
    """Seconds per epoch of both, their median ratio and the goal; on a GPU where there is one, else on the CPU.

    Both train the same networks (the published widths rule), batch size, five critic steps on each minibatch and one
    generator step, from one seed. They take turns after every minibatch, so that other work on the machine
    disturbs both alike; an epoch's seconds are its minibatches times their median.
    """
    device = devices.choose("auto")
    calls = _calls(individuals, variants)
    model, ours = _ours(calls, device)
    plain = _plain(calls, str(device))
    for stream in (ours, plain):
        _seconds(stream, WARM_UP)
    batches = individuals // BATCH
    pairs = [(_seconds(ours, 1), _seconds(plain, 1)) for _ in range(epochs * batches)]
    ratio = statistics.median(b / a for a, b in pairs)
    seconds = batches * statistics.median(a for a, _ in pairs)
    flops = _products(model, individuals // BATCH * BATCH)
    result: dict[str, Any] = {
        "benchmark": "training",
        "device": devices.name(device),
        "threads": torch.get_num_threads(),
        "individuals": individuals,
        "variants": variants,
        "batch_size": BATCH,
        "epochs": epochs,
        "seconds_ours": seconds,
        "seconds_plain": batches * statistics.median(b for _, b in pairs),
        "ratio": ratio,
        "goal": GOAL[device.type],
        "passed": ratio >= GOAL[device.type],
        "teraflops": flops / seconds / 1e12,
    }
    peak = next((v for name, v in PEAKS.items() if name in result["device"]), None)
    return result | ({"share_of_peak": result["teraflops"] / peak} if peak else {})


def summary(result: dict[str, Any]) -> str:
    """The result in three lines."""
    return (
        f"WGAN-GP epoch, {result['individuals']} individuals × {result['variants']} variants, batch "
        f"{result['batch_size']}, on {result['device']} ({result['threads']} threads)\n"
        f"ours {result['seconds_ours']:.3f} s, plain {result['seconds_plain']:.3f} s "
        f"(median minibatches of {result['epochs']} epochs in turn)\n"
        f"{result['ratio']:.2f} times as fast; the goal is {result['goal']:g}"
        + (f"; {result['share_of_peak']:.1%} of the device's peak" if "share_of_peak" in result else "")
    )


def _calls(individuals: int, variants: int) -> torch.Tensor:
    """Binomial calls: the time of a step does not depend on their values."""
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.binomial(2, rng.uniform(0.05, 0.95, variants), (individuals, variants)).astype(np.int8))


def _ours(calls: torch.Tensor, device: torch.device) -> tuple[WganGp, Iterator[None]]:
    """Our loop's inner part: int8 calls on the device, one-hot coding there, steps through the device's stepper."""
    n, m = calls.shape
    spec = DataSpec(m, 3, {}, {}, np.zeros(m, np.int64), np.zeros(m, np.int64), n)
    config = TrainingConfig(batch_size=BATCH, learning_rate=1e-4, epochs=1000)
    torch.manual_seed(1)
    nobody = Condition(torch.empty(n, 0, dtype=torch.int64), torch.empty(n, 0))
    data = TrainData(calls, nobody, spec).to(device)
    model = WganGp(PUBLISHED, spec, config).to(device)
    model.prepare(data)
    clock = TrainingClock(1000, n // BATCH, device)
    step = devices.stepper(model, config, device)
    model.train()

    def minibatches() -> Iterator[None]:
        while True:
            order = torch.randperm(n).to(device)
            for first in range(0, n - BATCH + 1, BATCH):
                step(data.index(order[first : first + BATCH]), clock)
                clock.tick()
                yield

    return model, minibatches()


def _plain(calls: torch.Tensor, device: str) -> Iterator[None]:
    """The plain implementation, its one-hot items made beforehand as in the published code."""
    spec = DataSpec(calls.shape[1], 3, {}, {}, np.zeros(0, np.int64), np.zeros(0, np.int64), len(calls))
    generator = published_widths(spec, PUBLISHED.generator_divisors)
    critic = published_widths(spec, PUBLISHED.critic_divisors)
    torch.manual_seed(1)
    model = PlainWganGp(calls.shape[1], PUBLISHED.latent, generator, critic, device)
    loader = model.loader(calls, BATCH)
    while True:
        yield from model.epoch(loader, 0.999)


def _seconds(stream: Iterator[None], batches: int) -> float:
    """Seconds of so many minibatches."""
    started = _now()
    for _ in range(batches):
        next(stream)
    return _now() - started


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _products(model: WganGp, individuals: int) -> float:
    """Floating-point operations of an epoch's matrix products, two for each multiply-add.

    In units of one pass of one individual, a critic step needs one of the generator and seven of the critic (real and
    generated forward and weight gradients, slope, and twice the slope's own gradients); a generator
    step three of the generator and two of the critic.
    """
    weights = {
        net: sum(int(p.numel()) for p in model.get_submodule(net).parameters() if p.dim() == 2)
        for net in ("generator", "critic")
    }
    steps = model.config.critic_steps
    passes = {"generator": steps + 3, "critic": 7 * steps + 2}
    return float(2 * individuals * sum(passes[net] * weights[net] for net in passes))
