//! Runs a server until standard input ends: `cargo run --example supervise -- DATA_DIR < /dev/tty`.

use std::io::{self, Read as _};
use std::process::ExitCode;

use orgate_embedded_postgres::{Config, Error, Postgres};

fn main() -> ExitCode {
    let Some(data_dir) = std::env::args_os().nth(1) else {
        eprintln!("usage: supervise DATA_DIR");
        return ExitCode::FAILURE;
    };
    match run(&Config::new(data_dir, |message| println!("progress {message}"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Config) -> Result<(), Error> {
    let postgres = Postgres::start(config)?;
    println!("version {}", postgres.version());
    println!("data_dir {}", postgres.data_dir().display());
    println!("url {}", postgres.url("postgres"));
    println!("ready {}", postgres.pid());
    // Whatever ends the input, an error included, ends the server.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    postgres.stop()
}
