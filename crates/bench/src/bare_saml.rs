//! What the cryptographic core of SAML costs by itself: the same response, on one thread of this process.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use orgate_flows::{Clock as _, SystemClock};
use orgate_saml::binding::decode_form_value;
use orgate_saml::certificate::Certificate;
use orgate_saml::crypto::{Bergshamra, SignatureCore as _};
use orgate_saml::response::{InResponseTo, Options, ResponseCheck, peek, validate};

use crate::federation::Arrival;
use crate::identity_providers::IdentityProviders;
use crate::measure::Sample;
use crate::process::Clock;
use crate::statistics::percentile;

/// A response, and what it is held against.
pub(crate) struct BareSaml {
    xml: Vec<u8>,
    assertion_id: String,
    in_response_to: String,
    idp_entity_id: String,
    sp_entity_id: String,
    acs_url: String,
    certificates: Vec<Certificate>,
}

impl BareSaml {
    pub(crate) fn new(arrival: &Arrival, providers: &IdentityProviders, issuer: &str) -> Result<Self> {
        let value = arrival.response().context("there is no response")?;
        let xml = decode_form_value(value).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let connection = arrival.path().strip_suffix("/acs").context("another address")?;
        let asked = peek(&xml).and_then(|peek| peek.in_response_to);
        let mut bare = Self {
            xml,
            assertion_id: String::new(),
            in_response_to: asked.context("nobody asked")?,
            idp_entity_id: providers.entity_id.clone(),
            sp_entity_id: format!("{issuer}{connection}/metadata"),
            acs_url: format!("{issuer}{connection}/acs"),
            certificates: vec![providers.certificate.clone()],
        };
        let validation = validate(&bare.check(), &bare.xml);
        let authentication = validation.result.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        bare.assertion_id = authentication.assertion_id;
        Ok(bare)
    }

    fn check(&self) -> ResponseCheck<'_> {
        ResponseCheck {
            idp_entity_id: &self.idp_entity_id,
            sp_entity_id: &self.sp_entity_id,
            acs_url: &self.acs_url,
            in_response_to: InResponseTo::Exactly(&self.in_response_to),
            now: SystemClock.now(),
            clock_skew: chrono::Duration::minutes(2),
            signing_certificates: &self.certificates,
            decryption_keys: &[],
            options: Options::default(),
        }
    }

    /// Every check that a response goes through.
    pub(crate) fn validate(&self, clock: Clock, window: Duration) -> Result<Sample> {
        repeat(clock, window, || {
            let accepted = validate(&self.check(), black_box(&self.xml)).result.is_ok();
            ensure!(accepted, "the response is not valid");
            Ok(())
        })
    }

    /// The signature alone: digest, canonical form, RSA.
    pub(crate) fn verify(&self, clock: Clock, window: Duration) -> Result<Sample> {
        let text = std::str::from_utf8(&self.xml)?;
        let certificates: Vec<_> = self.certificates.iter().collect();
        repeat(clock, window, || {
            let signed = Bergshamra.verify(black_box(text), &self.assertion_id, &certificates);
            black_box(signed.context("the signature does not verify")?);
            Ok(())
        })
    }
}

/// Does it again and again, on this thread alone.
fn repeat(clock: Clock, window: Duration, once: impl Fn() -> Result<()>) -> Result<Sample> {
    let (begin, before) = (Instant::now(), clock.of_this_thread()?);
    let mut latencies = Vec::with_capacity(1 << 16);
    while begin.elapsed() < window {
        let started = Instant::now();
        once()?;
        latencies.push(started.elapsed());
    }
    let spent = clock.of_this_thread()?.saturating_sub(before);
    let wall = begin.elapsed();
    latencies.sort_unstable();
    let operations = f64::from(u32::try_from(latencies.len())?);
    let millis = |percent| percentile(&latencies, percent).as_secs_f64() * 1e3;
    Ok(Sample {
        server: spent.as_secs_f64() * 1e6 / operations,
        postgres: 0.0,
        p50: millis(50),
        p99: millis(99),
        per_second: operations / wall.as_secs_f64(),
        resident: 0,
    })
}
