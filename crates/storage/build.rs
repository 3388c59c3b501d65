//! The migrations are embedded: without this, one that is added or changed would not be.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
