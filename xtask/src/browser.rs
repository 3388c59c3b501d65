//! The browser journeys of `tests/browser`: a headless Chromium and clients that others wrote, against `orgate`.
//!
//! `run.mjs` there ends with a line `N passed, N failed, N skipped`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::tally::Tally;
use crate::test::Environment;
use crate::{apt, workspace};

const DIRECTORY: &str = "tests/browser";

/// What Chromium is called: Debian, others, its sibling.
const CHROMIUM: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Runs the journeys, or those that are named.
pub(crate) fn run(environment: &Environment<'_>, named: &[String]) -> Result<Tally> {
    let chromium = match find_tools() {
        Ok(chromium) => chromium,
        Err(error) => {
            println!("SKIPPED: the browser journeys: {error:#}");
            return Ok(Tally::ONE_SKIPPED);
        }
    };
    install_packages(Path::new(DIRECTORY))?;
    let python = install_python_packages(Path::new(DIRECTORY));

    let mut node = Command::new("node");
    node.arg("run.mjs").args(named).current_dir(DIRECTORY).env("CHROMIUM", chromium);
    match python {
        Ok(packages) => _ = node.env("PYTHON_PACKAGES", packages),
        Err(error) => println!("the Python packages cannot be installed by pip: {error:#}"),
    }
    environment.give_to(&mut node);
    let mut total = None;
    let status = workspace::stream(node, |line| total = Tally::parse(line).or(total))?;
    let mut total = total.context("the browser journeys ended without a total")?;
    if !status.success() && total.failed == 0 {
        println!("error: run.mjs failed ({status}), though no journey did");
        total.failed = 1;
    }
    Ok(total)
}

/// Another of its programs, which opens pages in Chromium.
pub(crate) fn program(script: &str) -> Result<Command> {
    let chromium = find_tools()?;
    install_packages(Path::new(DIRECTORY))?;
    let mut node = Command::new("node");
    node.arg(script).current_dir(DIRECTORY).env("CHROMIUM", chromium);
    Ok(node)
}

/// What Orgate is measured beside, with its packages installed.
pub(crate) fn measured_provider() -> Result<PathBuf> {
    ensure!(workspace::find_program(&["node"]).is_some(), "there is no node");
    install_packages(Path::new(DIRECTORY))?;
    Ok(Path::new(DIRECTORY).join("peers/measured_provider.mjs"))
}

/// Makes sure of node and npm, and finds Chromium, installing by apt what is missing if we may.
fn find_tools() -> Result<PathBuf> {
    let missing = [missing_packages(), missing_peers()].concat();
    if !missing.is_empty() && apt::may_install()? {
        apt::install(&missing)?;
    }
    let missing = missing_packages();
    ensure!(missing.is_empty(), "{} missing, and only root can install it, with apt-get", missing.join(", "));
    chromium().context("no Chromium")
}

/// The Debian packages of what is not there.
fn missing_packages() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if chromium().is_none() {
        missing.push("chromium");
    }
    for (program, package) in [("node", "nodejs"), ("npm", "npm")] {
        if workspace::find_program(&[program]).is_none() {
            missing.push(package);
        }
    }
    missing
}

/// The Debian packages of identity providers and of a client that others wrote, and of what the HTML checker runs on, by
/// what tells that they are there. Without them their journeys are skipped, which `run.mjs` says.
const PEERS: &[(&str, &[&str])] = &[
    ("/usr/share/simplesamlphp", &["simplesamlphp", "php-cli", "php-xml", "php-mbstring"]),
    (
        "/usr/share/lemonldap-ng/portal",
        &[
            "liblemonldap-ng-portal-perl",
            "libio-string-perl",
            "liblasso-perl",
            "libstring-random-perl",
            "libxml-simple-perl",
        ],
    ),
    ("/usr/bin/starman", &["starman"]),
    ("/usr/lib/apache2/modules/mod_auth_openidc.so", &["apache2", "libapache2-mod-auth-openidc"]),
    ("/usr/bin/xmlsec1", &["xmlsec1"]),
    ("/usr/bin/openssl", &["openssl"]),
    ("/usr/bin/java", &["default-jre-headless"]),
];

fn missing_peers() -> Vec<&'static str> {
    let missing = PEERS.iter().filter(|(path, _)| !Path::new(path).exists());
    missing.flat_map(|(_, packages)| packages.iter().copied()).collect()
}

fn chromium() -> Option<PathBuf> {
    let chosen = env::var_os("CHROMIUM").filter(|path| !path.is_empty()).map(PathBuf::from);
    chosen.or_else(|| workspace::find_program(CHROMIUM))
}

/// Installs the npm packages, unless what is installed is what the lock file says. None of their scripts is run: one of them
/// would download a Java.
fn install_packages(directory: &Path) -> Result<()> {
    let changed = |path: &str| fs::metadata(directory.join(path)).and_then(|file| file.modified());
    let locked =
        changed("package-lock.json").with_context(|| format!("{DIRECTORY} has no package-lock.json"))?;
    // npm writes this file last.
    if changed("node_modules/.package-lock.json").is_ok_and(|installed| installed >= locked) {
        return Ok(());
    }
    workspace::run(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(directory),
    )
}

/// Installs the Python packages, once for each list of them; where they are.
fn install_python_packages(directory: &Path) -> Result<PathBuf> {
    let list = directory.join("requirements.txt");
    let wanted = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let packages = workspace::target_dir()?.join("tools/browser-python");
    let installed = packages.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(packages);
    }
    if packages.exists() {
        fs::remove_dir_all(&packages).context("cannot remove the old Python packages")?;
    }
    let list = list.to_str().context("a path that is not UTF-8")?;
    workspace::pip_install(&packages, &["--no-deps", "--requirement", list])?;
    fs::write(&installed, wanted).context("cannot note what is installed")?;
    Ok(packages)
}
