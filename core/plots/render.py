"""A figure as SVG, PNG or a self-contained page, drawn without a browser and without the network.

The drawing engine (vl-convert: Vega in an embedded V8) takes some 150 MB, so it lives in a child process that ends
with the picture, never in the server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Literal

from core.config.home import REPOSITORY
from core.errors import PopscapeError
from core.plots.theme import EXPORT_CONFIG
from core.plots.vega import Figure

_SECONDS = 60
_SCALE = 3  # a 6 cm wide panel then prints at 300 dpi
_WIDTH = 640


def render(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """Draw `figure` on white. Raises PopscapeError with a plain sentence when the engine fails."""
    request = json.dumps({"spec": standalone(figure), "form": form})
    done = subprocess.run(
        [sys.executable, "-m", "core.plots.render"],
        input=request.encode(),
        capture_output=True,
        timeout=_SECONDS,
        cwd=REPOSITORY,
        check=False,
    )
    if done.returncode:
        raise PopscapeError(f"The figure {figure.name!r} could not be drawn as {form}; download its CSV instead.")
    return done.stdout


def standalone(figure: Figure) -> dict[str, Any]:
    """The specification with data, title-sized width and export style, for any Vega-Lite viewer."""
    spec = figure.inlined()
    if not any(key in spec for key in ("hconcat", "vconcat", "concat", "facet")):
        spec = {"width": _WIDTH, **{k: v for k, v in spec.items() if not (k == "width" and v == "container")}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": figure.alt,
        **{k: v for k, v in spec.items() if k != "usermeta"},
        "config": {**EXPORT_CONFIG, **spec.get("config", {})},
    }


def _main() -> None:
    import vl_convert

    request = json.load(sys.stdin)
    if request["form"] == "svg":
        sys.stdout.write(vl_convert.vegalite_to_svg(request["spec"]))
    else:
        sys.stdout.buffer.write(vl_convert.vegalite_to_png(request["spec"], scale=_SCALE))


if __name__ == "__main__":
    _main()
