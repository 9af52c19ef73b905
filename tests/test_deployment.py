"""The container files, read as Docker would read them; the commands in them that need no Docker are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.browser.serving import free_port
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ("Dockerfile", "Dockerfile.cuda")
CONFIG = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
PORT = CONFIG["server"]["port"]

Instruction = tuple[str, str]


def instructions(name: str) -> list[Instruction]:
    """(instruction, its words) in their order, with continued lines joined."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.lstrip().startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], " ".join(line.split()[1:])) for line in whole.splitlines() if line.strip()]


def words(name: str, instruction: str) -> list[str]:
    return [rest for kind, rest in instructions(name) if kind == instruction]


def environment(name: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for line in words(name, "ENV") for pair in line.split())


def health(name: str) -> list[str]:
    return json.loads(words(name, "HEALTHCHECK")[0].split(" CMD ")[1])


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, as the shell sees them."""
    block = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert block, target
    return [line.strip().lstrip("@").replace("$(BIN)", ".venv/bin") for line in block[1].splitlines()]


def ignored(path: Path) -> bool:
    patterns = [p for p in (ROOT / ".dockerignore").read_text().splitlines() if p and not p.startswith("#")]
    parts = [path, *path.parents][:-1]
    return any(fnmatch(part.as_posix(), p.removeprefix("**/")) for part in parts for p in patterns)


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_installed_and_started_by_the_commands_of_the_makefile(name: str) -> None:
    assert json.loads(words(name, "CMD")[-1]) == recipe("app")[0].split()
    runs = words(name, "RUN")
    assert runs[-1] == "make .venv/app.stamp"
    assert runs[-2] == f"make .venv/bin/python && {recipe('.venv/app.stamp')[0]} -r requirements-login.txt"
    copied = [line.split()[1:-1] for line in words(name, "COPY")]
    assert copied[-1] == ["."]
    for source in copied[0]:
        assert (ROOT / source).is_file()
        assert not ignored(Path(source))


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_runs_as_nobody_special_and_keeps_its_home_in_a_volume(name: str) -> None:
    order = instructions(name)
    users = [rest for kind, rest in order if kind == "USER"]
    assert users == ["popscape"]
    at = order.index(("USER", "popscape"))
    assert all("apt-get" not in rest and "useradd" not in rest for _, rest in order[at:])
    assert f"useradd --create-home --uid 1000 {users[0]} && install -d -o {users[0]} /app /data" in words(name, "RUN")
    assert all(line.startswith(f"--chown={users[0]} ") for line in words(name, "COPY"))
    assert words(name, "VOLUME") == [environment(name)["POPSCAPE_HOME"]] == ["/data"]
    assert words(name, "EXPOSE") == [str(PORT)]
    assert f"http://127.0.0.1:{PORT}/_stcore/health" in health(name)[-1]


def test_the_two_images_differ_in_where_torch_runs_alone() -> None:
    first, second = (instructions(name) for name in IMAGES)
    differing = {kind for one, other in zip(first, second, strict=True) if one != other for kind in (one[0], other[0])}
    assert differing == {"RUN", "ENV"}  # a C compiler, and where torch's wheel comes from
    assert len([1 for one, other in zip(first, second, strict=True) if one != other]) == 2


def test_what_an_image_must_not_hold_is_left_out_and_what_it_needs_is_not() -> None:
    assert all(
        map(ignored, map(Path, (".streamlit/secrets.toml", ".env", ".popscape/runs/a/config.json", ".git/HEAD")))
    )
    needed = [
        "app.py",
        ".streamlit/config.toml",
        *_files("core"),
        *_files("pages"),
        *_files("assets"),
        *_files("pretrained"),
    ]
    assert not [path for path in needed if ignored(Path(path))]


def _files(folder: str) -> Iterator[str]:
    made = ("core/config/catalogue.json",)
    for path in (ROOT / folder).rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and "__pycache__" not in name and name not in made:
            yield name


def test_compose_publishes_on_this_machine_alone_and_keeps_the_home() -> None:
    services = compose()
    dashboard, proxy = services["popscape"], services["proxy"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service["ports"])
    assert dashboard["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert dashboard["volumes"][0] == f"home:{environment('Dockerfile')['POPSCAPE_HOME']}"
    assert "home" in yaml.safe_load((ROOT / "compose.yaml").read_text())["volumes"]
    assert dashboard["init"] is True
    assert "profiles" not in dashboard
    assert proxy["profiles"] == ["sign-in"]
    assert proxy["depends_on"] == {"popscape": {"condition": "service_healthy"}}
    assert proxy["environment"]["OAUTH2_PROXY_UPSTREAMS"] == f"http://popscape:{PORT}"
    # Nobody is let in while it is not said who may.
    assert proxy["environment"]["OAUTH2_PROXY_EMAIL_DOMAINS"] == "${OIDC_EMAIL_DOMAINS:-}"


def test_the_image_s_own_commands_start_a_dashboard_and_find_it_well(tmp_path: Path) -> None:
    """With the image's environment, and the names that compose lets browsers ask for."""
    port, binaries = free_port(), Path(sys.executable).parent
    hosts = compose()["popscape"]["environment"]["STREAMLIT_SERVER_ALLOWED_HOSTS"]
    around = {
        **os.environ,
        **{key: value for key, value in environment("Dockerfile").items() if key.startswith("STREAMLIT_")},
        "POPSCAPE_HOME": str(tmp_path),
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_ALLOWED_HOSTS": re.sub(r"\$\{.*?\}", "lab.example.org", hosts),
    }

    def command(line: list[str]) -> list[str]:
        return [str(binaries / Path(line[0]).name), *(word.replace(str(PORT), str(port)) for word in line[1:])]

    check = command(health("Dockerfile"))
    assert subprocess.run(check, env=around, capture_output=True, check=False).returncode != 0
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            command(json.loads(words("Dockerfile", "CMD")[-1])), cwd=ROOT, env=around, stdout=log, stderr=log
        )
    try:

        def well() -> bool:
            assert server.poll() is None, (tmp_path / "log").read_text()
            return subprocess.run(check, env=around, capture_output=True, check=False).returncode == 0

        wait_until(well, "the health check of the image never passed")
        assert _upgrade(port, "lab.example.org") == 101
        assert _upgrade(port, "elsewhere.example.org") == 403
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _upgrade(port: int, host: str) -> int:
    """The status with which the dashboard answers a browser that asks for its messages under the name `host`."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    asked = {
        "Host": host, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": f"http://{host}",
    }  # fmt: skip
    connection.request("GET", "/_stcore/stream", headers=asked)
    status = connection.getresponse().status
    connection.close()
    return status
