"""Logout messages in both bindings, good and bad. Queries are signed with pyca/cryptography, documents by xmlsec1."""

import json
import shutil
import zlib
from urllib.parse import quote, quote_plus

from messages import *

ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


def request(id="_logout-1", version="2.0", instant="2026-03-01T11:59:30Z", destination=SLO, issuer=IDP, until="2026-03-01T12:05:00Z",
            name=None, sessions=("_session-1",), signed=False, element="LogoutRequest"):
    name = name_id() if name is None else name
    place = "{{" + str(id) + "}}" if signed else ""
    head = attributes(ID=id, Version=version, IssueInstant=instant, Destination=destination, NotOnOrAfter=until)
    issuer = f"<saml:Issuer>{issuer}</saml:Issuer>" if issuer is not None else ""
    inner = "".join(f"<samlp:SessionIndex>{s}</samlp:SessionIndex>" for s in sessions)
    return f'<samlp:{element} xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"{head}>{issuer}{place}{name}{inner}</samlp:{element}>'


def reply(id="_logout-response-1", instant="2026-03-01T11:59:30Z", destination=SLO, issuer=IDP, request=REQUEST, status_xml=None, signed=False):
    place = "{{" + id + "}}" if signed else ""
    head = attributes(ID=id, Version="2.0", IssueInstant=instant, Destination=destination, InResponseTo=request)
    return f'<samlp:LogoutResponse xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"{head}><saml:Issuer>{issuer}</saml:Issuer>{place}{status() if status_xml is None else status_xml}</samlp:LogoutResponse>'


def deflate(xml):
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = xml.encode() if isinstance(xml, str) else xml
    return base64.b64encode(squeezer.compress(data) + squeezer.flush()).decode()


def sign_query(text, key="idp"):
    if key == "idp-ec":
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        r, s = decode_dss_signature(private(key).sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()
    return base64.b64encode(private(key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def query(xml, relay_state=None, key="idp", method=RSA_SHA256, kind="SAMLRequest", encode=quote_plus, message=None):
    text = f"{kind}={encode(message or deflate(xml))}"
    if relay_state is not None:
        text += "&RelayState=" + encode(relay_state)
    text += "&SigAlg=" + encode(method)
    return text + "&Signature=" + encode(sign_query(text, key))


def write():
    directory = HERE / "logout"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    entries = []

    def case(name, note, expect, *, raw=None, post=None, response=False):
        entry = {"name": name, "note": note, "expect": expect, "response": response}
        if raw is not None:
            entry["query"] = raw
        else:
            (directory / f"{name}.xml").write_text(post, encoding="utf-8")
        entries.append(entry)

    good = query(request(), "state")
    parts = dict(p.split("=", 1) for p in good.split("&"))
    join = lambda names, **changed: "&".join(f"{n}={({**parts, **changed})[n]}" for n in names)
    case("redirect", "signed", None, raw=good)
    case("redirect-no-relay-state", "without RelayState", None, raw=query(request()))
    case("redirect-empty-relay-state", "with an empty one", None, raw=query(request(), ""))
    case("redirect-order", "parameters in another order: what is signed has its own", None, raw=join(["Signature", "RelayState", "SigAlg", "SAMLRequest"]))
    case("redirect-extra-parameter", "with a parameter that is none of ours", None, raw=good + "&utm_source=x")
    case("redirect-percent-lower-case", "encoded in lower case by its maker", None, raw=query(request(), "a/b", encode=lambda t: re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), quote(t, safe=""))))
    case("redirect-spaces-as-percent", "with %20 for a space", None, raw=query(request(), "a b", encode=lambda t: quote(t, safe="")))
    case("redirect-ecdsa", "ECDSA", None, raw=query(request(), key="idp-ec", method=ECDSA))
    case("redirect-next-key", "the next key", None, raw=query(request(), key="idp-next"))
    case("redirect-encoding-stated", "DEFLATE is stated", None, raw=good + "&SAMLEncoding=urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Abindings%3AURL-Encoding%3ADEFLATE")
    case("redirect-comment-in-name-id", "a comment in a message that nothing canonicalizes", None, raw=query(request(name=name_id("alice<!-- -->@example.test"))))
    case("redirect-cdata-in-name-id", "CDATA there", None, raw=query(request(name=name_id("alice<![CDATA[@]]>example.test"))))
    case("redirect-unsigned", "no signature", "message_signature", raw=join(["SAMLRequest", "RelayState"]))
    case("redirect-no-sig-alg", "no algorithm", "message_signature", raw=join(["SAMLRequest", "RelayState", "Signature"]))
    case("redirect-no-signature", "an algorithm only", "message_signature", raw=join(["SAMLRequest", "RelayState", "SigAlg"]))
    case("redirect-relay-state-changed", "RelayState is covered", "message_signature", raw=join(["SAMLRequest", "RelayState", "SigAlg", "Signature"], RelayState="https%3A%2F%2Fevil.test"))
    case("redirect-relay-state-removed", "and its absence is noticed", "message_signature", raw=join(["SAMLRequest", "SigAlg", "Signature"]))
    case("redirect-relay-state-added", "added to a query that had none", "message_signature", raw=query(request()) + "&RelayState=x")
    case("redirect-message-changed", "another message", "message_signature", raw=join(["SAMLRequest", "RelayState", "SigAlg", "Signature"], SAMLRequest=quote_plus(deflate(request(name=name_id("bob"))))))
    case("redirect-reencoded", "decoded and encoded anew on the way", "message_signature", raw=re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), good))
    case("redirect-reencoded-more", "more encoded than it was", "message_signature", raw=join(["SAMLRequest", "RelayState", "SigAlg", "Signature"], RelayState="st%61te"))
    case("redirect-kind-changed", "a request passed off as a response", "root_element", raw=good.replace("SAMLRequest=", "SAMLResponse="))
    case("redirect-kind-changed-back", "a response passed off as a request", "message_signature", raw=query(reply(), kind="SAMLResponse").replace("SAMLResponse=", "SAMLRequest="))
    case("redirect-foreign-key", "another key", "message_signature", raw=query(request(), key="attacker"))
    case("redirect-other-organization", "another identity provider", "message_signature", raw=query(request(), key="other-idp"))
    for name, uri in [("rsa-sha1", DS + "rsa-sha1"), ("hmac", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), ("md5", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"), ("empty", "")]:
        case(f"redirect-{name}", f"method {name}", "signature_algorithm", raw=query(request(), method=uri))
    case("redirect-method-swapped", "SHA-512 is claimed", "message_signature", raw=join(["SAMLRequest", "RelayState", "SigAlg", "Signature"], SigAlg=quote_plus("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")))
    for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature"):
        case(f"redirect-twice-{name.lower()}", f"{name} twice", "decoded", raw=good + f"&{name}=" + parts[name])
        case(f"redirect-twice-first-{name.lower()}", f"{name} twice, the forged one first", "decoded", raw=f"{name}=AAAA&" + good)
    case("redirect-both-kinds", "a request and a response", "decoded", raw=good + "&SAMLResponse=" + quote_plus(deflate(reply())))
    case("redirect-neither-kind", "no message", "decoded", raw=join(["RelayState", "SigAlg", "Signature"]))
    case("redirect-name-encoded", "the name of a parameter is encoded", "decoded", raw=good + "&Relay%53tate=x")
    case("redirect-empty", "nothing", "decoded", raw="")
    case("redirect-no-base64", "no base64", "decoded", raw="SAMLRequest=%3F%3F")
    case("redirect-no-deflate", "not compressed", "decoded", raw=query("", message=base64.b64encode(request().encode()).decode()))
    case("redirect-bomb", "inflates to a hundred megabytes", "size", raw=query(b" " * 100_000_000))
    case("redirect-encoding-unknown", "another compression", "decoded", raw=good + "&SAMLEncoding=urn%3Ax")
    case("redirect-signature-no-base64", "a signature that is no base64", "decoded", raw=join(["SAMLRequest", "RelayState", "SigAlg", "Signature"], Signature="%3F"))
    case("redirect-signature-empty", "an empty one", "message_signature", raw=join(["SAMLRequest", "RelayState", "SigAlg", "Signature"], Signature=""))
    case("redirect-doctype", "a document type", "doctype", raw=query("<!DOCTYPE x>" + request()))
    case("redirect-xml-signature-only", "a signature in the document does not make up for none in the query", "message_signature", raw="SAMLRequest=" + quote_plus(deflate(sign(request(signed=True), "_logout-1"))))
    case("redirect-relay-state-long", "a RelayState of four thousand characters", "decoded", raw=query(request(), "a" * 4000))

    for name, options, expect in [
        ("version", {"version": "1.1"}, "version"),
        ("issuer", {"issuer": "https://other-idp.example.test"}, "issuer"),
        ("issuer-absent", {"issuer": None}, "issuer"),
        ("destination", {"destination": "https://other.example.test/slo"}, "destination"),
        ("destination-absent", {"destination": None}, "destination"),
        ("destination-acs", {"destination": ACS}, "destination"),
        ("old", {"instant": "2026-03-01T11:30:00Z"}, "issue_instant"),
        ("future", {"instant": "2026-03-01T12:10:00Z"}, "issue_instant"),
        ("expired", {"until": "2026-03-01T11:55:00Z"}, "not_on_or_after"),
        ("expiry-no-time", {"until": "x"}, "not_on_or_after"),
        ("name-id-absent", {"name": ""}, "name_id"),
        ("name-id-element", {"name": name_id("a<b/>c")}, "name_id"),
        ("name-id-twice", {"name": name_id() + name_id("bob")}, "name_id"),
        ("session-empty", {"sessions": ("",)}, "session"),
        ("element", {"element": "ManageNameIDRequest"}, "root_element"),
    ]:
        case(f"redirect-{name}", name, expect, raw=query(request(**options)))
        if options.get("element") is None:
            case(f"post-{name}", name, expect, post=sign(request(signed=True, **options), "_logout-1"))
    case("post", "signed", None, post=sign(request(signed=True), "_logout-1"))
    hidden = encrypt(f'<saml:NameID xmlns:saml="{SAML}" Format="{EMAIL}">alice@example.test</saml:NameID>', holder="EncryptedID")
    case("post-encrypted-id", "an encrypted identifier", None, post=sign(request(signed=True, name=hidden), "_logout-1"))
    case("redirect-encrypted-id", "the same by redirect", None, raw=query(request(name=hidden)))
    comment = sign(request(signed=True), "_logout-1").replace("alice@", "alice<!-- -->@")
    case("post-comment", "a comment that splits the identifier", None, post=comment)
    case("post-no-expiry", "no NotOnOrAfter", None, post=sign(request(signed=True, until=None), "_logout-1"))
    signed = sign(request(signed=True), "_logout-1")
    case("post-unsigned", "not signed", "message_signature", post=request())
    case("post-foreign-key", "another key", "message_signature", post=sign(request(signed=True), "_logout-1", "attacker"))
    case("post-tampered", "changed", "message_signature", post=signed.replace("alice@example.test<", "bob@example.test<"))
    case("post-session-added", "a session added", "message_signature", post=signed.replace("</samlp:LogoutRequest>", "<samlp:SessionIndex>x</samlp:SessionIndex></samlp:LogoutRequest>"))
    case("post-sha1", "SHA-1", "signature_algorithm", post=sign(request(signed=True), "_logout-1", method=DS + "rsa-sha1"))
    case("post-uri-empty", "the empty reference", "signature_shape", post=signed.replace('URI="#_logout-1"', 'URI=""'))
    inner = re.search(r"<ds:Signature .*?</ds:Signature>", signed, re.S).group()
    case("post-wrapped", "wrapped", "signature_placement", post=request(id="_evil", name=name_id("bob") + f"<samlp:Extensions>{signed}</samlp:Extensions>"))
    case("post-signature-borrowed", "a signature of another message", "signature_shape", post=request(id="_evil", signed=True).replace("{{_evil}}", inner))
    case("post-response-as-request", "an answer where a request is expected", "root_element", post=sign(reply(signed=True), "_logout-response-1"))

    partial = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
    case("reply-redirect", "success", None, raw=query(reply(), kind="SAMLResponse"), response=True)
    case("reply-post", "success", None, post=sign(reply(signed=True), "_logout-response-1"), response=True)
    case("reply-partial", "partial", None, post=sign(reply(signed=True, status_xml=status(SUCCESS, partial)), "_logout-response-1"), response=True)
    case("reply-failed", "failed", None, post=sign(reply(signed=True, status_xml=status("urn:oasis:names:tc:SAML:2.0:status:Responder")), "_logout-response-1"), response=True)
    case("reply-other-request", "to another request", "in_response_to", post=sign(reply(signed=True, request="_x"), "_logout-response-1"), response=True)
    case("reply-no-request", "to none", "in_response_to", post=sign(reply(signed=True, request=None), "_logout-response-1"), response=True)
    case("reply-no-status", "no status", "status", post=sign(reply(signed=True, status_xml=""), "_logout-response-1"), response=True)
    case("reply-unsigned", "not signed", "message_signature", post=reply(), response=True)
    case("reply-request-as-reply", "a request where an answer is expected", "root_element", raw=good, response=True)

    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    (directory / "cases.json").write_text(f"[\n{lines}\n]\n")
    print("logout", len(entries))
