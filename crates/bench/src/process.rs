//! What the operating system knows of processes: the time they ran, the memory they hold.

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// How long a process that was asked to end has to do it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A child process, which ends with its owner.
pub(crate) struct Process {
    child: Child,
    name: String,
}

/// Reads processor time from `/proc/PID/stat`: user and system, of all threads, those that ended included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    ticks_per_second: u32,
}

/// Memory in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// What is in memory.
    pub(crate) resident: u64,
    /// The same, with pages that several processes share counted in parts.
    pub(crate) proportional: u64,
}

/// What `/proc/PID/stat` says, times in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: u32,
    /// Of children that ended and were waited for.
    reaped: u32,
}

impl Process {
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot run {name}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails if the process has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status})", self.name),
        }
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        let deadline = Instant::now() + PATIENCE;
        while asked.as_ref().is_ok_and(std::process::ExitStatus::success) && Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{} did not end: {error:#}", self.name);
        }
    }
}

impl Clock {
    pub(crate) fn new() -> Result<Self> {
        let output = Command::new("getconf").arg("CLK_TCK").output().context("cannot run getconf")?;
        let ticks = String::from_utf8_lossy(&output.stdout).trim().parse().context("getconf CLK_TCK")?;
        ensure!(ticks > 0, "a second has no ticks");
        Ok(Self { ticks_per_second: ticks })
    }

    /// How long the process has run.
    pub(crate) fn of(self, pid: u32) -> Result<Duration> {
        Ok(self.duration(Stat::of(pid)?.own))
    }

    /// How long the thread that asks has run.
    pub(crate) fn of_this_thread(self) -> Result<Duration> {
        Ok(self.duration(Stat::read("/proc/thread-self/stat")?.own))
    }

    /// How long the process and its children have run, those that ended included.
    pub(crate) fn of_family(self, pid: u32) -> Result<Duration> {
        let parent = Stat::of(pid)?;
        let living = pids()?.filter_map(|pid| Stat::of(pid).ok());
        let children: u32 = living.filter(|stat| stat.parent == pid).map(|stat| stat.own).sum();
        Ok(self.duration(parent.own + parent.reaped + children))
    }

    fn duration(self, ticks: u32) -> Duration {
        Duration::from_secs(1) * ticks / self.ticks_per_second
    }
}

impl Stat {
    fn of(pid: u32) -> Result<Self> {
        Self::read(&format!("/proc/{pid}/stat")).with_context(|| gone(pid))
    }

    fn read(path: &str) -> Result<Self> {
        let text = fs::read_to_string(path)?;
        Self::parse(&text).with_context(|| format!("{path}: {text}"))
    }

    /// Fields from the third on follow the program's name, which is in parentheses and may hold any character.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |place: usize| fields.get(place - 3)?.parse::<u32>().ok();
        Some(Self { parent: number(4)?, own: number(14)? + number(15)?, reaped: number(16)? + number(17)? })
    }
}

impl Memory {
    /// From `/proc/PID/smaps_rollup`. Slow for the process: not for use under load.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).with_context(|| gone(pid))?;
        let field = |name| kib(&text, name).with_context(|| format!("no {name} for process {pid}"));
        Ok(Self { resident: field("Rss:")?, proportional: field("Pss:")? })
    }
}

/// What the process has in memory, in KiB.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| gone(pid))?;
    kib(&text, "VmRSS:").with_context(|| gone(pid))
}

/// The most that the process had in memory so far, in KiB.
pub(crate) fn highest_resident(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| gone(pid))?;
    kib(&text, "VmHWM:").with_context(|| gone(pid))
}

fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn gone(pid: u32) -> String {
    format!("there is no process {pid}")
}

fn pids() -> Result<impl Iterator<Item = u32>> {
    let entries = fs::read_dir("/proc").context("cannot read /proc")?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_does_not_shift_the_fields() {
        let text = "77 (a) b (c)) S 5 77 77 0 -1 4194304 100 0 0 0 30 12 400 8 20 0 1 0 12345 0 0";

        assert_eq!(Stat::parse(text), Some(Stat { parent: 5, own: 42, reaped: 408 }));
        assert_eq!(Stat::parse("77 (a) S 5"), None);
    }

    #[test]
    fn working_costs_time() {
        let clock = Clock::new().expect("getconf");
        let pid = std::process::id();
        let before = clock.of(pid).expect("this process");

        let until = Instant::now() + Duration::from_millis(300);
        while Instant::now() < until {}

        assert!(clock.of(pid).expect("this process") > before);
        assert!(clock.of_family(pid).expect("this process") > before);
        assert!(resident(pid).expect("this process") > 0);
    }
}
