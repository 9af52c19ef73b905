"""Home and the pages of section Genotypes: with no run, one, and two hundred; links, selections, hidden tabs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.reports import SHOWN_FIRST
from tests.pages import finished_runs

PAGES = (
    "home",
    "compare",
    "frequencies",
    "linkage",
    "precision_recall",
    "structure",
    "diversity",
    "association",
    "privacy",
)
Open = Callable[..., AppTest]
Put = Callable[[int], None]


def charts(app: AppTest) -> list[str]:
    """The alternative texts of the charts on a page."""
    drawn = [c.proto.alt for c in app.get("plotly_chart")]
    return drawn + [image.alt for element in app.get("image") for image in element.proto.imgs]


def words(app: AppTest) -> str:
    """What the page says in markdown and captions."""
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info, *app.warning])


@pytest.mark.parametrize("page", PAGES)
def test_without_runs_a_page_says_how_to_get_one(page: str, app: Open) -> None:
    shown = app(page)
    assert not shown.exception
    assert not charts(shown)
    assert "A report appears here when a run has finished." in words(shown)


@pytest.mark.parametrize("page", PAGES)
def test_one_run_is_drawn_with_its_takeaway_and_its_n(page: str, app: Open, runs: Put) -> None:
    runs(1)
    shown = app(page)
    assert not shown.exception
    assert charts(shown)
    for alt in charts(shown):
        assert alt.endswith(".") and len(alt.split()) > 5
    sizes = "synthetic against 24 holdout individuals, 60 variants, seed 42"
    if page == "association":  # a study takes all real individuals
        sizes = "24 synthetic and 120 real individuals (training and held-out), 60 variants"
    assert sizes in words(shown)


@pytest.mark.parametrize("page", PAGES)
def test_two_hundred_runs_are_drawn(page: str, app: Open, runs: Put) -> None:
    runs(200)
    shown = app(page)
    assert not shown.exception
    assert charts(shown)
    for box in shown.multiselect:
        assert len(box.options) == 200
        assert len(box.value) == SHOWN_FIRST


def test_a_failed_run_stays_on_home_with_its_reason(app: Open, runs: Put, home, finished) -> None:
    from core.data.library import Library

    runs(1)
    dataset = Library(home / "datasets").open("small")
    finished_runs.broken(home / "runs", dataset, "The loss became NaN at step 12.")
    assert "The loss became NaN at step 12" in words(app("home")).replace("\\", "")


def test_the_best_model_is_named_and_a_copier_is_left_out(app: Open, runs: Put) -> None:
    runs(4)
    text = words(app("home"))
    assert "is best, or within noise of the best" in text
    assert "**Resampled" not in text
    assert "Left out of the ranking, because training individuals come back: Resampled" in text


def test_a_link_restores_the_view(app: Open, runs: Put) -> None:
    runs(4)
    shown = app("structure", pc_x="3", pc_y="5", colour="population")
    assert not shown.exception
    assert [shown.selectbox(key="pc_x").value, shown.selectbox(key="pc_y").value] == [3, 5]
    assert "population" in charts(shown)[0]
    assert not shown.code  # the menu is shut
    shown.session_state["copy_link"] = True
    link = shown.run().code[0].value
    assert "pc_x=3" in link and "pc_y=5" in link and "colour=population" in link and "dataset=small" in link


def test_a_link_to_another_run_opens_that_run(app: Open, runs: Put) -> None:
    runs(4)
    other = app("linkage").selectbox(key="run").options[2]
    shown = app("linkage", run=other)
    assert shown.selectbox(key="run").value == other
    assert other in charts(shown)[0]


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("compare", {"baseline": "gone", "metrics": "Gone", "runs": "gone"}),
        ("linkage", {"region": ["-5", "1e99"], "contig": "<img>", "linkage": "x"}),
        ("structure", {"pc_x": "999", "colour": "';--"}),
        ("association", {"association": "No such tab", "studied": "<b>"}),
        ("frequencies", {"frequencies": "No such tab", "run": "../../etc"}),
        ("precision_recall", {"precision": "?", "pr_metric": "Fun"}),
    ],
)
def test_a_broken_link_falls_back_to_the_default_view(page: str, query: dict, app: Open, runs: Put) -> None:
    runs(2)
    shown = app(page, **query)
    assert not shown.exception
    assert charts(shown)


def test_only_the_open_tab_is_computed(app: Open, runs: Put) -> None:
    runs(1)
    assert len(charts(app("frequencies"))) == 1
    shown = app("frequencies", frequencies="Rare alleles")
    assert len(charts(shown)) == 2
    assert "Mean change" not in " ".join(charts(app("precision_recall", precision="By population")))


def test_a_click_on_a_pair_shows_its_details(app: Open, runs: Put) -> None:
    runs(1)
    shown = app("linkage")
    variants = json.loads(shown.get("plotly_chart")[0].proto.spec)["data"][0]["x"]
    shown.session_state["linkage_pair"] = (variants[2], variants[7])
    shown.run()
    assert not shown.exception
    assert "apart: r² " in words(shown)


def test_a_region_is_chosen_by_position(app: Open, runs: Put) -> None:
    runs(1)
    whole = app("linkage").slider(key="region")
    middle = int((whole.min + whole.max) / 2)
    shown = app("linkage", region=[str(int(whole.min)), str(middle)])
    assert tuple(shown.slider(key="region").value) == (whole.min, middle)
    variants = int(charts(shown)[0].split("between ")[1].split()[0])
    assert 2 <= variants < 60


@pytest.mark.parametrize("view", ["Along the genome", "Quantiles and effects", "Prediction", "Condition", "All models"])
def test_every_view_of_an_association_is_drawn(view: str, app: Open, runs: Put) -> None:
    runs(2)
    shown = app("association", association=view)
    assert not shown.exception
    assert len(charts(shown)) == (2 if view == "Quantiles and effects" else 1)
    assert all("height" in alt or view == "All models" for alt in charts(shown))


def test_without_a_phenotype_the_association_page_says_how_to_get_one(app: Open, home: Path) -> None:
    from core.data.library import Library
    from tests.conftest import tiny_cohort

    library = Library(home / "datasets", embedded=home / "none")
    meta = library.add(replace(tiny_cohort(n=60, m=30), phenotypes={}), name="bare")
    finished_runs.make(home / "runs", library.open(meta.id), names=["haplotype_mosaic"])
    shown = app("association")
    assert not shown.exception
    assert "No phenotype could be studied" in words(shown)
    assert "import the cohort with a table that gives each one a number" in words(shown)
    assert "Population accuracy" not in words(shown) and len(charts(shown)) == 1  # what labels teach is still shown


def test_a_phenotype_that_cannot_be_studied_is_listed_with_its_reason(app: Open, home: Path) -> None:
    from core.data.library import Library
    from tests.conftest import tiny_cohort

    cohort = tiny_cohort(n=120, m=30)
    rare = np.where(np.arange(120) % 20 == 0, 1.5, np.nan)
    library = Library(home / "datasets", embedded=home / "none")
    meta = library.add(replace(cohort, phenotypes={**cohort.phenotypes, "rare": rare}), name="two")
    finished_runs.make(home / "runs", library.open(meta.id), names=["haplotype_mosaic"])
    shown = app("association", studied="rare")
    assert not shown.exception and not charts(shown)
    assert shown.selectbox(key="studied").options == ["height", "rare"]
    assert "20 are needed" in words(shown)


def test_a_report_from_before_associations_says_so(app: Open, runs: Put, home: Path) -> None:
    runs(1)
    (path,) = (home / "runs").glob("*/report.json")
    content = json.loads(path.read_text())
    del content["curves"]["association"]
    path.write_text(json.dumps(content))
    assert "evaluate it again" in words(app("association"))


def test_a_baseline_marks_what_is_clearly_better(app: Open, runs: Put) -> None:
    runs(4)
    labels = app("compare").multiselect(key="runs").value
    baseline = next(label for label in labels if label.startswith("Independent"))
    shown = app("compare", baseline=baseline, metrics="All")
    table = shown.dataframe[0].value
    assert not table[baseline].str.contains("[▲▼≈]").any()
    others = table[[label for label in labels if label != baseline]]
    assert others.apply(lambda column: column.str.contains("[▲▼]")).any().any()


def test_a_comparison_and_its_individuals_can_be_published(app: Open, runs: Put) -> None:
    runs(2)
    shown = app("compare")
    assert not shown.exception
    assert {"Publish", "Download"} <= {button.proto.label for button in shown.get("download_button")}
    assert shown.selectbox(key="publish_model").options == shown.multiselect(key="runs").value


def test_warning_signs_come_with_evidence_and_advice(app: Open, runs: Put) -> None:
    runs(4)
    text = words(app("compare")).replace("\\", "")
    assert "**Copying**" in text
    assert "equal a training individual at every call" in text


def test_privacy_lists_the_exposed_and_says_what_it_cannot_show(app: Open, runs: Put) -> None:
    runs(4)
    resampled = next(name for name in app("privacy").selectbox(key="run").options if name.startswith("Resampled"))
    shown = app("privacy", privacy="Most exposed", run=resampled)
    assert not shown.exception
    table = shown.dataframe[0].value
    assert (table["distance"][:10] == 0).all() and (table["chance as near"][:10] == 0).all()
    assert table["nearest training individual"].str.len().gt(0).all()
    assert "What these attacks cannot show" in words(shown)


def test_privacy_gives_reasons_where_the_holdout_is_small(app: Open, runs: Put) -> None:
    runs(1)
    shown = app("privacy", privacy="Membership inference")
    assert not shown.exception
    assert "Needs 100 holdout individuals" in words(shown)
    assert len(charts(shown)) == 1


def test_all_runs_stand_in_one_table_and_can_be_gathered_by_preset(app: Open, runs: Put) -> None:
    runs(12)
    shown = app("compare", comparison="All runs")
    assert not shown.exception
    table = shown.dataframe[0].value
    assert len(table) == 12
    assert shown.multiselect(key="columns").value
    gathered = app("compare", comparison="All runs", rows="Presets").dataframe[0].value
    assert gathered["Runs"].sum() == 12
    assert len(gathered) < 12
    assert "Sweep" not in table


def test_the_runs_of_a_sweep_stand_together_and_its_best_in_a_row(app: Open, runs: Put, home: Path) -> None:
    runs(4)
    for k, path in enumerate(sorted((home / "runs").iterdir())[::2]):
        config = json.loads((path / "config.json").read_text())
        config["training"]["learning_rate"] = (k + 1) / 100
        config["sweep"] = {"name": "0123456789ab", "title": "Tried", "trial": k}
        (path / "config.json").write_text(json.dumps(config))
        line = {"step": 5, "epoch": 5, "time": 0.0, "name": "score", "value": 0.5 + k / 10}
        (path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    shown = app("compare", comparison="All runs")
    assert not shown.exception
    assert list(shown.dataframe[0].value["Sweep"].fillna("")) == ["Tried · 012345", "Tried · 012345", "", ""]
    best = app("compare", comparison="All runs", rows="Sweeps").dataframe[0].value
    assert best[["Sweep", "Runs", "Best score"]].to_numpy().tolist() == [["Tried · 012345", 2, 0.6]]
    assert best["training.learning_rate"].tolist() == ["0.02"]


def test_a_umap_is_drawn_where_the_report_holds_one_and_said_where_not(app: Open, runs: Put, home: Path) -> None:
    runs(1)
    shown = app("structure", map="UMAP")
    assert not shown.exception
    assert "This report holds no UMAP" in words(shown) and len(charts(shown)) == 1
    arrays = next((home / "runs").iterdir()) / "arrays"
    with np.load(arrays / "structure.npz") as scores:
        rows = {f"{name}_row": np.arange(20) for name in ("real", "synthetic")}
        places = {f"{name}_{d}": scores[name][:20, :d] for name in ("real", "synthetic") for d in (2, 3)}
    np.savez_compressed(arrays / "umap.npz", **rows, **places)
    for solid in ("false", "true"):
        shown = app("structure", map="UMAP", pc_solid=solid, colour="population", pairs="Identity by state")
        assert not shown.exception
        drawn = charts(shown)
        assert len(drawn) == 2 and drawn[0].startswith("UMAP fitted on real individuals, in")
        assert drawn[1].startswith("Share of alleles in common")


def test_diversity_shows_each_statistic_and_the_joint_spectrum(app: Open, runs: Put) -> None:
    runs(2)
    for title in ("Watterson's θ", "Tajima's D", "Haplotype diversity", "Garud's H12", "F_ST between populations"):
        shown = app("diversity", statistic=title)
        assert not shown.exception
        assert charts(shown) or "These reports do not have it" in words(shown), title
    assert "multilocus genotypes" in words(app("diversity", statistic="Garud's H12"))
    assert "π and θ are relative" in words(shown)
    assert "no longer do in" in charts(app("diversity", diversity="Joint spectrum"))[0]
