"""Colours and symbols: the same on every page, and never those of real data."""

from __future__ import annotations

from core.plots.theme import REAL, model_colour, model_symbol, population_colours, population_symbols


def test_no_two_shipped_models_look_alike_and_none_looks_real() -> None:
    names = ["wgan_gp", "wgan_gp_published", "independent_sites", "gaussian_copula", "haplotype_mosaic", "resample"]
    assert len({model_colour(n) for n in names}) == len({model_symbol(n) for n in names}) == len(names)
    assert REAL not in {model_colour(n) for n in [*names, "something", "else"]}
    assert model_colour("something") == model_colour("something")


def test_eighty_populations_differ_in_colour_or_shape_and_keep_theirs() -> None:
    labels = [f"P{i:02d}" for i in range(80)]
    colours, shapes = population_colours(labels), population_symbols(labels)
    assert len({(colours[k], shapes[k]) for k in labels}) == 80
    assert population_colours(labels[::-1]) == colours
