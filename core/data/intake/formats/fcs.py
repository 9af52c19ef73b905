"""Flow and mass cytometry (FCS): one event an observation, one file a sample."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake import archives
from core.data.intake.counts import CYTOMETRY
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.errors import InputError

MAGIC = b"FCS"
# Channels that say when and how an event passed the detector, and not what the cell carries.
_TIME = re.compile(r"time|event_?length|width|center|offset|residual|event ?#?|bead_?dist", re.IGNORECASE)
_SCATTER = re.compile(r"(FSC|SSC|FS|SS)([-_. ]?(A|H|W|INT|TOF|PEAK|LIN|LOG|AREA|HEIGHT|WIDTH).*|\d*)", re.IGNORECASE)
# Keywords that tell samples apart → the name of the column that they become.
_KEYWORDS = {
    "src": "source",
    "smno": "specimen",
    "tube name": "tube",
    "wellid": "well",
    "plateid": "plate",
    "date": "date",
}


@formats.register(
    "fcs",
    title="FCS",
    kind="sets",
    help="Versions 2.0 to 3.1 of flow or mass cytometry: marker channels, arcsinh by default; several files or a zip "
    "of them, one a sample (column file).",
    source="Flow Cytometry Standard 3.1 (Spidlen et al. 2010), read by flowio",
)
class FcsFormat(CollectionFormat):
    """Time and scatter become columns of the events, not features, unless they are asked for."""

    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(MAGIC)

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        heads = [source.main, *source.others]
        for head in heads:
            if not FcsFormat.matches(head):
                raise InputError(f"{head.name} came with FCS files but is none; give FCS files alone.")
        samples = [_sample(head) for head in sorted(heads, key=lambda head: head.name)]
        check_entries(sum(sample.events.size for sample in samples), source.main.name)
        first = samples[0]
        common = [name for name in first.names if all(name in sample.names for sample in samples)]
        if not common:
            raise InputError(f"The files of {source.main.name} share no channel; give samples of one panel.")
        x = np.concatenate([s.events[:, [s.names.index(name) for name in common]] for s in samples])
        table = ObservationTable(x, {}, feature=np.array(common, dtype=np.str_), origin=CYTOMETRY)
        table.columns["file"] = _by_event([sample.file for sample in samples], samples)
        for key, column in _KEYWORDS.items():
            values = [sample.text.get(key, "").strip() for sample in samples]
            if len(set(values)) > 1:
                table.columns[column] = _by_event(values, samples)
        _set_aside(table, source.options.features, source.main.name)
        left = sorted({name for sample in samples for name in sample.names} - set(common))
        if left:
            table.notes.append(f"Channels that not every file has were left out: {', '.join(left[:12])}.")
        if any(key in first.text for key in ("spill", "spillover", "comp")):
            table.notes.append("The spillover matrix in the file was not applied; compensate before if that matters.")
        if not any("Di" in detector or "Dd" in detector for detector in first.detectors):
            table.notes.append("The cofactor of arcsinh is 5, that of mass cytometry; fluorescence often takes 150.")
        place = {one: i for i, one in enumerate(table.feature.tolist())}
        pairs = zip(first.names, first.detectors, strict=True)
        table.aliases = {detector: place[one] for one, detector in pairs if one in place}
        return table


@dataclass
class _Sample:
    """One file: events (k, c) float64 on a linear scale, the names of its channels and detectors, its keywords."""

    file: str
    events: npt.NDArray[np.float64]
    names: list[str]
    detectors: list[str]
    text: dict[str, str]


def _sample(head: Head) -> _Sample:
    try:
        import flowio
    except ModuleNotFoundError:
        raise InputError(f"{head.name} is FCS, which needs flowio; install the packages of requirements.txt.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Many cytometers write the end of the data one byte too far or differently in two places.
            data = flowio.FlowData(head.path, ignore_offset_error=True, ignore_offset_discrepancy=True)
            events = data.as_array(preprocess=True)
            if events.shape[1] != len(data.pnn_labels) or len(events) != data.event_count:
                raise ValueError("its events are not those that it declares")
    except Exception as error:  # noqa: BLE001 - flowio raises whatever its parsing runs into
        why = archives.reason(error)
        raise InputError(f"{head.name} is an FCS file that cannot be read ({why}); export it again.") from None
    detectors = [str(one) for one in data.pnn_labels]
    markers = [str(one).strip() for one in data.pns_labels]
    names = [marker or detector for marker, detector in zip(markers, detectors, strict=True)]
    if len(set(names)) < len(names):  # one marker on two detectors
        names = [
            f"{m} {d}" if m and names.count(m) > 1 else n for n, m, d in zip(names, markers, detectors, strict=True)
        ]
    stem = re.sub(r"\.fcs$", "", head.name, flags=re.IGNORECASE)
    return _Sample(stem, events, names, detectors, dict(data.text))


def _by_event(values: list[str], samples: list[_Sample]) -> Any:
    return np.repeat(np.array(values, dtype=np.str_), [len(sample.events) for sample in samples])


def _set_aside(table: ObservationTable, wanted: tuple[str, ...], name: str) -> None:
    """Move time and scatter from the features to the columns, where no features were asked for."""
    names = table.feature.tolist()
    aside = [one for one in names if _TIME.fullmatch(one) or _SCATTER.fullmatch(one)]
    if wanted or not aside:
        return
    if len(aside) == len(names):
        raise InputError(f"{name} has channels of time and scatter alone; name the features that are meant.")
    x = table.observations
    for one in aside:
        table.columns[one] = x[:, names.index(one)].astype(np.float64)
    keep = [i for i, one in enumerate(names) if one not in aside]
    table.observations, table.feature = x[:, keep], table.feature[keep]
    table.notes.append(f"Channels of time and scatter are no features but columns: {', '.join(aside)}.")
