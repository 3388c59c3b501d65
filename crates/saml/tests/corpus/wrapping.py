"""Signature wrapping: the eight classical forms, and where else a signed element can be hidden."""

from messages import *

EVIL = "admin@example.test"


def split(xml):
    """The signed assertion, its signature, and the assertion without it."""
    whole = re.search(r"<saml:Assertion .*</saml:Assertion>", xml, re.S).group()
    signature = re.search(r"<ds:Signature .*?</ds:Signature>", whole, re.S).group()
    return whole, signature, whole.replace(signature, "")


def evil(id="_evil", signature="", extra="", inner_conditions=""):
    made = assertion(id=id, signed=False, name=name_id(EVIL), extra=extra)
    return made.replace("</saml:Issuer>", "</saml:Issuer>" + signature, 1).replace("</saml:Conditions>", "</saml:Conditions>" + inner_conditions, 1)


def cases(case):
    of_responses(case)
    of_assertions(case)
    of_other_things(case)


def of_responses(case):
    """XSW 1 and 2, and variants: the response is what was signed."""
    signed = response_signed()
    signature = re.search(r"<ds:Signature .*?</ds:Signature>", signed, re.S).group()
    bare = signed.replace(signature, "")
    for same in (True, False):
        id_ = "_response-1" if same else "_evil-response"
        tag = "same-id" if same else "other-id"
        expect = "unique_ids" if same else "one_assertion"
        content = evil()
        frame = lambda sig, extra="": response(content, id=id_).replace("</saml:Issuer>", "</saml:Issuer>" + sig + extra, 1)
        for name, xml in {
            "xsw1": frame(signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")),
            "xsw1-in-signature": frame(signature.replace("</ds:Signature>", f"{bare}</ds:Signature>")),
            "xsw1-in-key-info": frame(signature.replace("</ds:KeyInfo>", f"{bare}</ds:KeyInfo>")),
            "xsw2": frame(bare + signature),
            "xsw2-after": frame(signature + bare),
            "xsw2-in-extensions": frame(signature, f"<samlp:Extensions>{bare}</samlp:Extensions>"),
            "xsw2-in-extensions-with-signature": frame("", f"<samlp:Extensions>{signed}</samlp:Extensions>"),
            "xsw2-in-status": response(content, id=id_, status_xml=status().replace("</samlp:Status>", f"<samlp:StatusDetail>{signed}</samlp:StatusDetail></samlp:Status>")),
            "xsw2-at-end": response(content + signed, id=id_),
            "xsw2-in-assertion": response(evil(inner_conditions=f"<saml:Advice>{signed}</saml:Advice>"), id=id_),
            "xsw2-in-attribute": response(evil(extra=f'<saml:AttributeStatement><saml:Attribute Name="x"><saml:AttributeValue>{signed}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'), id=id_),
        }.items():
            case(f"{name}-{tag}", xml, expect, "a signed response, wrapped")


def of_assertions(case):
    """XSW 3 to 8, and variants: the assertion is what was signed."""
    signed = assertion_signed()
    whole, signature, bare = split(signed)
    for same in (True, False):
        id_ = "_assertion-1" if same else "_evil"
        tag = "same-id" if same else "other-id"
        expect = "unique_ids" if same else "one_assertion"
        data = f"<saml:SubjectConfirmationData Recipient=\"{ACS}\" NotOnOrAfter=\"2026-03-01T12:05:00Z\" InResponseTo=\"{REQUEST}\">"
        in_data = lambda inner, sig="": evil(id_, sig).replace(re.search(r"<saml:SubjectConfirmationData[^>]*/>", evil(id_)).group(), data + inner + "</saml:SubjectConfirmationData>")
        obj = lambda inner: signature.replace("</ds:Signature>", f"<ds:Object>{inner}</ds:Object></ds:Signature>")
        value = lambda inner: f'<saml:AttributeStatement><saml:Attribute Name="x"><saml:AttributeValue>{inner}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'
        for name, content, before in [
            ("xsw3", evil(id_) + whole, ""),
            ("xsw3-after", whole + evil(id_), ""),
            ("xsw4", evil(id_, extra=whole), ""),
            ("xsw4-first-child", evil(id_).replace("<saml:Issuer>", whole + "<saml:Issuer>", 1), ""),
            ("xsw5", evil(id_, signature) + bare, ""),
            ("xsw5-before", bare + evil(id_, signature), ""),
            ("xsw6", evil(id_, signature.replace("</ds:Signature>", bare + "</ds:Signature>")), ""),
            ("xsw6-in-key-info", evil(id_, signature.replace("</ds:KeyInfo>", bare + "</ds:KeyInfo>")), ""),
            ("xsw7", evil(id_), f"<samlp:Extensions>{whole}</samlp:Extensions>"),
            ("xsw7-evil-in-extensions", whole, f"<samlp:Extensions>{evil(id_)}</samlp:Extensions>"),
            ("xsw7-signature-moved", evil(id_, signature), f"<samlp:Extensions>{bare}</samlp:Extensions>"),
            ("xsw8", evil(id_, obj(bare)), ""),
            ("xsw8-whole-in-object", evil(id_, obj(whole)), ""),
            ("advice", evil(id_, inner_conditions=f"<saml:Advice>{whole}</saml:Advice>"), ""),
            ("advice-signature-moved", evil(id_, signature, inner_conditions=f"<saml:Advice>{bare}</saml:Advice>"), ""),
            ("confirmation-data", in_data(whole), ""),
            ("confirmation-data-signature-moved", in_data(bare, signature), ""),
            ("attribute-value", evil(id_, extra=value(whole)), ""),
            ("attribute-value-signature-moved", evil(id_, signature, extra=value(bare)), ""),
            ("evil-inside-good", whole.replace("</saml:Assertion>", evil(id_) + "</saml:Assertion>"), ""),
            ("two-evil-around", evil(id_) + whole + evil("_evil-2"), ""),
        ]:
            case(f"{name}-{tag}", response(content, before=before), expect, "a signed assertion, wrapped")
        case(f"xsw-status-{tag}", response(evil(id_), status_xml=status().replace("</samlp:Status>", f"<samlp:StatusDetail>{whole}</samlp:StatusDetail></samlp:Status>")), expect, "in the status")
        case(f"xsw-encrypted-{tag}", response(evil(id_) + f"<saml:EncryptedAssertion>{whole}</saml:EncryptedAssertion>"), expect, "posing as encrypted")
    # The same where the signed assertion hides from whoever counts assertions.
    case("xsw-signature-only", response(evil("_evil", signature)), "signature_shape", "the signature alone, in a forged assertion")
    case("xsw-signature-only-same-id", response(evil("_assertion-1", signature)), "signature_valid", "the same with the id that was signed")
    comment = whole.replace("<!--", "").replace("-->", "")
    case("xsw-good-in-comment", response(evil("_evil", signature, extra=f"<!--{comment}-->")), "signature_shape", "the signed assertion is a comment")
    case("xsw-good-in-cdata", response(evil("_evil", signature, extra=f"<saml:Statement><![CDATA[{bare}]]></saml:Statement>")), "signature_shape", "the signed assertion is text")
    case("xsw-renamed", response(evil("_evil", signature, extra=bare.replace("saml:Assertion", "saml:Evidence"))), "signature_shape", "the signed assertion by another name")
    case("xsw-renamed-same-id", response(evil("_assertion-1", signature, extra=bare.replace("saml:Assertion", "saml:Evidence"))), "unique_ids", "the same, with the id twice")
    other = bare.replace(f'xmlns:saml="{SAML}"', 'xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"')
    case("xsw-other-namespace", response(evil("_evil", signature, extra=other)), "signature_shape", "the signed assertion in another namespace")


def of_other_things(case):
    """Signatures of the identity provider over other things than assertions."""
    metadata = sign(
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_metadata" entityID="{IDP}">'
        "{{_metadata}}<md:IDPSSODescriptor/></md:EntityDescriptor>", "_metadata")
    logout = sign(
        f'<samlp:LogoutRequest xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_logout" Version="2.0" IssueInstant="{NOW}">'
        f"<saml:Issuer>{IDP}</saml:Issuer>{{{{_logout}}}}{name_id()}</samlp:LogoutRequest>", "_logout")
    for name, thing in [("metadata", metadata), ("logout-request", logout)]:
        signature = re.search(r"<ds:Signature .*?</ds:Signature>", thing, re.S).group()
        bare = thing.replace(signature, "")
        case(f"signed-{name}-in-extensions", response(evil(), before=f"<samlp:Extensions>{thing}</samlp:Extensions>"), "signature_placement", "something signed, beside")
        case(f"signed-{name}-signature-moved", response(evil("_evil", signature), before=f"<samlp:Extensions>{bare}</samlp:Extensions>"), "signature_shape", "its signature in the assertion")
        case(f"signed-{name}-signature-in-response", response(evil(), before=signature + f"<samlp:Extensions>{bare}</samlp:Extensions>"), "signature_shape", "its signature in the response")
        case(f"signed-{name}-as-root", thing, "root_element", "the thing itself")
    case("assertion-signature-in-response", response(assertion(signed=False)).replace("<samlp:Status>", split(assertion_signed())[1] + "<samlp:Status>"), "signature_shape", "the signature of the assertion, in the response")
    both = both_signed()
    outer, inner = re.findall(r"<ds:Signature .*?</ds:Signature>", both, re.S)
    case("signatures-swapped", both.replace(outer, "{{1}}").replace(inner, outer).replace("{{1}}", inner), "signature_shape", "the two signatures, swapped")
    case("inner-signature-removed", both.replace(inner, ""), "signature_valid", "the inner signature is part of what the outer covers")
    other = assertion_signed(id="_assertion-2", name=name_id("mallory@example.test"))
    case("signature-of-an-older-assertion", response(evil("_evil", split(other)[1])), "signature_shape", "a signature from another sign-in")
