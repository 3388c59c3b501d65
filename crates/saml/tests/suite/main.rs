//! The crate against messages that other software made: see `tests/corpus/generate.py`.

#[cfg(all(test, feature = "xmlsec"))]
mod agreement;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vendors;
