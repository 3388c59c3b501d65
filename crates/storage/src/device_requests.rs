//! What devices ask for, and what came of it (RFC 8628).

use chrono::{DateTime, Duration, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::devices::{DeviceRequest, DeviceStatus};
use orgate_domain::ids::{AuthorizationRequestId, ClientId, DeviceRequestId, OrgId};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// What devices ask for by the organization's clients.
    DeviceRequests,
    /// What devices ask for by the organization's clients.
    device_requests
}

/// A request about to be kept.
#[derive(Debug)]
pub struct NewDeviceRequest<'a> {
    /// Its id.
    pub id: DeviceRequestId,
    /// The hash of what the device polls with.
    pub code: SecretHash,
    /// The keyed hash of what a person types.
    pub user_code: SecretHash,
    /// The client that asks.
    pub client_id: ClientId,
    /// What is asked for, form-encoded.
    pub parameters: &'a str,
    /// The thumbprint of the key that the request proved.
    pub dpop_jkt: Option<&'a str>,
    /// Names the master key that what the device shows is derived by.
    pub derived_by: &'a [u8],
    /// The organization whose issuer the device called.
    pub called: Option<OrgId>,
    /// How long the device is to wait between two questions.
    pub interval: Duration,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

const TABLE: &str = "device_requests";

struct Row {
    id: uuid::Uuid,
    client_id: uuid::Uuid,
    parameters: String,
    dpop_jkt: Option<String>,
    derived_by: Option<Vec<u8>>,
    called: Option<uuid::Uuid>,
    status: String,
    answered_by: Option<uuid::Uuid>,
    answered_in: Option<uuid::Uuid>,
    interval_secs: i32,
    polled_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
}

impl TryFrom<Row> for DeviceRequest {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let status = match (row.status.as_str(), row.answered_by, row.answered_in) {
            ("pending", None, None) => Some(DeviceStatus::Pending),
            ("denied", Some(_), None) => Some(DeviceStatus::Denied),
            ("approved", Some(by), Some(within)) => Some(DeviceStatus::Approved {
                by: AuthorizationRequestId::from_uuid(by),
                within: OrgId::from_uuid(within),
            }),
            _ => None,
        };
        Ok(Self {
            id: DeviceRequestId::from_uuid(row.id),
            client_id: ClientId::from_uuid(row.client_id),
            parameters: row.parameters,
            dpop_jkt: row.dpop_jkt,
            derived_by: row.derived_by.unwrap_or_default(),
            called: row.called.map(OrgId::from_uuid),
            status: parsed(status, TABLE, "status")?,
            interval: Duration::seconds(row.interval_secs.into()),
            polled_at: row.polled_at,
            expires_at: row.expires_at,
        })
    }
}

impl DeviceRequests<'_> {
    /// Keeps a request under both its codes. `false`, with nothing done, if another device shows this
    /// user code.
    pub async fn insert(&mut self, new: &NewDeviceRequest<'_>) -> Result<bool, StorageError> {
        let kept = sqlx::query_scalar!(
            r#"with shown as (
                   insert into device_user_codes (org_id, code_hash, device_id) values ($1, $4, $2)
                   on conflict (code_hash) do nothing
                   returning org_id, device_id
               ), kept as (
                   insert into device_requests
                       (org_id, id, code_hash, client_id, parameters, dpop_jkt, interval_secs, created_at, expires_at,
                        called, derived_by)
                   select org_id, device_id, $3, $5, $6, $7, $8, $9, $10, $11, $12 from shown
                   returning org_id
               )
               select count(*) as "count!" from kept"#,
            self.org_id,
            new.id.as_uuid(),
            new.code.as_bytes(),
            new.user_code.as_bytes(),
            new.client_id.as_uuid(),
            new.parameters,
            new.dpop_jkt,
            i32::try_from(new.interval.num_seconds()).unwrap_or(i32::MAX),
            new.created_at,
            new.expires_at,
            new.called.map(OrgId::as_uuid),
            new.derived_by,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(kept == 1)
    }

    /// The request with this id, whatever came of it.
    pub async fn find(&mut self, id: DeviceRequestId) -> Result<Option<DeviceRequest>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, client_id, parameters, dpop_jkt, derived_by, called, status, answered_by, answered_in, interval_secs,
                    polled_at, expires_at
             from device_requests where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(DeviceRequest::try_from).transpose()
    }

    /// The request that a device polls for. Whoever else polls for it waits until this transaction ends.
    pub async fn find_polled(&mut self, code: &SecretHash) -> Result<Option<DeviceRequest>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, client_id, parameters, dpop_jkt, derived_by, called, status, answered_by, answered_in, interval_secs,
                    polled_at, expires_at
             from device_requests where org_id = $1 and code_hash = $2 for update",
            self.org_id,
            code.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(DeviceRequest::try_from).transpose()
    }

    /// The device asked at `now`, and is to wait for `interval` from then on.
    pub async fn save_poll(
        &mut self,
        id: DeviceRequestId,
        now: DateTime<Utc>,
        interval: Duration,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update device_requests set polled_at = $3, interval_secs = $4 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            now,
            i32::try_from(interval.num_seconds()).unwrap_or(i32::MAX),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Answers the request, in the name of the authorization request `by`, and forgets its user code.
    /// `false`, with nothing done, if it lapsed or another was first. Who began to approve it may answer so again, to
    /// finish that; to take it back is [`DeviceRequests::withdraw`].
    pub async fn answer(
        &mut self,
        id: DeviceRequestId,
        by: AuthorizationRequestId,
        within: Option<OrgId>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let answered = sqlx::query_scalar!(
            r#"with answered as (
                   update device_requests
                   set status = case when $4::uuid is null then 'denied' else 'approved' end,
                       answered_by = $3, answered_in = $4
                   where org_id = $1 and id = $2 and expires_at > $5
                     and (status = 'pending' or status = 'approved' and answered_by = $3 and $4::uuid is not null)
                   returning id
               ), forgotten as (
                   delete from device_user_codes shown using answered
                   where shown.org_id = $1 and shown.device_id = answered.id
               )
               select count(*) as "count!" from answered"#,
            self.org_id,
            id.as_uuid(),
            by.as_uuid(),
            within.map(OrgId::as_uuid),
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(answered == 1)
    }
    /// Takes back what `by` began to approve. Only for who has used that authorization request up without issuing a
    /// code: then none is issued any more. `false`, with nothing done, if the device is not approved by it.
    pub async fn withdraw(
        &mut self,
        id: DeviceRequestId,
        by: AuthorizationRequestId,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update device_requests set status = 'denied', answered_in = null
             where org_id = $1 and id = $2 and status = 'approved' and answered_by = $3",
            self.org_id,
            id.as_uuid(),
            by.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
