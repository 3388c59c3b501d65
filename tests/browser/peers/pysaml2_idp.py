"""pysaml2 as an identity provider: `pysaml2_idp.py PORT DIRECTORY`, where `DIRECTORY` holds `idp.key`, `idp.pem`,
`sp.xml` and `users.json` (attributes by user name)."""

import json
import pathlib
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

port, directory = int(sys.argv[1]), pathlib.Path(sys.argv[2])
base = f"http://localhost:{port}"
RELAY_STATE = "what the answer brings back"
signed_in = {}  # the name identifier of each user

config = IdPConfig().load(
    {
        "entityid": f"{base}/metadata",
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "key_file": str(directory / "idp.key"),
        "cert_file": str(directory / "idp.pem"),
        "metadata": {"local": [str(directory / "sp.xml")]},
        "service": {
            "idp": {
                "endpoints": {
                    "single_sign_on_service": [(f"{base}/sso", BINDING_HTTP_REDIRECT)],
                    "single_logout_service": [(f"{base}/slo", BINDING_HTTP_REDIRECT)],
                },
                "want_authn_requests_signed": True,
                "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                "sign_response": True,
                "sign_assertion": True,
            }
        },
    }
)
idp = Server(config=config)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.answer({name: values[0] for name, values in parse_qs(body).items()})

    def answer(self, form):
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/metadata":
            self.reply(200, "ready")
        elif parts.path == "/sso":
            self.sign_in(query, form)
        elif parts.path == "/slo":
            self.signed_out(query) if "SAMLResponse" in query else self.sign_out(query)
        elif parts.path == "/sign-out":
            self.begin_sign_out()
        else:
            self.reply(404, "nothing here")

    def signed(self, query):
        """What a signature of the redirect binding is about."""
        names = {"RelayState": "relay_state", "SigAlg": "sigalg", "Signature": "signature"}
        return {argument: query.get(name) for name, argument in names.items()}

    def sign_in(self, query, form):
        request = idp.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT, **self.signed(query))
        users = json.loads((directory / "users.json").read_text())
        user = form.get("user") or self.person()
        if user not in users:
            self.reply(200, '<form method="post"><label>User <input name="user"></label><button>Sign in</button></form>')
            return
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"id-of-{user}", sp_name_qualifier=request.message.issuer.text)
        signed_in[user] = name
        arguments = idp.response_args(request.message, [BINDING_HTTP_POST])
        binding, destination = arguments.pop("binding"), arguments.pop("destination")
        arguments.pop("name_id_policy", None)
        response = idp.create_authn_response(
            users[user],
            destination=destination,
            userid=user,
            name_id=name,
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": base},
            sign_response=True,
            sign_assertion=True,
            # Its own choice is SHA-1, which is refused.
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
            **arguments,
        )
        sent = idp.apply_binding(binding, str(response), destination, query.get("RelayState", ""), response=True)
        self.reply(200, sent["data"], cookie=f"person={user}; HttpOnly; Path=/")

    def person(self):
        """Who is signed in with this browser."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("person")
        return cookie.value if cookie and cookie.value in signed_in else None

    def sign_out(self, query):
        request = idp.parse_logout_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT, **self.signed(query))
        signed_in.clear()
        response = idp.create_logout_response(request.message, [BINDING_HTTP_REDIRECT])
        destination = idp.pick_binding("single_logout_service", [BINDING_HTTP_REDIRECT], "spsso", request)[1]
        relay_state = query.get("RelayState", "")
        signature = {"sign": True, "sigalg": SIG_RSA_SHA256}
        sent = idp.apply_binding(BINDING_HTTP_REDIRECT, str(response), destination, relay_state, response=True, **signature)
        self.reply(302, "", location=dict(sent["headers"])["Location"])

    def begin_sign_out(self):
        """Signing out that begins here: the one service provider is told first."""
        (service_provider,) = idp.metadata.keys()
        name = signed_in.pop(self.person())
        destination = idp.metadata.single_logout_service(service_provider, BINDING_HTTP_REDIRECT, "spsso")[0]["location"]
        _, request = idp.create_logout_request(destination, service_provider, name_id=name)
        signature = {"sign": True, "sigalg": SIG_RSA_SHA256}
        sent = idp.apply_binding(BINDING_HTTP_REDIRECT, str(request), destination, RELAY_STATE, **signature)
        self.reply(302, "", location=dict(sent["headers"])["Location"])

    def signed_out(self, query):
        idp.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT)
        if query.get("RelayState") != RELAY_STATE:
            self.reply(400, "<p>The RelayState is not the one of the request.</p>")
            return
        self.reply(200, "<p>You are signed out.</p>")

    def reply(self, status, body, cookie=None, location=None):
        page = body if body.startswith("<!DOCTYPE") else f"<!doctype html><title>pysaml2</title>{body}"
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if cookie:
            self.send_header("Set-Cookie", cookie)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("localhost", port), Handler).serve_forever()
