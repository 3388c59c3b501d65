//! The crate against messages that other software made.


mod corpus;






mod support;

