"""A digest of what a piece of code does: results that are kept are used again as long as it stays the same."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(modules: Iterable[str], package: str) -> str:
    """12 hexadecimal digits for the modules and all in `package` that they import.

    Comments, docstrings and layout do not count.
    """
    code: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        spec = None if name in code else importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
                waiting += [node.module or "", *_submodules(node)]
            if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        code[name] = ast.dump(tree)
    return hashlib.sha256(repr(sorted(code.items())).encode()).hexdigest()[:12]


def _submodules(node: ast.ImportFrom) -> list[str]:
    """What `from package import name` imports where the name is a module."""
    names = [f"{node.module}.{one.name}" for one in node.names]
    parent = importlib.util.find_spec(node.module or "")
    return [name for name in names if parent and parent.submodule_search_locations and importlib.util.find_spec(name)]
