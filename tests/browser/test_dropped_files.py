"""Files dropped on the page of datasets in a real browser: understood, corrected by one choice, imported."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.data.dataset import Dataset
from core.data.library import Library
from tests.browser.conftest import Server
from tests.browser.serving import settled
from tests.browser.test_journeys import choose, new_browser
from tests.data.intake.test_set_formats import CHANNELS, COUNTS, fcs, tenx
from tests.pages.test_datasets_formats import GENO, IND, MAP, PED, SNP

pytestmark = pytest.mark.xdist_group("browser")

_AS_DROPPED = """files => {
    const transfer = new DataTransfer();
    for (const [name, data] of files)
        transfer.items.add(new File([Uint8Array.from(atob(data), one => one.charCodeAt(0))], name));
    return transfer;
}"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has never been here."""
    tab = new_browser(chromium)
    yield tab
    tab.context.close()


def drop(page: Page, *files: Path) -> None:
    """Drop files on the first uploader of the page, as the mouse does."""
    data = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
    transfer = page.evaluate_handle(_AS_DROPPED, data)
    page.get_by_test_id("stFileUploaderDropzone").first.dispatch_event("drop", {"dataTransfer": transfer})


def open_import(server: Server, page: Page, kind: str) -> None:
    page.goto(f"{server.address}/datasets")
    settled(page)
    page.get_by_test_id("stMain").get_by_text("Import files", exact=True).click()
    settled(page)
    page.get_by_test_id("stMain").get_by_text(kind, exact=True).click()
    settled(page)


def written(folder: Path, **files: bytes) -> list[Path]:
    """Files of these contents; "x_ped" is called x.ped."""
    paths = [folder / name.replace("_", ".") for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    return paths


def imported(server: Server, page: Page, name: str) -> Dataset:
    """Import under `name`; the dataset that was made."""
    settled(page)
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("textbox", name="Name").press("Enter")
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(f"{name} imported: ")).to_be_visible()
    return Library(server.home / "datasets").open(name)


def test_cytometry_and_a_10x_folder_are_understood_corrected_and_imported(
    server: Server, page: Page, tmp_path: Path
) -> None:
    pytest.importorskip("flowio")
    rng = np.random.default_rng(5)
    events = [rng.lognormal(3, 1.5, size=(30, 4)).astype(np.float32) for _ in range(3)]
    samples = [fcs(tmp_path / f"well{i}.fcs", one, CHANNELS) for i, one in enumerate(events)]
    open_import(server, page, "Sets of cells, images or sequences")
    drop(page, *samples)
    expect(page.get_by_text("Format FCS, 90 observations × 2 features.")).to_be_visible()
    expect(page.get_by_text("Features: CD3, CD4")).to_be_visible()
    expect(page.get_by_text("This makes 3 sets of 30 observations each")).to_be_visible()
    recognised = page.get_by_text("Intensities of cytometry were recognised and brought to arcsinh")
    expect(recognised).to_be_visible()
    settled(page)
    choose(page, "Normalise", "None")
    expect(recognised).to_have_count(0)
    observations = imported(server, page, "wells").collection().observations
    np.testing.assert_allclose(observations, np.concatenate(events)[:, 2:], rtol=1e-6)

    packed = tenx(tmp_path / "runs.zip", {f"s{k}/outs/": np.arange(k * 8, k * 8 + 8) for k in range(3)}, packed=True)
    open_import(server, page, "Sets of cells, images or sequences")
    drop(page, packed)
    expect(page.get_by_text("Format 10x folder, 24 observations × 7 features.")).to_be_visible()
    expect(page.get_by_text("Features: G0, G1, G2, G3, G4, G5, G6")).to_be_visible()
    recognised = page.get_by_text("Raw counts were recognised")
    expect(recognised).to_be_visible()
    expect(page.get_by_text("This makes 3 sets of 8 observations each")).to_be_visible()
    settled(page)
    choose(page, "Normalise", "log1p")
    expect(recognised).to_have_count(0)
    np.testing.assert_allclose(imported(server, page, "runs").collection().observations, np.log1p(COUNTS), rtol=1e-5)


def test_genotypes_in_several_files_are_understood_corrected_and_imported(
    server: Server, page: Page, tmp_path: Path
) -> None:
    open_import(server, page, "Genotypes")
    drop(page, *written(tmp_path, x_ped=PED, x_map=MAP))
    expect(page.get_by_text("Format PLINK ped, 3 individuals × 2 variants")).to_be_visible()
    expect(page.get_by_text("rs1 counts T (not A)")).to_be_visible()
    calls = imported(server, page, "pedigree").genotypes().calls
    assert calls.tolist() == [[0, 1], [1, 0], [1, -1]]

    open_import(server, page, "Genotypes")
    drop(page, *written(tmp_path, e_geno=GENO, e_snp=SNP, e_ind=IND))
    expect(page.get_by_text("Format EIGENSTRAT, 4 individuals × 3 variants")).to_be_visible()
    expect(page.get_by_text("rs1 counts T (not C)")).to_be_visible()
    ancient = imported(server, page, "ancient").genotypes()
    assert ancient.calls.T.tolist() == [[0, 1, 2, 0], [2, 1, -1, 1], [1, 0, 0, 2]]
    assert ancient.labels["population"].tolist() == ["YRI", "YRI", "CEU", "CEU"]

    open_import(server, page, "Genotypes")
    drop(page, *written(tmp_path, markers_csv=b"id,m1,m2,m3\na,0,1,2\nb,2,0,1\nc,1,2,0\nd,0,2,1\n"))
    expect(page.get_by_text("4 individuals × 3 variants")).to_be_visible()
    settled(page)
    choose(page, "Coding", "Heterozygote last")  # what the values alone do not tell
    calls = imported(server, page, "markers").genotypes().calls
    assert calls.tolist() == [[0, 2, 1], [1, 0, 2], [2, 1, 0], [0, 1, 2]]
