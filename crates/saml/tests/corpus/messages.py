"""Making SAML messages with software that shares nothing with the crate: lxml, xmlsec1 and pyca/cryptography.

Keys are test keys: they are in the repository and protect nothing.
"""

import base64
import datetime
import os
import re
import subprocess
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding as block_padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).parent
KEYS = HERE / "keys"

NOW = "2026-03-01T12:00:00Z"
IDP = "https://idp.example.test/saml"
SP = "https://sso.example.test/saml/sp"
ACS = "https://sso.example.test/saml/acs/1"
SLO = "https://sso.example.test/saml/slo/1"
REQUEST = "_req-0123456789abcdef0123456789abcdef"

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = XENC + "sha256"
GCM256 = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
GCM128 = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
CBC256 = XENC + "aes256-cbc"
CBC128 = XENC + "aes128-cbc"
OAEP = XENC + "rsa-oaep-mgf1p"
OAEP11 = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
PPT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

# --- keys ------------------------------------------------------------------------------------------------------

KEY_KINDS = {
    "idp": 2048,        # the identity provider's current key
    "idp-next": 2048,   # its next one, already in the metadata
    "idp-ec": "ec",     # an elliptic curve key of the same identity provider
    "other-idp": 2048,  # the identity provider of another organization
    "attacker": 2048,   # a key that nobody trusts
    "weak": 1024,       # too short
    "sp": 2048,         # ours
    "sp-next": 2048,    # our next one
    "sibling": 2048,    # the key of another connection
}


def make_keys():
    """Makes the keys that are not there yet.

    The other forms of them were made with openssl: `rsa -traditional` (sp.pkcs1), `ec` (idp-ec.sec1), `pkcs8 -topk8`
    and `rsa -traditional -aes256` (sp.locked, with the password "test"), and `req -x509 -newkey` (odd-*).
    """
    KEYS.mkdir(exist_ok=True)
    for name, kind in KEY_KINDS.items():
        path = KEYS / f"{name}.key"
        if path.exists():
            continue
        if kind == "ec":
            key = ec.generate_private_key(ec.SECP256R1())
        else:
            key = rsa.generate_private_key(public_exponent=65537, key_size=kind)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name}.example.test")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime(2026, 1, 1))
            .not_valid_after(datetime.datetime(2046, 1, 1))
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        path.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        (KEYS / f"{name}.crt").write_bytes(certificate.public_bytes(pem))


def private(name):
    return serialization.load_pem_private_key((KEYS / f"{name}.key").read_bytes(), None)


def certificate(name):
    """The certificate as base64, in one line."""
    lines = (KEYS / f"{name}.crt").read_text().strip().splitlines()
    return "".join(lines[1:-1])


# --- signing ---------------------------------------------------------------------------------------------------


def transforms(*which):
    inner = "".join(
        f'<ds:Transform Algorithm="{w}"/>' if not w.startswith("<") else w for w in which
    )
    return f"<ds:Transforms>{inner}</ds:Transforms>"


PLAIN = transforms(ENVELOPED, EXC)


def signature(target, key="idp", method=RSA_SHA256, digest=SHA256, c14n=EXC, transform=PLAIN, uri=None,
              key_info=None, references=None, extra=""):
    """An empty signature over the element with the id `target`."""
    if key_info is None:
        key_info = (
            f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate(key)}</ds:X509Certificate>"
            "</ds:X509Data></ds:KeyInfo>"
        )
    uri = f' URI="#{target}"' if uri is None else uri
    if references is None:
        references = (
            f"<ds:Reference{uri}>{transform}"
            f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue></ds:DigestValue></ds:Reference>'
        )
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{c14n}"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/>{references}</ds:SignedInfo>'
        f"<ds:SignatureValue></ds:SignatureValue>{key_info}{extra}</ds:Signature>"
    )


def sign(xml, target, key="idp", **options):
    """Puts a signature where `{{target}}` stands, and has xmlsec1 fill it."""
    marker = "{{" + target + "}}"
    assert marker in xml, f"no place for a signature of {target}"
    xml = xml.replace(marker, signature(target, key, **options))
    return xmlsec_sign(xml, target, key)


def xmlsec_sign(xml, target, key):
    with tempfile.TemporaryDirectory() as directory:
        source, result = Path(directory, "in.xml"), Path(directory, "out.xml")
        source.write_text(xml, encoding="utf-8")
        ids = []
        for namespace, names in {
            SAML: ["Assertion"],
            SAMLP: ["Response", "LogoutRequest", "LogoutResponse"],
            "urn:oasis:names:tc:SAML:2.0:metadata": ["EntityDescriptor", "EntitiesDescriptor"],
        }.items():
            for name in names:
                ids += ["--id-attr:ID", f"{namespace}:{name}"]
        where = f"//*[@ID='{target}']/*[local-name()='Signature']"
        command = ["xmlsec1", "--sign", "--privkey-pem", str(KEYS / f"{key}.key"), *ids,
                   "--node-xpath", where, "--output", str(result), str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        text = result.read_text(encoding="utf-8")
        return re.sub(r'^<\?xml[^>]*\?>\n?', "", text).strip()


# --- messages --------------------------------------------------------------------------------------------------


def attributes(**given):
    """Attributes in a start tag; those that are None are left out."""
    return "".join(f' {name}="{value}"' for name, value in given.items() if value is not None)


def attribute(name, *values, name_format=BASIC, friendly=None, type_=True):
    xs = ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string"'
    inner = "".join(
        f"<saml:AttributeValue{xs if type_ else ''}>{value}</saml:AttributeValue>" for value in values
    )
    return (
        f"<saml:Attribute{attributes(Name=name, NameFormat=name_format, FriendlyName=friendly)}>"
        f"{inner}</saml:Attribute>"
    )


DEFAULT_ATTRIBUTES = attribute("email", "alice@example.test") + attribute("groups", "staff", "admins")


def confirmation(method=BEARER, recipient=ACS, until="2026-03-01T12:05:00Z", start=None, request=REQUEST,
                 data=None, inner=""):
    if data is None:
        data = (
            "<saml:SubjectConfirmationData"
            + attributes(Recipient=recipient, NotOnOrAfter=until, NotBefore=start, InResponseTo=request)
            + (f">{inner}</saml:SubjectConfirmationData>" if inner else "/>")
        )
    return f'<saml:SubjectConfirmation Method="{method}">{data}</saml:SubjectConfirmation>'


def name_id(value="alice@example.test", format=EMAIL, **more):
    return f"<saml:NameID{attributes(Format=format, **more)}>{value}</saml:NameID>"


def audience(*names):
    inner = "".join(f"<saml:Audience>{name}</saml:Audience>" for name in names)
    return f"<saml:AudienceRestriction>{inner}</saml:AudienceRestriction>"


def conditions(start="2026-03-01T11:55:00Z", until="2026-03-01T12:05:00Z", inner=None):
    inner = audience(SP) if inner is None else inner
    return f"<saml:Conditions{attributes(NotBefore=start, NotOnOrAfter=until)}>{inner}</saml:Conditions>"


def authn(instant="2026-03-01T11:59:00Z", index="_session-1", until="2026-03-01T20:00:00Z", context=PPT):
    inner = ""
    if context:
        inner = f"<saml:AuthnContext><saml:AuthnContextClassRef>{context}</saml:AuthnContextClassRef></saml:AuthnContext>"
    given = attributes(AuthnInstant=instant, SessionIndex=index, SessionNotOnOrAfter=until)
    return f"<saml:AuthnStatement{given}>{inner}</saml:AuthnStatement>"


def assertion(id="_assertion-1", version="2.0", instant="2026-03-01T11:59:30Z", issuer=IDP, issuer_xml=None,
              subject=None, name=None, confirmations=None, conditions_xml=None, authn_xml=None,
              attributes_xml=DEFAULT_ATTRIBUTES, extra="", namespaces=True, signed=True, statement=None):
    issuer_xml = f"<saml:Issuer>{issuer}</saml:Issuer>" if issuer_xml is None else issuer_xml
    if subject is None:
        inner = (name_id() if name is None else name)
        inner += confirmation() if confirmations is None else confirmations
        subject = f"<saml:Subject>{inner}</saml:Subject>"
    conditions_xml = conditions() if conditions_xml is None else conditions_xml
    authn_xml = authn() if authn_xml is None else authn_xml
    if statement is None:
        statement = f"<saml:AttributeStatement>{attributes_xml}</saml:AttributeStatement>" if attributes_xml else ""
    xmlns = f' xmlns:saml="{SAML}"' if namespaces else ""
    place = "{{" + str(id) + "}}" if signed else ""
    return (
        f"<saml:Assertion{xmlns}{attributes(ID=id, Version=version, IssueInstant=instant)}>{issuer_xml}{place}"
        f"{subject}{conditions_xml}{authn_xml}{statement}{extra}</saml:Assertion>"
    )


def status(code=SUCCESS, second=None, message=None):
    inner = f'<samlp:StatusCode Value="{second}"/>' if second else ""
    text = f"<samlp:StatusMessage>{message}</samlp:StatusMessage>" if message else ""
    return f'<samlp:Status><samlp:StatusCode Value="{code}">{inner}</samlp:StatusCode>{text}</samlp:Status>'


def response(content=None, id="_response-1", version="2.0", instant="2026-03-01T11:59:30Z", destination=ACS,
             request=REQUEST, issuer=IDP, issuer_xml=None, status_xml=None, before="", signed=False, name="Response"):
    issuer_xml = f"<saml:Issuer>{issuer}</saml:Issuer>" if issuer_xml is None else issuer_xml
    status_xml = status() if status_xml is None else status_xml
    content = assertion(signed=False) if content is None else content
    place = "{{" + str(id) + "}}" if signed else ""
    head = attributes(ID=id, Version=version, IssueInstant=instant, Destination=destination, InResponseTo=request)
    return (
        f'<samlp:{name} xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"{head}>{issuer_xml}{place}{before}{status_xml}'
        f"{content}</samlp:{name}>"
    )


def assertion_signed(response_options=None, sign_options=None, **assertion_options):
    """A response whose assertion is signed."""
    made = assertion(**assertion_options)
    target = assertion_options.get("id", "_assertion-1")
    return sign(response(made, **(response_options or {})), target, **(sign_options or {}))


def response_signed(response_options=None, sign_options=None, **assertion_options):
    """A response that is signed as a whole."""
    made = assertion(**{"signed": False, **assertion_options})
    options = response_options or {}
    return sign(response(made, signed=True, **options), options.get("id", "_response-1"), **(sign_options or {}))


def both_signed(response_options=None, **assertion_options):
    """A response that is signed, and whose assertion is signed too."""
    xml = response(assertion(**assertion_options), signed=True, **(response_options or {}))
    return sign(sign(xml, "_assertion-1"), "_response-1")


# --- encrypting ------------------------------------------------------------------------------------------------

OAEP_HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}


def wrap(key, recipient="sp", method=OAEP, oaep=("sha1", "sha1"), parameters=None, attrs=""):
    """An EncryptedKey for the holder of `recipient`."""
    if method.endswith("rsa-1_5"):
        sealed = private(recipient).public_key().encrypt(key, padding.PKCS1v15())
    else:
        digest, mask = (OAEP_HASHES[name]() for name in oaep)
        sealed = private(recipient).public_key().encrypt(key, padding.OAEP(padding.MGF1(mask), digest, None))
    if parameters is None:
        parameters = f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{DS}sha1"/>' if method == OAEP else ""
    return (
        f'<xenc:EncryptedKey xmlns:xenc="{XENC}"{attrs}><xenc:EncryptionMethod Algorithm="{method}">{parameters}'
        f"</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{base64.b64encode(sealed).decode()}"
        "</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"
    )


def seal(plain, key, algorithm=GCM256):
    """The ciphertext of `plain`."""
    if "gcm" in algorithm:
        nonce = os.urandom(12)
        return nonce + AESGCM(key).encrypt(nonce, plain, None)
    size = 64 if "tripledes" in algorithm else 128
    pad = block_padding.PKCS7(size).padder()
    plain = pad.update(plain) + pad.finalize()
    cipher = algorithms.TripleDES(key) if size == 64 else algorithms.AES(key)
    iv = os.urandom(size // 8)
    encryptor = Cipher(cipher, modes.CBC(iv)).encryptor()
    return iv + encryptor.update(plain) + encryptor.finalize()


def encrypt(plain, algorithm=GCM256, recipients=("sp",), holder="EncryptedAssertion", sibling=False,
            type_=XENC + "Element", corrupt=None, keys=None, **wrap_options):
    """Encrypts an element, with its key inside, or beside it as some vendors do."""
    size = 16 if "128" in algorithm else 24 if ("tripledes" in algorithm or "192" in algorithm) else 32
    key = os.urandom(size)
    plain = plain.encode() if isinstance(plain, str) else plain
    data = seal(plain, key, algorithm)
    if corrupt:
        data = corrupt(data)
    if keys is None:
        keys = "".join(wrap(key, recipient, **wrap_options) for recipient in recipients)
    inside = "" if sibling else keys
    if sibling:
        inside = f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="#_key-1"/>'
        keys = keys.replace("<xenc:EncryptedKey ", '<xenc:EncryptedKey Id="_key-1" ', 1)
    info = f'<ds:KeyInfo xmlns:ds="{DS}">{inside}</ds:KeyInfo>'
    return (
        f'<saml:{holder}><xenc:EncryptedData xmlns:xenc="{XENC}"{attributes(Type=type_)}>'
        f'<xenc:EncryptionMethod Algorithm="{algorithm}"/>{info}<xenc:CipherData><xenc:CipherValue>'
        f"{base64.b64encode(data).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>"
        f"{keys if sibling else ''}</saml:{holder}>"
    )


def signed_assertion(key="idp", **options):
    """A signed assertion alone."""
    return sign(assertion(**options), options.get("id", "_assertion-1"), key)
