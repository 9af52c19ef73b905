"""What the user may choose when observations become sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.config.schema import setting


@dataclass(frozen=True)
class CollectionOptions:
    """How observations are read and grouped; every choice is kept with the dataset."""

    kind: ClassVar[str] = "sets"

    set_column: tuple[str, ...] = setting(
        (), "Columns whose values together name the set of an observation, such as patient and condition."
    )
    whole: bool = setting(False, "The whole file is one set.", advanced=True)
    label_columns: tuple[str, ...] = setting(
        (), "Columns kept as labels of the sets, the first for colours; empty: every column that is constant in a set."
    )
    unit: str = setting("", "Column whose sets stay on one side of the split, such as the donor or the clone.")
    min_samples: int = setting(3, "Fewest observations of a set; smaller sets are left out and counted.", low=1)
    chunk: int = setting(0, "Cut larger sets into parts of about this many observations (0: never).", low=0)
    neighbourhood: str = setting(
        "", "Numeric column: sets are neighbourhoods along it instead of groups.", advanced=True
    )
    neighbourhoods: int = setting(50, "How many neighbourhoods, at even quantiles.", low=2, high=100_000, advanced=True)
    window: float = setting(
        0.5,
        "Kernel width of a neighbourhood, in standard deviations of the column.",
        low=0.001,
        high=100.0,
        advanced=True,
    )
    quantiles: str = setting(
        "", "Numeric column: sets are its quantiles, within the groups of the set columns where there are some."
    )
    quantiles_count: int = setting(20, "How many quantiles, of as many observations each.", low=2, high=100_000)
    features: tuple[str, ...] = setting(
        (), "Columns or genes that are the features; empty: all numeric columns, all genes."
    )
    layer: str = setting(
        "X", "h5ad and its like: X, the name of a layer, raw, or obsm:NAME for an embedding such as obsm:X_pca."
    )
    normalise: str = setting(
        "auto",
        "auto: raw counts are recognised and brought to size factors of 10,000 and log1p, cytometry to arcsinh(x / 5); "
        "none: values as they are.",
        choices=("auto", "none", "log1p", "size_log1p", "arcsinh"),
    )
    variable_genes: int = setting(0, "Keep this many most variable features (0: all).", low=0)
    components: int = setting(0, "Replace the features by this many principal components (0: no).", low=0, high=1000)
    scale: bool = setting(False, "Standardise each feature and cut at ±10 before the components.", advanced=True)
    delimiter: str = setting(
        "auto",
        "Text tables: what separates the columns.",
        choices=("auto", "tab", "comma", "semicolon", "space"),
        advanced=True,
    )
    sequence_column: str = setting("", "Text: the column of sequences; empty: found by its letters.", advanced=True)
    methylation_column: str = setting(
        "",
        "Text: the column of codes beside DNA, one a base (1 methylated, 0 unmethylated, 2 neither); empty: found.",
        advanced=True,
    )
    region_size: int = setting(
        0,
        "Methylation reads: the column region names windows of this many CpGs (pat) or bases (BAM).",
        low=0,
        advanced=True,
    )
    length: int = setting(0, "Sequences are cut at this length (0: the longest, at most 4,096).", low=0, advanced=True)
    ambiguous: str = setting(
        "auto",
        "Sequences with letters that stand for several (N, R, Y; X, B, Z): drop them, read the letter as unknown, or "
        "remove it; auto: unknown in proteins, drop in DNA unless most sequences have one.",
        choices=("auto", "drop", "unknown", "remove"),
        advanced=True,
    )
    gaps: str = setting(
        "remove",
        "Gaps in sequences: remove them, keep them as a letter (alignments), or drop the sequence.",
        choices=("remove", "keep", "drop"),
        advanced=True,
    )
    alphabet: str = setting(
        "auto",
        "Sequences: dna (U is read as T), rna, protein, methylation (DNA with M for a methylated C) or text (any "
        "characters, upper and lower case apart); auto: DNA, RNA or proteins, told from their letters.",
        choices=("auto", "dna", "rna", "protein", "methylation", "text"),
        advanced=True,
    )
    sizes: str = setting(
        "auto",
        "Images of different sizes: crop to the smallest (auto, while half of each side remains), pad with black to "
        "the largest, or resize to the commonest.",
        choices=("auto", "crop", "pad", "resize"),
    )
    longest_side: int = setting(
        256,
        "Images whose longer side has more pixels are reduced to it, all images of a file by one factor.",
        unit="pixels",
        low=8,
        high=1024,
    )
    frames: str = setting(
        "auto",
        "Image files of several frames: each an observation, or all of them the channels of one image; auto: channels "
        "where the file says so (OME, ImageJ), else observations.",
        choices=("auto", "observations", "channels", "first"),
        advanced=True,
    )
    channels: str = setting(
        "auto",
        "Arrays of images: whether the channels are the first or the last axis of an image.",
        choices=("auto", "first", "last"),
        advanced=True,
    )
