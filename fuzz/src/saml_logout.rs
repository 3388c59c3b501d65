//! Logout messages as they are posted by a browser.
//!
//! Nothing is taken that the corpus' identity provider did not sign.

use orgate_saml::binding::decode_form_value;
use orgate_saml::logout::{IncomingLogout, ReceivedLogoutRequest, receive_request, receive_response};

use crate::world::{REQUEST, World};
use crate::{Finding, Verdict, Violation, demand};

/// Receives a message as a request and as a response.
pub fn run(input: &[u8]) -> Finding {
    if let Ok(value) = std::str::from_utf8(input) {
        drop(decode_form_value(value));
    }
    receive(IncomingLogout::Post(input))
}

/// A message of either binding.
pub(crate) fn receive(message: IncomingLogout<'_>) -> Finding {
    let check = World::get()?.logout_check();
    let request = receive_request(&check, message);
    let response = receive_response(&check, Some(REQUEST), message);
    demand(request.is_err() || response.is_err(), || "both a request and a response".to_owned())?;
    if let Ok(request) = &request {
        demand_known(request)?;
    }
    if let Ok(response) = &response {
        demand(!response.id.is_empty(), || "a response without an id".to_owned())?;
    }
    Ok(if request.is_ok() || response.is_ok() { Verdict::Accepted } else { Verdict::Refused })
}

fn demand_known(request: &ReceivedLogoutRequest) -> Result<(), Violation> {
    demand(!request.id.is_empty(), || "a request without an id".to_owned())?;
    let known = request.name_id.value == "alice@example.test" && request.session_indexes == ["_session-1"];
    demand(known, || format!("nobody asked for {request:?}"))
}
