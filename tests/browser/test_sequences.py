"""Sequences in a browser, on the shipped proteins: the logo follows the slider."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Server
from tests.browser.serving import settled
from tests.browser.test_journeys import new_browser

pytestmark = pytest.mark.xdist_group("browser")


def test_the_logo_follows_the_slider(server: Server, chromium: Browser) -> None:
    page = new_browser(chromium)
    page.goto(f"{server.address}/sequences?model=Proteins+that+evolve")
    settled(page)
    drawing = page.locator(".js-plotly-plot").first
    before = drawing.text_content()
    page.get_by_role("slider").first.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"first=2"))
    settled(page)
    assert before and page.locator(".js-plotly-plot").first.text_content() != before
    page.context.close()
