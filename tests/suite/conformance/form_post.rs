//! The plan Form Post OP: the modules of Basic OP, answered by a form that posts itself (OAuth 2.0 Form Post
//! Response Mode §2).

super::code_flow::tests_in!(orgate_protocol::oauth::authorize::ResponseMode::FormPost);
