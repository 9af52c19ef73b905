"""Which Chromium the browser tests drive: the system's if there is one that starts, else Playwright's own."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE

# Chromium as root needs --no-sandbox; the rest keeps it from calling home at start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str | None:
    """Path of a Chromium that starts, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        path = shutil.which(name)
        if path and _starts(path):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() and _starts(own) else None


def _starts(path: str) -> bool:
    # Ubuntu's package is a stub that only asks for a snap: existing is not starting.
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=PATIENCE, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    found = executable()
    print(f"Chromium: {found}" if found else "No Chromium was found; install the package 'chromium'.")
    sys.exit(0 if found else 1)
