"""A resource server behind Orgate: GET /orgs/{org}/notes, for tokens of {org} alone."""

import json
import os
import re
import threading
import time
import urllib.request
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import jwt

ISSUER = os.environ.get("ORGATE_ISSUER", "http://localhost:8080")
AUDIENCE = os.environ.get("ORGATE_AUDIENCE", "notes")
ALGORITHMS = {"ES256", "RS256", "PS256", "EdDSA"}
REQUIRED = ["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "org_id", "org_name"]


class Refusal(Exception):
    """An answer other than 200: a status, and the challenge that RFC 6750 §3 asks for."""

    def __init__(self, status, challenge=None):
        super().__init__(status.phrase)
        self.status, self.challenge = status, challenge


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return json.load(response)


class Keys:
    """The issuer's keys: fetched again after five minutes, or for one that is not known, every ten seconds at most."""

    def __init__(self):
        discovered = fetch(f"{ISSUER}/.well-known/openid-configuration")
        if discovered["issuer"] != ISSUER:
            raise SystemExit(f"{ISSUER} calls itself {discovered['issuer']}")
        self.uri, self.lock, self.tried_at = discovered["jwks_uri"], threading.Lock(), float("-inf")
        self.keys, self.fetched_at = {}, float("-inf")

    def find(self, kid):
        with self.lock:
            now = time.monotonic()
            wanted = kid not in self.keys or now - self.fetched_at > 300
            if wanted and now - self.tried_at > 10:
                self.tried_at = now
                try:
                    self.keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(fetch(self.uri)).keys}
                    self.fetched_at = now
                except (OSError, ValueError, jwt.PyJWTError) as error:
                    print(f"the issuer's keys could not be fetched: {error}", flush=True)
            if now - self.fetched_at > 3600:
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE)
            return self.keys.get(kid)


def authenticate(authorization):
    """The claims of the request's access token."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(HTTPStatus.UNAUTHORIZED, "Bearer")
    invalid = Refusal(HTTPStatus.UNAUTHORIZED, 'Bearer error="invalid_token"')
    try:
        header = jwt.get_unverified_header(token)
        key = KEYS.find(header.get("kid"))
        # An ID token is no access token; and the key's own algorithm counts, whatever the token says.
        if header.get("typ") != "at+jwt" or key is None or key.algorithm_name not in ALGORITHMS:
            raise invalid
        options = {"require": REQUIRED}
        only = [key.algorithm_name]
        claims = jwt.decode(token, key, only, options, issuer=ISSUER, audience=AUDIENCE, leeway=30)
    except jwt.PyJWTError as error:
        raise invalid from error
    # Bound to a key of the client's, whose proof is not checked here (RFC 9449 §7.2).
    if "cnf" in claims:
        raise invalid
    return claims


def list_notes(authorization, organization):
    claims = authenticate(authorization)
    # What begins like an id is compared with the id alone, or a slug could pose as one.
    own = claims["org_id"] if organization.lower().startswith("org_") else claims["org_name"]
    if organization != own:
        raise Refusal(HTTPStatus.FORBIDDEN)
    if "notes:read" not in claims.get("permissions", []):
        raise Refusal(HTTPStatus.FORBIDDEN, 'Bearer error="insufficient_scope"')
    # Query by `org_id` of the token, never by what the request says. Without `sid`, a machine asks: `sub` is its client.
    return {"org_id": claims["org_id"], "sub": claims["sub"], "notes": []}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            route = re.fullmatch(r"/orgs/([^/?]+)/notes(\?.*)?", self.path)
            if route is None:
                raise Refusal(HTTPStatus.NOT_FOUND)
            self.answer(HTTPStatus.OK, list_notes(self.headers.get("Authorization", ""), unquote(route[1])))
        except Refusal as refusal:
            self.answer(refusal.status, {"error": refusal.status.phrase}, refusal.challenge)

    def answer(self, status, body, challenge=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


if __name__ == "__main__":
    KEYS = Keys()
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
