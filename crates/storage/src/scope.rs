//! The organization's transaction, and the proof that opens it.
//!
//! **Invariant:** [`OrgScope`] is made by this crate only: by the resolver; from a credential, whose
//! own text names the organization and which is then looked up inside it; or for an organization
//! that does not exist yet.

use orgate_domain::credentials::{Credential, CredentialKind};
use orgate_domain::ids::OrgId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::transaction::Transaction;
use crate::{StorageError, Store};

/// The right to open an organization's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgScope {
    org_id: OrgId,
}

/// One transaction in one organization. Dropped without [`OrgTx::commit`], it rolls back.
#[derive(Debug)]
pub struct OrgTx {
    transaction: Transaction,
    org_id: OrgId,
}

impl OrgScope {
    /// The scope that a credential names. It proves nothing about the credential: that is found
    /// inside the scope, or it is not.
    pub fn of_credential<K: CredentialKind>(credential: &Credential<K>) -> Self {
        Self { org_id: credential.org_id() }
    }

    /// The scope of an organization that the resolver returned.
    pub(crate) const fn resolved(org_id: Uuid) -> Self {
        Self { org_id: OrgId::from_uuid(org_id) }
    }

    /// The organization.
    pub const fn org_id(&self) -> OrgId {
        self.org_id
    }

    /// The request's span, where there is one, learns its organization. Whatever touches an organization's data does it.
    pub(crate) fn tell_span(&self) {
        tracing::Span::current().record("org.id", tracing::field::display(self.org_id));
    }
}

impl Store {
    /// Opens a transaction in the organization of `scope`: one round trip.
    ///
    /// Role and organization are set for this transaction only, so they hold on pooled connections
    /// and under a superuser's login.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub async fn begin(&self, scope: &OrgScope) -> Result<OrgTx, StorageError> {
        let transaction = Transaction::open(&self.connections, "orgate_app", Some(scope.org_id)).await?;
        scope.tell_span();
        Ok(OrgTx { transaction, org_id: scope.org_id })
    }
}

impl OrgTx {
    /// Makes everything done in it last: one round trip.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`]; the outcome is then unknown.
    pub async fn commit(self) -> Result<(), StorageError> {
        self.transaction.commit().await
    }

    /// The organization.
    pub const fn org_id(&self) -> OrgId {
        self.org_id
    }

    pub(crate) fn parts(&mut self) -> (&mut PgConnection, Uuid) {
        (&mut self.transaction, self.org_id.as_uuid())
    }
}

/// Declares a repository: a borrowed connection and an organization, made by the transaction only.
macro_rules! repository {
    ($(#[$doc:meta])* $name:ident, $(#[$method_doc:meta])* $method:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<'t> {
            conn: &'t mut sqlx::PgConnection,
            org_id: uuid::Uuid,
        }

        impl crate::OrgTx {
            $(#[$method_doc])*
            pub fn $method(&mut self) -> $name<'_> {
                let (conn, org_id) = self.parts();
                $name { conn, org_id }
            }
        }
    };
}
pub(crate) use repository;
