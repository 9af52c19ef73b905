"""The benchmarks, one a module; each compares with something else in the same run, on the same machine."""

from __future__ import annotations

import importlib
import resource
import sys
from collections.abc import Sequence

from core.errors import InputError

# name of the module → what it measures; its `main(arguments)` prints the numbers, with --json as one object
BENCHMARKS = {
    "metrics": "distances and linkage against scikit-learn and scikit-allel, memory of a large report",
    "gde": "a step and the sampling of set embeddings, of vectors and of sequences, against plain implementations",
    "gde_table": "the published synthetic benchmark of set embeddings, with floors and trivial baselines",
    "gde_geometry": "latent distances and straight lines against optimal transport",
    "gde_variance": "how much variance each generator keeps, on vectors and on images",
    "gde_sequences": "planted motifs, whose strength the latent must order, and likelihood by generator",
    "federated": "a model of sets at several sites, on all sets in one place, and at each site alone",
    "gde_memory": "peak memory of streaming and of gradient checkpointing",
    "scale": "cost against size of data that are read from disk, and a step beside one from memory",
    "real_sets": "set embeddings on real collections, cross-validated, beside what needs no training",
    "sequence_import": "memory and speed of the import of many reads",
    "models": "every model of genotypes against real halves of any cohort: the tables of quality",
    "impute": "imputation of hidden variants by every model that imputes, by allele frequency, against the null",
    "training": "a training epoch of every published family against a plain implementation",
    "sampling": "how long 10,000 individuals take with each model of genotypes of ours",
    "gpu": "what a GPU, CUDA graphs and bf16 bring each model, and whether losses agree",
    "pages": "the server against an empty Streamlit app",
}


def run(name: str, arguments: Sequence[str]) -> int:
    """Run the benchmark `name` with its own arguments; its exit status. Raises InputError for an unknown one."""
    if name not in BENCHMARKS:
        raise InputError(f"There is no benchmark called {name!r}; choose one of: {', '.join(BENCHMARKS)}.")
    status: int | None = importlib.import_module(f"core.bench.{name}").main(list(arguments))
    return status or 0


def peak_bytes() -> int:
    """Largest resident memory of this process so far, mapped pages included."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else 1024 * kilobytes
