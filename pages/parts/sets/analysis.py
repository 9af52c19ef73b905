"""An analysis of a report, or why it has none."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.frame import plain
from pages.parts.sets.runs import SetRun


def analysis(chosen: SetRun, name: str) -> dict[str, Any]:
    """An analysis of the report; {}, and why, where there is none."""
    found = chosen.report.analysis(name)
    if found is None:
        st.info("This report was made without this analysis; evaluate the run again.", icon=":material/info:")
    elif "reason" in found:
        st.info(plain(found["reason"]), icon=":material/info:")
    else:
        return found
    return {}
