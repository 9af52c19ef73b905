"""The Datasets page on collections of sets: table, profile, import of each format, simulation."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.data.library import Library
from tests.pages.routed import routed  # noqa: F401
from tests.pages.set_home import alts
from tests.pages.test_datasets import cached_folders, library, open_page, text, upload
from tests.sets import from_groups

__all__ = ["library"]

SETS = "Sets of cells, images or sequences"


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_both_kinds_stand_in_one_table(home: Path) -> None:
    app = open_page()
    table = app.dataframe[0].value
    found = dict(zip(table["Name"], zip(table["Kind"], table["Size"], strict=True), strict=True))
    assert found["demo"] == ("Genotypes", "2,000 individuals × 1,000 variants")
    assert found["demo-digits"] == ("Sets of images", "96 sets, 2,880 images of 8 × 8 pixels")


def test_profile_of_vectors(home: Path) -> None:
    app = open_page(dataset="demo-clones")
    assert metrics(app)["Sets"] == "360" and metrics(app)["Observations"] == "17,106"
    found = alts(app)
    assert [alt.split(":")[0].split(" ")[0] for alt in found] == ["Set", "Sets", "day", "Mean", "6"]
    app.selectbox(key="labels").set_value("clone").run()
    assert not app.exception and len(alts(app)) == 5


def test_a_label_column_of_another_dataset_is_no_fault(home: Path) -> None:
    app = open_page(dataset="demo-clones")
    app.selectbox(key="labels").set_value("clone").run()
    for name in ("demo", "demo-digits", "demo-clones"):
        app.selectbox(key="dataset").set_value(name).run()
        assert not app.exception


def test_profile_of_images_and_of_sequences(library: Library) -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([f"s{i}" for i in range(12)], 10)
    codes = rng.integers(0, 4, size=(120, 20)).astype(np.int8)
    library.add(from_groups(codes, group, modality="sequence", alphabet="ACGT"), name="sequences")
    images = rng.integers(0, 255, size=(120, 1, 8, 8)).astype(np.uint8)
    library.add(from_groups(images, group, modality="image"), name="images")
    app = open_page(dataset="sequences")
    letters = app.dataframe[-1].value["Some of them"]
    assert all(set(word) <= set("ACGT") for word in letters)
    assert "There are only 12 sets" in text(app)
    app = open_page(dataset="images")
    assert not app.exception and metrics(app)["An observation"] == "Image"
    assert sum("10 images" in caption.value for caption in app.caption) == 6


def cells_csv() -> bytes:
    rng = np.random.default_rng(0)
    rows = [f"c{i % 12},d{i % 4},{a:.3f},{b:.3f}" for i, (a, b) in enumerate(rng.normal(size=(240, 2)))]
    return ("\n".join(["clone,donor,x,y", *rows]) + "\n").encode()


def images_zip() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for i in range(12):
            picture = io.BytesIO()
            Image.new("L", (8, 8), i * 20).save(picture, "PNG")
            archive.writestr(f"wells/w{i % 3}/{i}.png", picture.getvalue())
    return stream.getvalue()


def import_page() -> AppTest:
    app = open_page("Import files")
    app.button_group(key="import").set_value(SETS).run()
    return app


def test_upload_group_and_import(library: Library, home: Path) -> None:
    app = import_page()
    assert "A set is one distribution" in text(app)
    upload(app, "observations", "cells.csv", cells_csv())
    assert "240 observations × 2 features" in text(app)
    assert app.multiselect(key="import_sets.set_column").value == ["clone"]
    assert "**12 sets** of 20 observations each" in text(app)
    assert "layer" not in {str(one.key).split(".")[-1] for one in app.selectbox}
    app.selectbox(key="import_sets.unit").set_value("donor").run()
    app.button(key="import_start").click().run()
    assert not app.exception and not app.error
    (meta,) = library.list()
    assert (meta.kind, meta.name, meta.source) == ("sets", "cells", "cells.csv")
    assert (meta.collection.sets, meta.collection.observations, meta.collection.unit) == (12, 240, "donor")
    assert app.selectbox(key="dataset").value == "cells" and metrics(app)["Sets"] == "12"
    assert not cached_folders(home, "upload-") and not cached_folders(home, "import-")


def test_what_was_understood_is_said_and_can_be_changed(library: Library) -> None:
    app = import_page()
    counts = np.random.default_rng(0).negative_binomial(1, 0.02, size=(24, 8))
    rows = "".join(f"d{i // 8}," + ",".join(map(str, row)) + "\n" for i, row in enumerate(counts.tolist()))
    upload(app, "observations", "counts.csv", ("donor," + ",".join(f"G{i}" for i in range(8)) + "\n" + rows).encode())
    assert "Raw counts were recognised" in text(app)
    app.selectbox(key="import_sets.normalise").set_value("none").run()
    assert "taken as they are, as asked" in text(app) and "were recognised" not in text(app)
    app.button(key="import_start").click().run()
    (meta,) = library.list()
    np.testing.assert_array_equal(library.open(meta.id).collection().observations, counts)


def test_a_10x_matrix_and_its_table_of_barcodes_are_one_dataset(library: Library, tmp_path: Path) -> None:
    files = {
        "matrix.mtx": "%%MatrixMarket matrix coordinate integer general\n2 12 12\n"
        + "".join(f"{i % 2 + 1} {i + 1} {i + 3}\n" for i in range(12)),
        "barcodes.tsv": "".join(f"C{i}-1\n" for i in range(12)),
        "features.tsv": "E1\tG1\tGene Expression\nE2\tG2\tGene Expression\n",
        "cells.csv": "barcode,donor\n" + "".join(f"C{i}-1,d{i % 3}\n" for i in range(12)),
    }
    app = import_page()
    uploader = next(one for one in app.file_uploader if one.key and one.key.startswith("upload_observations_"))
    uploader.set_value([(name, content.encode(), "text/plain") for name, content in files.items()]).run()
    assert not app.exception and "12 observations × 2 features" in text(app)
    assert app.multiselect(key="import_sets.set_column").value == ["donor"]
    app.button(key="import_start").click().run()
    (meta,) = library.list()
    assert (meta.collection.sets, meta.collection.observations) == (3, 12)


def test_a_file_of_sets_among_genotypes_is_recognised(library: Library) -> None:
    app = open_page("Import files")
    upload(app, "genotypes", "wells.zip", images_zip())
    assert app.button_group(key="import").value == SETS
    assert "12 images of 8 × 8 pixels" in text(app)
    assert app.multiselect(key="import_sets.set_column").value == ["folder"]
    app.button(key="import_start").click().run()
    (meta,) = library.list()
    assert (meta.collection.sets, meta.collection.modality, meta.collection.shape) == (3, "image", [1, 8, 8])


def test_another_file_has_other_columns(library: Library) -> None:
    app = import_page()
    upload(app, "observations", "cells.csv", cells_csv())
    upload(
        app, "observations", "reads.fasta", b"".join(b">r%d month=m%d\nACGTACGTAC\n" % (i, i % 4) for i in range(40))
    )
    assert app.multiselect(key="import_sets.set_column").value == ["month"]
    assert "**4 sets** of 10 observations each" in text(app)


def test_what_makes_no_sets_is_said(library: Library) -> None:
    app = import_page()
    upload(app, "observations", "cells.csv", cells_csv())
    app.multiselect(key="import_sets.set_column").set_value([]).run()
    assert not [one for one in app.button if one.key == "import_start"]
    app.multiselect(key="import_sets.set_column").set_value(["x"]).run()
    (said,) = [one.value for one in app.error]
    assert "2 or more are needed" in said
    app.button(key="import_start").click().run()
    assert not app.exception and not library.list()


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.csv", b""), ("weights.pkl", b"\x80\x04\x95\0\0"), ("x.h5ad", b"\x89HDF\r\n\x1a\n" + bytes(300))],
)
def test_a_broken_file_ends_in_one_sentence(library: Library, home: Path, name: str, content: bytes) -> None:
    app = import_page()
    upload(app, "observations", name, content)
    (said,) = [one.value for one in app.error]
    assert "Traceback" not in said and said.endswith((".", "\\."))
    app.button(key="import_clear").click().run()
    assert not cached_folders(home, "upload-")


def test_simulate_a_family(library: Library) -> None:
    app = open_page("Simulate")
    app.button_group(key="simulator").set_value("family").run()
    app.selectbox(key="simulate_family.family").set_value("poisson")
    app.number_input(key="simulate_family.sets").set_value(12)
    app.number_input(key="simulate_family.observations").set_value(10).run()
    app.button(key="simulate_start").click().run()
    assert not app.exception and not app.error
    (meta,) = library.list()
    assert (meta.name, meta.collection.sets, meta.collection.observations, meta.has_truth) == ("poisson", 12, 120, True)
    assert meta.import_options["simulator"] == "family"
    assert metrics(app)["Sets"] == "12"


def test_the_dataset_goes_along_to_train(home: Path) -> None:
    app = open_page(dataset="demo-digits")
    app.switch_page("pages/train.py").run()
    assert not app.exception
    assert app.selectbox(key="dataset").value == "demo-digits"
