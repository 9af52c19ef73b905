"""A small OpenID Connect provider on this machine: whoever says that they are Anna is Anna."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

PEOPLE = {"anna": "Anna", "ben": "Ben"}
CLIENT, SECRET = "popscape", "known to both"


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """The issuer's address, for as long as it answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    server.key, server.asked = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}), {}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Provider(BaseHTTPRequestHandler):
    """Discovery, keys, the page that asks who one is, and tokens (OpenID Connect Core 1.0, section 3.1)."""

    def do_GET(self) -> None:
        address, query = urlsplit(self.path), {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        match address.path:
            case "/.well-known/openid-configuration":
                self._json(
                    {
                        "issuer": self._issuer,
                        **{f"{name}_endpoint": f"{self._issuer}/{name}" for name in ("authorization", "token")},
                        "jwks_uri": f"{self._issuer}/keys",
                        "response_types_supported": ["code"],
                        "subject_types_supported": ["public"],
                        "id_token_signing_alg_values_supported": ["RS256"],
                    }
                )
            case "/keys":
                self._json({"keys": [self.server.key.as_dict(private=False)]})  # type: ignore[attr-defined]
            case "/authorization":
                assert query["client_id"] == CLIENT
                links = []
                for person, name in PEOPLE.items():
                    code = secrets.token_urlsafe()
                    self.server.asked[code] = (person, query.get("nonce"))  # type: ignore[attr-defined]
                    back = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
                    links.append(f'<a href="{back.replace("&", "&amp;")}">I am {name}</a>')
                self._answer("text/html", " ".join(links).encode())
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        """A code, once, for a token that is signed."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        person, nonce = self.server.asked.pop(form["code"][0])  # type: ignore[attr-defined]
        now = int(time.time())
        claims = {
            "iss": self._issuer, "sub": person, "aud": CLIENT, "iat": now, "exp": now + 3600, "nonce": nonce,
            "name": PEOPLE[person], "email": f"{person}@example.org",
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.server.key)  # type: ignore[attr-defined]
        self._json({"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "id_token": signed})

    def log_message(self, format: str, *words: Any) -> None:
        """Nothing: a test says what went wrong itself."""

    @property
    def _issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def _json(self, content: Any) -> None:
        self._answer("application/json", json.dumps(content).encode())

    def _answer(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
