//! The standing tests of the organization's boundary: they hold for every table, query and method, also for those
//! that come later.

mod audit;
mod catalog;
mod clauses;
mod erasure;
mod isolation;
mod pool;
mod queries;
mod races;
mod repositories;
mod rows;
mod tally;
mod upkeep;
