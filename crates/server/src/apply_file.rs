//! The files of `orgate apply`: YAML to the typed wanted state.
//!
//! What is wrong is reported with file, line, column and what is allowed. Of a file whose shape does not
//! fit (an unknown key, a missing one, a list where text belongs) that is the first place only, because
//! reading ends there; wrong values are reported all at once, and so are the files with each other.
//! `${NAME}` is filled in from the environment in `password`, `client_secret`, `redirect_uris`,
//! `post_logout_redirect_uris`, `home_url`, `initiate_login_uri`, `jwks_uri`, the logout addresses, `url` and `secret` of webhooks and the
//! `settings` of connections; `$${` stands for `${`.
//!
//! **Invariant:** a [`Wanted`] that is returned has no problem that can be seen without a database;
//! no problem shows a secret, or what a variable holds.

mod claims;
mod client_settings;
mod clients;
mod connections;
mod format;
mod organizations;
mod outward;
mod reader;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orgate_flows::apply::{Place, Problem, Problems, Wanted};
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter as _};

use self::format::File;
use self::reader::Reader;

pub use self::writer::write;

/// Looks a variable up.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why files could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Something in them is wrong: each wrong value, and of each file whose shape does not fit the
    /// first such place.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// A file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Loads files, which together describe one wanted state.
///
/// # Errors
/// [`LoadError`].
pub fn load(paths: &[PathBuf], variables: Variables<'_>) -> Result<Wanted, LoadError> {
    let texts = paths.iter().map(|path| Ok((path.to_string_lossy(), read(path)?)));
    let texts = texts.collect::<Result<Vec<_>, LoadError>>()?;
    Ok(load_all(texts.iter().map(|(name, text)| (name.as_ref(), text.as_str())), variables)?)
}

/// Loads one text; `name` is what problems call it.
///
/// # Errors
/// Every [`Problem`] with its values, or the first with its shape.
pub fn load_str(name: &str, text: &str, variables: Variables<'_>) -> Result<Wanted, Problems> {
    load_all([(name, text)], variables)
}

fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })
}

fn load_all<'a>(
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    variables: Variables<'_>,
) -> Result<Wanted, Problems> {
    let mut wanted = Wanted::default();
    let mut problems = Problems::default();
    for (name, text) in texts {
        let mut reader = Reader { file: name.into(), variables, problems: Problems::default() };
        match parse(&reader.file, text) {
            Ok(file) => {
                wanted
                    .organizations
                    .extend(file.organizations.iter().filter_map(|org| reader.organization(org)));
                wanted.lists_clients |= file.clients.is_some();
                let clients = file.clients.iter().flatten();
                wanted.clients.extend(clients.filter_map(|client| reader.client(client)));
                problems.0.append(&mut reader.problems.0);
            }
            Err(problem) => problems.0.push(problem),
        }
    }
    if let Err(mut more) = wanted.check() {
        problems.0.append(&mut more.0);
    }
    problems.or(wanted)
}

/// Parses YAML into the shape of the format. Its errors are shown without the lines around them,
/// which may hold secrets.
fn parse(file: &Arc<str>, text: &str) -> Result<File, Problem> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let place = Place {
            file: Arc::clone(file),
            line: place.map_or(1, |place| place.line()),
            column: place.map_or(1, |place| place.column()),
        };
        Problem { place, text: describe(&error) }
    })
}

/// What is wrong, in the words of the format.
fn describe(error: &Error) -> String {
    match error {
        Error::NullIntoString { .. } => format::NO_VALUE.to_owned(),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key {field:?}; the keys here are {}", expected.join(", "))
        }
        Error::SerdeMissingField { field, .. } => format!("the key {field} is missing"),
        Error::DuplicateMappingKey { key, .. } => {
            format!("the key {} is here twice", key.as_deref().unwrap_or_default())
        }
        Error::Unexpected { expected: "mapping start", .. } => "keys and values belong here".to_owned(),
        Error::Unexpected { expected: "sequence start", .. } => "a list belongs here".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => "text belongs here".to_owned(),
        Error::InvalidScalar { .. } => "a whole number belongs here".to_owned(),
        Error::MultipleDocuments { .. } => {
            "a file holds one document; put the others in their own".to_owned()
        }
        error => DefaultMessageFormatter.format_message(error).replace(char::is_control, " "),
    }
}

#[cfg(test)]
mod tests {
    use orgate_domain::connections::{AttributeMapping, ConnectionProtocol, Vendor};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn variables(name: &str) -> Option<String> {
        match name {
            "PASSWORD" | "DEV_PASSWORD" => Some("correct horse".to_owned()),
            "NOTES_SECRET" | "IDP_SECRET" | "IDP_CERTIFICATE" | "ROBOT_SECRET" => Some(SECRET.to_owned()),
            "NOTES_URL" => Some("http://localhost:8090".to_owned()),
            "IDP_URL" => Some("http://localhost:8091".to_owned()),
            "ISSUER_URL" => Some("http://localhost:8080".to_owned()),
            "EMPTY" => Some(String::new()),
            "SHORT" => Some("hunter2".to_owned()),
            _ => None,
        }
    }

    fn load(text: &str) -> Result<Wanted, Problems> {
        load_str("acme.yaml", text, &variables)
    }

    fn problems(text: &str) -> String {
        load(text).expect_err("a problem").to_string()
    }

    /// An organization with `more` under its name, which begins on line 4.
    fn acme(more: &str) -> String {
        format!("organizations:\n  - slug: acme\n    name: Acme Inc\n{more}")
    }

    /// A client with `more` under its name, which begins on line 7.
    fn notes(more: &str) -> String {
        let head = "clients:\n  - client_id: notes\n    organization: operator\n    name: Notes\n";
        format!(
            "{head}    redirect_uris: [\"https://notes.test/callback\"]\n    home_url: https://notes.test/\n{more}"
        )
    }

    #[test]
    fn the_samples_of_dev_are_well_formed() {
        let text = include_str!("../../../config/dev-seed.yaml");

        let wanted = load(text).expect("no problems");

        let slugs: Vec<_> = wanted.organizations.iter().map(|org| org.slug.value.as_str()).collect();
        assert_eq!(slugs, ["acme", "globex", "initech", "umbrella", "vandelay", "operator"]);
        let client = &wanted.clients[0];
        assert_eq!(client.redirect_uris[0].as_str(), "http://localhost:8090/callback");
        assert_eq!(client.home_url.as_ref().map(url::Url::as_str), Some("http://localhost:8090/"));
        assert_eq!(client.secret.as_ref().map(orgate_flows::apply::Secret::reveal), Some(SECRET));
    }

    #[test]
    fn what_the_files_are_silent_about_is_left_open() {
        let wanted = load(&acme("    users: [{ email: a@acme.test, name: Ada }]\n")).expect("no problems");

        let org = &wanted.organizations[0];
        assert!(
            org.domains.is_none() && org.branding.is_none() && org.policy.is_none() && org.status.is_none()
        );
        assert!(org.users[0].password.is_none() && org.users[0].roles.is_none());
        let emptied = load(&acme("    domains: []\n    branding: {}\n")).expect("no problems");
        assert!(emptied.organizations[0].domains.as_ref().is_some_and(Vec::is_empty));
        assert!(emptied.organizations[0].branding.is_some());
    }

    #[test]
    fn a_connection_that_says_nothing_of_its_mapping_has_that_of_its_vendor() {
        let mapping = |vendor: &str, more: &str| {
            let provider = "saml: { entity_id: idp, sso_url: https://idp.test/sso, certificates: [MIIC] }";
            let text = acme(&format!(
                "    connections:\n      - slug: idp\n{vendor}        settings:\n          provider: {{ {provider} }}\n{more}"
            ));
            load(&text).expect("no problems").organizations[0].connections[0].settings.value.mapping.clone()
        };
        let onelogin = "        vendor: onelogin\n";

        let preset = AttributeMapping::preset(Vendor::OneLogin, ConnectionProtocol::Saml);

        assert_ne!(preset, AttributeMapping::default());
        assert_eq!(mapping(onelogin, ""), preset);
        assert_eq!(mapping("", ""), AttributeMapping::default());
        let told = mapping(onelogin, "          mapping: { email: [address] }\n");
        assert_eq!(
            told,
            AttributeMapping { email: vec!["address".to_owned()], ..AttributeMapping::default() }
        );
        assert_eq!(mapping(onelogin, "          mapping: {}\n"), AttributeMapping::default());
    }

    #[test]
    fn blueprints_are_the_operators_and_bounded() {
        let of = |slug: &str, list: &str| {
            problems(&format!("organizations:\n  - {{ slug: {slug}, name: A, role_blueprints: [{list}] }}\n"))
        };
        let many = |what: fn(usize) -> String, count| (0..count).map(what).collect::<Vec<_>>().join(", ");

        assert_eq!(of("acme", ""), "acme.yaml:2:13: role_blueprints: they are kept by operator alone");
        assert!(of("operator", "{ slug: owner }").contains("whoever is owner may do everything"));
        assert!(of("operator", "{ slug: a }, { slug: a }").contains("was already described"));
        let blueprints = many(|n| format!("{{ slug: a{n} }}"), 101);
        assert!(of("operator", &blueprints).contains("role_blueprints: at most 100"));
        let permissions = many(|n| format!("\"notes:p{n}\""), 201);
        let wide = of("operator", &format!("{{ slug: a, permissions: [{permissions}] }}"));
        assert!(wide.contains("permissions: at most 200"), "{wide}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_known_ones() {
        assert_eq!(
            problems(&acme("    colour: red\n")),
            "acme.yaml:4:5: unknown key \"colour\"; the keys here are slug, name, parent, status, external_id, contact, \
             attributes, domains, delegations, branding, mail_templates, policy, quotas, role_blueprints, joining, ready_roles, roles, groups, users, connections, webhooks, \
             invitations"
        );
        assert_eq!(
            problems(&acme("    users:\n      - email: a@acme.test\n        nmae: Ada\n")),
            "acme.yaml:6:9: unknown key \"nmae\"; the keys here are email, name, email_verified, \
             external_id, status, password, break_glass, attributes, roles, groups"
        );
        assert_eq!(
            problems("organisations: []\n"),
            "acme.yaml:1:1: unknown key \"organisations\"; the keys here are organizations, clients"
        );
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused_in_plain_words() {
        let refusal = |more: &str| problems(&acme(more));

        for more in ["    domains:\n", "    branding:\n      primary_color: #0b5fff\n", "    parent: ~\n"] {
            assert!(refusal(more).contains("this key has no value"), "{}", refusal(more));
        }
        assert_eq!(refusal("    domains: acme.test\n"), "acme.yaml:4:14: a list belongs here");
        assert_eq!(refusal("    branding: blue\n"), "acme.yaml:4:15: keys and values belong here");
        assert_eq!(refusal("    parent: [a]\n"), "acme.yaml:4:13: text belongs here");
        assert_eq!(
            refusal("    policy: { lockout_attempts: few }\n"),
            "acme.yaml:4:33: a whole number belongs here"
        );
        assert_eq!(refusal("    name: Acme\n"), "acme.yaml:4:5: the key name is here twice");
        assert_eq!(problems("clients:\n  - name: Notes\n"), "acme.yaml:2:5: the key client_id is missing");
    }

    #[test]
    fn every_invalid_value_is_reported_with_its_place_and_what_is_allowed() {
        let text = acme(
            "    parent: Holding
    status: closed
    domains: [acme, acme.test]
    branding: { logo_url: \"http://acme.test/logo.svg\", primary_color: blue }
    policy: { access_token_secs: 5, session_idle_secs: 0 }
    roles:
      - { slug: admin, permissions: [notes] }
    users:
      - { email: ada, name: \"A\\tda\", status: gone, password: \"\", roles: [Admin] }
",
        );

        assert_eq!(
            problems(&text),
            "\
acme.yaml:4:13: parent \"Holding\": a slug is 1 to 63 lower-case letters, digits and inner hyphens, and does not start with `org_`
acme.yaml:5:13: status \"closed\": one of active, suspended
acme.yaml:6:15: domains \"acme\": not a domain name, like example.com
acme.yaml:7:27: logo_url \"http://acme.test/logo.svg\": an https:// address, without a name and password in it, of at most 2000 characters
acme.yaml:7:71: primary_color \"blue\": a colour is written #rrggbb
acme.yaml:8:34: access_token_secs 5: from 30 to 3600
acme.yaml:8:56: session_idle_secs 0: from 1 to 315360000
acme.yaml:10:38: permissions \"notes\": a permission is written resource:action, in lower-case letters, digits, `_`, `-` and `.`, at most 100 characters
acme.yaml:12:18: email \"ada\": not an e-mail address, like name@example.com
acme.yaml:12:29: name \"A\\tda\": a name is 1 to 200 characters without control or direction-changing characters
acme.yaml:12:46: status \"gone\": one of active, deactivated
acme.yaml:12:62: password: it is empty; leave the key out for a user who has no password
acme.yaml:12:74: roles \"Admin\": a slug is 1 to 63 lower-case letters, digits and inner hyphens, and does not start with `org_`"
        );
    }

    #[test]
    fn a_client_is_what_its_type_and_audience_allow() {
        let of = |more: &str| problems(&notes(more));

        assert_eq!(
            of("    type: wep\n    audience: some\n"),
            "acme.yaml:7:11: type \"wep\": one of web, spa, native, machine\n\
             acme.yaml:8:15: audience \"some\": one of all, granted, owner"
        );
        assert_eq!(
            of("    type: machine\n    audience: all\n"),
            "acme.yaml:5:21: redirect_uris \"https://notes.test/callback\": a machine client has no redirect URI"
        );
        assert_eq!(
            of(&format!("    type: spa\n    audience: all\n    client_secret: {SECRET}\n")),
            "acme.yaml:9:20: client_secret: a spa client is public and has none"
        );
        assert_eq!(
            of("    type: web\n    audience: all\n    granted_to: [acme]\n"),
            "acme.yaml:8:15: granted_to: only with audience granted"
        );
        assert_eq!(
            of("    type: web\n    audience: all\n    permissions: [\"orgate:users:read\"]\n"),
            "acme.yaml:9:19: permissions \"orgate:users:read\": permissions that begin with `orgate:` are Orgate's \
             own; no client has them"
        );
        assert_eq!(
            problems(
                "clients: [{ client_id: a b, organization: acme, name: A, type: spa, audience: owner }]"
            ),
            "acme.yaml:1:24: client_id \"a b\": 1 to 100 letters, digits, `.`, `_` and `-`\n\
             acme.yaml:1:24: redirect_uris: a spa client has at least one"
        );
    }

    #[test]
    fn the_keys_of_a_client_are_public_and_sound() {
        let client = |jwks: &str| notes(&format!("    type: web\n    audience: all\n    jwks: {jwks}\n"));
        let okp = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

        assert!(load(&client(&format!(r#"{{"keys":[{okp}}}]}}"#))).is_ok());
        for (jwks, problem) in [
            (format!(r#"{{"keys":[{okp}}},{okp},"d":"hidden"}}]}}"#), "key 2 of the set is a private key"),
            (r#"{"keys":[{"kty":"oct","k":"hidden"}]}"#.to_owned(), "key 1 of the set is a symmetric key"),
            (r#"{"keys":[{"kty":"RSA","n":"hidden","e":"AQAB"}]}"#.to_owned(), "RSA key of less than 2048"),
            (r#"{"keys":[]}"#.to_owned(), "no key of the set can verify"),
            ("{}".to_owned(), "not a JWK Set"),
        ] {
            let text = problems(&client(&jwks));
            assert!(text.starts_with("acme.yaml:9:11: jwks: ") && text.contains(problem), "{text}");
            assert!(!text.contains("hidden"), "{text}");
        }
    }

    #[test]
    fn what_a_client_of_the_fapi_profile_gets_is_signed_by_an_algorithm_of_it() {
        let client = |more: &str| {
            notes(&format!(
                "    type: web\n    audience: all\n    profile: fapi2\n    authentication: private_key_jwt\n    \
                 jwks_uri: https://notes.test/jwks\n{more}"
            ))
        };

        for fitting in ["", "    signing_algorithm: PS256\n", "    userinfo_signing_algorithm: EdDSA\n"] {
            assert!(load(&client(fitting)).is_ok(), "{fitting}");
        }
        for (other, at) in [("signing_algorithm", "12:24"), ("userinfo_signing_algorithm", "12:33")] {
            assert_eq!(
                problems(&client(&format!("    {other}: RS256\n"))),
                format!(
                    "acme.yaml:{at}: {other}: profile fapi2: it is signed to with PS256, ES256 or EdDSA (FAPI 2.0 §5.4.1)"
                )
            );
        }
    }

    #[test]
    fn variables_are_filled_in_where_they_are_allowed_and_never_shown() {
        let user = |password: &str| {
            acme(&format!(
                "    users:\n      - {{ email: a@acme.test, name: Ada, password: \"{password}\" }}\n"
            ))
        };

        let wanted = load(&user("${PASSWORD}!")).expect("no problems");
        let password = wanted.organizations[0].users[0].password.as_ref().expect("a password");
        assert_eq!(password.reveal(), "correct horse!");
        assert!(!format!("{wanted:?}").contains("horse"));
        assert_eq!(
            problems(&user("${NOWHERE}")),
            "acme.yaml:5:52: password: the variable NOWHERE is not set"
        );
        assert!(problems(&user("${EMPTY}")).contains("it is empty"));
        assert_eq!(
            problems(&acme("    parent: \"${PASSWORD}\"\n")),
            "acme.yaml:4:13: parent: variables are filled in only in secrets and in addresses of clients and webhooks"
        );
        assert_eq!(
            problems(&acme("    webhooks: [{ url: \"${PASSWORD}\" }]\n")),
            "acme.yaml:4:23: url \"${PASSWORD}\": relative URL without a base"
        );
        let short = problems(&notes("    type: web\n    audience: all\n    client_secret: \"${SHORT}\"\n"));
        assert!(short.starts_with("acme.yaml:9:20: client_secret: 32 to 512 printable"), "{short}");
        assert!(!short.contains("hunter2"), "{short}");
        let wrong = "    type: web\n    audience: all\n    post_logout_redirect_uris: [\"${PASSWORD}\"]\n";
        assert_eq!(
            problems(&notes(wrong)),
            "acme.yaml:9:33: post_logout_redirect_uris \"${PASSWORD}\": a redirect URI is absolute, of at most \
             2048 printable ASCII characters"
        );
    }

    #[test]
    fn a_line_that_does_not_parse_is_not_shown() {
        for text in ["    users: [{ password: hunter2\n", "    password: hunter2\n", "    users: [hunter2]\n"]
        {
            assert!(!problems(&acme(text)).contains("hunter2"), "{}", problems(&acme(text)));
        }
    }

    #[test]
    fn nothing_is_described_twice_in_all_the_files_together() {
        let first = "organizations: [{ slug: acme, name: A, domains: [acme.test] }, { slug: globex, name: G, external_id: X }]";
        let second = acme(
            "    domains: [ACME.test]
    roles: [{ slug: admin }, { slug: admin }]
    users: [{ email: a@acme.test, name: A }, { email: A@acme.test, name: A }]
    external_id: X
",
        );

        let problems = load_all([("a.yaml", first), ("b.yaml", second.as_str())], &variables).err();

        assert_eq!(
            problems.map(|problems| problems.to_string()).as_deref(),
            Some(
                "\
b.yaml:2:11: the organization acme was already described at a.yaml:1:25
b.yaml:2:11: the external_id X was already described at a.yaml:1:72
b.yaml:4:15: the domain acme.test was already described at a.yaml:1:50
b.yaml:5:38: the role admin was already described at b.yaml:5:21
b.yaml:6:55: the user a@acme.test was already described at b.yaml:6:22"
            )
        );
    }

    #[test]
    fn the_operator_organization_cannot_be_stopped() {
        assert_eq!(
            problems("organizations: [{ slug: operator, name: Us, status: suspended }]"),
            "acme.yaml:1:53: the operator organization is always active"
        );
    }
}
