//! The plan Basic OP: the code flow, answered in the redirect URI's query, which nobody has to ask for.

super::code_flow::tests_in!(orgate_protocol::oauth::authorize::ResponseMode::Query);
