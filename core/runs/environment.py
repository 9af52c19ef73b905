"""`env.json`: what a run was made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from typing import Any

from core.config.home import REPOSITORY

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "safetensors", "streamlit", "cyvcf2", "msprime", "flwr")


def versions() -> dict[str, str]:
    """Package → version of those that are installed, Python first."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """The git commit of this checkout ("+" behind it where files differ from it), None outside of git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def environment(device: str) -> dict[str, Any]:
    """Versions, commit, device, machine and command of this process."""
    return {
        "versions": versions(),
        "commit": commit(),
        "device": device,
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "argv": sys.argv,
    }
