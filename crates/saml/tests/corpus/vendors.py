"""Metadata and responses in the shapes in which well-known identity providers send them.

Names, formats, prefixes and what is signed follow the public sources that each entry names, which also say what is known
from experience only; the text, the keys and the people are ours.
"""

import json
import shutil

from messages import *

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
SOAP = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
MS = "http://schemas.microsoft.com/identity/claims/"


def wrapped(name="idp", indent="\n            "):
    """A certificate in lines, as many metadata files have it."""
    text = certificate(name)
    return indent.join([""] + [text[at:at + 64] for at in range(0, len(text), 64)]) + indent


def key_descriptor(use="signing", name="idp", text=None, prefix="md"):
    p = f"{prefix}:" if prefix else ""
    return (
        f"<{p}KeyDescriptor{attributes(use=use)}><ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>"
        f"{text or certificate(name)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></{p}KeyDescriptor>"
    )


def service(name, binding, location, prefix="md", **more):
    p = f"{prefix}:" if prefix else ""
    return f'<{p}{name}{attributes(Binding=binding, Location=location, **more)}/>'


def reprefix(xml, saml, samlp):
    """The same message with other prefixes; an empty one makes the assertion's namespace the default there."""
    xml = xml.replace("samlp:", f"{samlp}:").replace("xmlns:samlp=", f"xmlns:{samlp}=")
    if saml:
        return xml.replace("<saml:", f"<{saml}:").replace("</saml:", f"</{saml}:").replace("xmlns:saml=", f"xmlns:{saml}=")
    xml = xml.replace(f' xmlns:saml="{SAML}"', "", 1)
    xml = re.sub(r"<saml:Issuer>", f'<Issuer xmlns="{SAML}">', xml, count=1)
    xml = xml.replace("xmlns:saml=", "xmlns=")
    return re.sub(r"(</?)saml:", r"\1", xml)


def build(idp, *, form, saml="saml", samlp="samlp", response_id="_r-1", encrypt_with=None, request=REQUEST, **options):
    """`form` is which of assertion, response and both are signed."""
    signs_assertion, signs_response = form in ("assertion", "both"), form in ("response", "both")
    made = assertion(issuer=idp, signed=signs_assertion, **options)
    target = options.get("id", "_assertion-1")
    if encrypt_with:
        made = reprefix(made, saml, samlp) if saml else reprefix(made, saml, samlp)
        if signs_assertion:
            made = sign(made, target)
        holder = encrypt(made, **encrypt_with)
        xml = response(holder, id=response_id, issuer=idp, signed=signs_response, request=request)
        xml = xml.replace("samlp:", f"{samlp}:").replace("xmlns:samlp=", f"xmlns:{samlp}=")
        if saml:
            xml = xml.replace("<saml:", f"<{saml}:").replace("</saml:", f"</{saml}:").replace("xmlns:saml=", f"xmlns:{saml}=")
    else:
        xml = reprefix(response(made, id=response_id, issuer=idp, signed=signs_response, request=request), saml, samlp)
        if signs_assertion:
            xml = sign(xml, target)
    return sign(xml, response_id) if signs_response else xml


def okta():
    idp = "http://www.okta.com/exk1a2b3c4D5e6F7g8h9"
    sso = "https://acme.okta.example/app/acme_orgate_1/exk1a2b3c4D5e6F7g8h9/sso/saml"
    metadata = (
        f'<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor entityID="{idp}" xmlns:md="{MD}">'
        f'<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="{SAMLP}">'
        f"{key_descriptor(text=wrapped())}<md:NameIDFormat>{UNSPECIFIED}</md:NameIDFormat>"
        f"<md:NameIDFormat>{EMAIL}</md:NameIDFormat>{service('SingleSignOnService', POST, sso)}"
        f"{service('SingleSignOnService', REDIRECT, sso)}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
    xml = build(
        idp, form="both", saml="saml2", samlp="saml2p", id="id16843579250128", response_id="id16843579231056",
        name=name_id("alice@example.test", UNSPECIFIED),
        authn_xml=authn(index=REQUEST, until=None, context=PPT),
        attributes_xml=attribute("firstName", "Alice", name_format="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified")
        + attribute("groups", "Everyone", "Engineering", name_format="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"),
    )
    return {
        "source": "https://help.okta.com/en/prod/Content/Topics/Apps/attribute-statements-saml.htm; response and assertion signed: https://wiki.smartsimple.com/index.php?title=Single_Sign-On",
        "metadata": metadata, "response": xml, "entity_id": idp, "sso": [["post", sso], ["redirect", sso]],
        "identity": {"name_id": "alice@example.test", "format": UNSPECIFIED, "assertion_id": "id16843579250128", "session_index": REQUEST, "attributes": {"firstName": ["Alice"], "groups": ["Everyone", "Engineering"]}},
    }


def okta_encrypted():
    case = okta()
    idp = case["entity_id"]
    case["response"] = build(
        idp, form="both", saml="saml2", samlp="saml2p", id="id16843579250128", response_id="id16843579231056",
        name=name_id("alice@example.test", UNSPECIFIED), authn_xml=authn(index=REQUEST, until=None),
        attributes_xml=attribute("firstName", "Alice"),
        encrypt_with={"algorithm": CBC256, "sibling": True},
    )
    case["source"] = "https://github.com/Clever/saml2/pull/83 (AES-256-CBC, the key beside the data); https://github.com/crewjam/saml/issues/135"
    case["identity"]["attributes"] = {"firstName": ["Alice"]}
    return case


def entra():
    tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
    idp = f"https://sts.windows.net/{tenant}/"
    sso = f"https://login.microsoftonline.example/{tenant}/saml2"
    fed = 'xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    claims = "".join(
        f'<auth:ClaimType Uri="{MS}{n}" xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706"><auth:DisplayName>{n}</auth:DisplayName></auth:ClaimType>'
        for n in ("tenantid", "objectidentifier", "displayname")
    )
    role = lambda kind: (
        f'<RoleDescriptor xsi:type="fed:{kind}" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" {fed}>'
        f"{key_descriptor(prefix='')}{key_descriptor(name='idp-next', prefix='')}<fed:ClaimTypesOffered>{claims}</fed:ClaimTypesOffered></RoleDescriptor>"
    )
    metadata = (
        f'<?xml version="1.0" encoding="utf-8"?><EntityDescriptor ID="_metadata-entra" entityID="{idp}" xmlns="{MD}">'
        "{{_metadata-entra}}" + role("SecurityTokenServiceType") + role("ApplicationServiceType") +
        f'<IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{key_descriptor(prefix="")}{key_descriptor(name="idp-next", prefix="")}'
        f"{service('SingleLogoutService', REDIRECT, sso, '')}{service('SingleSignOnService', REDIRECT, sso, '')}"
        f"{service('SingleSignOnService', POST, sso, '')}</IDPSSODescriptor></EntityDescriptor>"
    )
    claims = [(MS + "tenantid", tenant), (MS + "objectidentifier", "11112222-bbbb-3333-cccc-4444dddd5555"),
              (MS + "displayname", "Alice Example"), (CLAIMS + "emailaddress", "alice@example.test"), (CLAIMS + "name", "alice@example.test")]
    groups = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
    xml = build(
        idp, form="assertion", saml="", response_id="_9f3c1d2e-0000-4000-8000-000000000001", id="_9f3c1d2e-0000-4000-8000-000000000002",
        name=name_id("Xk3v-Zq9", PERSISTENT), authn_xml=authn(index="_9f3c1d2e-0000-4000-8000-000000000002", until=None, context="urn:oasis:names:tc:SAML:2.0:ac:classes:Password"),
        attributes_xml="".join(attribute(n, v, name_format=None, type_=False) for n, v in claims) + attribute(groups, "a-1", "b-2", name_format=None, type_=False),
    )
    return {
        "source": "https://learn.microsoft.com/entra/identity-platform/federation-metadata; claims: https://learn.microsoft.com/entra/identity-platform/reference-saml-tokens",
        "metadata": sign(metadata.split("?>", 1)[1], "_metadata-entra"), "signed_metadata": True, "response": xml, "entity_id": idp,
        "sso": [["redirect", sso], ["post", sso]], "slo": [["redirect", sso]], "certificates": 2,
        "identity": {"name_id": "Xk3v-Zq9", "format": PERSISTENT, "assertion_id": "_9f3c1d2e-0000-4000-8000-000000000002", "session_index": "_9f3c1d2e-0000-4000-8000-000000000002",
                     "attributes": {**{n: [v] for n, v in claims}, groups: ["a-1", "b-2"]}},
    }


def google():
    idp = "https://accounts.google.example/o/saml2?idpid=C01abcdef"
    sso = "https://accounts.google.example/o/saml2/idp?idpid=C01abcdef"
    metadata = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<md:EntityDescriptor xmlns:md="{MD}" entityID="{idp}" validUntil="2031-03-01T00:00:00.000Z">\n'
        f'  <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="{SAMLP}">\n    {key_descriptor(text=wrapped(indent=chr(10)))}\n'
        f"    <md:NameIDFormat>{EMAIL}</md:NameIDFormat>\n    {service('SingleSignOnService', REDIRECT, sso)}\n    {service('SingleSignOnService', POST, sso)}\n"
        "  </md:IDPSSODescriptor>\n</md:EntityDescriptor>\n"
    )
    xml = build(idp, form="response", saml="saml2", samlp="saml2p", id="_0a1b2c3d4e5f", response_id="_f5e4d3c2b1a0",
                name=name_id(), authn_xml=authn(index="_0a1b2c3d4e5f", until=None, context="urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"),
                attributes_xml=attribute("department", "Research", name_format=None))
    return {"source": "https://github.com/node-saml/passport-saml/discussions/865 (the response is signed, the assertion is not; prefixes, issuer)", "metadata": metadata, "response": xml, "entity_id": idp,
            "sso": [["redirect", sso], ["post", sso]], "valid_until": "2031-03-01T00:00:00Z",
            "identity": {"name_id": "alice@example.test", "format": EMAIL, "assertion_id": "_0a1b2c3d4e5f", "session_index": "_0a1b2c3d4e5f", "attributes": {"department": ["Research"]}}}


def ping():
    idp, sso = "https://sso.ping.example", "https://sso.ping.example/idp/SSO.saml2"
    metadata = (
        f'<md:EntityDescriptor ID="pf-1" cacheDuration="PT1440M" entityID="{idp}" xmlns:md="{MD}"><md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}" WantAuthnRequestsSigned="true">'
        f"{key_descriptor()}{service('SingleLogoutService', POST, 'https://sso.ping.example/idp/SLO.saml2')}{service('SingleLogoutService', SOAP, 'https://sso.ping.example/idp/SLO.ssaml2')}"
        f"<md:NameIDFormat>{UNSPECIFIED}</md:NameIDFormat>{service('SingleSignOnService', POST, sso)}{service('SingleSignOnService', REDIRECT, sso)}"
        '<saml:Attribute xmlns:saml="' + SAML + '" Name="SAML_SUBJECT" NameFormat="' + BASIC + '"/></md:IDPSSODescriptor>'
        '<md:ContactPerson contactType="administrative"/></md:EntityDescriptor>'
    )
    xml = build(idp, form="assertion", name=name_id("alice", UNSPECIFIED), id="Ab1.c-2_d3", response_id="Zy9.x-8",
                authn_xml=authn(index="Ab1.c-2_d3", until=None, context="urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"),
                attributes_xml=attribute("mail", "alice@example.test"))
    return {"source": "https://docs.pingidentity.com/integrations/scim/setup/pf_scim_connector_pf_sso_details_for_the_service_provider.html", "metadata": metadata, "response": xml, "entity_id": idp,
            "sso": [["post", sso], ["redirect", sso]], "slo": [["post", "https://sso.ping.example/idp/SLO.saml2"]], "want_signed": True, "cache_seconds": 86400,
            "identity": {"name_id": "alice", "format": UNSPECIFIED, "assertion_id": "Ab1.c-2_d3", "session_index": "Ab1.c-2_d3", "attributes": {"mail": ["alice@example.test"]}}}


def adfs():
    idp, sso = "http://fs.example.test/adfs/services/trust", "https://fs.example.test/adfs/ls/"
    fed = 'xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    metadata = (
        f'\ufeff<EntityDescriptor ID="_adfs" entityID="{idp}" xmlns="{MD}">{{{{_adfs}}}}'
        f'<RoleDescriptor xsi:type="fed:ApplicationServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/ws-sx/ws-trust/200512 http://schemas.xmlsoap.org/ws/2005/02/trust" ServiceDisplayName="Example" {fed}>{key_descriptor("encryption", "sibling", prefix="")}</RoleDescriptor>'
        f'<SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="{SAMLP}">{key_descriptor("signing", "other-idp", prefix="")}{service("AssertionConsumerService", POST, sso, "", index="0")}</SPSSODescriptor>'
        f'<IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{key_descriptor("encryption", "sibling", prefix="")}{key_descriptor(prefix="")}'
        f"{service('SingleLogoutService', REDIRECT, sso, '')}{service('SingleLogoutService', POST, sso, '')}<NameIDFormat>{EMAIL}</NameIDFormat><NameIDFormat>{PERSISTENT}</NameIDFormat>"
        f"{service('SingleSignOnService', REDIRECT, sso, '')}{service('SingleSignOnService', POST, sso, '')}"
        f'<Attribute Name="{CLAIMS}upn" NameFormat="{URI}" FriendlyName="UPN" xmlns="{SAML}"/></IDPSSODescriptor>'
        '<ContactPerson contactType="support"/></EntityDescriptor>'
    )
    metadata = "\ufeff" + sign(metadata[1:], "_adfs")
    group = "http://schemas.xmlsoap.org/claims/Group"
    xml = build(idp, form="assertion", saml="", id="_5d1c-adfs", response_id="_5d1c-response", name=name_id("alice@example.test", None),
                authn_xml=authn(index="_5d1c-adfs", until=None, context="urn:federation:authentication:windows"),
                attributes_xml=attribute(CLAIMS + "upn", "alice@example.test", name_format=None, type_=False) + attribute(group, "Domain Users", "Staff", name_format=None, type_=False))
    return {"source": "https://cccnext.jira.com/wiki/pages/diffpages.action?originalId=172267666&pageId=172270049 (metadata); https://gist.github.com/alchemycs/1c0f72f2cc59ec84def1 (claims); the group claim and the byte order mark are from experience", "metadata": metadata, "response": xml,
            "entity_id": idp, "signed_metadata": True, "sso": [["redirect", sso], ["post", sso]], "slo": [["redirect", sso], ["post", sso]],
            "identity": {"name_id": "alice@example.test", "format": None, "assertion_id": "_5d1c-adfs", "session_index": "_5d1c-adfs", "attributes": {CLAIMS + "upn": ["alice@example.test"], group: ["Domain Users", "Staff"]}}}


def onelogin():
    idp, sso = "https://app.onelogin.example/saml/metadata/0a1b2c3d", "https://acme.onelogin.example/trust/saml2/http-post/sso/0a1b2c3d"
    metadata = (
        f'<?xml version="1.0"?>\n<EntityDescriptor xmlns="{MD}" entityID="{idp}">\n  <IDPSSODescriptor xmlns:ds="{DS}" protocolSupportEnumeration="{SAMLP}">\n'
        f"    {key_descriptor(text=wrapped(), prefix='')}\n    {service('SingleLogoutService', REDIRECT, sso + '/slo', '', ResponseLocation=sso + '/slo-response')}\n"
        f"    <NameIDFormat>{EMAIL}</NameIDFormat>\n    {service('SingleSignOnService', REDIRECT, sso, '')}\n    {service('SingleSignOnService', POST, sso, '')}\n    {service('SingleSignOnService', SOAP, sso, '')}\n  </IDPSSODescriptor>\n</EntityDescriptor>"
    )
    xml = build(idp, form="response", id="pfx41d8ef22", response_id="pfxb6a1c3d4", name=name_id(),
                attributes_xml=attribute("User.email", "alice@example.test") + attribute("User.FirstName", "Alice") + attribute("memberOf", "staff;admins"))
    return {"source": "https://gist.github.com/luisvm/86bb1c934047979ace4d (ids, issuer, the response signed); the names of attributes are from experience", "metadata": metadata, "response": xml, "entity_id": idp, "sso": [["redirect", sso], ["post", sso]], "slo": [["redirect", sso + "/slo"]],
            "identity": {"name_id": "alice@example.test", "format": EMAIL, "assertion_id": "pfx41d8ef22", "session_index": "_session-1", "attributes": {"User.email": ["alice@example.test"], "User.FirstName": ["Alice"], "memberOf": ["staff;admins"]}}}


def jumpcloud():
    idp, sso = "JumpCloud", "https://sso.jumpcloud.example/saml2/orgate"
    metadata = (
        f'<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor entityID="{idp}" xmlns:md="{MD}"><md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="{SAMLP}">'
        f"{key_descriptor()}<md:NameIDFormat>{UNSPECIFIED}</md:NameIDFormat>{service('SingleSignOnService', REDIRECT, sso)}{service('SingleSignOnService', POST, sso)}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
    form = "urn:oasis:names:tc:SAML:1.0:nameid-format:unspecified"
    xml = build(idp, form="both", saml="saml2", samlp="saml2p", name=name_id("alice@example.test", form), attributes_xml=attribute("email", "alice@example.test"))
    return {"source": "https://jumpcloud.com/support/sso-application-connector-fields; entity id and format: https://support.firmex.com/hc/en-us/articles/9130980569499", "metadata": metadata, "response": xml, "entity_id": idp, "sso": [["redirect", sso], ["post", sso]],
            "identity": {"name_id": "alice@example.test", "format": form, "assertion_id": "_assertion-1", "session_index": "_session-1", "attributes": {"email": ["alice@example.test"]}}}


def keycloak_metadata(idp, keys):
    url = idp + "/protocol/saml"
    return (
        f'<EntitiesDescriptor Name="urn:keycloak" xmlns="{MD}" xmlns:dsig="{DS}"><EntityDescriptor entityID="{idp}"><IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="{SAMLP}">'
        f"{keys}{service('SingleLogoutService', POST, url, '')}{service('SingleLogoutService', REDIRECT, url, '')}<NameIDFormat>{PERSISTENT}</NameIDFormat><NameIDFormat>{TRANSIENT}</NameIDFormat>"
        f"{service('SingleSignOnService', POST, url, '')}{service('SingleSignOnService', REDIRECT, url, '')}{service('SingleSignOnService', SOAP, url, '')}</IDPSSODescriptor></EntityDescriptor></EntitiesDescriptor>"
    )


def keycloak(**options):
    idp = "https://keycloak.example.test/realms/acme"
    named = key_descriptor(None, prefix="").replace("<ds:X509Data>", "<ds:KeyName>FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE</ds:KeyName><ds:X509Data>")
    roles = "".join(attribute("Role", role) for role in ("offline_access", "admin"))
    xml = build(idp, form="response", id="ID_4b7f", response_id="ID_9c2e", name=name_id("G-a1b2c3d4", PERSISTENT),
                authn_xml=authn(index="5a3f::8e2d", until="2026-03-01T22:00:00Z", context="urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"), attributes_xml=roles, **options)
    url = idp + "/protocol/saml"
    return {"source": "https://forge.libre.sh/libre.sh/keycloak-scim/raw/commit/c3a793de3183a9e9433e5cce221677a3e899927d/topics/saml.adoc (signed documents, roles); the descriptor of older releases, an EntitiesDescriptor with keys of no stated use, is from experience", "metadata": keycloak_metadata(idp, named), "response": xml, "entity_id": idp,
            "sso": [["post", url], ["redirect", url]], "slo": [["post", url], ["redirect", url]], "want_signed": True,
            "identity": {"name_id": "G-a1b2c3d4", "format": PERSISTENT, "assertion_id": "ID_4b7f", "session_index": "5a3f::8e2d", "attributes": {"Role": ["offline_access", "admin"]}}}


def keycloak_encrypted():
    case = keycloak(encrypt_with={"algorithm": CBC128})
    case["source"] = "https://forge.libre.sh/libre.sh/keycloak-scim/raw/commit/c3a793de3183a9e9433e5cce221677a3e899927d/topics/saml.adoc (encryption with a key of 128 bits), documents signed"
    return case


def shibboleth():
    idp, base = "https://idp.uni.example/idp/shibboleth", "https://idp.uni.example/idp/profile/SAML2"
    metadata = (
        f'<EntityDescriptor xmlns="{MD}" xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" entityID="{idp}">'
        f'<IDPSSODescriptor protocolSupportEnumeration="{SAMLP} urn:oasis:names:tc:SAML:1.1:protocol urn:mace:shibboleth:1.0"><Extensions><shibmd:Scope regexp="false">uni.example</shibmd:Scope>'
        '<mdui:UIInfo><mdui:DisplayName xml:lang="de">Beispieluniversität</mdui:DisplayName><mdui:DisplayName xml:lang="en">Example University</mdui:DisplayName></mdui:UIInfo></Extensions>'
        f"{key_descriptor('signing', 'idp', wrapped(), '')}{key_descriptor('signing', 'idp-next', prefix='')}{key_descriptor('encryption', 'sibling', prefix='')}"
        f"<ArtifactResolutionService Binding=\"{SOAP}\" Location=\"{base}/SOAP/ArtifactResolution\" index=\"1\"/>{service('SingleLogoutService', REDIRECT, base + '/Redirect/SLO', '')}"
        f"<NameIDFormat>{TRANSIENT}</NameIDFormat>{service('SingleSignOnService', 'urn:mace:shibboleth:1.0:profiles:AuthnRequest', 'https://idp.uni.example/idp/profile/Shibboleth/SSO', '')}"
        f"{service('SingleSignOnService', POST, base + '/POST/SSO', '')}{service('SingleSignOnService', POST + '-SimpleSign', base + '/POST-SimpleSign/SSO', '')}{service('SingleSignOnService', REDIRECT, base + '/Redirect/SSO', '')}"
        f'</IDPSSODescriptor><AttributeAuthorityDescriptor protocolSupportEnumeration="{SAMLP}">{key_descriptor("signing", "attacker", prefix="")}<AttributeService Binding="{SOAP}" Location="{base}/SOAP/AttributeQuery"/></AttributeAuthorityDescriptor></EntityDescriptor>'
    )
    oid = lambda n, v, f: attribute("urn:oid:" + n, v, name_format=URI, friendly=f)
    xml = build(idp, form="response", saml="saml2", samlp="saml2p", response_id="_2c1d", name=name_id("AAdzZWNyZXQx", TRANSIENT, NameQualifier=idp, SPNameQualifier=SP),
                attributes_xml=oid("1.3.6.1.4.1.5923.1.1.1.6", "alice@uni.example", "eduPersonPrincipalName") + oid("0.9.2342.19200300.100.1.3", "alice@uni.example", "mail"),
                encrypt_with={"algorithm": GCM128, "attrs": f' Recipient="{SP}"'})
    return {"source": "https://wiki.shibboleth.net/confluence/display/IDP4/SAML2SSOConfiguration (responses signed and assertions encrypted by default); attribute names: https://wiki.refeds.org/display/STAN/eduPerson", "metadata": metadata, "response": xml, "entity_id": idp, "display_name": "Example University",
            "sso": [["post", base + "/POST/SSO"], ["redirect", base + "/Redirect/SSO"]], "slo": [["redirect", base + "/Redirect/SLO"]], "certificates": 2,
            "identity": {"name_id": "AAdzZWNyZXQx", "format": TRANSIENT, "assertion_id": "_assertion-1", "session_index": "_session-1", "attributes": {"urn:oid:1.3.6.1.4.1.5923.1.1.1.6": ["alice@uni.example"], "urn:oid:0.9.2342.19200300.100.1.3": ["alice@uni.example"]}}}


def simplesamlphp():
    idp, base = "https://ssp.example.test/simplesaml/saml2/idp/metadata.php", "https://ssp.example.test/simplesaml/saml2/idp/"
    metadata = (
        f'<?xml version="1.0"?>\n<md:EntityDescriptor xmlns:md="{MD}" xmlns:ds="{DS}" entityID="{idp}">\n  <md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">\n    {key_descriptor()}\n    {key_descriptor("encryption")}\n'
        f"    {service('SingleLogoutService', REDIRECT, base + 'SingleLogoutService.php')}\n    <md:NameIDFormat>{TRANSIENT}</md:NameIDFormat>\n    {service('SingleSignOnService', REDIRECT, base + 'SSOService.php')}\n  </md:IDPSSODescriptor>\n"
        '  <md:Organization><md:OrganizationName xml:lang="en">ex</md:OrganizationName><md:OrganizationDisplayName xml:lang="en">Example</md:OrganizationDisplayName><md:OrganizationURL xml:lang="en">https://ssp.example.test</md:OrganizationURL></md:Organization>\n</md:EntityDescriptor>\n'
    )
    id_ = "_8e8dc5f69a98cc4c1ff3427e5ce34606fd672f91e6"
    xml = build(idp, form="both", id=id_, response_id="_be9967abd904ddcae3c0eb4189adbe3f71e327cf93", name=name_id("_ce3d2948b4cf20146dee0a0b3dd6f69b6cf86f62d7", TRANSIENT, SPNameQualifier=SP),
                authn_xml=authn(index="_be9967abd904ddcae3c0eb4189adbe3f71e327cf94", context="urn:oasis:names:tc:SAML:2.0:ac:classes:Password"),
                attributes_xml=attribute("uid", "alice") + attribute("eduPersonAffiliation", "users", "examplerole1"))
    return {"source": "https://simplesamlphp.org/docs/stable/simplesamlphp-reference-idp-hosted (named by https://pastebin.com/7z4kQexg, with the attribute name format)", "metadata": metadata, "response": xml, "entity_id": idp, "display_name": "Example",
            "sso": [["redirect", base + "SSOService.php"]], "slo": [["redirect", base + "SingleLogoutService.php"]],
            "identity": {"name_id": "_ce3d2948b4cf20146dee0a0b3dd6f69b6cf86f62d7", "format": TRANSIENT, "assertion_id": id_, "session_index": "_be9967abd904ddcae3c0eb4189adbe3f71e327cf94", "attributes": {"uid": ["alice"], "eduPersonAffiliation": ["users", "examplerole1"]}}}


def write():
    directory = HERE / "vendors"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    entries = []
    for make in (okta, okta_encrypted, entra, google, ping, adfs, onelogin, jumpcloud, keycloak, keycloak_encrypted, shibboleth, simplesamlphp):
        case = make()
        name = make.__name__.replace("_", "-")
        (directory / f"{name}.metadata.xml").write_text(case.pop("metadata"), encoding="utf-8")
        (directory / f"{name}.response.xml").write_text(case.pop("response"), encoding="utf-8")
        entries.append({"name": name, **case})
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    (directory / "cases.json").write_text(f"[\n{lines}\n]\n")
    print("vendors", len(entries))
