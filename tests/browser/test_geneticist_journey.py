"""A geneticist's journey: a VCF with its table, two models and their reports, the exported individuals judged again."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.data.genotypes import Genotypes
from core.data.library import Library
from core.reports.report import Report
from core.runs.states import ACTIVE, State
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from core.words import number
from tests.browser.conftest import Server
from tests.browser.serving import settled
from tests.browser.test_journeys import graph, new_browser
from tests.pages.cohort_files import sample_table, vcf
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("browser")

COHORT = "kiruna"
CAUSE = 40  # place of the variant that most of the height comes from


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has never been here."""
    tab = new_browser(chromium)
    yield tab
    tab.context.close()


def cohort() -> Genotypes:
    """120 individuals of the demo × 150 variants along it, with a height of which one variant explains two thirds."""
    demo = Library().open("demo").genotypes()
    rows, columns = (np.linspace(0, most - 1, few).astype(int) for most, few in ((demo.n, 120), (demo.m, 150)))
    chosen = demo.individuals(rows).variants(columns)
    cause = chosen.calls[:, CAUSE] - chosen.calls[:, CAUSE].mean()
    height = 170 + 8 * cause / cause.std() + np.random.default_rng(5).normal(0, 6, chosen.n)
    return replace(chosen, phenotypes={"height": height})


def test_a_geneticist_trains_compares_and_exports(server: Server, page: Page, tmp_path: Path) -> None:
    upload(page, server, tmp_path, cohort())
    vae = train(page, server, "VAE", {"Epochs": 30, "Evaluate every": 30})
    diffusion = train(page, server, "PCA diffusion", {"Epochs": 60, "Evaluate every": 60})
    compare(page, server, [vae, diffusion])
    for name in (vae, diffusion):
        associate(page, server, name)
        guard(page, server, name)
    export_and_judge_again(page, server, tmp_path, vae)


def upload(page: Page, server: Server, folder: Path, genotypes: Genotypes) -> None:
    (folder / f"{COHORT}.vcf").write_bytes(vcf(genotypes))
    (folder / "people.tsv").write_bytes(sample_table(genotypes))
    bring(page, server, [folder / f"{COHORT}.vcf"], folder / "people.tsv")
    expect(page.get_by_text(f"{COHORT} imported: 120 individuals × 150 variants.")).to_be_visible()


def bring(page: Page, server: Server, files: list[Path], table: Path) -> None:
    """Give files and a table of individuals to the Datasets page, and import them."""
    page.goto(f"{server.address}/datasets?datasets=Import+files")
    inputs = page.get_by_test_id("stFileUploaderDropzoneInput")
    inputs.nth(0).set_input_files(files)
    expect(page.get_by_text("individuals in columns")).to_be_visible()
    settled(page)
    inputs.nth(1).set_input_files(table)
    expect(page.get_by_text(table.name)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()


def train(page: Page, server: Server, title: str, numbers: dict[str, int]) -> str:
    """Train the experiment of that title on the cohort with the form; the run's name when it has its report."""
    page.goto(f"{server.address}/train?dataset={COHORT}")
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    settled(page)
    page.get_by_test_id("stRadio").get_by_text(title, exact=True).click()
    expect(page.get_by_text(re.compile(rf"^{title} sees 96 training individuals of {COHORT}"))).to_be_visible()
    settled(page)
    for name, value in numbers.items():
        box = page.get_by_role("spinbutton", name=name)
        box.fill(str(value))
        box.press("Enter")
        settled(page)
    expect(page.get_by_text("Then it draws 96 synthetic individuals")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    run = next(one for one in own_runs(server) if one.title == title)
    while run.state in ACTIVE:  # each phase has the patience of a test, however many there are
        wait_until(lambda seen=run: same(server, seen) != seen, f"{title} stands still: {run.reason}")
        run = same(server, run)
    assert run.state == State.SUCCEEDED, run.reason
    expect(page.locator(".stMarkdownBadge", has_text="succeeded")).to_be_visible()
    return f"{title} · {run.run[:6]}"


def own_runs(server: Server) -> list[RunSummary]:
    return RunStore(server.home / "runs", shipped=None).list()


def same(server: Server, run: RunSummary) -> RunSummary:
    """The run as it is now."""
    return next(one for one in own_runs(server) if one.run == run.run)


def report(server: Server, name: str) -> Report:
    """The report of the run called `name`."""
    run = RunStore(server.home / "runs", shipped=None).get(name.rpartition(" ")[2])
    found = run.report()
    assert found is not None
    return found


def names(drawing: Locator) -> str:
    """The names of the traces of a chart and the words on its axes."""
    return str(
        drawing.evaluate(
            "node => [...node._fullData.map(t => t.name), ...(node._fullLayout.yaxis._categories ?? [])].join('; ')"
        )
    )


def compare(page: Page, server: Server, runs: list[str]) -> None:
    """Both runs are on the scorecard; the shipped models have theirs on the demo, and the page says why."""
    page.goto(f"{server.address}/compare?dataset={COHORT}")
    card = graph(page, "scorecard")
    assert all(name in names(card) for name in runs)
    expect(page.get_by_text("Models are compared where they learned from the same individuals")).to_be_visible()
    page.get_by_role("link", name=f"Train a model on {COHORT}").click()
    expect(page.get_by_text(re.compile(rf"sees 96 training individuals of {COHORT}"))).to_be_visible()
    page.goto(f"{server.address}/compare?dataset=demo")
    card = graph(page, "scorecard")
    assert "VAE" in names(card) and not any(name in names(card) for name in runs)


def associate(page: Page, server: Server, name: str) -> None:
    """The scan of the real individuals finds the one cause of the height; that of the run is drawn below it."""
    page.goto(f"{server.address}/association?dataset={COHORT}&run={name}&studied=height")
    assert f"{name} (96)" in names(graph(page, "manhattan"))
    expect(metric(page, "Loci found in real")).to_have_text("1")
    (study,) = report(server, name).curve("association")
    expect(metric(page, "Recovered")).to_have_text(f"{study['recovered']:.0%}")


def guard(page: Page, server: Server, name: str) -> None:
    """What Privacy says are the numbers of the report, and they are no wonders."""
    page.goto(f"{server.address}/privacy?dataset={COHORT}&run={name}")
    assert name in names(graph(page, "aats_sides"))
    measured = report(server, name).metrics
    assert 0.3 < (measured["aats_train"].value or 0) <= 1 and measured["copies"].value == 0
    expect(metric(page, "AATS (training individuals)")).to_have_text(number(measured["aats_train"].value))
    expect(metric(page, "Privacy loss")).to_have_text(number(measured["privacy_loss"].value))


def metric(page: Page, label: str) -> Locator:
    """The value of the number that is called `label`."""
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def export_and_judge_again(page: Page, server: Server, folder: Path, name: str) -> None:
    """The file of the run's individuals, imported and judged against the same real ones, has the report's numbers."""
    page.goto(f"{server.address}/compare?dataset={COHORT}")
    graph(page, "scorecard")
    page.get_by_role("button", name="Synthetic individuals").click()
    menu = page.get_by_test_id("stPopoverBody")
    for box, option in (("Model", name), ("Format", "VCF")):
        menu.get_by_role("combobox", name=box).click()
        page.get_by_role("option", name=option, exact=True).click()
        settled(page)
    settled(page)  # a page that is still drawing would take the file of the click away
    with page.expect_download() as saved:
        menu.get_by_role("button", name="Download", exact=True).click()
    assert saved.value.suggested_filename == "synthetic.zip"
    with zipfile.ZipFile(io.BytesIO(Path(saved.value.path()).read_bytes())) as archive:
        archive.extractall(folder)
    bring(page, server, [folder / "synthetic.vcf.gz"], folder / "synthetic.samples.tsv")
    expect(page.get_by_text("synthetic imported: 96 individuals × 150 variants.")).to_be_visible()

    for part in ("train", "holdout"):
        server.command("export", COHORT, f"--part={part}", f"--out={folder / part}.npz")
    first = report(server, name).content
    said = server.command(
        "evaluate", f"--real={folder}/train.npz", f"--holdout={folder}/holdout.npz", "--synthetic=synthetic",
        f"--seed={first['seed']}", "--json",
    )  # fmt: skip
    again = json.loads(said.splitlines()[-1])
    assert again["n"] == first["n"]
    assert again["metrics"] == first["metrics"]
    assert again["flags"] == first["flags"]
