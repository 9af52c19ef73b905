"""Signing in at a provider of OpenID Connect, in a real browser: who sees what, and how it is shared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.config.access import Viewer
from core.data.library import Library
from tests.browser.oidc import CLIENT, SECRET, provider
from tests.browser.serving import dashboard, free_port, settled
from tests.conftest import tiny_cohort


@dataclass(frozen=True)
class Place:
    """A dashboard with a login, and its home with a cohort of Anna's and one of Ben's."""

    address: str
    library: Library


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Nobody has opened it yet: its first visitor may follow a link to a page that Streamlit runs past app.py."""
    with provider() as issuer:
        port = free_port()
        secrets = tmp_path / "secrets.toml"
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://localhost:{port}/oauth2callback"\ncookie_secret = "{"of this test" * 4}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        )
        home = tmp_path / "home"
        for seed, person in enumerate(("anna", "ben")):
            mine = Library(home / "datasets", viewer=Viewer(f"{person} at {issuer}"))
            mine.add(tiny_cohort(n=20, m=24, seed=seed), name=f"cohort-of-{person}")
        with dashboard(home, port, STREAMLIT_SECRETS_FILES=str(secrets)):
            yield Place(f"http://localhost:{port}", Library(home / "datasets"))


def sign_in(page: Page, person: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"I am {person}").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_visitor_signs_in_sees_their_own_and_shares_it(chromium: Browser, place: Place) -> None:
    anna, ben = (chromium.new_context().new_page() for _ in range(2))
    anna.goto(f"{place.address}/datasets?dataset=cohort-of-anna")
    expect(anna.get_by_role("button", name="Sign in")).to_be_visible()
    assert "cohort-of" not in anna.content()
    assert "atasets" not in anna.inner_text("body").replace("your datasets", "")

    sign_in(anna, "Anna")
    anna.goto(f"{place.address}/datasets?dataset=cohort-of-ben")
    settled(anna)
    expect(anna.get_by_role("combobox", name="Dataset")).to_have_value("cohort-of-anna")
    assert "cohort-of-ben" not in anna.content().replace(anna.url, "")

    sign_in_at(ben, place, "Ben")
    ben.goto(f"{place.address}/datasets?dataset=cohort-of-anna")
    settled(ben)
    expect(ben.get_by_role("combobox", name="Dataset")).to_have_value("cohort-of-ben")

    anna.get_by_text("Share with everybody here").click()
    settled(anna)
    assert {meta.name: meta.shared for meta in place.library.list() if meta.owners} == {
        "cohort-of-anna": True,
        "cohort-of-ben": False,
    }
    ben.goto(f"{place.address}/datasets?dataset=cohort-of-anna")
    settled(ben)
    expect(ben.get_by_role("combobox", name="Dataset")).to_have_value("cohort-of-anna")
    expect(ben.get_by_role("button", name=re.compile("Remove"))).to_be_disabled()
    assert ben.get_by_text("Share with everybody here").count() == 0

    ben.get_by_role("button", name="Sign out").click()
    expect(ben.get_by_role("button", name="Sign in")).to_be_visible()
    assert "cohort-of" not in ben.inner_text("body")


def sign_in_at(page: Page, place: Place, person: str) -> None:
    page.goto(place.address)
    sign_in(page, person)
