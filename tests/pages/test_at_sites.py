"""Training at several sites from the browser: the same runs as the command line's, and what Runs shows of them."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from core.commands.federating import COMMANDS
from core.commands.settings import read_settings
from core.config.experiments import compose
from core.config.federation import DRIFT, MISSING, SITE_CURVE, FederationConfig
from core.runs.federated.plan import compared, federated
from core.runs.store import RunStore
from core.runs.submission import prepare
from tests.pages.routed import routed  # noqa: F401
from tests.pages.set_home import Open, Put, alts, words
from tests.pages.test_train import open_page, submitted

__all__ = ["submitted"]


def as_the_command_line(spoken: str) -> list[dict[str, Any]]:
    """The configs that a `federate` command would submit."""
    parser = argparse.ArgumentParser()
    COMMANDS["federate"][0](parser)
    options = parser.parse_args(shlex.split(spoken)[4:])
    config = federated(prepare(compose(options.overrides), options.dataset), read_settings(options, FederationConfig))
    return [config, *(compared(config) if options.compare else ())]


def test_the_form_starts_what_its_command_line_starts(
    home: Path, submitted: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("core.runs.federated.plan", "pages.parts.train.sites"):
        monkeypatch.setattr(f"{place}.flower", lambda: True)
    app = open_page(dataset="demo-clones", experiment="Clonal differentiation", at_sites="true")
    assert app.selectbox(key="at_sites.site_column").options == ["random parts", "fate", "day_label"]
    app.selectbox(key="at_sites.site_column").set_value("fate").run()
    app.number_input(key="at_sites.rounds").set_value(7).run()
    app.button(key="sites_start").click().run()
    assert not app.exception
    spoken = next(code.value for code in app.code if "core federate" in code.value)
    assert submitted == as_the_command_line(spoken)
    assert [one["federation"]["role"] for one in submitted] == ["federated", "pooled", *4 * ["alone"]]
    assert submitted[0]["training"]["epochs"] == 7 * 4
    said = words(app)
    assert "not secure aggregation and not differential privacy" in said


def test_without_flower_the_page_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.train.sites.flower", lambda: False)
    app = open_page(dataset="demo-clones", experiment="Clonal differentiation", at_sites="true")
    assert app.button(key="sites_start").disabled and MISSING in words(app)


def test_a_federated_run_shows_its_rounds_and_stands_beside_pooled_and_alone(
    home: Path, app: Open, set_runs: Put
) -> None:
    set_runs(3)
    node = {
        "group": "one", "sites": ["north", "south"], "site_column": "hospital", "rounds": 3, "local_epochs": 2,
    }  # fmt: skip
    roles: list[dict[str, Any]] = [{"role": "federated"}, {"role": "pooled"}, {"role": "alone", "site": "north"}]
    for path, own in zip(sorted((home / "runs").iterdir()), roles, strict=True):
        config = json.loads((path / "config.json").read_text())
        title = own["role"].capitalize()
        (path / "config.json").write_text(json.dumps(config | {"title": title, "federation": node | own}))
        if own["role"] == "federated":
            curves = {f"{SITE_CURVE}north": 2.0, f"{SITE_CURVE}south": 1.0, DRIFT: 0.03}
            rows = [
                {"step": n, "epoch": 2 * n, "time": n, "name": name, "value": value / n}
                for n in (1, 2, 3)
                for name, value in curves.items()
            ]
            (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            name = f"{title} · {path.name[:6]}"
    page = app("runs", run=name)
    assert not page.exception
    said = words(page)
    assert "2 sites (values of hospital: north, south), 3 rounds of 2 epochs at each" in said
    assert "not secure aggregation" in said and "After 3 rounds" in said
    (told,) = [alt for alt in alts(page) if "North alone" in alt]
    assert told.index("Pooled, seed") < told.index("Federated, seed") < told.index("North alone, seed")
    assert len(RunStore().list()) == 3
