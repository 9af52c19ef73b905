"""doctor: what this installation is able to do."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from typing import Any

from core.commands.answer import Answer, Command
from core.config.home import home, nearest_folder
from core.config.quotas import QUOTAS
from core.runs.environment import commit, versions


def _arguments(parser: argparse.ArgumentParser) -> None:
    """The doctor takes no arguments."""


def _doctor(options: argparse.Namespace) -> Answer:
    from core.runs.backends.base import backends
    from core.runs.queue import places
    from core.runs.store import RunStore

    store = RunStore()
    runs = store.list()
    found: dict[str, Any] = {
        "versions": versions(),
        "commit": commit(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "devices": _devices(),
        "home": str(home()),
        "disk_free_bytes": shutil.disk_usage(nearest_folder()).free,
        "writable": os.access(nearest_folder(), os.W_OK),
        "places": {kind: places(kind) for kind in ("cpu", "gpu")},
        "backends": [
            {"name": entry.name, "help": entry.help, "now": store.backend(entry.name).about()} for entry in backends
        ],
        "runs": {"all": len(runs), "active": sum(s.active for s in runs)},
        "quotas": {one.variable: one.told() for one in QUOTAS},
        "readers": {name: _importable(name) for name in ("cyvcf2", "bed_reader", "msprime")},
    }
    lines = [
        "versions   " + ", ".join(f"{k} {v}" for k, v in found["versions"].items()),
        f"commit     {found['commit'] or 'not a git checkout'}",
        f"machine    {found['platform']}, {found['cpus']} CPUs, {found['memory_bytes'] / 1e9:.1f} GB of memory",
        "devices    " + ", ".join(found["devices"]),
        f"home       {found['home']}: {found['disk_free_bytes'] / 1e9:.1f} GB free"
        + ("" if found["writable"] else ", NOT WRITABLE: set POPSCAPE_HOME to a folder of yours"),
        f"places     {len(found['places']['gpu'])} GPU, {len(found['places']['cpu'])} CPU",
        "backends   " + "; ".join(f"{b['name']} {b['now']}" for b in found["backends"]),
        f"runs       {found['runs']['all']}, {found['runs']['active']} of them active",
        "quotas     " + "; ".join(one.told() for one in QUOTAS),
        "readers    " + ", ".join(f"{k} {'works' if v is None else v}" for k, v in found["readers"].items()),
    ]
    return Answer(found, "\n".join(lines))


def _devices() -> list[str]:
    try:
        import torch
    except ImportError as error:
        return [f"torch cannot be imported ({error}); run `make app` again"]
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [*gpus, f"CPU ({torch.get_num_threads()} threads)"]


def _importable(name: str) -> str | None:
    """None if the package works, else what is wrong."""
    import importlib

    try:
        importlib.import_module(name)
    except ImportError as error:
        return f"cannot be imported ({error})"
    return None


COMMANDS: dict[str, Command] = {"doctor": (_arguments, _doctor)}
