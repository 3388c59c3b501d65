//! SAML 2.0.

use orgate_domain::connections::Vendor;

use super::Value::{AcsUrl, EntityId, MetadataUrl, SloUrl, Text};
use super::{Field, Guide, enter, field, step};

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

pub(super) const fn guide(vendor: Vendor) -> &'static Guide {
    match vendor {
        Vendor::Adfs => &ADFS,
        Vendor::Custom => &CUSTOM,
        Vendor::Entra => &ENTRA,
        Vendor::Google => &GOOGLE,
        Vendor::JumpCloud => &JUMPCLOUD,
        Vendor::Keycloak => &KEYCLOAK,
        Vendor::Okta => &OKTA,
        Vendor::OneLogin => &ONELOGIN,
        Vendor::Ping => &PING,
        Vendor::Shibboleth => &SHIBBOLETH,
        Vendor::SimpleSamlPhp => &SIMPLESAMLPHP,
    }
}

// Okta Help Center, "Create SAML app integrations".
static OKTA: Guide = Guide {
    steps: &[
        step(
            "In the admin console open *Applications › Applications*, choose *Create App Integration*, then *SAML 2.0*, and name it.",
        ),
        enter(
            "On *Configure SAML* enter these under *SAML Settings*. Leave *Use this for Recipient URL and Destination URL* ticked.",
            OKTA_FIELDS,
        ),
        enter(
            "Add *Attribute Statements*, so that names and addresses come along.",
            &[
                field("email", Text("user.email")),
                field("firstName", Text("user.firstName")),
                field("lastName", Text("user.lastName")),
            ],
        ),
        enter(
            "For roles by group, add one *Group Attribute Statement*.",
            &[field("Name", Text("groups")), field("Filter: Matches regex", Text(".*"))],
        ),
        step("Finish the wizard, and on the tab *Assignments* assign the people who may sign in."),
    ],
    bring: "On the tab *Sign On*, copy the *Metadata URL*.",
};

const OKTA_FIELDS: &[Field] = &[
    field("Single sign-on URL", AcsUrl),
    field("Audience URI (SP Entity ID)", EntityId),
    field("Name ID format", Text("Persistent")),
];

// Microsoft Learn, "Enable SAML single sign-on for an enterprise application".
static ENTRA: Guide = Guide {
    steps: &[
        step(
            "In the Entra admin center open *Enterprise applications*, choose *New application*, then *Create your own application*, and *Integrate any other application you don’t find in the gallery*.",
        ),
        enter(
            "Open *Single sign-on*, choose *SAML*, and edit *Basic SAML Configuration*.",
            &[
                field("Identifier (Entity ID)", EntityId),
                field("Reply URL (Assertion Consumer Service URL)", AcsUrl),
                field("Logout Url", SloUrl),
            ],
        ),
        step(
            "*Attributes & Claims* may stay as it is. For roles by group choose *Add a group claim* there; what is sent are the groups’ object ids.",
        ),
        step("Under *Users and groups* assign the people who may sign in."),
    ],
    bring: "Under *SAML Certificates*, copy the *App Federation Metadata Url*.",
};

// Google Workspace Admin Help, "Set up your own custom SAML app".
static GOOGLE: Guide = Guide {
    steps: &[
        step(
            "In the admin console open *Apps › Web and mobile apps*, then *Add app › Add custom SAML app*, and name it.",
        ),
        step(
            "On *Google Identity Provider details* choose *Download metadata*, and keep the file for the next page.",
        ),
        enter(
            "Under *Service provider details* enter these, and tick *Signed response*.",
            &[
                field("ACS URL", AcsUrl),
                field("Entity ID", EntityId),
                field("Name ID format", Text("EMAIL")),
                field("Name ID", Text("Basic Information > Primary email")),
            ],
        ),
        enter(
            "Under *Attributes* choose *Add mapping* for each of these; for roles by group add the groups under *Group membership*, with the app attribute groups.",
            &[
                field("Primary email", Text("email")),
                field("First name", Text("firstName")),
                field("Last name", Text("lastName")),
            ],
        ),
        step(
            "Finish, open *User access*, and switch the app on for the people who may sign in. It can take a while until it works.",
        ),
    ],
    bring: "The metadata file that you downloaded. Google has no address for it, so renew it here before its certificate expires.",
};

// Ping Identity documentation, "Adding a SAML application" (PingOne).
static PING: Guide = Guide {
    steps: &[
        step(
            "In PingOne open *Applications › Applications*, press *+*, enter a name, and choose *SAML Application*, then *Configure*.",
        ),
        enter(
            "Choose *Import From URL* and paste the metadata URL, or *Manually Enter* the other two.",
            &[field("Import From URL", MetadataUrl), field("ACS URLs", AcsUrl), field("Entity ID", EntityId)],
        ),
        enter(
            "On the tab *Attribute Mappings* add these beside *saml_subject*.",
            &[
                field("email", Text("Email Address")),
                field("firstName", Text("Given Name")),
                field("lastName", Text("Family Name")),
                field("groups", Text("Group Names")),
            ],
        ),
        step("Save, and switch the application on with its toggle."),
    ],
    bring: "On the tab *Configuration*, copy the *IDP Metadata URL*.",
};

// Microsoft Learn, "Create a relying party trust" and "Create a rule to send LDAP attributes as claims".
static ADFS: Guide = Guide {
    steps: &[
        enter(
            "In *AD FS Management* right-click *Relying Party Trusts*, choose *Add Relying Party Trust*, *Claims aware*, and *Import data about the relying party published online or on a local network*.",
            &[field("Federation metadata address (host name or URL)", MetadataUrl)],
        ),
        step("Give it a name, choose who may sign in as the access control policy, and finish."),
        enter(
            "Choose *Edit Claim Issuance Policy* and add a rule *Send LDAP Attributes as Claims* from *Active Directory*.",
            &[
                field("E-Mail-Addresses", Text("E-Mail Address")),
                field("Given-Name", Text("Given Name")),
                field("Surname", Text("Surname")),
                field("Token-Groups - Unqualified Names", Text("Group")),
            ],
        ),
        enter(
            "Add a rule *Transform an Incoming Claim*, because AD FS sends no Name ID by itself.",
            &[
                field("Incoming claim type", Text("UPN")),
                field("Outgoing claim type", Text("Name ID")),
                field("Outgoing name ID format", Text("Persistent Identifier")),
            ],
        ),
    ],
    bring: "The address of your federation metadata: https://your AD FS host, then /FederationMetadata/2007-06/FederationMetadata.xml.",
};

// OneLogin Knowledge Base, "SAML Custom Connector (Advanced)".
static ONELOGIN: Guide = Guide {
    steps: &[
        step(
            "In the administration open *Applications › Applications*, choose *Add App*, search for *SAML Custom Connector (Advanced)*, name it, and save.",
        ),
        enter(
            "On *Configuration* enter these. The validator is a regular expression: put a backslash before each dot of the address, ^ before it and $ after it.",
            &[
                field("Audience (EntityID)", EntityId),
                field("Recipient", AcsUrl),
                field("ACS (Consumer) URL Validator", AcsUrl),
                field("ACS (Consumer) URL", AcsUrl),
                field("SAML signature element", Text("Both")),
            ],
        ),
        enter(
            "On *Parameters* add these, each with *Include in SAML assertion*.",
            &[
                field("email", Text("Email")),
                field("firstName", Text("First Name")),
                field("lastName", Text("Last Name")),
                field("groups", Text("User Roles")),
            ],
        ),
        step(
            "On *SSO* set *SAML Signature Algorithm* to *SHA-256*, save, and give the people who may sign in access under *Access*.",
        ),
    ],
    bring: "On *SSO*, copy the *Issuer URL*; it is the address of the metadata. Or download *More Actions › SAML Metadata*.",
};

// JumpCloud Support, "SSO using Custom SAML Application Connectors" and "SSO Application Connector Fields".
static JUMPCLOUD: Guide = Guide {
    steps: &[
        step(
            "In the admin portal open *SSO Applications*, choose *Add New Application*, *Custom Application*, *Manage Single Sign-On (SSO)* and *Configure SSO with SAML*, and name it.",
        ),
        enter(
            "On the tab *SSO* enter these. The IdP Entity ID is yours to choose, once and for all.",
            &[
                field("SP Entity ID", EntityId),
                field("ACS URLs", AcsUrl),
                field("SAMLSubject NameID Format", Text(PERSISTENT)),
                field("Signature Algorithm", Text("RSA-SHA256")),
                field("Sign", Text("Assertion and Response")),
            ],
        ),
        enter(
            "Under *Attributes* add these, and tick *Include group attribute* with the name groups for roles by group.",
            &[
                field("email", Text("email")),
                field("firstName", Text("firstname")),
                field("lastName", Text("lastname")),
            ],
        ),
        step("On the tab *User Groups* choose who may sign in, and save."),
    ],
    bring: "On the tab *SSO*, choose *Copy Metadata URL*, or *Export Metadata*.",
};

// Keycloak, Server Administration Guide, "Creating a SAML client".
static KEYCLOAK: Guide = Guide {
    steps: &[
        enter(
            "Open *Clients*, choose *Create client*, and set *Client type* to *SAML*.",
            &[field("Client ID", EntityId)],
        ),
        enter(
            "On the tab *Settings* enter these.",
            &[
                field("Valid redirect URIs", AcsUrl),
                field("Master SAML Processing URL", AcsUrl),
                field("Name ID format", Text("persistent")),
            ],
        ),
        step(
            "On the tab *Keys*, switch *Client signature required* off, or import our certificate from the metadata above. Leave *Sign assertions* or *Sign documents* on.",
        ),
        enter(
            "Under *Client scopes*, open the client’s own scope and add mappers *User Property* for these, and *Group list* for roles by group.",
            &[
                field("email", Text("email")),
                field("firstName", Text("firstName")),
                field("lastName", Text("lastName")),
                field("Group attribute name", Text("groups")),
            ],
        ),
    ],
    bring: "In *Realm settings*, copy the address behind *SAML 2.0 Identity Provider Metadata*.",
};

// Shibboleth documentation (IdP 5), "FileBackedHTTPMetadataProvider" and "AttributeFilterConfiguration".
static SHIBBOLETH: Guide = Guide {
    steps: &[
        enter(
            "In *conf/metadata-providers.xml* add a *MetadataProvider* of the type *FileBackedHTTPMetadataProvider*.",
            &[field("metadataURL", MetadataUrl)],
        ),
        enter(
            "In *conf/attribute-filter.xml* release *mail*, *displayName* and, for roles by group, *isMemberOf* to this requester.",
            &[field("Requester", EntityId)],
        ),
        step("Let it send a *persistent* or *pairwise* identifier, and reload both services."),
    ],
    bring: "The address of your own metadata, most often https://your IdP host, then /idp/shibboleth.",
};

// SimpleSAMLphp documentation, "Identity Provider QuickStart" and "SP remote metadata reference".
static SIMPLESAMLPHP: Guide = Guide {
    steps: &[
        step(
            "Open our metadata at the address below and convert it with *XML to SimpleSAMLphp metadata converter* on your administration pages, or write the entry by hand.",
        ),
        enter(
            "The entry belongs in *metadata/saml20-sp-remote.php*.",
            &[
                field("$metadata[…]", EntityId),
                field("AssertionConsumerService", AcsUrl),
                field("SingleLogoutService", SloUrl),
                field("NameIDFormat", Text(PERSISTENT)),
                field("XML to convert", MetadataUrl),
            ],
        ),
        step("Have *authproc* send *mail*, *displayName* and, for roles by group, *groups*."),
    ],
    bring: "The address of your own metadata, shown on the tab *Federation* of your administration pages.",
};

static CUSTOM: Guide = Guide {
    steps: &[
        enter(
            "Register a SAML 2.0 service provider (some call it relying party, or application). If it takes the address of metadata, this one says everything.",
            &[field("Metadata URL", MetadataUrl)],
        ),
        enter(
            "If it does not, enter these.",
            &[
                field("Entity ID, audience, identifier", EntityId),
                field("Assertion consumer service (ACS), reply URL, recipient", AcsUrl),
                field("Single logout service, if you want it", SloUrl),
                field("Name ID format", Text(PERSISTENT)),
            ],
        ),
        step(
            "Have it sign the response, the assertion or both, with RSA-SHA256 or better, and send the attributes email, firstName, lastName and, for roles by group, groups.",
        ),
    ],
    bring: "Its metadata: an address is best, a file will do.",
};
