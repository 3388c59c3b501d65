"""Messages that must be accepted, and who they name."""

from messages import *

IDENTITY = {
    "name_id": "alice@example.test",
    "format": EMAIL,
    "assertion_id": "_assertion-1",
    "session_index": "_session-1",
    "attributes": {"email": ["alice@example.test"], "groups": ["staff", "admins"]},
}


def cases(case):
    def ok(name, xml, note, identity=None, **options):
        case(name, xml, None, note, identity={**IDENTITY, **(identity or {})}, **options)

    ok("assertion-signed", assertion_signed(), "the assertion is signed")
    ok("response-signed", response_signed(), "the response is signed")
    ok("both-signed", both_signed(), "both are signed")
    ok("xml-declaration", '<?xml version="1.0" encoding="UTF-8"?>\n' + assertion_signed(), "with a declaration")
    ok("next-key", assertion_signed(sign_options={"key": "idp-next"}), "signed with the key that comes next")
    ok("ecdsa", assertion_signed(sign_options={"key": "idp-ec", "method": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"}), "ECDSA on P-256")
    for bits, uri in [("384", "http://www.w3.org/2001/04/xmldsig-more#sha384"), ("512", XENC + "sha512")]:
        method = f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}"
        ok(f"rsa-sha{bits}", assertion_signed(sign_options={"method": method, "digest": uri}), f"RSA with SHA-{bits}")
    inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    ok("inclusive-c14n", assertion_signed(sign_options={"c14n": inclusive, "transform": transforms(ENVELOPED, inclusive)}), "inclusive canonicalization")
    ok("enveloped-only", assertion_signed(sign_options={"transform": transforms(ENVELOPED)}), "no canonicalization is named: inclusive is meant")
    ok("exclusive-with-comments", assertion_signed(sign_options={"transform": transforms(ENVELOPED, EXC + "WithComments")}), "the variant with comments, which a reference by id leaves out all the same")
    prefixes = f'<ds:Transform Algorithm="{EXC}"><ec:InclusiveNamespaces xmlns:ec="{EXC}" PrefixList="xs xsi saml"/></ds:Transform>'
    ok("prefix-list", assertion_signed(sign_options={"transform": transforms(ENVELOPED, prefixes)}), "exclusive canonicalization with a list of prefixes")
    ok("no-key-info", assertion_signed(sign_options={"key_info": ""}), "the signature names no key")
    ok("foreign-certificate-in-key-info", assertion_signed(sign_options={"key_info": f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate('attacker')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"}), "a certificate in the message is ignored, right or wrong")
    ok("no-destination-unsigned-response", assertion_signed({"destination": None}), "an unsigned response may name no destination")
    ok("no-issuer-unsigned-response", assertion_signed({"issuer_xml": ""}), "an unsigned response may name no issuer")
    ok("issuer-format-entity", assertion_signed(issuer_xml=f'<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{IDP}</saml:Issuer>'), "the issuer says its format")
    ok("unsolicited", assertion_signed({"request": None}, confirmations=confirmation(request=None)), "the identity provider began", in_response_to=None)
    ok("two-audiences", assertion_signed(conditions_xml=conditions(inner=audience("https://b.test", SP))), "one restriction, several audiences")
    ok("two-restrictions", assertion_signed(conditions_xml=conditions(inner=audience(SP) + audience(SP, "x:y"))), "two restrictions, both allow us")
    ok("one-time-use", assertion_signed(conditions_xml=conditions(inner=audience(SP) + "<saml:OneTimeUse/><saml:ProxyRestriction Count=\"1\"/>")), "conditions that are understood")
    ok("no-condition-times", assertion_signed(conditions_xml=conditions(None, None)), "conditions need not have times")
    ok("second-confirmation-holds", assertion_signed(confirmations=confirmation(recipient="https://b.test/acs") + confirmation()), "one of two confirmations holds")
    ok("holder-of-key-beside-bearer", assertion_signed(confirmations=confirmation("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key") + confirmation()), "another method beside bearer")
    ok("clock-a-minute-ahead", assertion_signed({"instant": "2026-03-01T12:01:00Z"}, instant="2026-03-01T12:01:00Z", conditions_xml=conditions(start="2026-03-01T12:01:00Z")), "within the tolerance for clocks")
    ok("fractions-and-offsets", assertion_signed({"instant": "2026-03-01T13:59:30.123456789+02:00"}, instant="2026-03-01T11:59:30.000Z"), "times with fractions and offsets")
    ok("authn-context-wanted", assertion_signed(), "the demanded context", authn_context=[PPT])
    ok("no-session-end", assertion_signed(authn_xml=authn(until=None, index=None, context=None)), "the statement says little", {"session_index": None})
    ok("comment-in-name-id", assertion_signed().replace("alice@example.test</saml:NameID>", "alice@<!-- cut -->example.test</saml:NameID>"), "canonicalization drops comments, so anyone can add one: the identity must not change")
    ok("comment-in-name-id-response-signed", response_signed().replace("alice@example.test</saml:NameID>", "alice<!---->@example.test</saml:NameID>"), "the same where the response is signed")
    ok("comment-before-suffix", assertion_signed(name=name_id("admin@example.test.evil.test")).replace("admin@example.test.evil", "admin@example.test<!-- -->.evil"), "the identity is the whole text, never the part before a comment", {"name_id": "admin@example.test.evil.test"})
    ok("comment-in-attribute", assertion_signed().replace(">admins<", ">adm<!-- -->ins<"), "the same for attributes")
    ok("comment-in-audience", assertion_signed().replace(f"<saml:Audience>{SP}", "<saml:Audience><!-- x -->" + SP), "the same for the audience")
    ok("cdata-in-name-id", assertion_signed(name=name_id("alice<![CDATA[@example]]>.test")), "CDATA is text")
    ok("cdata-markup-in-attribute", assertion_signed(attributes_xml=attribute("x", "<![CDATA[<saml:NameID>]]>")), "markup in CDATA is text", {"attributes": {"x": ["<saml:NameID>"]}})
    ok("white-space-around-name-id", assertion_signed(name=name_id("\n    alice@example.test\n  ")), "indented messages")
    ok("escaped-characters", assertion_signed(attributes_xml=attribute("cn", "A &amp; B &lt;c&gt; &#233;")), "references", {"attributes": {"cn": ["A & B <c> é"]}})
    ok("unicode", assertion_signed(attributes_xml=attribute("cn", "Łukasz 山田 😀")), "beyond ASCII", {"attributes": {"cn": ["Łukasz 山田 😀"]}})
    ok("empty-and-nil-values", assertion_signed(attributes_xml='<saml:Attribute Name="a"><saml:AttributeValue/></saml:Attribute><saml:Attribute Name="b"><saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/></saml:Attribute><saml:Attribute Name="c"/>'), "values that are empty, null, or not there", {"attributes": {"a": [""], "b": [], "c": []}})
    ok("targeted-id", assertion_signed(attributes_xml=attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", f'<saml:NameID Format="{PERSISTENT}">opaque</saml:NameID>', type_=False)), "eduPersonTargetedID has a NameID as its value", {"attributes": {"urn:oid:1.3.6.1.4.1.5923.1.1.1.10": ["opaque"]}})
    ok("no-attributes", assertion_signed(attributes_xml=""), "no attribute statement", {"attributes": {}})
    ok("other-prefixes", sign(response(assertion()).replace("saml:", "s:").replace("xmlns:saml=", "xmlns:s=").replace("samlp:", "p:").replace("xmlns:samlp=", "xmlns:p="), "_assertion-1"), "prefixes are only names")
    default = re.sub(r"(</?)saml:", r"\1", assertion()).replace("xmlns:saml=", "xmlns=")
    ok("default-namespace", sign(response(default), "_assertion-1"), "the assertion in the default namespace")
    many = attribute("groups", *[f"group-{n}" for n in range(500)], type_=False)
    ok("many-groups", assertion_signed(attributes_xml=many), "five hundred groups", {"attributes": {"groups": [f"group-{n}" for n in range(500)]}})
    advice = "<saml:Advice><saml:AssertionIDRef>_other</saml:AssertionIDRef></saml:Advice>"
    ok("advice", assertion_signed(conditions_xml=conditions() + advice), "advice that holds no assertion")
    ok("extensions", assertion_signed({"before": '<samlp:Extensions><x xmlns="urn:x">1</x></samlp:Extensions>'}), "extensions are passed over")

    ok("encrypted-gcm256", response(encrypt(signed_assertion())), "encrypted, signed inside")
    ok("encrypted-gcm128", response(encrypt(signed_assertion(), GCM128)), "the same with AES-128")
    for algorithm, name in [(CBC128, "cbc128"), (CBC256, "cbc256"), (GCM256, "gcm256")]:
        ok(f"encrypted-{name}-response-signed", sign(response(encrypt(assertion(signed=False), algorithm), signed=True), "_response-1"), "encrypted, the response signed")
    ok("encrypted-both-signed", sign(response(encrypt(signed_assertion()), signed=True), "_response-1"), "encrypted, signed inside and outside")
    ok("encrypted-cbc-allowed", response(encrypt(signed_assertion(), CBC256)), "CBC without an outer signature, where the connection allows it", allow_cbc=True)
    ok("encrypted-key-beside", response(encrypt(signed_assertion(), sibling=True)), "the key beside the data, as Okta has it")
    ok("encrypted-next-key", response(encrypt(signed_assertion(), recipients=["sp-next"])), "to our next key")
    ok("encrypted-two-recipients", response(encrypt(signed_assertion(), recipients=["sibling", "sp"])), "to another and to us")
    oaep256 = f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{SHA256}"/><e:MGF xmlns:e="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>'
    ok("encrypted-oaep-sha256", response(encrypt(signed_assertion(), method=OAEP11, oaep=("sha256", "sha256"), parameters=oaep256)), "RSA-OAEP with SHA-256")
    only_digest = f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{SHA256}"/>'
    ok("encrypted-oaep11-sha256-default-mask", response(encrypt(signed_assertion(), method=OAEP11, oaep=("sha256", "sha256"), parameters=only_digest)), "senders that use one hash and state only the digest")
    commented = assertion(signed=False).replace("alice@example.test</saml:NameID>", "alice@<!-- -->example.test</saml:NameID>")
    ok("encrypted-comment-in-name-id", sign(response(encrypt(commented), signed=True), "_response-1"), "a comment in a plaintext that nothing canonicalizes")
    ok("encrypted-name-id-with-comment", assertion_signed(name=encrypt(f'<saml:NameID xmlns:saml="{SAML}" Format="{EMAIL}">alice<!-- -->@example.test</saml:NameID>', holder="EncryptedID")), "a comment in an encrypted identifier")
    ok("encrypted-oaep-default", response(encrypt(signed_assertion(), parameters="")), "RSA-OAEP with nothing stated")
    bare = sign(response(assertion(namespaces=False)), "_assertion-1")
    inner = re.search(r"<saml:Assertion.*</saml:Assertion>", bare, re.S).group()
    ok("encrypted-inherits-namespaces", response(encrypt(inner)), "the plaintext relies on namespaces that are declared around it")
    ok("encrypted-with-declaration", response(encrypt('<?xml version="1.0"?>\n' + signed_assertion())), "the plaintext is a whole document")
    ok("encrypted-required", response(encrypt(signed_assertion())), "where encryption is demanded", require_encrypted=True)
    ok("encrypted-name-id", assertion_signed(name=encrypt(f'<saml:NameID xmlns:saml="{SAML}" Format="{EMAIL}">alice@example.test</saml:NameID>', holder="EncryptedID")), "an encrypted identifier in a signed assertion")
    ok("encrypted-attribute", assertion_signed(attributes_xml=DEFAULT_ATTRIBUTES + encrypt(f'<saml:Attribute xmlns:saml="{SAML}" Name="badge"><saml:AttributeValue>7</saml:AttributeValue></saml:Attribute>', holder="EncryptedAttribute")), "an encrypted attribute", {"attributes": {**IDENTITY["attributes"], "badge": ["7"]}})
