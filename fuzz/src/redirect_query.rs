//! The query of the redirect binding: [`RedirectQuery`].
//!
//! Nothing verifies but what the corpus' identity provider signed, bit for bit.

use orgate_saml::MAX_BYTES;
use orgate_saml::binding::{MAX_RELAY_STATE, RedirectQuery};
use orgate_saml::logout::IncomingLogout;
use orgate_saml::response::peek;

use crate::world::World;
use crate::{Finding, Verdict, Violation, demand, saml_logout};

/// Reads a query, verifies it, and receives the message in it.
pub fn run(input: &[u8]) -> Finding {
    let Ok(text) = std::str::from_utf8(input) else { return Ok(Verdict::Refused) };
    let Ok(query) = RedirectQuery::parse(text) else { return Ok(Verdict::Refused) };
    demand_bounds(&query)?;
    demand_indifference(text, &query)?;
    drop(peek(query.message()));

    let world = World::get()?;
    let verdict = match query.verify(&world.certificates) {
        Ok(message) => {
            demand(message == query.message(), || "another message verifies".to_owned())?;
            let mut signed = world.signed_queries.iter().filter_map(|text| RedirectQuery::parse(text).ok());
            demand(signed.any(|signed| same(&signed, &query)), || format!("nobody signed {text}"))?;
            Verdict::Accepted
        }
        Err(_) => Verdict::Refused,
    };
    let received = saml_logout::receive(IncomingLogout::Redirect(&query))?;
    demand(received == Verdict::Refused || verdict == Verdict::Accepted, || {
        "a message was received that does not verify".to_owned()
    })?;
    Ok(verdict)
}

fn same(one: &RedirectQuery, other: &RedirectQuery) -> bool {
    (one.kind(), one.message(), one.relay_state()) == (other.kind(), other.message(), other.relay_state())
}

fn demand_bounds(query: &RedirectQuery) -> Result<(), Violation> {
    let relay_state = query.relay_state().map_or(0, str::len);
    let bounded = query.message().len() <= MAX_BYTES && relay_state <= MAX_RELAY_STATE;
    demand(bounded, || "what was decoded is longer than it may be".to_owned())
}

/// A parameter of somebody else's changes nothing; one of ours again is refused.
fn demand_indifference(text: &str, query: &RedirectQuery) -> Result<(), Violation> {
    let more = RedirectQuery::parse(&format!("{text}&utm=1"));
    // What was just below the limit is now above it.
    demand(more.is_ok_and(|more| same(&more, query)) || text.len() > 1000, || {
        "a foreign parameter makes a difference".to_owned()
    })?;
    let twice = format!("{text}&{}=", query.kind().parameter());
    demand(RedirectQuery::parse(&twice).is_err(), || "a parameter is taken that occurs twice".to_owned())
}
