"""How long an epoch of each published family takes beside a plain implementation of its procedure, in one run."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from core.bench.published import Plain, PlainGan, PlainPcaDiffusion, PlainVae, PlainWganGp, width_rule
from core.config.experiments import load, names
from core.config.training import TrainingConfig
from core.errors import InputError
from core.models.base import Condition, DataSpec, Trainable, TrainData
from core.models.registry import build
from core.training import devices
from core.training.clock import TrainingClock

INDIVIDUALS = 1024
VARIANTS = 1000
BATCH = 128
EPOCHS = 4  # of each, minibatch by minibatch in turn; the ratio is the median of the pairs
WARM_UP = 8  # minibatches of each before the first is timed; a CUDA graph is captured among them
# How many times as fast ours is to be: WGAN-GP, whose published step wastes most, and the others.
GOAL = {"cpu": {"wgan_gp_published": 1.8}, "cuda": {"wgan_gp_published": 5.0}}
AHEAD = 1.0

# Dense bf16 (or fp16) products a second of common devices, in 1e12, from the makers' data sheets.
PEAKS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0, "V100": 125.0, "T4": 65.0}


def _adversarial(plain: type[PlainGan] | type[PlainWganGp]) -> Callable[[Any, int, str], Plain]:
    def make(ours: Any, variants: int, device: str) -> Plain:
        config = ours.config
        generator, critic = (width_rule(variants, c) for c in (config.generator_divisors, config.critic_divisors))
        return plain(variants, config.latent, generator, critic, device)

    return make


# Experiment → its plain twin, of the widths that ours has.
FAMILIES: dict[str, Callable[[Any, int, str], Plain]] = {
    "vae_published": lambda ours, m, device: PlainVae(
        m, ours.config.latent, ours.config.encoder_widths, ours.config.decoder_widths, device
    ),
    "gan_published": _adversarial(PlainGan),
    "wgan_gp_published": _adversarial(PlainWganGp),
    "pca_diffusion_published": lambda ours, m, device: PlainPcaDiffusion(
        ours.components.width, ours.config.diffusion_steps, ours.config.time_embedding, device
    ),
}


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts floating-point operations of matrix products, those of second derivatives too.

    torch's own counter hooks into modules and cannot follow a gradient of a gradient.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `func` and count it."""
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        self.total += count(*args, **(kwargs or {}), out_val=result) if count else 0
        return result


def main(arguments: Sequence[str]) -> int:
    """`bench training [--families A,B] [--variants M] [--individuals N] [--epochs E]`; 0 where goals are met."""
    known = [name for name in FAMILIES if name in names("genotypes")]
    parser = argparse.ArgumentParser(prog="python -m core bench training", description=__doc__)
    parser.add_argument("--families", default=",".join(known), help=f"default {','.join(known)}")
    for name, default in (("variants", VARIANTS), ("individuals", INDIVIDUALS), ("epochs", EPOCHS)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    chosen = options.families.split(",")
    wrong = [name for name in chosen if name not in known]
    if wrong:
        raise InputError(f"There is no plain implementation of {wrong[0]!r}; choose among: {', '.join(known)}.")
    size = (options.variants, max(BATCH, options.individuals), options.epochs)
    rows = [run(name, *size) for name in chosen]
    passed = all(row["passed"] for row in rows)
    if options.json:
        print(json.dumps({"benchmark": "training", "families": {row["family"]: row for row in rows}, "passed": passed}))
    else:
        print("\n".join([head(rows[0]), *map(summary, rows)]))
    return 0 if passed else 1


def run(family: str, variants: int = VARIANTS, individuals: int = INDIVIDUALS, epochs: int = EPOCHS) -> dict[str, Any]:
    """Seconds per epoch of both, their median ratio and the goal; on a GPU where there is one, else on the CPU.

    Both train the same networks (the published widths rule), batch size and number of steps on each minibatch, from one
    seed. They take turns after every minibatch, so that other work on the machine disturbs both alike; an epoch's
    seconds are its minibatches times their median.
    """
    device = devices.choose("auto")
    calls = _calls(individuals, variants)
    model, flops, ours = _ours(family, calls, device)
    plain = _plain(FAMILIES[family](model, variants, str(device)), calls)
    for stream in (ours, plain):
        _seconds(stream, WARM_UP)
    batches = individuals // BATCH
    pairs = [(_seconds(ours, 1), _seconds(plain, 1)) for _ in range(epochs * batches)]
    ratio = statistics.median(b / a for a, b in pairs)
    seconds = batches * statistics.median(a for a, _ in pairs)
    goal = GOAL[device.type].get(family, AHEAD)
    result: dict[str, Any] = {
        "family": family,
        "device": devices.name(device),
        "threads": torch.get_num_threads(),
        "individuals": individuals,
        "variants": variants,
        "batch_size": BATCH,
        "epochs": epochs,
        "seconds_ours": seconds,
        "seconds_plain": batches * statistics.median(b for _, b in pairs),
        "ratio": ratio,
        "goal": goal,
        "passed": ratio >= goal,
        "teraflops": batches * flops / seconds / 1e12,
    }
    peak = next((v for name, v in PEAKS.items() if name in result["device"]), None)
    return result | ({"share_of_peak": result["teraflops"] / peak} if peak else {})


def head(result: dict[str, Any]) -> str:
    """What was trained, and where."""
    return (
        f"An epoch of {result['individuals']} individuals × {result['variants']} variants, batch "
        f"{result['batch_size']}, on {result['device']} ({result['threads']} threads); median minibatches of "
        f"{result['epochs']} epochs in turn"
    )


def summary(result: dict[str, Any]) -> str:
    """One family in a line."""
    return (
        f"{load(result['family'])['title']:>26}: ours {result['seconds_ours']:.3f} s, plain "
        f"{result['seconds_plain']:.3f} s, {result['ratio']:.2f} times as fast (goal {result['goal']:g}: "
        f"{'met' if result['passed'] else 'missed'})"
        + (f"; {result['share_of_peak']:.1%} of the device's peak" if "share_of_peak" in result else "")
    )


def _calls(individuals: int, variants: int) -> torch.Tensor:
    """Binomial calls: the time of a step does not depend on their values."""
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.binomial(2, rng.uniform(0.05, 0.95, variants), (individuals, variants)).astype(np.int8))


def _ours(family: str, calls: torch.Tensor, device: torch.device) -> tuple[Trainable, float, Iterator[None]]:
    """The model, products of a minibatch, and our loop's inner part.

    int8 calls on the device, one-hot coding there, steps through the device's stepper.
    """
    n, m = calls.shape
    spec = DataSpec(m, 3, {}, {}, np.zeros(m, np.int64), np.zeros(m, np.int64), n)
    experiment = load(family)
    config = TrainingConfig(
        batch_size=BATCH, learning_rate=experiment["training"]["learning_rate"], epochs=experiment["training"]["epochs"]
    )
    torch.manual_seed(1)
    nobody = Condition(torch.empty(n, 0, dtype=torch.int64), torch.empty(n, 0))
    data = TrainData(calls, nobody, spec).to(device)
    model: Trainable = build(experiment["model"]["name"], experiment["model"], spec, config).to(device)
    model.prepare(data)
    clock = TrainingClock(config.epochs, n // BATCH, device)
    model.train()
    counter = Products()
    with counter:
        devices.Stepper(model, devices.precision(config, device, model.widest))(
            data.index(torch.arange(BATCH, device=device)), clock
        )
    step = devices.stepper(model, config, device)

    def minibatches() -> Iterator[None]:
        while True:
            order = torch.randperm(n).to(device)
            for first in range(0, n - BATCH + 1, BATCH):
                step(data.index(order[first : first + BATCH]), clock)
                clock.tick()
                yield

    return model, float(counter.total), minibatches()


def _plain(model: Plain, calls: torch.Tensor) -> Iterator[None]:
    """The plain implementation, its items made beforehand as in the published code."""
    torch.manual_seed(1)
    loader = model.loader(calls, BATCH)
    while True:
        yield from model.epoch(loader)


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
