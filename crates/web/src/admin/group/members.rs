//! Who is in a group: put into it by their address, and taken out.

use axum::http::StatusCode;
use orgate_domain::email::Email;
use orgate_domain::ids::{GroupId, UserId};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::groups::{add_member, remove_member};
use orgate_flows::manage::users::{UserFilter, list_users};
use orgate_flows::manage::{ChangeError, Member, Page as Listed, PageOf};

use super::{Said, show};
use crate::admin::answers::{Answer, Instead};
use crate::admin::change::{Refusal, answer, done, refusal_on};
use crate::admin::frame::Pager;
use crate::admin::{Admin, Named, Submitted};
use crate::page::Org;

/// Whoever was put into a group.
pub(super) struct Members {
    pub(super) lines: Vec<MemberLine>,
    pub(super) pager: Pager,
    /// Whether any can be taken out.
    pub(super) removes: bool,
    /// Whether anybody can be added: who is meant has to be found.
    pub(super) adds: bool,
    /// The address that was typed, and why they are not in the group.
    pub(super) email: String,
    pub(super) error: Option<String>,
    /// Where whoever is no user yet is invited.
    pub(super) invite: Option<String>,
}

/// One of them.
pub(super) struct MemberLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) initial: String,
    pub(super) email: Option<String>,
    /// Their page, if it may be opened.
    pub(super) href: Option<String>,
}

impl Members {
    pub(super) fn of(
        admin: &Admin,
        (here, found, after): (&str, Listed<Member, UserId>, Option<UserId>),
        (edits, refused): (bool, Option<(String, Refusal)>),
    ) -> Self {
        let sees = admin.caller.asking(OrgatePermission::UsersRead).is_some();
        let line = |member: Member| MemberLine {
            href: sees.then(|| admin.href(&format!("/users/{}", member.user_id))),
            id: member.user_id.to_string(),
            initial: Org::named(&member.name, None).monogram,
            email: member.email.filter(|email| *email != member.name),
            name: member.name,
        };
        let (email, error) = match refused {
            Some((email, refusal)) => (email, Some(refusal.wrong.why)),
            None => (String::new(), None),
        };
        let invites = admin.caller.asking(OrgatePermission::InvitationsManage);
        Self {
            pager: Pager {
                first: after.map(|_| here.to_owned()),
                next: found.next.map(|after| format!("{here}?after={after}#members")),
            },
            lines: found.items.into_iter().map(line).collect(),
            removes: edits,
            adds: edits && sees,
            email,
            error,
            invite: invites.map(|_| admin.href("/invitations/new")),
        }
    }
}

/// `POST …/groups/{group}/members`: puts whoever has this address into it.
pub(crate) async fn post_add(Named(id): Named<GroupId>, Submitted { admin, form }: Submitted) -> Answer {
    let email = form.text("email");
    let added = match find(&admin, email).await? {
        Ok(user) => add_member(&admin.env, &admin.caller, (id, user)).await,
        Err(error) => Err(error),
    };
    let shown = format!("/groups/{id}");
    let Err(error) = added else {
        return Ok(done(&admin, (&shown, OrgatePermission::GroupsRead), "added"));
    };
    let refusal = refusal_on(OrgatePermission::GroupsRead, &admin, &error)?;
    show(&admin, id, Said { member: Some((email.to_owned(), refusal)), ..Said::default() }).await
}

/// Whoever has this address, or what the form says of it.
async fn find(admin: &Admin, email: &str) -> Result<Result<UserId, ChangeError>, Instead> {
    let reader = admin.reading(OrgatePermission::UsersRead)?;
    let wrong = |why: String| ChangeError::invalid("/email", why);
    let parsed = match Email::parse(email) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Err(wrong(format!("{error}, like name@example.com")))),
    };
    let filter = UserFilter::address(parsed);
    let first = PageOf { after: None, limit: 1 };
    let found = admin.read(list_users(&admin.env, &reader, (&filter, first)).await)?;
    let user = found.items.first().map(|user| user.id);
    Ok(user.ok_or_else(|| wrong("no user of the organization has this address".to_owned())))
}

/// `POST …/groups/{group}/members/remove`: takes one out.
pub(crate) async fn post_remove(Named(id): Named<GroupId>, Submitted { admin, form }: Submitted) -> Answer {
    let removed = match form.text("user").parse::<UserId>() {
        Ok(user) => remove_member(&admin.env, &admin.caller, (id, user)).await,
        Err(_) => Err(ChangeError::Missing),
    };
    answer(&admin, removed, (&format!("/groups/{id}"), OrgatePermission::GroupsRead), "removed")
}

impl Said {
    pub(super) fn status(&self) -> StatusCode {
        let of_form = self.asked.as_ref().map(|asked| asked.refused.status());
        let of_member = self.member.as_ref().map(|(_, refusal)| refusal.status);
        of_form.or(of_member).unwrap_or(StatusCode::OK)
    }
}
