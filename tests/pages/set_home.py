"""A home with finished runs on tiny sets, for the pages of section Distributions."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.cli import main

TINY = [
    "training.epochs=3",
    "training.batch_size=8",
    "encoder.width=16",
    "generator.width=16",
    "generator.steps=2",
    "model.latent=4",
    "model.query=16",
    "model.context_max=32",
]
SETS = ["dataset.sets=40", "dataset.observations=40", "dataset.dimension=5"]

Open = Callable[..., AppTest]
Put = Callable[[int], None]


@pytest.fixture(scope="session")
def trained_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished run on 40 five-dimensional Gaussian sets."""
    home = tmp_path_factory.mktemp("trained_sets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POPSCAPE_HOME", str(home))
        assert main(["train", "experiment=mvn", *SETS, *TINY]) == 0
    return home


@pytest.fixture
def set_runs(home: Path, trained_sets: Path) -> Put:
    """Put this many finished runs on sets into the home of the test; all but the first are copies."""

    def put(count: int) -> None:
        shutil.copytree(trained_sets / "datasets", home / "datasets", dirs_exist_ok=True)
        (made,) = (path.parent for path in (trained_sets / "runs").glob("*/config.json"))
        for i in range(count):
            name = made.name if i == 0 else secrets.token_hex(16)
            shutil.copytree(made, home / "runs" / name)
            config = json.loads((home / "runs" / name / "config.json").read_text())
            (home / "runs" / name / "config.json").write_text(json.dumps(config | {"title": f"Gaussians {i + 1}"}))

    return put


def alts(app: AppTest) -> list[str]:
    """The alternative texts of the charts on a page."""
    return [c.proto.alt for c in app.get("plotly_chart")]


def words(app: AppTest) -> str:
    """What a page says, without the backslashes of its markdown."""
    shown = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(str(element.value) for element in shown).replace("\\", "")


def select(app: AppTest, chart: str, *places: int) -> None:
    """Select the points of a chart that carry these numbers, as a click or a box does."""
    points = [{"customdata": place} for place in places]
    app.session_state[chart] = {"selection": {"points": points, "point_indices": [], "box": [], "lasso": []}}
    app.run()


def tables(app: AppTest) -> list[dict[str, list[object]]]:
    """The tables that the page shows, as columns."""
    return [element.value.to_dict("list") for element in app.dataframe]
