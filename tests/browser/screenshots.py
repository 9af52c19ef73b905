"""A picture of each page, light and dark: `python -m tests.browser.screenshots FOLDER`.

Pictures show the shipped runs; where none are shipped, runs of simple generators on the demo cohort.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.browser.serving import browser, dashboard, settled

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Name of the picture → address below the dashboard's.
VIEWS = {
    "home": "",
    "datasets": "datasets?dataset=demo",
    "datasets_vectors": "datasets?dataset=demo-clones",
    "datasets_images": "datasets?dataset=demo-digits",
    "datasets_import": "datasets?datasets=Import+files",
    "datasets_import_sets": "datasets?datasets=Import+files&import=Sets+of+cells%2C+images+or+sequences",
    "datasets_simulate": "datasets?datasets=Simulate",
    "datasets_simulate_sets": "datasets?datasets=Simulate&simulator=Sets+of+a+family+of+distributions",
    "train": "train?dataset=demo",
    "train_recipes": "train?train=Recipes",
    "train_sweep": "train?dataset=demo&several=true",
    "train_sets": "train?dataset=demo-clones",
    "train_images": "train?dataset=demo-digits",
    "runs": "runs",
    "compare": "compare",
    "compare_all_runs": "compare?comparison=All+runs",
    "compare_all": "compare?metrics=All",
    "frequencies": "frequencies",
    "frequencies_genotypes": "frequencies?frequencies=Genotypes",
    "frequencies_by_frequency": "frequencies?frequencies=Error+by+frequency",
    "frequencies_rare": "frequencies?frequencies=Rare+alleles",
    "frequencies_spectrum": "frequencies?frequencies=Spectrum",
    "linkage": "linkage",
    "linkage_whole_contig": "linkage?region=1000&region=1900000",
    "precision_recall": "precision_recall",
    "precision_recall_populations": "precision_recall?precision=By+population",
    "structure": "structure",
    "structure_populations": "structure?colour=population",
    "association": "association",
    "association_quantiles": "association?association=Quantiles+and+effects",
    "association_prediction": "association?association=Prediction",
    "association_condition": "association?association=Condition",
    "association_models": "association?association=All+models",
    "structure_umap": "structure?map=UMAP&colour=population",
    "latents": "latents",
    "latents_individuals": "latents?between=Two+individuals",
    "diversity": "diversity",
    "diversity_haplotypes": "diversity?statistic=Haplotype+diversity",
    "diversity_joint": "diversity?diversity=Joint+spectrum",
    "impute": "impute",
    "impute_file": "impute?impute=A+file+of+mine",
    "privacy": "privacy",
    "privacy_membership": "privacy?privacy=Membership+inference",
    "privacy_exposed": "privacy?privacy=Most+exposed",
    "privacy_relatives": "privacy?privacy=Relatives",
    "atlas": "atlas",
    "atlas_transport": "atlas?layout=Transport+distances+%28MDS%29&uncertainty=true",
    "atlas_solid": "atlas?layout=PCA+of+latents&solid=true&samples=Density+map",
    "interpolate": "interpolate?t=0.3",
    "interpolate_densities": "interpolate?samples=Densities",
    "interpolate_beyond": "interpolate?beyond=true&t=1.4",
    "interpolate_barycentre": "interpolate?walk=Barycentre",
    "interpolate_arithmetic": "interpolate?walk=A+%E2%88%92+B+%2B+C",
    "sequences": "sequences?model=Proteins+that+evolve",
    "sequences_kmers": "sequences?model=Proteins+that+evolve&sequences=k-mers",
    "sequences_mutations": "sequences?model=Proteins+that+evolve&sequences=Mutations",
    "sequences_nearest": "sequences?model=Proteins+that+evolve&sequences=Nearest+real",
    "geometry": "geometry",
    "geometry_reconstruction": "geometry?geometry=Reconstruction",
    "geometry_set_size": "geometry?geometry=Set+size",
    "geometry_troubleshooting": "geometry?geometry=Troubleshooting",
    "predict": "predict",
    "predict_early_late": "predict?predict=Early+and+late&model=Clonal+differentiation",
    "predict_effects": "predict?predict=Effects&model=Clonal+differentiation",
}
_WIDTH, _HEIGHT, _TALLEST = 1280, 900, 6000
Scheme = Literal["light", "dark"]


def main(folder: Path) -> None:
    """Write FOLDER/<view>_<scheme>.png for every view."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        _content(Path(home))
        with dashboard(Path(home)) as address, browser() as chromium:
            schemes: tuple[Scheme, ...] = ("light", "dark")
            for scheme in schemes:
                for name, path in VIEWS.items():
                    picture(chromium, f"{address}/{path}", folder / f"{name}_{scheme}.png", scheme)
                    print(folder / f"{name}_{scheme}.png")


def picture(chromium: Browser, url: str, path: Path, scheme: Scheme) -> None:
    """One full-length picture of the page at `url`, 1280 pixels wide."""
    page = chromium.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme=scheme)
    page.goto(url)
    settled(page)
    # The page scrolls inside a container: the window has to grow for a picture of all of it.
    length = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
    page.set_viewport_size({"width": _WIDTH, "height": min(int(length) + 20, _TALLEST)})
    settled(page)
    page.screenshot(path=path)
    page.close()


def _content(home: Path) -> None:
    os.environ["POPSCAPE_HOME"] = str(home)
    from core.data.library import Library
    from core.runs.store import RunStore
    from tests.pages import finished_runs

    if not any(run.has_report for run in RunStore().list()):
        finished_runs.make(home / "runs", Library().open("demo"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"))
