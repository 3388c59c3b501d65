//! Notes against a provider on loopback, and the mailbox against SMTP clients.

#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod provider;
