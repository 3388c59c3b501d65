//! Everything that Orgate promises, tried from outside.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod openid_connect;
#[cfg(test)]
mod resolution;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod tenancy;
#[cfg(test)]
mod tokens;
