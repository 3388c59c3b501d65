//! One call of a method, and all methods that there are.

use std::collections::BTreeSet;
use std::fmt::Debug;

use orgate_storage::{OrgTx, StorageError};

use super::{Calls, rows, sources};

/// `Repository::method` for each that there is.
pub(super) fn methods() -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    for (_, text) in sources() {
        let mut repository = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("impl ") {
                repository = rest.strip_suffix("<'_> {");
            }
            if let (Some(repository), Some(rest)) = (repository, line.strip_prefix("    pub async fn ")) {
                let method = rest.split('(').next().unwrap_or_default();
                methods.insert(format!("{repository}::{method}"));
            }
        }
    }
    methods
}

impl Calls {
    /// One call, committed if it can be. What it said is kept; what is Acme's stays as it was.
    pub(super) async fn call<T: Debug>(
        &mut self,
        method: &str,
        call: impl AsyncFnOnce(&mut OrgTx) -> Result<T, StorageError>,
    ) {
        let before = self.all_of_acme().await;
        let mut tx = self.fixture.globex.begin().await;
        let said = match call(&mut tx).await {
            Ok(value) => {
                tx.commit().await.expect("a commit");
                format!("{value:?}")
            }
            Err(StorageError::Conflict { constraint }) => format!("taken ({constraint})"),
            Err(StorageError::Reference { constraint }) => format!("refused ({constraint})"),
            Err(StorageError::Database(sqlx::Error::Database(cause))) => {
                format!("refused ({})", cause.constraint().unwrap_or(cause.message()))
            }
            Err(error) => panic!("{method}: {error:?}"),
        };
        assert_eq!(self.all_of_acme().await, before, "{method} changes what is Acme's");
        self.made.insert(method.to_owned());
        self.said.push(format!("{method}: {said}"));
    }

    async fn all_of_acme(&self) -> Vec<(String, String)> {
        let superuser = self.fixture.database.superuser();
        rows::hashes(superuser, &self.tables, self.fixture.acme.id().as_uuid()).await
    }
}
