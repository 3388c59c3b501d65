//! Invitations by the thousand: row by row, or all or none.
//!
//! **Invariant:** each batch is made in one transaction, with its mails and events; whoever is a user or invited already is
//! left as they are. So what an interruption left undone is done by the same file again, and nothing twice.

use orgate_domain::ids::InvitationId;
use orgate_storage::{OrgScope, OrgTx};

use super::change::Change;
use super::invitations::{begin, inviter};
use super::{Caller, ChangeError};
use crate::invitations::make::{Draft, Fault, FaultKind, Maker, WantedInvitation, invite, prepare};
use crate::invitations::rows::Row;
use crate::{Env, Failure};

/// Rows of one transaction: others of the organization wait no longer than for so many.
const BATCH: usize = 250;

/// How a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// All rows, or none if one is wrong.
    Atomic,
    /// None: what would come of each is said.
    DryRun,
    /// Each row by itself.
    RowByRow,
}

/// What came of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// How many rows it has.
    pub rows: usize,
    /// Whoever is invited by it.
    pub invited: usize,
    /// Whoever was a user, or invited, before.
    pub unchanged: usize,
    /// What is wrong, by the number of the row.
    pub faults: Vec<(usize, Fault)>,
    /// Whether anything was done.
    pub applied: bool,
}

/// Who imports.
enum Importer<'a> {
    Caller(&'a Caller),
    Operator(&'a OrgScope),
}

/// A transaction in which some rows are decided.
enum Open {
    Change(Box<Change>),
    Operator(OrgTx),
}

/// Invites whoever a file says, by a caller of the API.
///
/// # Errors
/// [`ChangeError`]; what was done before it stays done.
pub async fn import_invitations(
    env: &Env,
    caller: &Caller,
    (rows, mode): (Vec<Row>, ImportMode),
) -> Result<ImportReport, ChangeError> {
    let importer = Importer::Caller(caller);
    caller.conclude(env, importer.import(env, (rows, mode), &mut |_| ())).await
}

/// The same for whoever runs the installation; `progress` is told how many rows are done.
///
/// # Errors
/// [`ChangeError`]; what was done before it stays done.
pub async fn import_as_operator(
    env: &Env,
    scope: &OrgScope,
    (rows, mode): (Vec<Row>, ImportMode),
    mut progress: impl FnMut(usize) + Send,
) -> Result<ImportReport, ChangeError> {
    Importer::Operator(scope).import(env, (rows, mode), &mut progress).await
}

impl Importer<'_> {
    async fn import(
        &self,
        env: &Env,
        (rows, mode): (Vec<Row>, ImportMode),
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<ImportReport, ChangeError> {
        let (scope, inviter) = match self {
            Self::Caller(caller) => (&caller.scope, inviter(env, caller).await?),
            Self::Operator(scope) => (*scope, None),
        };
        let mut report = ImportReport { rows: rows.len(), ..ImportReport::default() };
        let (mut rows, mut done) = (rows.into_iter(), 0);
        let mut prepared = Vec::new();
        loop {
            let batch: Vec<Row> = rows.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            done += batch.len();
            let (numbers, wanted) = report.take(batch);
            let drafts = prepare(env, scope, inviter.as_deref(), wanted).await?;
            if mode == ImportMode::RowByRow {
                let mut open = self.open(env).await?;
                report.count(&numbers, open.decide(env, &drafts).await?);
                open.commit().await?;
            } else {
                prepared.push((numbers, drafts));
            }
            progress(done);
        }
        report.applied = true;
        if mode != ImportMode::RowByRow {
            let mut open = self.open(env).await?;
            for (numbers, drafts) in &prepared {
                report.count(numbers, open.decide(env, drafts).await?);
            }
            report.applied = mode == ImportMode::Atomic && report.faults.is_empty();
            if report.applied {
                open.commit().await?;
            }
        }
        report.faults.sort_by_key(|(number, _)| *number);
        Ok(report)
    }

    async fn open(&self, env: &Env) -> Result<Open, ChangeError> {
        Ok(match self {
            Self::Caller(caller) => Open::Change(Box::new(begin(env, caller).await?)),
            Self::Operator(scope) => Open::Operator(env.store.begin(scope).await?),
        })
    }
}

impl Open {
    async fn decide(
        &mut self,
        env: &Env,
        drafts: &[Draft],
    ) -> Result<Vec<Result<InvitationId, Fault>>, Failure> {
        match self {
            Self::Change(change) => {
                let Change { tx, caller, .. } = &mut **change;
                invite(env, tx, &caller.invites(), drafts).await
            }
            Self::Operator(tx) => invite(env, tx, &Maker::operator(), drafts).await,
        }
    }

    async fn commit(self) -> Result<(), ChangeError> {
        match self {
            Self::Change(change) => change.commit().await,
            Self::Operator(tx) => Ok(tx.commit().await?),
        }
    }
}

impl ImportReport {
    /// The rows of a batch that can be read, and their numbers.
    fn take(&mut self, batch: Vec<Row>) -> (Vec<usize>, Vec<WantedInvitation>) {
        let mut readable = Vec::new();
        for Row { number, wanted } in batch {
            match wanted {
                Ok(wanted) => readable.push((number, wanted)),
                Err(fault) => self.faults.push((number, fault)),
            }
        }
        readable.into_iter().unzip()
    }

    fn count(&mut self, numbers: &[usize], made: Vec<Result<InvitationId, Fault>>) {
        for (number, made) in numbers.iter().zip(made) {
            match made {
                Ok(_) => self.invited += 1,
                Err(fault) if fault.kind == FaultKind::Known => self.unchanged += 1,
                Err(fault) => self.faults.push((*number, fault)),
            }
        }
    }
}
