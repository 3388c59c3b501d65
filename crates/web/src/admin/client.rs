//! One application or machine, or a new one: what it is, what it is set to, its secrets, and what a machine may do.

mod facts;
mod fields;
mod new;
mod roles;
mod secret;
mod switch;

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::clients::{Client, ClientIssuer, ClientStatus};
use orgate_domain::ids::ClientId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::clients::{DescribedClient, find_client, out_of_reach, update_client};
use orgate_protocol::oauth::redirect_uri::ClientKind;

use self::facts::Fact;
use self::fields::{Field, Shown, Typed};
use self::roles::Roles;
use super::answers::{Answer, Instead};
use super::change::{ALREADY, Wrong, Wrongs, done, refusal};
use super::clients::{audience, kind};
use super::frame::{Frame, Part};
use super::meanwhile::{ChangedFields, Unsaved};
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;
use crate::page::Page;

pub(crate) use new::{get_new, post_new};
pub(crate) use roles::post_roles;
pub(crate) use secret::{get_secret, post_secret};
pub(crate) use switch::{get_off, post_off, post_on};

/// What it takes to see one.
const READ: OrgatePermission = OrgatePermission::ClientsRead;

/// `templates/admin/client.html`.
#[derive(Template)]
#[template(path = "admin/client.html")]
struct ClientTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    /// The address of this page.
    here: String,
    back: String,
    client: Described,
    /// Why whoever may change clients may not change this one.
    lock: Option<String>,
    /// Whether they may change it.
    manages: bool,
    /// The fields of its form, if it can be changed.
    fields: Option<Vec<Shown>>,
    /// What stood in them when the form was shown.
    seen: Vec<(&'static str, String)>,
    /// What the fields say, where there is no form.
    settings: Vec<Fact>,
    /// Everything else that it is set to.
    others: Vec<Fact>,
    roles: Option<Roles>,
    wrongs: Wrongs,
    meanwhile: Option<ChangedFields>,
}

/// What it is.
#[expect(clippy::struct_excessive_bools, reason = "what a page shows and what it does not")]
struct Described {
    id: String,
    client_id: String,
    name: String,
    kind: &'static str,
    is_machine: bool,
    is_active: bool,
    is_built_in: bool,
    audience: &'static str,
    party: &'static str,
    proof: &'static str,
    /// Whether it proves itself by a secret, and what secrets it has.
    uses_secret: bool,
    secrets: Vec<String>,
    /// Who issues its tokens, and what that says of itself.
    issuer: String,
    discovery: String,
}

/// What the page says besides.
#[derive(Default)]
struct Said {
    done: Option<&'static str>,
    /// A form that was not saved.
    unsaved: Option<Unsaved<Typed>>,
    /// Roles that were not changed, and what was ticked.
    roles: Option<roles::Refused>,
}

impl Described {
    fn of(admin: &Admin, client: &Client) -> Self {
        let issuer = match client.settings.issuer {
            ClientIssuer::Organization => admin.env.issuer.of(admin.caller.org_id()),
            ClientIssuer::Shared => admin.env.issuer.clone(),
        };
        Self {
            id: client.id.to_string(),
            client_id: client.client_id.clone(),
            name: client.name.as_str().to_owned(),
            kind: kind(client.kind),
            is_machine: client.kind == ClientKind::Machine,
            is_active: client.status == ClientStatus::Active,
            is_built_in: client.is_built_in(),
            audience: audience(client.audience),
            party: facts::party(client.settings.party),
            proof: facts::proof(client.settings.authentication),
            uses_secret: client.settings.authentication.uses_secret(),
            secrets: client.secrets.iter().map(facts::life).collect(),
            discovery: issuer.at("/.well-known/openid-configuration"),
            issuer: issuer.as_str().to_owned(),
        }
    }
}

/// `GET …/clients/{client}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<ClientId>, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("already") => Some(ALREADY),
        Some("made") => Some("The application is registered. What its developers need is below."),
        Some("off") => Some("It is switched off, and gets no tokens any more."),
        Some("on") => Some("It is switched on again."),
        Some("roles") => Some("The roles are saved. Tokens that it gets from now on say so."),
        Some("saved") => Some("The settings are saved, and count at once."),
        _ => None,
    };
    show(&admin, id, Said { done, ..Said::default() }).await
}

/// `POST …/clients/{client}`: saves what was changed in the form, unless somebody else changed any of its fields since.
pub(crate) async fn post(Named(id): Named<ClientId>, Submitted { admin, form }: Submitted) -> Answer {
    let client = find(&admin, id).await?.client;
    let fields = Field::of(client.kind, admin.is_operators());
    let (typed, seen) = (Typed::read(&form, "", &fields), Typed::read(&form, "seen.", &fields));
    let unsaved = Unsaved::of(typed.clone(), seen.clone());
    if let Err(wrongs) = typed.onto(&client) {
        return unsaved.wrong(StatusCode::UNPROCESSABLE_ENTITY, Wrongs(wrongs)).show(&admin, id).await;
    }
    let edit = |now: &DescribedClient| {
        if Typed::of(&now.client, &fields) != seen {
            return Err(ChangeError::Stale);
        }
        typed.onto(&now.client).map_err(|wrongs| first(&wrongs))
    };
    let Err(error) = Box::pin(update_client(&admin.env, &admin.caller, id, edit)).await else {
        return Ok(done(&admin, (&path(id), READ), "saved"));
    };
    if matches!(error, ChangeError::Stale) {
        return changed_meanwhile(&admin, id, (typed, &seen)).await;
    }
    let refused = refusal(&admin, &error)?;
    let names: Vec<_> = fields.iter().map(|field| field.name()).collect();
    let (status, wrongs) = Wrongs::of(Some(refused), &names);
    unsaved.wrong(status, wrongs).show(&admin, id).await
}

/// The first thing that is wrong, as use cases say it.
fn first(wrongs: &[Wrong]) -> ChangeError {
    let (field, why) = wrongs.first().map_or(("", ""), |wrong| (&wrong.field, &wrong.why));
    ChangeError::invalid(format!("/{field}"), why)
}

/// Offers both: what was typed, and what somebody changed since the form was shown.
async fn changed_meanwhile(admin: &Admin, id: ClientId, (typed, seen): (Typed, &Typed)) -> Answer {
    let client = find(admin, id).await?.client;
    let now = Typed::of(&client, &Field::of(client.kind, admin.is_operators()));
    let (typed, changes) = typed.merged(seen, &now);
    let theirs = admin.href(&path(id));
    let meanwhile =
        admin.read(ChangedFields::of_client(admin, &client.client_id, (changes, theirs)).await)?;
    Unsaved::of(typed, now.clone()).stale(now, meanwhile).show(admin, id).await
}

impl Unsaved<Typed> {
    async fn show(self, admin: &Admin, id: ClientId) -> Answer {
        show(admin, id, Said { unsaved: Some(self), ..Said::default() }).await
    }
}

/// Where one is, below the organization's first page.
fn path(id: ClientId) -> String {
    format!("{}/{id}", Part::Clients.path())
}

/// One, for whoever may see it.
async fn find(admin: &Admin, id: ClientId) -> Result<DescribedClient, Instead> {
    let reader = admin.reading(READ)?;
    admin.found(find_client(&admin.env, &reader, id).await)
}

async fn show(admin: &Admin, id: ClientId, said: Said) -> Answer {
    let described = find(admin, id).await?;
    let client = &described.client;
    let manages = admin.caller.asking(OrgatePermission::ClientsManage).is_some();
    let all = admin.read(roles::all(admin, client).await)?;
    let held: Vec<_> =
        all.iter().flatten().filter(|role| described.roles.contains(&role.slug)).cloned().collect();
    let lock = manages.then(|| out_of_reach(&admin.caller, client, &held)).flatten();
    let edits = manages && lock.is_none();
    let fields = Field::of(client.kind, admin.is_operators());
    let unsaved = said.unsaved.unwrap_or_else(|| {
        let is = Typed::of(client, &fields);
        Unsaved::of(is.clone(), is)
    });
    let status = said.roles.as_ref().map_or(unsaved.status, |(refusal, _)| refusal.status);
    let has_form = edits && !client.is_built_in();
    let api = admin.env.issuer.api();
    let template = ClientTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Clients, Vec::new()).saying(said.done),
        csrf: admin.token(),
        here: admin.href(&path(id)),
        back: admin.href(Part::Clients.path()),
        client: Described::of(admin, client),
        lock,
        manages: edits,
        fields: has_form.then(|| unsaved.typed.shown(client.kind, &api)),
        seen: unsaved.seen.named(),
        settings: facts::of_fields(client, &fields),
        others: facts::others(client, &fields),
        roles: all.map(|all| Roles::of(admin, (&all, &described.roles), said.roles)),
        wrongs: unsaved.wrongs,
        meanwhile: unsaved.meanwhile,
    };
    Ok(admin.render(status, &template))
}
