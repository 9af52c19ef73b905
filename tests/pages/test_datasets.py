"""The Datasets page: empty library, profile, upload, hostile upload, import folder, simulation, rename, remove."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.data.genotypes import Genotypes
from core.data.library import Library
from tests.pages.cohort_files import sample_table, vcf
from tests.pages.routed import routed  # noqa: F401
from tests.waiting import PATIENCE

APP = str(Path(__file__).resolve().parents[2] / "app.py")


@pytest.fixture
def library(home: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """An empty library without shipped datasets."""
    monkeypatch.setattr("core.data.library.ASSETS", home / "nothing")
    return Library()


def open_page(view: str = "", dataset: str = "", profile: str = "") -> AppTest:
    app = AppTest.from_file(APP, default_timeout=PATIENCE)
    if view:
        app.query_params["datasets"] = view
    if dataset:
        app.query_params["dataset"] = dataset
    if profile:
        app.query_params["profile"] = profile
    app.run()
    app.switch_page("pages/datasets.py").run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.error, *app.success, *app.warning, *app.info]
    return " ".join(element.value for element in shown)


def upload(app: AppTest, role: str, name: str, content: bytes) -> None:
    uploader = next(one for one in app.file_uploader if one.key and one.key.startswith(f"upload_{role}_"))
    uploader.upload(name, content)
    app.run()
    assert not app.exception


def cached_folders(home: Path, prefix: str) -> list[Path]:
    return list((home / "cache").glob(f"{prefix}*"))


def test_empty_library_opens_at_the_import(library: Library) -> None:
    app = open_page()
    assert app.session_state["datasets"] == "Import files"
    assert "nothing leaves this machine" in text(app)


def test_profile_of_a_dataset(library: Library, tiny: Genotypes) -> None:
    library.add(tiny, name="first", source="first.vcf", dropped={"multi-allelic": 3}, notes=["A remark."])
    app = open_page()
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Individuals"] == "80"
    assert values["Variants"] == "40"
    assert values["Population"] == "2"
    assert values["Phenotypes"] == "1"
    assert "A remark" in text(app)
    dropped = app.dataframe[1].value
    assert dict(zip(dropped["Left out because"], dropped["Number"], strict=True)) == {"multi-allelic": 3}
    for view in ("Variants", "Heterozygotes", "Individuals"):
        drawn = open_page(profile=view).get("plotly_chart")
        assert len(drawn) == 2
        assert all(chart.proto.alt for chart in drawn)


def test_a_link_opens_its_dataset(library: Library, tiny: Genotypes) -> None:
    library.add(tiny, name="first")
    library.add(tiny.individuals(np.arange(60)), name="second")
    app = open_page(dataset="first")
    assert {m.label: m.value for m in app.metric}["Individuals"] == "80"
    app = open_page(dataset="no such")
    assert app.selectbox(key="dataset").value in ("first", "second")


def test_haploid_cohort_without_labels(library: Library, tiny: Genotypes) -> None:
    calls = np.minimum(np.asarray(tiny.calls), 1)
    library.add(replace(tiny, calls=calls, ploidy=1, labels={}, phenotypes={}), name="haploid")
    app = open_page(profile="Heterozygotes")
    assert "Haploid data have no heterozygotes" in text(app)
    assert {m.label: m.value for m in app.metric}["Populations"] == "none"


def test_upload_preview_and_import(library: Library, tiny: Genotypes, home: Path) -> None:
    app = open_page("Import files")
    upload(app, "genotypes", "cohort.vcf", vcf(tiny))
    upload(app, "samples", "people.tsv", sample_table(tiny))
    assert "cohort.vcf" in text(app) and "people.tsv" in text(app)
    assert "**VCF**" in text(app)
    # The uploaders were replaced by fresh ones: the server holds no file in memory.
    assert all(one.value in (None, []) for one in app.file_uploader)
    app.button(key="import_start").click().run()
    assert not app.exception
    (meta,) = library.list()
    assert (meta.name, meta.cohort.individuals, meta.cohort.variants) == ("cohort", 80, 40)
    assert set(meta.labels["population"]) == {"NORTH", "SOUTH"}
    assert meta.source == "cohort.vcf"
    assert any("people.tsv" in note for note in meta.notes)
    assert app.session_state["datasets"] == "Library"
    assert app.selectbox(key="dataset").value == "cohort"
    assert not cached_folders(home, "upload-")
    assert not cached_folders(home, "import-")


def test_the_same_content_again_is_said(library: Library, tiny: Genotypes) -> None:
    library.add(tiny, name="first")
    for _ in range(2):
        app = open_page("Import files")
        upload(app, "genotypes", "cohort.vcf", vcf(tiny))
        app.button(key="import_start").click().run()
    assert "is in the library already" in text(app)
    assert len(library.list()) == 2


def test_filters_are_applied(library: Library, tiny: Genotypes) -> None:
    app = open_page("Import files")
    upload(app, "genotypes", "cohort.vcf", vcf(tiny))
    app.number_input(key="import.maf_min").set_value(0.3)
    app.text_input(key="import_name").set_value("common variants").run()
    app.button(key="import_start").click().run()
    (meta,) = library.list()
    assert meta.name == "common variants"
    assert meta.cohort.variants < 40
    assert sum(meta.dropped.values()) == 40 - meta.cohort.variants
    assert meta.import_options["maf_min"] == 0.3


def hostile() -> dict[str, bytes]:
    declared = io.BytesIO()
    np.lib.format.write_array_header_1_0(declared, {"descr": "<f8", "fortran_order": False, "shape": (65536, 65536)})
    return {
        "huge.npy": declared.getvalue(),
        "weights.pkl": b"\x80\x04\x95\x00\x00",
        "empty.vcf": b"",
        "../../etc/passwd.csv": b"root:x:0:0\n",
        "<img src=x onerror=alert(1)>.bed": b"l\x1b\x01" + b"\x00" * 10,
        "noise.vcf.gz": b"\x1f\x8b" + bytes(range(200)),
    }


@pytest.mark.parametrize("name", list(hostile()))
def test_a_hostile_upload_ends_in_one_sentence(library: Library, tiny: Genotypes, home: Path, name: str) -> None:
    kept = library.add(tiny, name="kept")
    app = open_page("Import files")
    upload(app, "genotypes", name, hostile()[name])
    assert len(app.error) == 1  # already the preview says what is wrong
    app.button(key="import_start").click().run()
    assert not app.exception
    said = app.error[-1].value
    assert said.count(". ") <= 1 and "Traceback" not in said and said.endswith((".", "\\."))
    assert "<img" not in said.replace("\\<img", "")
    assert [meta.id for meta in library.list()] == [kept.id]
    assert not list(home.parent.rglob("passwd*"))
    app.button(key="import_clear").click().run()
    assert not cached_folders(home, "upload-")


def test_import_folder(library: Library, tiny: Genotypes, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = home.parent / "allowed"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "cohort.vcf").write_bytes(vcf(tiny))
    (home.parent / "outside.vcf").write_bytes(vcf(tiny))
    (root / "link.vcf").symlink_to(home.parent / "outside.vcf")
    monkeypatch.setenv("POPSCAPE_IMPORT_ROOT", str(root))
    app = open_page("Import files")
    app.button_group(key="import_source").set_value("Import folder").run()
    assert app.multiselect(key="folder_genotypes").options == ["link.vcf", "inner/cohort.vcf"]
    app.multiselect(key="folder_genotypes").set_value(["link.vcf"]).run()
    assert "no file in the import folder" in text(app).replace("\\", "")
    app.multiselect(key="folder_genotypes").set_value(["inner/cohort.vcf"]).run()
    app.button(key="import_start").click().run()
    assert not app.exception
    assert [meta.name for meta in library.list()] == ["cohort"]
    assert (root / "inner" / "cohort.vcf").exists()


def test_simulate(library: Library) -> None:
    app = open_page("Simulate")
    app.text_input(key="simulate_name").set_value("small")
    app.text_input(key="simulate.individuals").set_value("20, 20, 20")
    app.number_input(key="simulate.variants").set_value(50)
    app.number_input(key="simulate.length").set_value(200_000.0).run()
    app.button(key="simulate_start").click().run()
    assert not app.exception
    (meta,) = library.list()
    assert (meta.name, meta.cohort.individuals, meta.cohort.variants, meta.has_truth) == ("small", 60, 50, True)
    assert "small" in text(app)


def test_settings_that_contradict_each_other_are_refused(library: Library) -> None:
    app = open_page("Simulate")
    app.text_input(key="simulate.individuals").set_value("20, 20").run()
    app.button(key="simulate_start").click().run()
    assert not app.exception
    assert len(app.error) == 1 and "give one for each" in app.error[0].value.replace("\\", "")
    assert not library.list()


def test_rename_and_remove(library: Library, tiny: Genotypes) -> None:
    meta = library.add(tiny, name="first")
    app = open_page()
    app.text_input(key=f"name_{meta.id}").set_value("renamed").run()
    app.button(key=f"rename_{meta.id}").click().run()
    assert [one.name for one in library.list()] == ["renamed"]
    assert app.selectbox(key="dataset").value == "renamed"
    app.button(key=f"remove_{meta.id}").click().run()
    assert not library.list()
    assert "was removed" in text(app)
    assert not app.exception


def test_shipped_datasets_cannot_be_changed(home: Path) -> None:
    app = open_page(dataset="demo")
    assert not app.exception
    assert {m.label: m.value for m in app.metric}["Individuals"] == "2,000"
    changing = [button for button in app.button if button.key and button.key.startswith(("rename_", "remove_"))]
    assert changing and all(button.proto.disabled for button in changing)
    assert "demo" in [meta.name for meta in Library().list()]


@pytest.mark.parametrize("ending", [".npz", ".csv", ".vcf.gz", ".bed"])
def test_downloads_can_be_imported_again(library: Library, tiny: Genotypes, tmp_path: Path, ending: str) -> None:
    from core.commands.child import exported
    from core.data.intake.importing import read_file

    meta = library.add(tiny, name="first")
    content = exported(meta.id, "train", ending)
    zipped = content[:2] == b"PK" and ending != ".npz"
    path = tmp_path / f"again{'.zip' if zipped else ending}"
    path.write_bytes(content)
    if ending == ".vcf.gz":  # beside the VCF lies the table of individuals, which is given by itself
        import zipfile

        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path)
        path = tmp_path / "genotypes.vcf.gz"
    again = read_file([path]).population
    assert again.n == meta.n_train
    assert np.array_equal(again.calls, tiny.individuals(library.open(meta.id).split().train).calls)
