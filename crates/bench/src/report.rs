//! What is said of the results: tables, a JSON file, and how they compare with the targets.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::connections::{Latency, Refreshing};
use crate::measure::{CONNECTIONS, Operation, Place, Sample};
use crate::run::{FEW, Results};
use crate::seed::ORGANIZATIONS_OF_ONE_HUMAN;
use crate::statistics::median;

/// Results, and where they were measured.
pub(crate) struct Report {
    pub(crate) results: Results,
    pub(crate) postgres: String,
}

/// A figure that something should reach.
struct Target {
    what: String,
    wanted: String,
    measured: Option<f64>,
    /// How the figure is shown.
    digits: usize,
    unit: &'static str,
    met: bool,
}

/// Rows of text, the first of them the header; shown as a table of Markdown, whose columns are as wide as in
/// plain text.
struct Table(Vec<Vec<String>>);

impl Report {
    /// Everything, for people; a document in Markdown.
    pub(crate) fn text(&self) -> String {
        let plan = &self.results.plan;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let head = format!(
            "{cores} cores, PostgreSQL {}, {CONNECTIONS} connections, medians of {} rounds of {} s",
            self.postgres,
            plan.rounds,
            plan.window.as_secs_f64()
        );
        let tables =
            [self.operations(), self.growth(), self.server(), self.connections(), self.targets_table()];
        let tables: Vec<String> = tables.iter().map(Table::text).collect();
        format!("{head}\n\n{}", tables.join("\n"))
    }

    pub(crate) fn json(&self) -> Value {
        let results = &self.results;
        let operations: Vec<Value> = results
            .samples
            .iter()
            .map(|((operation, place), samples)| {
                let median = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
                json!({
                    "operation": operation.key(),
                    "organizations": self.organizations(*place),
                    "active_organizations": self.active(*place),
                    "ops_per_second_per_core": median(Sample::per_core),
                    "server_cpu_us": median(|sample| sample.server),
                    "postgres_cpu_us": median(|sample| sample.postgres),
                    "p50_ms": median(|sample| sample.p50),
                    "p99_ms": median(|sample| sample.p99),
                    "requests_per_second": median(|sample| sample.per_second),
                    "resident_kib": samples.iter().map(|sample| sample.resident).max(),
                    "round_trips": results.round_trips.get(operation).filter(|_| *place == Place::Few),
                })
            })
            .collect();
        let targets: Vec<Value> = self
            .targets()
            .iter()
            .map(|target| {
                json!({
                    "what": target.what,
                    "wanted": target.wanted,
                    "measured": target.measured,
                    "met": target.met,
                })
            })
            .collect();
        json!({
            "postgres": self.postgres,
            "connections": CONNECTIONS,
            "rounds": results.plan.rounds,
            "window_seconds": results.plan.window.as_secs_f64(),
            "operations": operations,
            "start_ms": self.start(),
            "idle": { "resident_kib": results.idle.resident, "proportional_kib": results.idle.proportional },
            "rested": { "resident_kib": results.rested.resident, "proportional_kib": results.rested.proportional },
            "connections_refreshed": results.refreshing.as_ref().map(refreshing_json),
            "targets": targets,
        })
    }

    fn organizations(&self, place: Place) -> Option<usize> {
        match place {
            Place::Few => Some(FEW),
            Place::FewOfMany | Place::Many | Place::OneHuman => Some(self.results.plan.many),
            Place::Reference => None,
        }
    }

    fn active(&self, place: Place) -> Option<usize> {
        match place {
            Place::Few | Place::FewOfMany => Some(FEW),
            Place::Many => Some(self.results.plan.many),
            Place::OneHuman => Some(self.of_one_human()),
            Place::Reference => None,
        }
    }

    fn of_one_human(&self) -> usize {
        self.results.plan.many.min(ORGANIZATIONS_OF_ONE_HUMAN)
    }

    fn samples(&self, operation: Operation, place: Place) -> &[Sample] {
        self.results.samples.get(&(operation, place)).map_or(&[], Vec::as_slice)
    }

    fn median(&self, operation: Operation, place: Place, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.samples(operation, place).iter().map(figure))
    }

    /// The median of how `figure` differs between two places or operations within a round: what disturbs a
    /// round disturbs both.
    fn ratio(
        &self,
        of: (Operation, Place),
        to: (Operation, Place),
        figure: impl Fn(&Sample) -> f64,
    ) -> Option<f64> {
        let pairs = self.samples(of.0, of.1).iter().zip(self.samples(to.0, to.1));
        median(pairs.map(|(of, to)| figure(of) / figure(to)))
    }

    /// In ms.
    fn start(&self) -> Option<f64> {
        median(self.results.starts.iter().map(|start| start.as_secs_f64() * 1e3))
    }

    fn operations(&self) -> Table {
        let header = [
            "operation",
            "op/s/core",
            "server µs",
            "Postgres µs",
            "p50 ms",
            "p99 ms",
            "req/s",
            "round trips",
            "RSS MiB",
        ];
        let mut table = Table::new(header);
        for operation in Operation::ALL {
            let place = [Place::Few, Place::Reference]
                .into_iter()
                .find(|place| !self.samples(operation, *place).is_empty());
            let Some(place) = place else { continue };
            let shown =
                |digits, figure: fn(&Sample) -> f64| number(self.median(operation, place, figure), digits);
            let resident = self.samples(operation, place).iter().map(|sample| sample.resident).max();
            table.push([
                operation.label().to_owned(),
                shown(0, Sample::per_core),
                shown(0, |sample| sample.server),
                if place == Place::Reference { "–".to_owned() } else { shown(0, |sample| sample.postgres) },
                shown(2, |sample| sample.p50),
                shown(2, |sample| sample.p99),
                shown(0, |sample| sample.per_second),
                number(self.results.round_trips.get(&operation).copied(), 1),
                number(resident.map(mebibytes), 1),
            ]);
        }
        table
    }

    fn growth(&self) -> Table {
        let many = self.results.plan.many;
        let mut table = Table::new([
            "growth".to_owned(),
            format!("CPU µs, {FEW} orgs"),
            format!("{FEW} active of {many}"),
            format!("{many} active"),
            "CPU ×".to_owned(),
            format!("p99 ms, {FEW} orgs"),
            format!("{FEW} active of {many}"),
            format!("{many} active"),
            "p99 ×".to_owned(),
        ]);
        for operation in Operation::GROWING {
            let mut row = vec![operation.label().to_owned()];
            for (digits, figure) in [(0, Sample::cpu as fn(&Sample) -> f64), (2, |sample| sample.p99)] {
                for place in [Place::Few, Place::FewOfMany, Place::Many] {
                    row.push(number(self.median(operation, place, figure), digits));
                }
                row.push(number(self.ratio((operation, Place::Many), (operation, Place::Few), figure), 2));
            }
            table.0.push(row);
        }
        table
    }

    fn server(&self) -> Table {
        let mut table = Table::new(["server", "MiB", "ms"]);
        let memory = |kib| number(Some(mebibytes(kib)), 1);
        let Results { idle, rested, .. } = &self.results;
        let highest = self.highest_resident();
        let none = String::new;
        table.push(["idle, RSS".to_owned(), memory(idle.resident), none()]);
        table.push(["idle, PSS".to_owned(), memory(idle.proportional), none()]);
        table.push(["under load, RSS at most".to_owned(), number(highest.map(mebibytes), 1), none()]);
        table.push(["at rest after the load, RSS".to_owned(), memory(rested.resident), none()]);
        table.push(["start, until /readyz answers 200".to_owned(), none(), number(self.start(), 0)]);
        table
    }

    /// Of metadata that is due for thousands of connections at once.
    fn connections(&self) -> Table {
        let mut table = Table::new(["connections, metadata due at once", "measured"]);
        let Some(done) = &self.results.refreshing else { return table };
        let memory = |kib| format!("{:.1} MiB", mebibytes(kib));
        let latency = |latency: Latency| format!("{:.2}, {:.2} ms", latency.p50, latency.p99);
        let cpu = done.cpu.map(|(server, postgres)| format!("{server:.0}, {postgres:.0} µs"));
        for (what, measured) in [
            ("connections", done.connections.to_string()),
            ("refreshed, without an error", done.refreshed.to_string()),
            ("from the first to the last", format!("{:.0} s", done.took.as_secs_f64())),
            ("server and Postgres, for each", cpu.unwrap_or_else(|| "–".to_owned())),
            ("RSS before, after sign-ins", memory(done.before)),
            ("RSS at most", memory(done.highest)),
            ("RSS after the last", memory(done.after)),
            ("silent sign-in without, p50 and p99", latency(done.alone)),
            ("silent sign-in meanwhile, p50 and p99", latency(done.beside)),
        ] {
            table.push([what.to_owned(), measured]);
        }
        table
    }

    fn targets_table(&self) -> Table {
        let mut table = Table::new(["target", "wanted", "measured", "met"]);
        for target in self.targets() {
            let Target { what, wanted, measured, digits, unit, met } = target;
            let measured = format!("{}{unit}", number(measured, digits));
            table.push([what, wanted, measured, if met { "yes" } else { "**no**" }.to_owned()]);
        }
        table
    }

    fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        let few = |operation| (operation, Place::Few);
        let bare = |operation| (operation, Place::Reference);
        for (operation, reference, wanted) in [
            (Operation::Discovery, Operation::BareJson, 0.8),
            (Operation::Jwks, Operation::BareJson, 0.8),
            (Operation::SignIn, Operation::BareArgon2id, 0.85),
        ] {
            let what = format!("{} against {}", operation.label(), reference.label());
            let ratio = self.ratio(few(operation), bare(reference), Sample::per_core);
            targets.push(Target::at_least(what, ratio, wanted, (2, " ×")));
        }
        for operation in [Operation::RedeemCode, Operation::Refresh] {
            let per_core = self.median(operation, Place::Few, Sample::per_core);
            let p99 = self.median(operation, Place::Few, |sample| sample.p99);
            let label = operation.label();
            targets.push(Target::at_least(format!("{label}, op/s/core"), per_core, 2000.0, (0, "")));
            targets.push(Target::at_most(format!("{label}, p99"), p99, 10.0, (1, " ms")));
        }
        let of_bare =
            self.ratio(few(Operation::ClientCredentials), bare(Operation::BareSignature), Sample::per_core);
        let what =
            format!("{} against {}", Operation::ClientCredentials.label(), Operation::BareSignature.label());
        targets.push(Target::at_least(what, of_bare, 0.3, (2, " ×")));
        let of_foreign =
            self.ratio(few(Operation::ClientCredentials), bare(Operation::OidcProvider), Sample::per_core);
        let what = "client credentials against npm's oidc-provider".to_owned();
        targets.push(Target::at_least(what, of_foreign, 4.0, (1, " ×")));
        for (operation, least) in [(Operation::Introspect, 5000.0), (Operation::CodeOnSession, 600.0)] {
            let per_core = self.median(operation, Place::Few, Sample::per_core);
            targets.push(Target::at_least(
                format!("{}, op/s/core", operation.label()),
                per_core,
                least,
                (0, ""),
            ));
        }
        let idle = Some(mebibytes(self.results.idle.resident));
        targets.push(Target::at_most("idle server".to_owned(), idle, 30.0, (1, " MiB")));
        targets.push(Target::at_most("start".to_owned(), self.start(), 300.0, (0, " ms")));
        for operation in Operation::GROWING {
            let (of, to) = ((operation, Place::Many), (operation, Place::Few));
            let what = format!("{FEW} → {} organizations, {}", self.results.plan.many, operation.label());
            let cpu = self.ratio(of, to, Sample::cpu);
            targets.push(Target::at_most(format!("{what}, CPU"), cpu, 1.10, (2, " ×")));
            let p99 = self.ratio(of, to, |sample| sample.p99);
            targets.push(Target::at_most(format!("{what}, p99"), p99, 1.25, (2, " ×")));
        }
        targets.extend(self.list_targets());
        for operation in [Operation::SilentSso, Operation::SignIn] {
            let (of, to) = ((operation, Place::OneHuman), (operation, Place::Many));
            let what = format!("a human in {} organizations, {}", self.of_one_human(), operation.label());
            let cpu = self.ratio(of, to, Sample::cpu);
            targets.push(Target::at_most(format!("{what}, CPU"), cpu, 1.10, (2, " ×")));
        }
        targets.push(self.memory_target());
        targets.extend(self.federation_targets());
        targets
    }

    fn list_targets(&self) -> [Target; 2] {
        [(Place::Few, FEW), (Place::Many, self.results.plan.many)].map(|(place, organizations)| {
            let p99 = self.median(Operation::ListUsers, place, |sample| sample.p99);
            let users = self.results.plan.users;
            let what = format!("list of {users} users in one of {organizations} organizations, p99");
            Target::at_most(what, p99, 50.0, (1, " ms"))
        })
    }

    /// Under load, with what one hash takes for each that is made at once: memory that a hash had is not given back.
    fn memory_target(&self) -> Target {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let most = 64.0 + 19.0 * f64::from(u32::try_from(cores).unwrap_or(u32::MAX));
        let highest = self.highest_resident().map(mebibytes);
        Target::at_most(format!("RSS under load, {cores} hashes at once"), highest, most, (1, " MiB"))
    }

    /// In KiB.
    fn highest_resident(&self) -> Option<u64> {
        let few = self.results.samples.iter().filter(|((_, place), _)| *place == Place::Few);
        few.flat_map(|(_, samples)| samples).map(|sample| sample.resident).max()
    }

    fn federation_targets(&self) -> Vec<Target> {
        let callback = self.median(Operation::OidcCallback, Place::Few, Sample::per_core);
        let mut targets =
            vec![Target::at_least("OIDC callback, op/s/core".to_owned(), callback, 600.0, (0, ""))];
        for bare in [Operation::BareSamlResponse, Operation::BareSamlSignature] {
            let what =
                format!("{} against {} and the same writes", Operation::SamlResponse.label(), bare.label());
            targets.push(Target::at_least(what, self.saml_ratio(bare), 0.5, (2, " ×")));
        }
        let Some(done) = &self.results.refreshing else { return targets };
        let what = |what: &str| format!("metadata of {} connections, {what}", done.connections);
        targets.push(Target::at_least(
            what("part that was refreshed"),
            Some(fraction(done.refreshed, done.connections)),
            1.0,
            (2, ""),
        ));
        let memory = Some(mebibytes(done.memory()));
        targets.push(Target::at_most(what("memory"), memory, 100.0, (1, " MiB")));
        for (percent, of, to, most) in
            [("p50", done.beside.p50, done.alone.p50, 1.10), ("p99", done.beside.p99, done.alone.p99, 1.25)]
        {
            let what = what(&format!("{percent} of silent sign-ins meanwhile"));
            targets.push(Target::at_most(what, Some(of / to), most, (2, " ×")));
        }
        targets
    }

    /// How a sign-in by SAML compares with the core alone, if that did the same work in the database; within a
    /// round, like [`Report::ratio`].
    fn saml_ratio(&self, bare: Operation) -> Option<f64> {
        let whole = self.samples(Operation::SamlResponse, Place::Few);
        let pairs = whole.iter().zip(self.samples(bare, Place::Reference));
        median(pairs.map(|(whole, bare)| (bare.server + whole.postgres) / whole.cpu()))
    }
}

impl Target {
    fn at_least(
        what: String,
        measured: Option<f64>,
        least: f64,
        (digits, unit): (usize, &'static str),
    ) -> Self {
        let met = measured.is_some_and(|measured| measured >= least);
        Self { what, wanted: format!("≥ {least}{unit}"), measured, digits, unit, met }
    }

    fn at_most(
        what: String,
        measured: Option<f64>,
        most: f64,
        (digits, unit): (usize, &'static str),
    ) -> Self {
        let met = measured.is_some_and(|measured| measured <= most);
        Self { what, wanted: format!("≤ {most}{unit}"), measured, digits, unit, met }
    }
}

impl Table {
    fn new<T: Into<String>, const N: usize>(header: [T; N]) -> Self {
        Self(vec![header.into_iter().map(Into::into).collect()])
    }

    fn push<const N: usize>(&mut self, row: [String; N]) {
        self.0.push(row.into());
    }

    fn text(&self) -> String {
        let columns = self.0.first().map_or(0, Vec::len);
        let width = |column: usize| {
            self.0
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (place, row) in self.0.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                // Names on the left, figures on the right.
                let cell = if column == 0 { format!("{cell}{gap}") } else { format!("{gap}{cell}") };
                let _ = write!(text, "| {cell} "); // cannot fail
            }
            text.push_str("|\n");
            if place == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let (line, end) = ("-".repeat(width + 1), if column == 0 { '-' } else { ':' });
                    let _ = write!(text, "|{line}{end}");
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

fn refreshing_json(done: &Refreshing) -> Value {
    let latency = |latency: Latency| json!({ "p50_ms": latency.p50, "p99_ms": latency.p99 });
    json!({
        "connections": done.connections,
        "refreshed": done.refreshed,
        "seconds": done.took.as_secs_f64(),
        "server_cpu_us": done.cpu.map(|(server, _)| server),
        "postgres_cpu_us": done.cpu.map(|(_, postgres)| postgres),
        "resident_kib": { "before": done.before, "highest": done.highest, "after": done.after },
        "sign_ins_alone": latency(done.alone),
        "sign_ins_meanwhile": latency(done.beside),
    })
}

fn fraction(part: usize, whole: usize) -> f64 {
    let exact = |count| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    exact(part) / exact(whole)
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// For people: exact to the page.
fn mebibytes(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_is_markdown() {
        let mut table = Table::new(["name", "µs"]);
        table.push(["a".to_owned(), "1000".to_owned()]);

        assert_eq!(table.text(), "| name |   µs |\n|------|-----:|\n| a    | 1000 |\n");
    }

    #[test]
    fn a_figure_that_is_missing_meets_no_target() {
        assert!(!Target::at_most(String::new(), None, 1.0, (0, "")).met);
        assert!(!Target::at_least(String::new(), None, 0.0, (0, "")).met);
        assert!(Target::at_most(String::new(), Some(1.0), 1.0, (0, "")).met);
    }
}
