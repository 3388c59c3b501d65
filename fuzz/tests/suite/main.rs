//! The corpora, replayed on the stable compiler.

#[cfg(test)]
mod replay;
