//! Where the workspace lies, what is in it, and how programs are run in it.

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// Makes the root the current directory: all paths of this program begin there.
pub(crate) fn enter_root() -> Result<()> {
    let root = root()?;
    env::set_current_dir(&root).with_context(|| format!("cannot enter {}", root.display()))
}

/// The workspace's root. Asked of cargo at run time: a shared target directory may hold another checkout's
/// build of this program.
pub(crate) fn root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").context("call this program as `cargo xtask`")?;
    Ok(Path::new(&package).parent().context("the package xtask lies in no directory")?.to_owned())
}

/// The target directory that this program was built in.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.ancestors().nth(2).context("this program is not in a target directory")?.to_owned())
}

/// Cargo, with checked queries read from their offline data whatever `DATABASE_URL` says.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).env("SQLX_OFFLINE", "true");
    cargo
}

/// Builds `orgate`, and every test with it: in this shape, and in no other, cargo shares each dependency with
/// `cargo test --workspace` instead of compiling it again with other features.
pub(crate) fn build_orgate() -> Result<PathBuf> {
    run(&mut cargo(["build", "--workspace", "--tests", "--bin", "orgate"]))?;
    Ok(target_dir()?.join("debug/orgate"))
}

/// Runs a program to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    println!("$ {line}");
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot run `{line}`"))?;
    ensure!(status.success(), "`{line}` failed ({status})");
    Ok(())
}

/// Runs a program to its end and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = describe(command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run `{line}`"))?;
    ensure!(output.status.success(), "`{line}` failed ({})", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not print UTF-8"))
}

/// Runs a program to its end, passes on what it prints, and shows each line to `read`.
pub(crate) fn stream(mut command: Command, mut read: impl FnMut(&str)) -> Result<ExitStatus> {
    let line = describe(&command);
    println!("$ {line}");
    // One pipe for both streams, so that their lines stay in order.
    let (output, input) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
    let mut child = command.spawn().with_context(|| format!("cannot run `{line}`"))?;
    drop(command); // it holds the pipe open

    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        io::stdout().write_all(&line)?;
        read(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(child.wait()?)
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> =
        [program].into_iter().chain(command.get_args()).map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Every file that is, or would be, committed, by its path from the root.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let listed =
        output(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    // A file that was removed is listed until that is committed.
    let files = listed.split_terminator('\0').map(PathBuf::from).filter(|path| path.is_file());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// The Rust files among [`files`].
pub(crate) fn rust_files() -> Result<Vec<PathBuf>> {
    let mut files = files()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    Ok(files)
}

/// The first of these programs that `PATH` leads to.
pub(crate) fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .find_map(|name| env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()))
}

/// Whether this is a CI run, in which nothing may be skipped.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| ci == "true" || ci == "1")
}

/// Reads `[--check]`, all that some commands take.
pub(crate) fn wants_check(arguments: &[String]) -> Result<bool> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(false),
        ["--check"] => Ok(true),
        _ => bail!("the only argument is --check"),
    }
}

/// Installs Python packages, none of which is built here, into a directory of their own.
pub(crate) fn pip_install(directory: &Path, packages: &[&str]) -> Result<()> {
    ensure!(find_program(&["python3"]).is_some(), "there is no python3");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--disable-pip-version-check"]);
    pip.arg("--target").arg(directory).args(packages);
    run(pip.env("PIP_USER", "0").env("PIP_ROOT_USER_ACTION", "ignore"))
}
