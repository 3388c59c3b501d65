"""An application made with Authlib and Flask: `authlib_app.py PORT DIRECTORY`, where `clients.json` in `DIRECTORY` has the
issuer, the clients by the way in which they prove themselves, and who vouches for users. What it learns it tells as JSON."""

import json
import pathlib
import sys

from authlib.integrations.flask_client import OAuth, OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7523.assertion import sign_jwt_bearer_assertion
from flask import Flask, jsonify, request
from joserfc.jwk import import_key

port, directory = int(sys.argv[1]), pathlib.Path(sys.argv[2])
base = f"http://localhost:{port}"
told = json.loads((directory / "clients.json").read_text())
metadata_url = f"{told['issuer']}/.well-known/openid-configuration"

app = Flask(__name__)
app.secret_key = "only-for-these-journeys"
oauth = OAuth(app)
for method, client in told["clients"].items():
    key = client.get("key")
    oauth.register(
        method,
        client_id=client["client_id"],
        client_secret=import_key(key) if key else client["client_secret"],
        client_auth_methods=[PrivateKeyJWT(alg=key["alg"])] if key else None,
        server_metadata_url=metadata_url,
        client_kwargs={
            "scope": "openid profile email offline_access",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": method,
            "revocation_endpoint_auth_method": method,
        },
    )
signed_in = {}  # tokens by client


@app.route("/<method>/sign-in")
def sign_in(method):
    return oauth.create_client(method).authorize_redirect(f"{base}/{method}/cb", **request.args)


@app.route("/<method>/cb")
def callback(method):
    try:
        token = oauth.create_client(method).authorize_access_token()
    except OAuthError as error:
        return jsonify(error=error.error), 400
    signed_in[method] = token
    return jsonify(token["userinfo"])


@app.route("/<method>/sign-out")
def sign_out(method):
    hint = signed_in[method]["id_token"]
    return oauth.create_client(method).logout_redirect(f"{base}/bye", id_token_hint=hint)


@app.route("/bye")
def bye():
    return jsonify(oauth.create_client("client_secret_basic").validate_logout_response())


@app.route("/<method>/work")
def work(method):
    """Userinfo, a refresh, introspection and revocation, in turn."""
    client, token = oauth.create_client(method), signed_in[method]
    metadata = client.load_server_metadata()
    heard = {"userinfo": client.userinfo(token=token)}
    with client._get_oauth_client(**metadata) as session:
        renewed = session.refresh_token(refresh_token=token["refresh_token"])
        heard["renewed"] = {
            "changed": renewed["refresh_token"] != token["refresh_token"],
            "claims": client.parse_id_token(renewed, nonce=None),
        }
        introspect = lambda: session.introspect_token(metadata["introspection_endpoint"], renewed["access_token"]).json()
        heard["introspected"] = introspect()
        revoked = session.revoke_token(metadata["revocation_endpoint"], renewed["refresh_token"], "refresh_token")
        heard["revoked"] = [revoked.status_code, introspect()]
        heard["refused"] = refusal(lambda: session.refresh_token(refresh_token=renewed["refresh_token"]))
    return jsonify(heard)


@app.route("/<method>/checks")
def checks(method):
    """What its own checks say of an ID token: none of the first, and of the others what is wrong with each."""
    client, token = oauth.create_client(method), signed_in[method]
    nonce = token["userinfo"]["nonce"]
    parse = lambda client=client, token=token, nonce=nonce, **more: refusal(
        lambda: client.parse_id_token(token, nonce=nonce, **more)
    )
    other = next(oauth.create_client(name) for name in told["clients"] if name != method)
    head, payload, signature = token["id_token"].split(".")
    changed = signature[:9] + ("A" if signature[9] != "A" else "B") + signature[10:]
    return jsonify(
        itself=parse(),
        nonce=parse(nonce="of-another-sign-in"),
        audience=parse(client=other),
        issuer=parse(claims_options={"iss": {"values": ["https://elsewhere.example.test"]}}),
        access_token=parse(token={**token, "access_token": "another"}),
        signature=parse(token={**token, "id_token": f"{head}.{payload}.{changed}"}),
    )


@app.route("/vouched")
def vouched():
    """The JWT bearer grant: a user whom their organization's provider vouches for, and the same again."""
    provider, agent = told["provider"], told["agent"]
    assertion = sign_jwt_bearer_assertion(
        key=import_key(provider["key"]),
        issuer=provider["issuer"],
        audience=told["issuer"],
        subject=provider["subject"],
        expires_in=120,
        claims={"client_id": agent["client_id"], "scope": "chat"},
        header={"alg": provider["key"]["alg"], "kid": provider["key"]["kid"], "typ": "oauth-id-jag+jwt"},
    )
    with OAuth2Session(**agent) as session:
        ask = lambda: session.fetch_token(
            f"{told['issuer']}/token",
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            assertion=assertion,
            organization=provider["organization"],
        )
        return jsonify(token=ask(), again=refusal(ask))


def refusal(attempt):
    """The name of what is raised, or none."""
    try:
        attempt()
    except Exception as error:
        return getattr(error, "error", None) or type(error).__name__
    return None


app.run("localhost", port)
