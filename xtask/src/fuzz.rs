//! `cargo xtask fuzz`: looks for inputs that break what reads messages of strangers.
//!
//! The fuzzer is libFuzzer, compiled from the sources that its crate carries. It needs coverage and no sanitizer,
//! and for that the stable compiler has what it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// A target: its name, the dictionary of what its inputs are made of, and their largest size in bytes.
type Target = (&'static str, &'static str, u32);

const TARGETS: [Target; 5] = [
    ("id_token", "id_token", 20_000),
    ("redirect_query", "saml", 8_192),
    ("saml_logout", "saml", 8_192),
    ("saml_metadata", "saml", 16_384),
    ("saml_response", "saml", 32_768),
];

/// What makes the compiler count which edges of the code are taken, and tell what is compared.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

const SHORT: u32 = 60;
const LONG: u32 = 30 * 60;

/// What a run is to do.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Minimize,
    Seconds(u32),
}

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (target, task) = parse(arguments)?;
    let fuzzer = build(target.0)?;
    let work = Work::prepare(target.0)?;
    match task {
        Task::Minimize => work.minimize(&fuzzer)?,
        Task::Seconds(seconds) => work.fuzz(&fuzzer, target, seconds)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(arguments: &[String]) -> Result<(Target, Task)> {
    let Some((name, rest)) = arguments.split_first() else { bail!("which target? {}", names()) };
    let target = TARGETS.into_iter().find(|(known, ..)| known == name);
    let target = target.with_context(|| format!("there is no target `{name}`: {}", names()))?;
    let task = match rest.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Task::Seconds(SHORT),
        ["--long"] => Task::Seconds(LONG),
        ["--minimize"] => Task::Minimize,
        ["--seconds", seconds] => Task::Seconds(seconds.parse().context("--seconds takes a number")?),
        _ => bail!("after the target comes --long, --seconds N, --minimize or nothing"),
    };
    Ok((target, task))
}

fn names() -> String {
    TARGETS.map(|(name, ..)| name).join(", ")
}

fn build(name: &str) -> Result<PathBuf> {
    // With `--target`, programs that run while building are left as they are.
    let version = workspace::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say what machine this is")?;
    let mut cargo = workspace::cargo(["build", "--package", "orgate-fuzz", "--features", "libfuzzer"]);
    cargo.args(["--bin", name, "--profile", "fuzz", "--target", host]).env("RUSTFLAGS", COVERAGE);
    workspace::run(&mut cargo)?;
    Ok(workspace::target_dir()?.join(host).join("fuzz").join(name))
}

/// Where a target's inputs lie: those that are committed, those found here, and those that broke it.
struct Work {
    committed: PathBuf,
    found: PathBuf,
    broken: PathBuf,
}

impl Work {
    fn prepare(name: &str) -> Result<Self> {
        let own = workspace::target_dir()?.join("fuzz-work").join(name);
        let work = Self {
            committed: Path::new("fuzz/corpus").join(name),
            found: own.join("found"),
            broken: own.join("broken"),
        };
        for directory in [&work.committed, &work.found, &work.broken] {
            fs::create_dir_all(directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
        }
        Ok(work)
    }

    fn fuzz(&self, fuzzer: &Path, (_, dictionary, size): Target, seconds: u32) -> Result<()> {
        let mut command = Command::new(fuzzer);
        command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={size}"));
        command.args(["-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1"]);
        command.arg(format!("-dict=fuzz/{dictionary}.dict"));
        command.arg(format!("-artifact_prefix={}/", self.broken.display()));
        workspace::run(command.arg(&self.found).arg(&self.committed))
            .with_context(|| format!("the input that broke it is in {}", self.broken.display()))
    }

    fn minimize(&self, fuzzer: &Path) -> Result<()> {
        let fewer = self.found.with_file_name("fewer");
        if fewer.exists() {
            fs::remove_dir_all(&fewer)?;
        }
        fs::create_dir_all(&fewer)?;
        let mut command = Command::new(fuzzer);
        // By edges alone: how often each is taken would keep three times as many.
        command.args(["-set_cover_merge=1", "-use_counters=0", "-timeout=5", "-rss_limit_mb=2048"]);
        workspace::run(command.arg(&fewer).arg(&self.committed).arg(&self.found))?;
        replace(&self.committed, &fewer)
    }
}

/// Makes the files of `to` those of `from`.
fn replace(to: &Path, from: &Path) -> Result<()> {
    for old in fs::read_dir(to)? {
        fs::remove_file(old?.path())?;
    }
    let mut count = 0;
    for new in fs::read_dir(from)? {
        let new = new?;
        fs::copy(new.path(), to.join(new.file_name()))?;
        count += 1;
    }
    println!("{}: {count} inputs", to.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_lasts_a_minute_half_an_hour_or_as_long_as_is_said() {
        let task = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
            parse(&arguments).map(|(_, task)| task).ok()
        };

        assert_eq!(task(&["id_token"]), Some(Task::Seconds(60)));
        assert_eq!(task(&["id_token", "--long"]), Some(Task::Seconds(1800)));
        assert_eq!(task(&["saml_response", "--seconds", "7"]), Some(Task::Seconds(7)));
        assert_eq!(task(&["saml_response", "--minimize"]), Some(Task::Minimize));
        assert_eq!(task(&["saml"]), None);
        assert_eq!(task(&["id_token", "--seconds"]), None);
    }
}
