//! Real servers on every installation at hand: how they live and end, who runs them, where they come from.
#![cfg(target_os = "linux")] // they look at processes in /proc

#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod search;
#[cfg(test)]
mod support;
#[cfg(test)]
mod users;
