//! OpenID Connect.

use orgate_domain::connections::Vendor;

use super::Value::{BackchannelUri, PostLogoutUri, RedirectUri, Text};
use super::{Guide, enter, field, step};

pub(super) const fn guide(vendor: Vendor) -> &'static Guide {
    match vendor {
        Vendor::Adfs => &ADFS,
        Vendor::Entra => &ENTRA,
        Vendor::Google => &GOOGLE,
        Vendor::JumpCloud => &JUMPCLOUD,
        Vendor::Keycloak => &KEYCLOAK,
        Vendor::Okta => &OKTA,
        Vendor::OneLogin => &ONELOGIN,
        Vendor::Ping => &PING,
        Vendor::Custom | Vendor::Shibboleth | Vendor::SimpleSamlPhp => &CUSTOM,
    }
}

// Okta Help Center, "Create OIDC app integrations".
static OKTA: Guide = Guide {
    steps: &[
        step(
            "In the admin console open *Applications › Applications*, choose *Create App Integration*, then *OIDC - OpenID Connect* and *Web Application*.",
        ),
        enter(
            "Name it, leave the grant type *Authorization Code*, and enter these.",
            &[field("Sign-in redirect URIs", RedirectUri), field("Sign-out redirect URIs", PostLogoutUri)],
        ),
        enter(
            "For roles by group, set a *Groups claim filter* on the tab *Sign On* under *OpenID Connect ID Token*.",
            &[field("Claim name", Text("groups")), field("Matches regex", Text(".*"))],
        ),
        step("On the tab *Assignments* assign the people who may sign in."),
    ],
    bring: "From the tab *General* the *Client ID* and the *Client secret*. The issuer is the address of your Okta organization, like https://example.okta.com.",
};

// Microsoft Learn, "Register an application" and "Configure optional claims" (Microsoft identity platform).
static ENTRA: Guide = Guide {
    steps: &[
        enter(
            "In the Entra admin center open *App registrations*, choose *New registration*, *Accounts in this organizational directory only*, and for the redirect URI the platform *Web*.",
            &[field("Redirect URI", RedirectUri)],
        ),
        step(
            "Under *Certificates & secrets* choose *New client secret*, and copy its *Value* (not its Secret ID). It is shown once.",
        ),
        step(
            "Under *Token configuration* choose *Add optional claim*, *ID*, and *email*. For roles by group choose *Add groups claim* too; what is sent are the groups’ object ids.",
        ),
        step(
            "In *Enterprise applications*, under *Properties* of the same name, require assignment if not everybody may sign in.",
        ),
    ],
    bring: "From *Overview* the *Application (client) ID* and the *Directory (tenant) ID*. The issuer is https://login.microsoftonline.com/, the tenant id, then /v2.0.",
};

// Google Cloud documentation, "Setting up OAuth 2.0".
static GOOGLE: Guide = Guide {
    steps: &[
        step(
            "In the Google Cloud console, in a project of your organization, set the audience of the *OAuth consent screen* to *Internal*.",
        ),
        enter(
            "Open *APIs & Services › Credentials*, choose *Create credentials*, *OAuth client ID*, and the type *Web application*.",
            &[field("Authorized redirect URIs", RedirectUri)],
        ),
        step("Google sends no groups this way. Choose SAML instead if roles shall follow groups."),
    ],
    bring: "The *Client ID* and the *Client secret*. The issuer is https://accounts.google.com, and you will be asked for your Workspace domains.",
};

// Ping Identity documentation, "Editing an application - OIDC" (PingOne).
static PING: Guide = Guide {
    steps: &[
        step(
            "In PingOne open *Applications › Applications*, press *+*, enter a name, and choose *OIDC Web App*.",
        ),
        enter(
            "On the tab *Configuration* press the pencil. Leave the response type *Code* and the grant type *Authorization Code*.",
            &[field("Redirect URIs", RedirectUri), field("Signoff URLs", PostLogoutUri)],
        ),
        enter(
            "On the tab *Attribute Mappings* add these, and on *Resources* allow *email* and *profile*.",
            &[
                field("email", Text("Email Address")),
                field("name", Text("Formatted")),
                field("groups", Text("Group Names")),
            ],
        ),
        step("Save, and switch the application on with its toggle."),
    ],
    bring: "From the tab *Configuration* the *Client ID*, the *Client Secret* and the *Issuer*.",
};

// Microsoft Learn, "Build a web application using OpenID Connect with AD FS".
static ADFS: Guide = Guide {
    steps: &[
        enter(
            "In *AD FS Management* right-click *Application Groups*, choose *Add Application Group* and *Server application accessing a web API*. Copy the *Client Identifier*.",
            &[field("Redirect URI", RedirectUri)],
        ),
        step(
            "On *Configure Application Credentials* tick *Generate a shared secret*, and copy it. It is shown once.",
        ),
        step(
            "For the web API, enter the client identifier again as its *Identifier*, choose who may sign in, and permit the scopes *openid*, *profile*, *email* and *allatclaims*.",
        ),
        enter(
            "Open the web API’s *Issuance Transform Rules* and add *Send LDAP Attributes as Claims*.",
            &[
                field("E-Mail-Addresses", Text("email")),
                field("Display-Name", Text("name")),
                field("Token-Groups - Unqualified Names", Text("groups")),
            ],
        ),
    ],
    bring: "The client identifier and the secret. The issuer is https://your AD FS host, then /adfs.",
};

// OneLogin Developers, "Connect an OIDC enabled app".
static ONELOGIN: Guide = Guide {
    steps: &[
        step(
            "In the administration open *Applications › Applications*, choose *Add App*, search for *OpenId Connect (OIDC)*, name it, and save.",
        ),
        enter(
            "On the tab *Configuration* enter these.",
            &[field("Redirect URI’s", RedirectUri), field("Post Logout Redirect URIs", PostLogoutUri)],
        ),
        step(
            "On the tab *Parameters* open *Groups*, and choose *User Roles* for roles by group. Give the people who may sign in access under *Access*.",
        ),
    ],
    bring: "From the tab *SSO* the *Client ID*, the *Client Secret* and the *Issuer URL*.",
};

// JumpCloud Support, "SSO with OIDC".
static JUMPCLOUD: Guide = Guide {
    steps: &[
        step(
            "In the admin portal open *SSO Applications*, choose *Add New Application*, *Custom Application*, *Manage Single Sign-On (SSO)* and *Configure SSO with OIDC*, and name it.",
        ),
        enter(
            "On the tab *SSO* enter these. The *Login URL* is the address of the application that your people use.",
            &[
                field("Redirect URIs", RedirectUri),
                field("Client Authentication Type", Text("Client Secret Basic")),
            ],
        ),
        step(
            "Under *Attribute Mapping* tick *Email* and *Profile*, and *Include group attribute* with the name groups for roles by group.",
        ),
        step(
            "On the tab *User Groups* choose who may sign in, and activate. Client ID and secret are shown once.",
        ),
    ],
    bring: "The *Client ID* and the *Client Secret*. The issuer is https://oauth.id.jumpcloud.com/, with the slash at its end.",
};

// Keycloak, Server Administration Guide, "Creating an OpenID Connect client".
static KEYCLOAK: Guide = Guide {
    steps: &[
        step(
            "Open *Clients*, choose *Create client*, leave *Client type* at *OpenID Connect*, and enter a client id. Switch *Client authentication* on, and leave *Standard flow* as the only one.",
        ),
        enter(
            "Enter these.",
            &[
                field("Valid redirect URIs", RedirectUri),
                field("Valid post logout redirect URIs", PostLogoutUri),
                field("Backchannel logout URL", BackchannelUri),
            ],
        ),
        enter(
            "For roles by group, open the client’s own scope under *Client scopes* and add the mapper *Group Membership*, without *Full group path*.",
            &[field("Token Claim Name", Text("groups"))],
        ),
    ],
    bring: "The client id, and from the tab *Credentials* the *Client Secret*. The issuer is https://your Keycloak host, then /realms/ and the realm.",
};

static CUSTOM: Guide = Guide {
    steps: &[
        enter(
            "Register a web application (a confidential client) for the authorization code flow.",
            &[
                field("Redirect URI, callback", RedirectUri),
                field("Post-logout redirect URI", PostLogoutUri),
                field("Back-channel logout URI", BackchannelUri),
            ],
        ),
        step(
            "Allow the scopes openid, profile and email, and have it send groups for roles by group. ID tokens must be signed with RS256, ES256, PS256 or another asymmetric algorithm.",
        ),
    ],
    bring: "The issuer, the client id and the client secret.",
};
