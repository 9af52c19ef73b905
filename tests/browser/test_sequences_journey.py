"""A biologist's journey with sequences: a FASTA file with dates, sets by month, a model, a walk, what changes most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.data.simulators.sequences import SyntheticProteinConfig, simulate_synthetic_protein
from core.modalities.sequence import spell
from tests.browser.conftest import Server
from tests.browser.real_sets import Journey, journey
from tests.browser.serving import settled
from tests.browser.test_journeys import choose, graph, new_browser, shown

pytestmark = pytest.mark.xdist_group("browser")

MONTHS = 6


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has never been here."""
    tab = new_browser(chromium)
    yield tab
    tab.context.close()


def fasta(path: Path) -> Path:
    """Proteins of a population over half a year in four places, with name, date and place in each header."""
    config = SyntheticProteinConfig(months=MONTHS, places=4, observations=10, letters=30, lineages=3, delay=0.1)
    sets = simulate_synthetic_protein(config)
    records = []
    for i in range(sets.s):
        month, place = int(sets.covariates["month"][i]), str(sets.labels["place"][i]).replace(" ", "_")
        for day, text in enumerate(spell(np.asarray(sets.observations_of(i)), sets.alphabet), start=1):
            records.append(f">sample{len(records)}|2021-{month:02d}-{day:02d}|{place}\n{text}\n")
    path.write_text("".join(records))
    return path


def test_from_dated_proteins_to_a_walk_between_months(server: Server, page: Page, tmp_path: Path) -> None:
    file = fasta(tmp_path / "proteins.fasta")
    one = Journey(file.name, ("field_2 (month)", "field_3"), "Proteins that evolve", epochs=3)
    for _ in journey(page, server.address, server.home, one, tmp_path):
        settled(page)
        assert not page.locator("[data-testid=stException]").count()

    page.locator("[data-testid=stSidebarNavLink]", has_text="Atlas").first.click()
    settled(page)
    choose(page, "Colour", "field_2 (month)")
    expect(page.get_by_text("2021-03", exact=True).first).to_be_visible()

    page.locator("[data-testid=stSidebarNavLink]", has_text="Interpolate").first.click()
    settled(page)
    choose(page, "Set A", "2021-01 | place_1")
    choose(page, "Set B", f"2021-{MONTHS:02d} | place_1")
    walk = graph(page, "walk_within")
    assert shown(walk)

    page.locator("[data-testid=stSidebarNavLink]", has_text="Sequences").first.click()
    settled(page)
    page.get_by_role("tab", name="Mutations").click()
    assert shown(graph(page, "mutations"))
    expect(page.get_by_text("What changes most")).to_be_visible()
