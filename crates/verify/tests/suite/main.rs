//! The verifier against a real issuer on loopback: HTTP, keys and signatures are what they are in production.

#[cfg(feature = "axum")]
#[cfg(test)]
mod dpop;
#[cfg(feature = "axum")]
#[cfg(test)]
mod extractors;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod requirements;
#[cfg(test)]
mod tokens;
