"""A visitor without a browser: it speaks to a running dashboard as Streamlit's page does, by its websocket.

One visit costs the server what a browser's would, and the one who visits next to nothing; what a browser draws, and
whether it can, is tested in tests/browser.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, generate_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME, XSRF_COOKIE_NAME
from websockets.sync.client import connect

from tests.waiting import PATIENCE

_ENDS = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_BOUNDARY = "a-part-of-a-file"


def signed_in(address: str, person: Mapping[str, str], secret: str) -> str:
    """The cookie that a dashboard whose `cookie_secret` is `secret` gives a person with these claims."""
    claims = {"origin": address, "is_logged_in": True, **person}
    return f"{USER_COOKIE_NAME}={create_signed_value(secret, USER_COOKIE_NAME, json.dumps(claims)).decode()}"


class Visitor:
    """A session of a dashboard, of a person where it has their `cookie`.

    What the page shows is in `elements`, one protocol buffer each, from top to bottom; `raw` is all that the server
    has sent since the page was opened.
    """

    def __init__(self, address: str, cookie: str = "") -> None:
        self.host = urlsplit(address).netloc
        token = generate_xsrf_token_string()
        self._cookies = f"{XSRF_COOKIE_NAME}={token}; {cookie}"
        self._token = token
        self._socket = connect(
            f"ws://{self.host}/_stcore/stream", origin=f"http://{self.host}", subprotocols=["streamlit", token],  # type: ignore
            additional_headers={"Cookie": self._cookies}, max_size=None,
        )  # fmt: skip
        self.raw: list[bytes] = []
        self._shown: dict[tuple[int, ...], Any] = {}
        self._state = BackMsg().rerun_script
        self.session = ""
        self.pages: dict[str, str] = {}

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the tab."""
        self._socket.close()

    @property
    def elements(self) -> list[Any]:
        """All that is on the page."""
        return [self._shown[place] for place in sorted(self._shown)]

    def all(self, kind: str) -> list[Any]:
        """The elements of a kind, such as "button"."""
        return [getattr(one, kind) for one in self.elements if one.WhichOneof("type") == kind]

    def said(self) -> str:
        """All that the server sent to the page."""
        return "\n".join(str(one) for one in self.elements)

    def open(self, page: str, query: Mapping[str, str | list[str]] | str = "") -> None:
        """Type an address: the file stem of a page, and its parameters."""
        words = query if isinstance(query, str) else urlencode(query, doseq=True)
        self._state.Clear()
        self.raw = []
        self._state.page_name = "" if page == "home" else page
        self._state.query_string = words
        self._run()

    def follow(self, page: str) -> None:
        """Take the link of a page in the navigation."""
        self._state.Clear()
        self._state.page_script_hash = self.pages["" if page == "home" else page]
        self._run()

    def press(self, label: str) -> None:
        """Press a button."""
        button = next(one for one in self.all("button") if one.label == label)
        assert not button.disabled, label
        self.change(WidgetState(id=button.id, trigger_value=True))

    def give(self, label: str, name: str, content: bytes) -> None:
        """Give a file to an uploader."""
        uploader = next(one for one in self.all("file_uploader") if one.label == label)
        place = self.place_for(name)
        status = self.put(place.upload_url, name, content)
        assert status == 204, status
        state = WidgetState(id=uploader.id)
        state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=place.file_id, file_urls=place
        )
        self.change(state)

    def put(self, path: str, name: str, content: bytes) -> int:
        """Send a file to an address of the server as a browser does; the status of the answer."""
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        try:
            head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
            connection.request(
                "PUT", path, head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode(),
                {
                    "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
                    "Cookie": self._cookies,
                    "X-Xsrftoken": self._token,
                },
            )  # fmt: skip
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def place_for(self, name: str) -> Any:
        """Where a file of that name is to be put: its id and its addresses."""
        asked = BackMsg()
        asked.file_urls_request.request_id = name
        asked.file_urls_request.file_names.append(name)
        asked.file_urls_request.session_id = self.session
        self._socket.send(asked.SerializeToString())
        answer = next(one for one in self._heard() if one.WhichOneof("type") == "file_urls_response")
        return answer.file_urls_response.file_urls[0]

    def change(self, state: WidgetState) -> None:
        """Say that a widget stands otherwise, whether the page would or not."""
        del self._state.widget_states.widgets[:]
        self._state.widget_states.widgets.append(state)
        self._run()

    def _run(self) -> None:
        """Run the script, and hear what it says until it has ended; a page that sends on to another is followed."""
        self._socket.send(BackMsg(rerun_script=self._state).SerializeToString())
        for message in self._heard():
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._shown = {}
                self.session = message.new_session.initialize.session_id or self.session
            elif kind == "navigation":
                self._state.page_script_hash = message.navigation.page_script_hash
                self.pages = {one.url_pathname if not one.is_default else "": one.page_script_hash
                              for one in message.navigation.app_pages}  # fmt: skip
            elif kind == "page_info_changed":
                self._state.query_string = message.page_info_changed.query_string
            elif kind == "delta":
                place = tuple(message.metadata.delta_path)
                if message.delta.WhichOneof("type") == "new_element":
                    self._shown[place] = message.delta.new_element
            elif kind == "script_finished" and message.script_finished in _ENDS:
                return
        raise AssertionError("the server closed the connection")

    def _heard(self) -> Iterator[ForwardMsg]:
        while True:
            self.raw.append(bytes(self._socket.recv(timeout=PATIENCE)))  # type: ignore[arg-type]
            yield ForwardMsg.FromString(self.raw[-1])
