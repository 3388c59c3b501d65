//! Who may join without an invitation: by which addresses, and with which roles.

use std::collections::BTreeSet;

use askama::Template;
use orgate_domain::audit::Action;
use orgate_domain::domains::OrgDomain;
use orgate_domain::joining::{AddressAt, Entry, Joining};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::domains::list_domains;
use orgate_flows::manage::joining::{JoiningTerms, find_joining, update_joining};
use orgate_flows::manage::roles::list_all_roles;
use orgate_flows::manage::{ChangeError, MAX_PAGE, PageOf, Role};

use super::answers::Answer;
use super::change::{Refused, Wrongs, done, refusal_on};
use super::choice::{Choice, chosen};
use super::frame::{Frame, Part};
use super::meanwhile::{Meanwhile, moved};
use super::naming::maker;
use super::radio::Radio;
use super::{Admin, Submitted};
use crate::fields::Form;
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;

/// `templates/admin/joining.html`.
#[derive(Template)]
#[template(path = "admin/joining.html")]
struct JoiningTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Where whoever asked is listed.
    requests: String,
    /// Whether anything can be changed.
    edits: bool,
    entries: [Entries; 2],
    /// The domains, if they may be seen.
    domains: Option<Domains>,
    /// The roles that may be given, if roles may be seen.
    roles: Option<Vec<Choice>>,
    /// What was said when the form was made.
    base: Base,
    said: Option<Said>,
    wrongs: Wrongs,
    meanwhile: Option<Meanwhile>,
}

/// What whoever has an address of one kind may do.
struct Entries {
    /// The field.
    name: &'static str,
    label: &'static str,
    options: Vec<Radio>,
}

/// The organization's domains.
struct Domains {
    href: String,
    /// The first few that are verified.
    verified: String,
    /// How many more there are.
    more: usize,
    /// The first few that nobody vouched for yet: people ask there.
    later: String,
    /// How many more of these there are.
    more_later: usize,
}

/// Who said it, and vouches for the roles.
struct Said {
    who: &'static str,
    who_href: Option<String>,
    at: Moment,
}

/// What was said, for whether it is still so once the form comes back.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Base {
    domains: Entry,
    others: Entry,
    roles: BTreeSet<String>,
}

/// What a form asks for, and what came of it.
struct Asked {
    domains: String,
    others: String,
    roles: BTreeSet<String>,
    refused: Refused<Base>,
}

impl Base {
    fn of(said: Option<&Joining>) -> Self {
        said.map_or_else(Self::default, |said| Self {
            domains: said.domains,
            others: said.others,
            roles: said.roles.clone(),
        })
    }

    /// What a form says that was there when it was made.
    fn brought(form: &Form) -> Self {
        let entry = |field| Entry::from_text(form.text(field)).unwrap_or_default();
        Self {
            domains: entry("base_domains"),
            others: entry("base_others"),
            roles: form.words("base_roles").into_iter().collect(),
        }
    }

    /// Its roles, as a form brings them back.
    fn roles(&self) -> String {
        self.roles.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl Asked {
    /// What the form shows first: what was said.
    fn as_is(base: &Base) -> Self {
        Self {
            domains: base.domains.as_str().to_owned(),
            others: base.others.as_str().to_owned(),
            roles: base.roles.clone(),
            refused: Refused::No,
        }
    }

    fn of(form: &Form, refused: Refused<Base>) -> Self {
        Self {
            domains: form.text("domains").to_owned(),
            others: form.text("others").to_owned(),
            roles: form.set("role"),
            refused,
        }
    }
}

impl Entries {
    fn of(at: AddressAt, asked: &Asked) -> Self {
        let (name, label, chosen) = match at {
            AddressAt::VerifiedDomain => ("domains", "With an address of your domains", &asked.domains),
            AddressAt::Elsewhere => ("others", "With any other address", &asked.others),
        };
        let option = |entry: Entry| {
            let (label, hint) = said_of(at, entry)?;
            Some(Radio::of((entry.as_str(), label, hint), chosen))
        };
        Self { name, label, options: Entry::ALL.into_iter().filter_map(option).collect() }
    }
}

/// What can be said of such addresses, and what follows from it.
const fn said_of(at: AddressAt, entry: Entry) -> Option<(&'static str, &'static str)> {
    Some(match (at, entry) {
        (AddressAt::VerifiedDomain, Entry::Closed) => {
            ("By invitation", "They need an invitation, or do as anybody else may.")
        }
        (AddressAt::VerifiedDomain, Entry::Request) => {
            ("On request", "They ask, and whoever may invite people decides.")
        }
        (AddressAt::VerifiedDomain, Entry::Automatic) => {
            ("At once", "They become users, with the roles below, once a mail has proven their address.")
        }
        (AddressAt::Elsewhere, Entry::Closed) => ("By invitation", "They need an invitation."),
        (AddressAt::Elsewhere, Entry::Request) => {
            ("On request", "Anybody can ask, and whoever may invite people decides.")
        }
        (AddressAt::Elsewhere, Entry::Automatic) => return None, // nobody's word is behind such an address
    })
}

/// `GET …/joining`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = (params.get("done") == Some("saved")).then_some("It is saved, and counts from now on.");
    show(&admin, (done, None)).await
}

/// `POST …/joining`: saves what the form shows, unless somebody else said something else since.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Answer {
    let base = Base::brought(&form);
    let edit = |now: Option<&Joining>| {
        let now = Base::of(now);
        if now == base { terms(&form, &now) } else { Err(ChangeError::Stale) }
    };
    let Err(error) = update_joining(&admin.env, &admin.caller, edit).await else {
        return Ok(done(&admin, Part::Joining.shown(), "saved"));
    };
    let refusal = refusal_on(Part::Joining.permission(), &admin, &error)?;
    let asked = Asked::of(&form, Refused::by(&error, refusal, base));
    show(&admin, (None, Some(asked))).await
}

/// What a form wants, where this is said now.
fn terms(form: &Form, now: &Base) -> Result<JoiningTerms, ChangeError> {
    let entry = |field: &str| {
        let wrong = || ChangeError::invalid(format!("/{field}"), "choose one of these");
        Entry::from_text(form.text(field)).ok_or_else(wrong)
    };
    Ok(JoiningTerms {
        domains: entry("domains")?,
        others: entry("others")?,
        roles: chosen(form, ("role", "held_role"), (&now.roles, "/roles"))?,
    })
}

async fn show(admin: &Admin, (done, asked): (Option<&'static str>, Option<Asked>)) -> Answer {
    let reader = admin.reading(Part::Joining.permission())?;
    let said = admin.read(find_joining(&admin.env, &reader).await)?;
    let base = Base::of(said.as_ref());
    let asked = asked.unwrap_or_else(|| Asked::as_is(&base));
    let edits = admin.caller.asking(OrgatePermission::InvitationsManage).is_some();
    let meanwhile = match &asked.refused {
        Refused::Meanwhile(before) => Some(admin.read(meanwhile(admin, before, &base).await)?),
        Refused::For(_) | Refused::No => None,
    };
    let domains = admin.read(domains(admin, said.as_ref()).await)?;
    let roles = if edits { admin.read(roles(admin, (&asked, &base)).await)? } else { None };
    let entries = [AddressAt::VerifiedDomain, AddressAt::Elsewhere];
    let status = asked.refused.status();
    let template = JoiningTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Joining).saying(done),
        csrf: admin.token(),
        here: admin.href(Part::Joining.path()),
        requests: admin.href("/join-requests"),
        edits,
        entries: entries.map(|at| Entries::of(at, &asked)),
        domains,
        roles,
        base,
        said: said.as_ref().map(|said| Said::of(admin, said)),
        wrongs: Wrongs::of(asked.refused.refusal(), &["domains", "others", "roles"]).1,
        meanwhile,
    };
    Ok(admin.render(status, &template))
}

impl Said {
    fn of(admin: &Admin, said: &Joining) -> Self {
        let (who, who_href) = maker(admin, said.maker());
        Self { who, who_href, at: Moment::of(said.set_at, admin.env.clock.now()) }
    }
}

/// The domains that people join by, as far as they may be seen.
async fn domains(admin: &Admin, said: Option<&Joining>) -> Result<Option<Domains>, Failure> {
    const NAMED: usize = 5;
    let Some(reader) = admin.caller.asking(OrgatePermission::DomainsRead) else { return Ok(None) };
    let all = PageOf { after: None, limit: MAX_PAGE };
    let mut domains = list_domains(&admin.env, &reader, all).await?.items;
    domains.retain(|domain| domain.verified_at.is_some());
    let at_once = said.filter(|said| said.domains == Entry::Automatic);
    let is_later = |domain: &OrgDomain| {
        at_once.zip(domain.verified_at).is_some_and(|(said, verified_at)| !said.covers(verified_at))
    };
    let later: Vec<_> = domains.iter().filter(|domain| is_later(domain)).collect();
    let names = |domains: &mut dyn Iterator<Item = &OrgDomain>| {
        domains.take(NAMED).map(|domain| domain.name.to_string()).collect::<Vec<_>>().join(", ")
    };
    Ok(Some(Domains {
        href: admin.href(Part::Domains.path()),
        more_later: later.len().saturating_sub(NAMED),
        later: names(&mut later.into_iter()),
        more: domains.len().saturating_sub(NAMED),
        verified: names(&mut domains.iter()),
    }))
}

/// Roles that are the reader's to give, and those that are given already, if roles may be seen.
async fn roles(admin: &Admin, (asked, base): (&Asked, &Base)) -> Result<Option<Vec<Choice>>, Failure> {
    let Some(reader) = admin.caller.asking(OrgatePermission::RolesRead) else { return Ok(None) };
    let changed = asked.refused.changed(&base.roles, |base| &base.roles);
    let choice = |role: &Role| {
        let (slug, is_mine) = (role.slug.as_str(), admin.caller.may_assign(role));
        let is_held = base.roles.contains(slug) || changed.contains(slug);
        let ticks = (true, &asked.roles);
        let choice = Choice::of((slug, role.name.as_str()), ticks, (&base.roles, &changed));
        let note = if is_mine { choice.note } else { "Yours to take away, and not to give".to_owned() };
        (is_mine || is_held).then_some(Choice { note, ..choice })
    };
    let roles = list_all_roles(&admin.env, &reader).await?;
    Ok(Some(roles.iter().filter_map(choice).collect()))
}

/// Who said something else since a form was made, and what.
async fn meanwhile(admin: &Admin, before: &Base, now: &Base) -> Result<Meanwhile, Failure> {
    let entry = |at, (before, now): (Entry, Entry), what| {
        let (label, _) = said_of(at, now).filter(|_| before != now)?;
        Some((what, label.to_owned()))
    };
    let domains = entry(
        AddressAt::VerifiedDomain,
        (before.domains, now.domains),
        "With an address of your domains, people join now",
    );
    let others =
        entry(AddressAt::Elsewhere, (before.others, now.others), "With any other address, people join now");
    let roles = moved((&before.roles, &now.roles), ("Roles put in", "Roles taken out"));
    let changes = domains.into_iter().chain(others).chain(roles).collect();
    Meanwhile::find(admin, (Action::JoiningConfigured, &[]), changes).await
}
