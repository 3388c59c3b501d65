//! The binary: see [`orgate_server::commands`].

fn main() -> std::process::ExitCode {
    orgate_server::commands::run()
}
