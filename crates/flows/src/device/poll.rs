//! The device asks what came of it (RFC 8628 §3.4 and §3.5).

use chrono::{DateTime, Utc};
use orgate_domain::credentials::{Credential, DeviceCode};
use orgate_domain::devices::DevicePoll;
use orgate_domain::ids::{AuthorizationRequestId, DeviceRequestId, OrgId};
use orgate_domain::tokens::CodeRefusal;
use orgate_storage::OrgScope;

use crate::authorize::DEVICE_REDIRECT_URI;
use crate::redeem_code::{RedeemCode, Redemption, redeem};
use crate::token::{TokenCall, policy_in, record_refusal};
use crate::{Env, Failure};

/// What the device hears.
pub enum Polled {
    /// It was turned away.
    Denied,
    /// It waited too long.
    Expired,
    /// Nobody has said yet.
    Pending,
    /// It was let in: this came of its code, which is good once, and revokes what it gave when it is shown again.
    Redeemed(Redemption),
    /// Nobody has said yet, and it asks too often.
    TooOften,
    /// There is no such device, or it is another client's.
    Unknown,
}

/// Answers a device. What it presents names its client's owner; what it is given, the organization it was let in to.
pub(crate) async fn poll(env: &Env, call: &TokenCall<'_>, device_code: &str) -> Result<Polled, Failure> {
    let parsed = Credential::<DeviceCode>::parse(device_code).ok();
    let polled = match parsed.filter(|code| code.org_id() == call.client.owner) {
        Some(code) => find(env, call, &code).await?,
        None => None,
    };
    let Some((device, lapses, heard)) = polled else {
        record_refusal(env, call.client, ("unknown_device_code", call.origin)).await?;
        return Ok(Polled::Unknown);
    };
    match heard {
        DevicePoll::Approved { by, within } => redeem_grant(env, call, (device, lapses), (by, within)).await,
        DevicePoll::Denied => Ok(Polled::Denied),
        DevicePoll::Expired => Ok(Polled::Expired),
        DevicePoll::Pending => Ok(Polled::Pending),
        DevicePoll::TooOften => Ok(Polled::TooOften),
    }
}

/// What a question comes to, which counts as asked.
async fn find(
    env: &Env,
    call: &TokenCall<'_>,
    code: &Credential<DeviceCode>,
) -> Result<Option<(DeviceRequestId, DateTime<Utc>, DevicePoll)>, Failure> {
    let mut tx = env.store.begin(&OrgScope::of_credential(code)).await?;
    let found = tx.device_requests().find_polled(&code.hash()).await?;
    let Some(found) = found.filter(|found| found.client_id == call.client.id) else { return Ok(None) };
    let now = env.clock.now(); // whoever asked before has been answered
    let (heard, interval) = found.poll(now);
    tx.device_requests().save_poll(found.id, now, interval).await?;
    tx.commit().await?;
    Ok(Some((found.id, found.expires_at, heard)))
}

/// Redeems the code that an approval issued: by the rules of any code, and with all that may come of it.
async fn redeem_grant(
    env: &Env,
    call: &TokenCall<'_>,
    (device, lapses): (DeviceRequestId, DateTime<Utc>),
    (by, within): (AuthorizationRequestId, OrgId),
) -> Result<Polled, Failure> {
    if !call.called.serves(within) {
        record_refusal(env, call.client, ("other_issuer", call.origin)).await?;
        return Ok(Polled::Unknown);
    }
    for code in env.vault.device_grants(within, device, by) {
        let scope = OrgScope::of_credential(&code);
        let Some(policy) = policy_in(env, call, &scope).await? else {
            return Ok(Polled::Denied); // the organization is gone
        };
        let request =
            RedeemCode { call, code: code.reveal(), redirect_uri: DEVICE_REDIRECT_URI, verifier: None };
        match redeem(env, &request, (&code, &policy)).await? {
            None => {} // derived by another master key, or the approval was begun and is not finished
            Some(Redemption::Refused(CodeRefusal::Expired)) => return Ok(Polled::Expired),
            Some(redemption) => return Ok(Polled::Redeemed(redemption)),
        }
    }
    Ok(if env.clock.now() < lapses { Polled::Pending } else { Polled::Expired })
}
