"""Messages that SAML libraries made from end to end: pysaml2 (with xmlsec1) and signxml (with lxml)."""

import functools

import saml2.config
import saml2.entity
import saml2.server
import saml2.sigver
import signxml
from lxml import etree
from messages import *
import valid
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, saml
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT


def idp_server():
    """pysaml2 as the identity provider, which knows us from metadata."""
    sp = f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{DS}" entityID="{SP}">
      <md:SPSSODescriptor protocolSupportEnumeration="{SAMLP}"><md:KeyDescriptor use="encryption"><ds:KeyInfo>
      <ds:X509Data><ds:X509Certificate>{certificate("sp")}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
      </md:KeyDescriptor><md:AssertionConsumerService Binding="{BINDING_HTTP_POST}" Location="{ACS}" index="0"/>
      </md:SPSSODescriptor></md:EntityDescriptor>"""
    return saml2.server.Server(config=saml2.config.IdPConfig().load({
        "entityid": IDP,
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "key_file": str(KEYS / "idp.key"),
        "cert_file": str(KEYS / "idp.crt"),
        "encryption_keypairs": [{"key_file": str(KEYS / "idp.key"), "cert_file": str(KEYS / "idp.crt")}],
        "metadata": {"inline": [sp]},
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(IDP + "/sso", BINDING_HTTP_REDIRECT)]},
            "policy": {"default": {
                "lifetime": {"minutes": 5},
                "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
            }},
        }},
    }))


def pysaml2_response(server, **how):
    name = saml.NameID(format=PERSISTENT, text="9b1deb4d-3b7d", sp_name_qualifier=SP, name_qualifier=IDP)
    made = server.create_authn_response(
        {"mail": ["alice@example.test"], "givenName": ["Alice"]}, REQUEST, ACS, SP, name_id=name,
        authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": IDP}, **how)
    return str(made)


def pysaml2_cases(case):
    server = idp_server()
    alg = {"sign_alg": RSA_SHA256, "digest_alg": SHA256}
    forms = {
        "assertion": {"sign_assertion": True, "sign_response": False},
        "response": {"sign_assertion": False, "sign_response": True},
        "both": {"sign_assertion": True, "sign_response": True},
        "encrypted": {"sign_assertion": True, "sign_response": False, "encrypt_assertion": True,
                      "encrypt_assertion_self_contained": True},
        "encrypted-response-signed": {"sign_assertion": False, "sign_response": True, "encrypt_assertion": True},
        "encrypted-both": {"sign_assertion": True, "sign_response": True, "encrypt_assertion": True},
    }
    # Left alone, pysaml2 encrypts with Triple DES.
    weak = re.sub(r"^<\?xml[^>]*\?>\n?", "", pysaml2_response(server, **forms["encrypted"], **alg)).strip()
    case("pysaml2-encrypted-3des", weak, "encryption_algorithm", "pysaml2 with its default cipher", now=now(weak))
    strong = functools.partial(saml2.sigver.pre_encryption_part, msg_enc=CBC256)
    saml2.entity.pre_encryption_part = strong
    backend = saml2.sigver.CryptoBackendXmlSec1
    original = backend.encrypt_assertion
    backend.encrypt_assertion = lambda self, text, key, template, _, path=None, id=None: original(
        self, text, key, template, "aes-256", path, id)
    for name, how in forms.items():
        xml = re.sub(r"^<\?xml[^>]*\?>\n?", "", pysaml2_response(server, **how, **alg)).strip()
        case(f"pysaml2-{name}", xml, None, f"pysaml2: {name}", now=now(xml), identity=None,
             **({"allow_cbc": True} if name == "encrypted" else {}))
    weak = pysaml2_response(server, sign_assertion=True, sign_response=False, sign_alg=DS + "rsa-sha1",
                            digest_alg=DS + "sha1")
    case("pysaml2-sha1", weak, "signature_algorithm", "pysaml2 told to use SHA-1", now=now(weak))
    none = pysaml2_response(server, sign_assertion=False, sign_response=False)
    case("pysaml2-unsigned", none, "signature_present", "pysaml2 told not to sign", now=now(none))


def now(xml):
    """pysaml2 takes the time from the machine; the case carries it."""
    return re.search(r'IssueInstant="([^"]+)"', xml).group(1)


def signxml_cases(case):
    def signed(c14n, **more):
        root = etree.fromstring(response(assertion()).replace("{{_assertion-1}}", signature_place()))
        node = root.find(f"{{{SAML}}}Assertion")
        signer = signxml.XMLSigner(c14n_algorithm=c14n, **{"signature_algorithm": "rsa-sha256", "digest_algorithm": "sha256", **more})
        done = signer.sign(node, key=(KEYS / "idp.key").read_bytes(), cert=(KEYS / "idp.crt").read_text(),
                           reference_uri="_assertion-1")
        root.replace(node, done)
        return etree.tostring(root, encoding="unicode")

    exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
    case("signxml-exclusive", signed(exclusive), None, "signxml, exclusive canonicalization", identity=None)
    case("signxml-sha512", signed(exclusive, signature_algorithm="rsa-sha512", digest_algorithm="sha512"), None, "signxml, SHA-512", identity=None)
    case("signxml-sha384", signed(exclusive, signature_algorithm="rsa-sha384", digest_algorithm="sha384"), None, "signxml, SHA-384", identity=None)
    case("signxml-pss", signed(exclusive, signature_algorithm="sha256-rsa-MGF1"), "signature_algorithm", "signxml, RSA-PSS")


def signature_place():
    return f'<ds:Signature xmlns:ds="{DS}" Id="placeholder"/>'


def cases(case):
    def with_identity(name, xml, expect, note, identity=None, **options):
        if expect is None:
            found = re.search(r'<(?:\w+:)?Assertion\b[^>]*\bID="([^"]+)"', xml)
            identity = {**valid.IDENTITY, "assertion_id": found.group(1) if found else None}
            if name.startswith("pysaml2"):
                attributes = {"urn:oid:0.9.2342.19200300.100.1.3": ["alice@example.test"], "urn:oid:2.5.4.42": ["Alice"]}
                identity.update(name_id="9b1deb4d-3b7d", format=PERSISTENT, session_index=None, attributes=attributes)
        case(name, xml, expect, note, identity=identity, **options)

    pysaml2_cases(with_identity)
    signxml_cases(with_identity)
