"""Training at several sites: the average by hand, what crosses the line, a site that dies, and what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.cli import main
from core.config.experiments import compose
from core.config.federation import DRIFT, MISSING, SITE_CURVE, FederationConfig
from core.data.library import Library
from core.data.simulators.clones import ClonesConfig, simulate_clones
from core.data.simulators.families import FamilyConfig, simulate_family
from core.data.sites import at_site, site_of
from core.errors import InputError, RunError
from core.latents.lens import open_lens
from core.runs import set_work, work
from core.runs.directory import Run, create
from core.runs.ending import Ending
from core.runs.federated.plan import compared, federated, members
from core.runs.store import RunStore
from core.runs.submission import prepare
from core.training import checkpoints
from tests.runs.test_worker import python_starts_with
from tests.waiting import wait_until

SMALL = [
    "experiment=lineage_tracing",
    "dataset.min_samples=1",
    "model.latent=4",
    "model.query=8",
    "model.context_max=16",
    "model.auxiliary=none",
    "encoder.width=8",
    "encoder.rounds=1",
    "generator.width=8",
    "generator.depth=1",
    "training.device=cpu",
    "training.batch_size=64",
    "training.epochs=2",
    "training.evaluate_every=1",
]
TWO = FederationConfig(sites=2, local_epochs=1)
Config = Callable[..., dict[str, Any]]


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """An empty home with twelve clones on three days."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("POPSCAPE_POLL_SECONDS", "0.05")
    Library().add(simulate_clones(ClonesConfig(clones=12, cells=12, features=6)), name="clones")
    return RunStore(shipped=None)


@pytest.fixture
def config(store: RunStore) -> Config:
    """The config of a run at two sites, from further overrides."""
    pytest.importorskip("flwr", reason="Flower is not installed: pip install -r requirements-federated.txt")

    def make(*words: str, wish: FederationConfig = TWO) -> dict[str, Any]:
        return federated(prepare(compose([*SMALL, *words]), "clones"), wish)

    return make


def trained(config: dict[str, Any]) -> Run:
    """A run that was trained here, as a worker would, without its report."""
    run = create(RunStore().root, config)
    work.train(run, 0.05, Ending(run))
    return run


def last(run: Run) -> dict[str, torch.Tensor]:
    return checkpoints.load(run.checkpoints / "last")[0]


def test_every_set_lies_at_one_site_with_its_whole_unit(store: RunStore) -> None:
    dataset = Library().open("clones")
    sets, split = dataset.collection(), dataset.split()
    node = {"sites": ["a", "b", "c"], "site_column": ""}
    site = site_of(sets, split, node, seed=3)
    assert sorted(set(site.tolist())) == [0, 1, 2]
    for clone in np.unique(sets.labels["clone"]):
        assert len(set(site[sets.labels["clone"] == clone].tolist())) == 1
    parts = [at_site(sets, split, node, 3, name) for name in node["sites"]]
    assert sorted(name for own, _ in parts for name in own.set_id) == sorted(sets.set_id)
    for own, part in parts:
        assert set(own.set_id[part.train]) <= set(sets.set_id[split.train])
        assert set(own.set_id[part.holdout]) <= set(sets.set_id[split.holdout])
    assert not np.array_equal(site, site_of(sets, split, node, seed=4))
    days = {"sites": ["day 2", "day 4"], "site_column": "day_label"}
    own, _ = at_site(sets, split, days, 0, "day 4")
    assert set(own.labels["day_label"]) == {"day 4"}


def test_one_step_at_two_equal_sites_is_the_average_by_hand_and_no_set_crosses_the_line(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.runs.federated import site as sites
    from core.runs.federated import sites as line

    heard: list[bytes] = []
    monkeypatch.setattr(line, "unpacked", lambda data, read=line.unpacked: (heard.append(data), read(data))[1])
    run = trained(config("training.epochs=1"))
    alone = {name: sites.opened(run, name) for name in run.config["federation"]["sites"]}
    assert len({len(site.data) for site in alone.values()}) == 1
    first, second = alone.values()
    torch.manual_seed(run.config["seed"])
    start = {k: v.clone() for k, v in sites.opened(run, "site 1").weights.items()}  # the first of two equal ones
    found = []
    for site in (first, second):
        assert site.clock.steps_per_epoch == 1
        site.train(start, 1, left=lambda: False)
        found.append({k: v.clone() for k, v in site.weights.items()})
    averaged = last(run)
    assert averaged.keys() == start.keys()
    moved = 0.0
    for name, mean in averaged.items():
        by_hand = (found[0][name].double() + found[1][name].double()) / 2
        assert torch.allclose(mean.double(), by_hand, atol=1e-6), name
        moved += float((found[0][name].double() - found[1][name].double()).abs().sum())
    assert moved > 0

    allowed = {"num-examples", "held-out", "loss", "flow", "likelihood", "metric"}
    for data in heard:
        content = line.unpacked(data).content
        heard.pop()  # `unpacked` is the recorder
        for record in content.metric_records.values():
            assert set(record) <= allowed and all(isinstance(value, int | float) for value in record.values())
        for record in content.array_records.values():
            assert {k: tuple(v.shape) for k, v in record.items()} == {k: tuple(v.shape) for k, v in start.items()}
        facts = [json.loads(str(record["facts"])) for record in content.config_records.values()]
        assert all(set(one) == {"kind", "model", "training", "spec"} for one in facts)
    everything = b"".join(heard)
    dataset = Library().open("clones").collection()
    assert len(heard) == 2 + 1 + 2 + 2 + 2  # counts, the beginning, held-out losses before and after, a round
    rows = np.ascontiguousarray(dataset.observations)
    assert not any(row.tobytes() in everything for row in rows)
    assert not any(str(name).encode() in everything for name in dataset.set_id)


def test_a_site_that_dies_ends_the_run_with_a_sentence_and_resume_equals_never_having_stopped(
    config: Config, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = config("training.epochs=3")
    dies = (
        "import os, signal, sys\n"
        "if 'core.runs.federated.site' in sys.orig_argv and 'site 2' in sys.orig_argv:\n"
        "    from core.training.site import Site; train = Site.train\n"
        "    def last(self, weights, number, **words):\n"
        "        number == 3 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return train(self, weights, number, **words)\n"
        "    Site.train = last\n"
    )
    with (
        python_starts_with(dies, store, monkeypatch),
        pytest.raises(RunError, match="The site 'site 2' ended without a word in the middle of a round"),
    ):
        trained(wanted)
    (run,) = (Run(path) for path in store.root.iterdir() if (path / "config.json").is_file())
    assert max(run.metrics()[DRIFT].step) == 2
    work.train(run, 0.05, Ending(run))
    straight = trained(wanted)
    whole, resumed = last(straight), last(run)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    for curve in ("loss", "holdout_loss", DRIFT, f"{SITE_CURVE}site 1"):
        assert run.metrics()[curve].value == straight.metrics()[curve].value
        assert len(run.metrics()[curve].value) == 3 + (curve == "holdout_loss")


def test_a_stop_is_heard_within_a_round_and_keeps_the_rounds_that_are_done(config: Config) -> None:
    run = create(RunStore().root, config("training.epochs=100000"))
    ending = Ending(run)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work.train(run, 0.05, ending)))
    thread.start()
    wait_until(lambda: not thread.is_alive() or (DRIFT in run.metrics() and len(run.metrics()[DRIFT].value) >= 2))
    run.request_cancel()
    thread.join()
    assert found[0].state == "cancelled" and "it can be resumed" in found[0].reason
    assert checkpoints.load_facts(run.checkpoints / "last")["history"]["done"] >= 1


def test_a_federated_run_is_an_ordinary_run_beside_what_it_is_compared_with(
    config: Config, store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    family = FamilyConfig(sets=24, observations=20, dimension=2)  # without units and days, so that the report is quick
    Library().add(simulate_family(family), name="gaussians")
    words = ["federate", "gaussians", *SMALL, "--sites=2", "--local-epochs=1", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    run = store.get(told["run"])
    assert run.state == "succeeded" and run.report() is not None, run.log_tail()
    assert "2 rounds at 2 sites" in run.status["reason"]
    assert {f"{SITE_CURVE}site 1", f"{SITE_CURVE}site 2", DRIFT, "holdout_loss"} <= run.metrics().keys()
    assert open_lens(run.checkpoints).model.spec.n_train == run.config["split"]["train"]
    pooled, alone, other = compared(run.config)
    assert pooled["training"] == prepare(compose(SMALL), "gaussians")["training"]
    assert (alone["federation"]["site"], other["federation"]["site"]) == ("site 1", "site 2")
    dataset = Library().open("gaussians")
    seen = [set_work.trained_on(one, dataset)[0].set_id.tolist() for one in (alone, other)]
    assert not set(seen[0]) & set(seen[1])
    assert len(set_work.trained_on(pooled, dataset)[0].set_id) == len(seen[0]) + len(seen[1])
    assert [one.id for one in members(run, store)] == [run.id]


@pytest.mark.parametrize(
    ("words", "wish", "sentence"),
    [
        (["model.exact=true"], TWO, "model.exact keeps statistics of single sets"),
        (["training.epochs=0", "model.exact=true"], TWO, "fitted in closed form"),
        (["training.processes=2"], TWO, "a site trains in one process"),
        (["training.read_from=disk"], TWO, "a site keeps its sets in memory"),
        (["model.auxiliary=classification", "model.label=fate"], TWO, "a site may lack a value"),
        ([], FederationConfig(site_column="clone"), "would have 0 sets"),
        ([], FederationConfig(site_column="tissue"), "There is no label column 'tissue'"),
        ([], FederationConfig(sites=16), "would have"),
    ],
)
def test_what_cannot_be_federated_is_said_in_a_sentence(
    config: Config, words: list[str], wish: FederationConfig, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        config(*words, wish=wish)


def test_models_of_genotypes_are_refused(config: Config) -> None:
    with pytest.raises(InputError, match="labels of their training individuals"):
        federated(prepare(compose(["experiment=vae"])), TWO)


def test_without_flower_one_sentence_says_what_to_install(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.runs.federated.plan.flower", lambda: False)
    assert main(["federate", "clones", *SMALL]) == 2
    assert capsys.readouterr().err.strip() == MISSING
    assert not store.root.exists()
