//! Everything that Orgate promises, tried from outside.

#[cfg(test)]
mod tenancy;
