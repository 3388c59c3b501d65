//! Notes against a provider on loopback, the sample identity providers against foreign implementations of their
//! protocols, and the mailbox against SMTP clients.

#[cfg(test)]
mod idp;
#[cfg(test)]
mod idp_oidc;
#[cfg(test)]
mod idp_saml;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod provider;
