//! The device authorization grant (RFC 8628): a device asks, a person says in a browser in which
//! organization it may come in and as whom, and the device takes what it was given.
//!
//! What the device asks for is its client's owner's. The person's sign-in is one like any other, so that the
//! organization is resolved before anything else is asked. Then there are two transactions, as there are two
//! organizations: the owner's, in which one approval wins the device; and that of the organization, in which
//! the code is issued, the approval is used up and the log says so. If only the first came to pass, the device
//! goes on waiting, and the same approval, pressed again, finishes it.
//!
//! **Invariant:** a device gets nothing that nobody approved. The sign-in for it issues no code; the code is
//! issued by the approval alone, in the session and the browser that were asked; and nobody ever sees it.

mod approve;
mod find;
mod poll;
mod request;

pub use approve::{Approval, answer, approval};
pub use find::{FoundDevice, begin, find};
pub use poll::Polled;
pub(crate) use poll::poll;
pub use request::{DeviceAuthorization, Requested, request};
