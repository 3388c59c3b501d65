//! Registering an application or a machine: what it is, and the little that depends on that. All else is as its type has it.

use askama::Template;
use axum::response::Response;
use orgate_domain::clients::{
    Audience, Client, ClientAuthentication, ClientKeySource, Party, parse_client_id, parse_web_address,
};
use orgate_domain::ids::ClientId;
use orgate_domain::names::DisplayName;
use orgate_flows::manage::clients::{DescribedClient, WithSecret, create_client};
use orgate_protocol::oauth::redirect_uri::ClientKind;

use super::fields::{Field, Shown, Typed};
use super::{READ, first, path, secret};
use crate::admin::answers::Answer;
use crate::admin::change::{Refusal, Wrong, Wrongs, done, once, refusal};
use crate::admin::clients::kind;
use crate::admin::frame::{Frame, Part};
use crate::admin::radio::Radio;
use crate::admin::{Admin, Submitted};
use crate::fields::Form;
use crate::page::Page;

/// What can be said of a new one beside [`Field`]s.
const OWN: [&str; 5] = ["type", "client_id", "party", "authentication", "jwks_uri"];

/// The types, and what each is.
const KINDS: [(ClientKind, &str); 4] = [
    (ClientKind::Web, "Runs on a server, which keeps a secret."),
    (ClientKind::Spa, "Runs in the browser alone, and can keep no secret."),
    (ClientKind::Native, "Runs on a phone, a desktop or a device."),
    (ClientKind::Machine, "A service or a script, which acts for itself and signs nobody in."),
];

/// Whose it may be.
const PARTIES: [(Party, &str, &str); 2] = [
    (Party::First, "The product’s own", "People are not asked whether it may know who they are."),
    (Party::Third, "Somebody else’s", "People are asked before it acts for them."),
];

/// How it may prove itself.
const PROOFS: [(ClientAuthentication, &str, &str); 2] = [
    (
        ClientAuthentication::Secret,
        "By a secret",
        "It is shown once, as soon as the application is registered.",
    ),
    (
        ClientAuthentication::PrivateKeyJwt,
        "By a key of its own",
        "It signs an assertion (private_key_jwt), and publishes its public key.",
    ),
];

/// `templates/admin/client_new.html`.
#[derive(Template)]
#[template(path = "admin/client_new.html")]
struct NewTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    once: String,
    here: String,
    back: String,
    kinds: Vec<Radio>,
    parties: Vec<Radio>,
    proofs: Vec<Radio>,
    /// What all have, what those have that people sign in to, and what machines have.
    common: Vec<Shown>,
    of_people: Vec<Shown>,
    of_machines: Vec<Shown>,
    /// What was typed for it, where it can be chosen.
    client_id: Option<String>,
    jwks_uri: String,
    wrongs: Wrongs,
}

/// `GET …/clients/new`.
pub(crate) async fn get_new(admin: Admin) -> Answer {
    Ok(show(&admin, &Form::default(), None, Vec::new()))
}

/// `POST …/clients/new`: shows its secret, if it has one, which nobody sees again.
pub(crate) async fn post_new(Submitted { admin, form }: Submitted) -> Answer {
    let mut wrongs = Vec::new();
    let draft = |id| {
        wanted(&admin, &form, id).map_err(|all| {
            let error = first(&all);
            wrongs = all;
            error
        })
    };
    let once = once(&form, "register an application");
    match create_client(&admin.env, &admin.caller, draft, once.as_ref()).await {
        Ok(WithSecret { described, secret: Some(secret) }) => {
            Ok(secret::shown(&admin, (&described.client, &secret), "The application is registered"))
        }
        Ok(WithSecret { described: DescribedClient { client, .. }, .. }) => {
            let said = if client.settings.authentication.uses_secret() { "already" } else { "made" };
            Ok(done(&admin, (&path(client.id), READ), said))
        }
        Err(error) => Ok(show(&admin, &form, Some(refusal(&admin, &error)?), wrongs)),
    }
}

/// The client that a form asks for, or everything that is wrong with it. What is not of its type counts for nothing: the form
/// hides it.
fn wanted(admin: &Admin, form: &Form, id: ClientId) -> Result<Client, Vec<Wrong>> {
    let wrong = |field: &str, why: &str| vec![Wrong::with(field, why)];
    let kind =
        ClientKind::from_text(form.text("type")).ok_or_else(|| wrong("type", "choose one of these"))?;
    let placeholder = DisplayName::parse(kind.as_str()).map_err(|error| wrong("name", &error.to_string()))?;
    let blank = Client::new((admin.caller.org_id(), id), kind, (id.to_string(), placeholder));
    let typed = Typed::read(form, "", &[common(admin), of(kind).to_vec()].concat());
    let (mut client, mut wrongs) = match typed.onto(&blank) {
        Ok(client) => (client, Vec::new()),
        Err(wrongs) => (blank, wrongs),
    };
    if kind == ClientKind::Machine {
        client.settings.scopes.get_or_insert_default(); // what nobody typed, it may not ask for
    }
    for (field, set) in [
        ("client_id", choose_id as fn(&Form, &mut Client) -> Result<(), String>),
        ("party", choose_party),
        ("authentication", choose_proof),
        ("jwks_uri", choose_keys),
    ] {
        wrongs.extend(set(form, &mut client).err().map(|why| Wrong::with(field, &why)));
    }
    if wrongs.is_empty() { Ok(client) } else { Err(wrongs) }
}

fn choose_id(form: &Form, client: &mut Client) -> Result<(), String> {
    if let Some(text) = form.get("client_id") {
        client.client_id = parse_client_id(text)?;
        client.resource.clone_from(&client.client_id);
    }
    Ok(())
}

fn choose_party(form: &Form, client: &mut Client) -> Result<(), String> {
    if client.kind != ClientKind::Machine {
        let chosen = PARTIES.iter().find(|(party, ..)| party.as_str() == form.text("party"));
        client.settings.party = chosen.ok_or("choose one of these")?.0;
    }
    Ok(())
}

fn choose_proof(form: &Form, client: &mut Client) -> Result<(), String> {
    if client.is_confidential() {
        let chosen = PROOFS.iter().find(|(proof, ..)| proof.as_str() == form.text("authentication"));
        client.settings.authentication = chosen.ok_or("choose one of these")?.0;
    }
    Ok(())
}

fn choose_keys(form: &Form, client: &mut Client) -> Result<(), String> {
    let signs = client.settings.authentication == ClientAuthentication::PrivateKeyJwt;
    let address = form.get("jwks_uri").filter(|_| signs).map(parse_web_address).transpose()?;
    client.settings.keys = address.map(ClientKeySource::Url);
    Ok(())
}

/// The fields that every new one has.
fn common(admin: &Admin) -> Vec<Field> {
    if admin.is_operators() { vec![Field::Name, Field::Audience] } else { vec![Field::Name] }
}

/// Those of a type besides.
const fn of(kind: ClientKind) -> &'static [Field] {
    match kind {
        ClientKind::Machine => &[Field::Scopes, Field::Resources],
        ClientKind::Native | ClientKind::Spa | ClientKind::Web => &[Field::RedirectUris],
    }
}

fn show(admin: &Admin, form: &Form, refused: Option<Refusal>, all: Vec<Wrong>) -> Response {
    let people = ClientKind::Web;
    let fields = [common(admin), of(people).to_vec(), of(ClientKind::Machine).to_vec()].concat();
    let names: Vec<_> = fields.iter().map(|field| field.name()).chain(OWN).collect();
    let (status, mut wrongs) = Wrongs::of(refused, &names);
    if !all.is_empty() {
        wrongs = Wrongs(all);
    }
    let api = admin.env.issuer.api();
    let shown = |fields: &[Field], kind| {
        let mut shown = Typed::read(form, "", fields).shown(kind, &api);
        // Unless told, as the management API has it.
        if form.get("type").is_none() {
            for field in &mut shown {
                field.choose(Audience::Owner.as_str());
            }
        }
        shown
    };
    let chosen = |field: &str, usual: &str| form.get(field).unwrap_or(usual).to_owned();
    let (of_kind, of_party) = (chosen("type", people.as_str()), chosen("party", Party::First.as_str()));
    let proof = chosen("authentication", ClientAuthentication::Secret.as_str());
    let manages_all = admin.is_operators();
    let template = NewTemplate {
        page: admin.page(),
        frame: Frame::below_if_open(admin, Part::Clients),
        csrf: admin.token(),
        once: admin.once(),
        here: admin.href("/clients/new"),
        back: admin.href_if_open(Part::Clients.shown()),
        kinds: choices(KINDS.map(|(one, hint)| (one.as_str(), kind(one), hint)), &of_kind),
        parties: choices(PARTIES.map(|(one, label, hint)| (one.as_str(), label, hint)), &of_party),
        proofs: choices(PROOFS.map(|(one, label, hint)| (one.as_str(), label, hint)), &proof),
        common: shown(&common(admin), people),
        of_people: shown(of(people), ClientKind::Native),
        of_machines: shown(of(ClientKind::Machine), ClientKind::Machine),
        client_id: manages_all.then(|| form.text("client_id").to_owned()),
        jwks_uri: form.text("jwks_uri").to_owned(),
        wrongs,
    };
    admin.render(status, &template)
}

fn choices<const N: usize>(all: [(&'static str, &'static str, &'static str); N], chosen: &str) -> Vec<Radio> {
    all.into_iter().map(|one| Radio::of(one, chosen)).collect()
}
