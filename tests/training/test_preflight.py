"""The pre-flight: a real training ends within its range, a hopeless one is refused before it is tried."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from core.config.training import TrainingConfig
from core.data.genotypes import Genotypes
from core.data.sets import SetCollection
from core.data.split import Split
from core.errors import InputError
from core.models.registry import build
from core.training import cost, preflight
from core.training.data import prepare_split
from core.training.set_data import load_sets
from tests.sets import from_groups

CONFIG = TrainingConfig(epochs=3, batch_size=16, device="cpu")
SMALL = {"name": "wgan_gp", "latent": 8, "generator_widths": [16], "critic_widths": [16]}


@dataclass
class InMemory:
    """What preflight reads of a dataset."""

    cohort: Genotypes

    def genotypes(self) -> Genotypes:
        return self.cohort

    def split(self) -> Split:
        return Split(np.arange(64), np.arange(64, self.cohort.n))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "SECONDS", 0.1)


def estimate(cohort: Genotypes, node: dict[str, Any], config: TrainingConfig) -> dict[str, Any]:
    return preflight.estimate(InMemory(cohort), node, config)  # type: ignore[arg-type]


def test_parameters_and_checkpoints_are_counted(tiny: Genotypes) -> None:
    found = estimate(tiny, SMALL, CONFIG)
    spec = prepare_split(tiny, InMemory(tiny).split(), CONFIG)[0].spec
    trained = [p for p in build("wgan_gp", SMALL, spec, CONFIG).parameters() if p.requires_grad]
    assert found["parameters"] == sum(p.numel() for p in trained)
    # Weights and two moments in `last`, at least; weights alone in `best`.
    assert found["disk_bytes"] > 4 * 4 * found["parameters"]
    assert found["fits"]
    assert found["advice"] == []
    assert json.loads(json.dumps(found)) == found


def test_time_grows_with_the_epochs_and_holds_the_steps_that_were_timed(
    tiny: Genotypes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "timed", lambda work, device: (work(), 0.01)[1])  # a machine that takes 10 ms for a step
    short, long = (estimate(tiny, SMALL, replace(CONFIG, epochs=e, evaluate_every=10**6)) for e in (1, 20_000))
    assert 0 < short["seconds_low"] < short["seconds_high"]
    assert 0.7 * 800 < long["seconds_low"] < 800 < long["seconds_high"] < 1.7 * 800  # 20,000 epochs of four steps


def test_a_time_budget_bounds_the_estimate(tiny: Genotypes) -> None:
    found = estimate(tiny, SMALL, replace(CONFIG, epochs=10**6, minutes=1.0))
    assert found["seconds_high"] <= 60 + cost.START_UP


def test_a_closed_form_model_has_no_parameters_and_a_short_range(tiny: Genotypes) -> None:
    found = estimate(tiny, {"name": "independent_sites"}, replace(CONFIG, epochs=0))
    assert found["parameters"] == 0
    assert found["seconds_high"] < 60
    assert found["disk_bytes"] > 0


def test_a_model_that_cannot_fit_is_not_tried(tiny: Genotypes) -> None:
    wide = SMALL | {"generator_widths": [10**7, 10**7]}
    found = estimate(tiny, wide, CONFIG)
    assert not found["fits"]
    assert found["seconds_low"] is None
    assert found["memory_bytes"] > 10**15
    assert "smaller layer widths" in found["advice"][0]


def test_memory_is_counted_for_each_process_and_fewer_are_advised(
    tiny: Genotypes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "peak_memory", lambda device, more: 10**9)
    monkeypatch.setattr(cost, "available_memory", lambda device: 2 * 10**9)
    vae = {"name": "vae", "latent": 4, "encoder_widths": [8], "decoder_widths": [8]}
    one, three = (estimate(tiny, vae, replace(CONFIG, processes=number)) for number in (1, 3))
    assert (one["memory_bytes"], one["fits"], one["advice"]) == (10**9, True, [])
    assert (three["memory_bytes"], three["fits"]) == (3 * 10**9, False)
    assert "3 processes" in three["advice"][0] and "take fewer training.processes" in three["advice"][1]


def test_a_full_disk_is_said(tiny: Genotypes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "free_disk", lambda: 1000)
    found = estimate(tiny, SMALL, CONFIG)
    assert not found["fits"]
    assert "delete runs" in found["advice"][0]


def test_wrong_settings_are_refused(tiny: Genotypes) -> None:
    with pytest.raises(InputError, match="wgan_gpp"):
        estimate(tiny, {"name": "wgan_gpp"}, CONFIG)
    with pytest.raises(InputError, match="latents"):
        estimate(tiny, {"name": "wgan_gp", "latents": 3}, CONFIG)


PARTS = {
    "encoder": {"name": "deep_sets", "width": 8},
    "generator": {"name": "cvae", "width": 8},
    "mixer": {"name": "none"},
}
GDE = {"name": "gde", "latent": 4, "query": 8, "context_max": 16, **PARTS}


def sets_of(rng: np.random.Generator) -> SetCollection:
    return from_groups(rng.normal(size=(400, 3)).astype(np.float32), np.repeat(np.arange(20), 20))


def test_a_model_of_sets_is_timed_and_counted() -> None:
    sets, split = sets_of(np.random.default_rng(0)), Split(np.arange(16), np.arange(16, 20))
    short, long = (
        preflight.estimate_sets(sets, split, GDE, replace(CONFIG, epochs=e, evaluate_every=10**6)) for e in (1, 20_000)
    )
    data, _ = load_sets(sets, split, GDE)
    weights = [p for p in build("gde", GDE, data.spec, CONFIG).parameters() if p.requires_grad]
    assert short["parameters"] == sum(p.numel() for p in weights) > 0
    assert 0 < short["seconds_low"] < short["seconds_high"] < long["seconds_low"]
    assert short["fits"] and short["advice"] == []
    assert json.loads(json.dumps(short)) == short


def test_a_model_of_sets_that_cannot_fit_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    sets, split = sets_of(np.random.default_rng(0)), Split(np.arange(16), np.arange(16, 20))
    wide = {**GDE, "encoder": {"name": "deep_sets", "width": 4096, "depth": 8}}
    for module in (preflight, cost):
        monkeypatch.setattr(module, "available_memory", lambda device: 10**6)
    found = preflight.estimate_sets(sets, split, wide, CONFIG)
    assert found["seconds_low"] is None and not found["fits"]
    assert "fewer features or observations" in found["advice"][0]


def test_sets_that_lack_the_label_are_refused() -> None:
    sets, split = sets_of(np.random.default_rng(0)), Split(np.arange(16), np.arange(16, 20))
    with pytest.raises(InputError, match="day"):
        preflight.estimate_sets(sets, split, {**GDE, "auxiliary": "next_set", "label": "day"}, CONFIG)


def test_data_on_disk_take_disk_and_no_memory_and_say_so(tiny: Genotypes) -> None:
    node = {"name": "vae", "encoder_widths": [8], "decoder_widths": [8], "latent": 2}
    memory, disk = (estimate(tiny, node, replace(CONFIG, read_from=one)) for one in ("memory", "disk"))
    assert disk["disk_bytes"] - memory["disk_bytes"] == tiny.calls.size
    assert "are read from disk, batch by batch" in disk["advice"][-1]
    assert memory["advice"] == []
    with pytest.raises(InputError, match="compares all of its training individuals at once"):
        estimate(tiny, {"name": "resample"}, replace(CONFIG, epochs=0, read_from="disk"))
