//! An organization of very many users, which a program of its own lists through the management API.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::{Result, ensure};
use orgate_flows::vault::Vault;

use crate::http::{Connection, Response, between};
use crate::load::{Request, Workload};
use crate::seed::{CLIENT_SECRET, Population, User};
use crate::server::{Orgate, Server};
use crate::workloads::{basic, get, post_form};

/// Connections that list users at once.
pub(crate) const LISTING: usize = 32;

/// A prime, as large as the others are not: consecutive pages are of different parts of the list.
const STRIDE: usize = 7919;

const LISTER: &str = "lister";

/// The organization, without whom is in none of its pages.
pub(crate) struct Crowd {
    slug: String,
    users: Vec<User>,
}

/// `GET /api/v1/organizations/{organization}/users`: pages of fifty from all over the list, and each fourth time one user by
/// address.
pub(crate) struct ListUsers {
    crowd: Rc<Crowd>,
    authorization: String,
    asked: Cell<usize>,
}

impl Crowd {
    /// Adds the organization to what there is.
    pub(crate) async fn gather(
        population: &Population,
        (vault, phc): (&Vault, &str),
        count: usize,
    ) -> Result<Rc<Self>> {
        let users = population.add_organization(vault, phc, count).await?;
        ensure!(users.len() > 1, "a list of one has no pages");
        let slug = users.first().map(|user| user.slug()).unwrap_or_default();
        Ok(Rc::new(Self { slug, users }))
    }

    /// Makes the program that lists, whose tokens are for the API of this server.
    pub(crate) fn let_in(&self, orgate: &Orgate, database_url: &str, server: &Server) -> Result<()> {
        let file = orgate.directory.join("lister.yaml");
        let (organization, resource) = (&self.slug, format!("{}/api", server.issuer()));
        let client = format!(
            "clients:
  - client_id: {LISTER}
    organization: {organization}
    name: Lister
    type: machine
    audience: owner
    client_secret: \"{CLIENT_SECRET}\"
    resources: [\"{resource}\"]
    scopes: [\"orgate:users:read\"]
    roles: [admin]
"
        );
        std::fs::write(&file, client)?;
        orgate.run(database_url, &["apply", "-f", &file.display().to_string()])
    }

    /// What is asked next, with a token that is good for the next minutes.
    pub(crate) async fn list(self: &Rc<Self>, server: &Server) -> Result<Rc<ListUsers>> {
        let resource = format!("{}/api", server.issuer());
        let fields = [("grant_type", "client_credentials"), ("resource", &*resource)];
        let request = post_form("/token", &fields, &basic(LISTER));
        let mut connection = Connection::open(server.address).await?;
        let response = connection.exchange(&request.bytes).await?;
        response.expect(200)?;
        let token = between(response.body, r#""access_token":""#, "\"")?;
        let authorization = format!("authorization: Bearer {token}\r\n");
        Ok(Rc::new(ListUsers { crowd: Rc::clone(self), authorization, asked: Cell::new(0) }))
    }
}

impl Workload for ListUsers {
    fn next(&self) -> Option<Request> {
        let number = self.asked.replace(self.asked.get() + 1);
        let users = &self.crowd.users;
        // After the last one there is nobody.
        let place = (number * STRIDE).checked_rem(users.len() - 1)?;
        let user = users.get(place)?;
        let query = if number % 4 == 3 {
            format!("email={}", user.email())
        } else {
            format!("limit=50&cursor={}", user.user_id())
        };
        let path = format!("/api/v1/organizations/{}/users?{query}", self.crowd.slug);
        Some(get(&path, &self.authorization))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)?;
        between(response.body, r#"{"items":[{"id":"usr_"#, "\"").map(|_| ())
    }
}
