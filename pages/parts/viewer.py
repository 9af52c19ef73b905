"""Who looks at a page. A login is on where `.streamlit/secrets.toml` has a section [auth] (OpenID Connect)."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.config.access import Viewer


def required() -> bool:
    """Whether visitors have to sign in. Secrets that cannot be read do not open the doors."""
    if not any(Path(file).exists() for file in st.get_option("secrets.files")):
        return False
    return not st.secrets.load_if_toml_exists() or "auth" in st.secrets


def who() -> Viewer:
    """The person behind the script that runs: their number at their provider, which is nobody else's, ever.

    An address or a name can change hands, and some providers let people choose theirs.
    """
    if not required():
        return Viewer()
    claims = st.user.to_dict()
    subject, issuer = claims.get("sub"), claims.get("iss")
    if claims.get("is_logged_in") is not True or not subject or not issuer:
        return Viewer("")
    return Viewer(f"{subject} at {issuer}")
