"""The Train page: form, command line, plan, pre-flight, start; the form makes the same run as the command line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import child
from core.config.command import applied, changed, overrides, train_command
from core.config.experiments import compose, load
from core.config.resources import Resources
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.errors import PopscapeError
from core.runs.directory import Run, create
from core.runs.store import RunStore
from tests.pages.routed import routed  # noqa: F401
from tests.waiting import PATIENCE

APP = str(Path(__file__).resolve().parents[2] / "app.py")


@pytest.fixture
def library(home: Path, monkeypatch: pytest.MonkeyPatch, tiny: Genotypes) -> Library:
    """A library with one small dataset and no shipped ones."""
    monkeypatch.setattr("core.data.library.ASSETS", home / "nothing")
    library = Library()
    library.add(tiny, name="cohort")
    return library


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Configs of the runs that were started; no worker is."""
    configs: list[dict[str, Any]] = []

    def submit(self: RunStore, config: dict[str, Any], resources: Resources | None = None) -> Run:
        configs.append(config)
        return create(
            self.root, {**config, "resources": {**config["resources"], "backend": (resources or Resources()).engine}}
        )

    monkeypatch.setattr(RunStore, "submit", submit)
    return configs


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=PATIENCE)
    for key, value in ({"experiment": "WGAN-GP"} | query).items():
        app.query_params[key] = value
    app.run()
    app.switch_page("pages/train.py").run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.error, *app.success, *app.warning]
    return " ".join(element.value for element in shown)


def command(app: AppTest) -> list[str]:
    return shlex.split(next(code.value for code in app.code if "core train" in code.value))


def test_without_datasets_it_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.library.ASSETS", home / "nothing")
    app = open_page()
    assert "There is no dataset to train on yet" in text(app)


def test_the_form_holds_the_preset_and_says_what_will_happen(library: Library) -> None:
    app = open_page()
    preset = load("wgan_gp")["training"]
    assert app.number_input(key="wgan_gp.training.epochs").value == preset["epochs"]
    assert app.number_input(key="wgan_gp.training.learning_rate").value == pytest.approx(preset["learning_rate"])
    (meta,) = library.list()
    assert f"{meta.n_train:,} training individuals" in text(app)
    assert f"{preset['epochs']:,} epochs" in text(app)
    assert command(app) == ["python", "-m", "core", "train", "experiment=wgan_gp", "--dataset", meta.id]
    assert all(widget.help for widget in app.number_input)


def test_a_model_in_closed_form_has_no_epochs(library: Library) -> None:
    app = open_page(experiment="Independent sites")
    assert app.radio(key="experiment").value == "independent_sites"
    assert not [one for one in app.number_input if one.key == "independent_sites.training.epochs"]
    assert "fitted in closed form" in text(app)


def test_changed_settings_reach_the_run_and_the_command(
    library: Library, submitted: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page()
    app.text_input(key="train_title").set_value("A longer look, twice")
    app.number_input(key="wgan_gp.training.epochs").set_value(7)
    app.text_input(key="wgan_gp.model.generator_widths").set_value("64, 32")
    app.multiselect(key="wgan_gp.training.condition_on").set_value(["population"]).run()
    words = command(app)
    app.button(key="start").click().run()
    assert not app.exception and not app.error
    (config,) = submitted
    assert config["training"]["epochs"] == 7
    assert config["training"]["condition_on"] == ["population"]
    assert config["model"]["generator_widths"] == [64, 32]
    assert config["title"] == "A longer look, twice"
    from core.runs.submission import prepare

    rest = words[4 : words.index("--dataset")]
    assert prepare(compose(rest), words[words.index("--dataset") + 1]) == config


def test_what_the_schema_refuses_is_said_and_not_started(library: Library, submitted: list[dict[str, Any]]) -> None:
    app = open_page()
    app.text_input(key="wgan_gp.model.generator_widths").set_value("64, many").run()
    app.button(key="start").click().run()
    assert not app.exception
    assert len(app.error) == 1 and "generator" in app.error[0].value and "many" in app.error[0].value
    assert not submitted


def test_a_link_restores_the_settings(library: Library) -> None:
    app = open_page(**{"wgan_gp.training.epochs": "9", "wgan_gp.model.temperature_end": "0.25"})
    assert app.number_input(key="wgan_gp.training.epochs").value == 9
    assert app.number_input(key="wgan_gp.model.temperature_end").value == 0.25
    assert "training.epochs=9" in command(app)


ESTIMATE = {
    "parameters": 1234, "device": "CPU, 2 threads", "seconds_low": 30.0, "seconds_high": 80.0, "memory_bytes": 5e8,
    "memory_available_bytes": 8e9, "disk_bytes": 2e6, "disk_free_bytes": 5e10, "fits": True, "advice": [],
}  # fmt: skip


def test_the_check_says_time_and_memory(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def ask(*words: str, seconds: float = 0) -> dict[str, Any]:
        asked.append(words)
        return ESTIMATE

    monkeypatch.setattr("core.commands.child.ask", ask)
    app = open_page()
    app.button(key="check").click().run()
    (meta,) = library.list()
    assert asked == [("preflight", "experiment=wgan_gp", f"--dataset={meta.id}")]
    values = {metric.label: metric.value for metric in app.metric}
    assert values == {"Training time": "30 s to 80 s", "Memory": "500.0 MB", "Disk": "2.0 MB", "Parameters": "1,234"}
    assert "It fits" in text(app)
    app.number_input(key="wgan_gp.training.epochs").set_value(3).run()
    assert "have changed since the last check" in text(app)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({**ESTIMATE, "fits": False, "seconds_low": None, "seconds_high": None, "advice": ["Take less."]}, "Take less"),
        (PopscapeError("The device is gone."), "The device is gone"),
    ],
)
def test_the_check_says_what_is_wrong(
    library: Library, monkeypatch: pytest.MonkeyPatch, answer: Any, said: str
) -> None:
    def ask(*words: str, seconds: float = 0) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    monkeypatch.setattr("core.commands.child.ask", ask)
    app = open_page()
    app.button(key="check").click().run()
    assert not app.exception
    assert said in text(app).replace("\\", "")


def test_the_real_check_of_a_model_in_closed_form(library: Library) -> None:
    app = open_page(experiment="Independent sites")
    app.button(key="check").click().run()
    assert not app.exception
    assert "It fits" in text(app)


AWKWARD = {
    "training": {"epochs": 0, "learning_rate": 1e-05, "condition_on": ["Body weight, (g)", 'a "quoted" one', "x=y"]},
    "model": {"generator_widths": [], "straight_through": False, "name_like": "true"},
}


def test_commands_say_what_the_form_says() -> None:
    experiment = {**load("wgan_gp"), "model": {"name": "wgan_gp"}}
    title = "It's 5 o'clock: $HOME, \\ and {braces}"
    words = shlex.split(train_command(overrides("wgan_gp", AWKWARD, title), "abcd"))
    composed = compose(words[4:-2])
    assert composed == applied(experiment | {"model": composed["model"] | {}}, AWKWARD, title)
    assert {k: composed["model"][k] for k in AWKWARD["model"]} == AWKWARD["model"]
    assert words[-2:] == ["--dataset", "abcd"]


def test_only_what_differs_is_a_change() -> None:
    experiment = {"training": {"epochs": 5}, "model": {"name": "m"}}
    chosen = {"training": {"epochs": 5, "seed": 1}, "model": {"latent": 8}}
    defaults = {"training": {"epochs": 100, "seed": 42}, "model": {"latent": 8}}
    assert changed(experiment, chosen, defaults) == {"training": {"seed": 1}}
    assert overrides("m", {}) == ["experiment=m"]


def test_several_values_start_a_run_for_each_combination(library: Library, submitted: list[dict[str, Any]]) -> None:
    app = open_page(several="true", **{"resources.backend": "Ray"})
    app.text_input(key="sweep_values_0").set_value("4, 5").run()
    app.selectbox(key="sweep_setting_1").set_value("model.latent").run()
    app.text_input(key="sweep_values_1").set_value("8, 16").run()
    app.button(key="sweep").click().run()
    assert not app.exception
    made = [(config["training"]["seed"], config["model"]["latent"]) for config in submitted]
    assert made == [(4, 8), (4, 16), (5, 8), (5, 16)]
    store = RunStore()
    assert {store.open(run).config["resources"]["backend"] for run in store.list() if not run.embedded} == {"ray"}
    assert any("core sweep" in code.value and "--backend=ray" in code.value for code in app.code)
    app.text_input(key="sweep_values_1").set_value("~8,").run()
    assert app.error and not app.exception


def test_a_search_starts_from_the_page_and_shows_its_command(
    library: Library, submitted: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(child, "let_go", lambda process: None)
    monkeypatch.setattr(child, "start", lambda module, *words, **_: started.append(list(words)))
    app = open_page(experiment="Variational autoencoder", several="true", **{"resources.backend": "Slurm"})
    app.button_group(key="sweep_how").set_value("Search").run()
    app.text_input(key="search_values_0").set_value("1e-4..1e-2").run()
    app.number_input(key="search_trials").set_value(7).run()
    app.button(key="search").click().run()
    assert not app.exception and not app.error and not submitted
    (words,) = started
    assert words[:2] == ["sweep", "--search=7"] and "training.learning_rate=1e-4..1e-2" in words
    assert "--backend=slurm" in words
    assert any(shlex.split(code.value)[3:] == words for code in app.code)
    app.text_input(key="search_values_0").set_value("1e-2..1e-4").run()
    app.button(key="search").click().run()
    assert "is empty" in app.error[0].value and len(started) == 1


def test_a_kind_of_models_shows_its_own_and_a_link_to_one_opens_its_kind(library: Library) -> None:
    app = open_page(experiment="WGAN-GP as published")
    assert app.radio(key="experiment").value == "wgan_gp_published"
    app.button_group(key="models").set_value("Baselines").run()
    assert not app.exception
    assert app.radio(key="experiment").value in ("gaussian_copula", "independent_sites", "resample")
    assert not any("published" in option for option in app.radio(key="experiment").options)


def test_a_model_is_recommended_with_a_reason_and_can_be_taken(library: Library) -> None:
    """By rule, and by what a benchmark measured on the very dataset once there is one."""
    from core.reports.recommendation import Recommendation, keep

    (meta,) = library.list()
    app = open_page(experiment="WGAN-GP")
    assert "Recommended for **cohort**" in text(app)
    keep(meta.id, Recommendation("gaussian_copula", "It was best in a trial.", measured=True))
    app = open_page(experiment="WGAN-GP")
    assert "**Gaussian copula**. It was best in a trial" in text(app)
    app.button(key="advice").click().run()
    assert not app.exception
    assert app.radio(key="experiment").value == "gaussian_copula"
