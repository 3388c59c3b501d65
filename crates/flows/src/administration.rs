//! Signing in to administer: the hosted pages are an application like any other, that keeps its tokens in the browser.
//!
//! **Invariant:** whoever opens a page came by `/authorize` and a code, and is let in by
//! [`access::admit`](crate::manage::access::admit) like any program: nothing here decides what anybody may do.

mod client;
mod kept;
mod return_path;
mod session;
mod sign_in;

pub use client::{CALLBACK, PATH};
pub use return_path::ReturnPath;
pub use session::{Entry, Forbidden, Held, Subject, enter, leave};
pub use sign_in::{Begun, Finished, begin, finish};
