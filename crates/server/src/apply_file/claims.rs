//! What a file keeps about organizations and users, and how clients' claims are made of it; checked.

use std::collections::BTreeSet;

use orgate_domain::attributes::check_attributes;
use orgate_domain::clients::claims::{ClaimMapping, MAX_BUDGET, MAX_MAPPINGS};
use orgate_domain::connections::Attributes;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::format;
use super::reader::Reader;

impl Reader<'_> {
    pub(super) fn attributes(&mut self, file: &Spanned<Value>) -> Option<Attributes> {
        let Value::Object(members) = &file.value else {
            return self.refuse(
                &file.referenced,
                "attributes: names, each with a text, a number, true, false or a list of these",
            );
        };
        let mut attributes = Attributes::new();
        for (name, value) in members {
            let values = match value {
                Value::Array(list) => list.iter().map(text).collect(),
                one => text(one).map(|text| vec![text]),
            };
            let Some(values) = values else {
                let why = format!("attributes.{name}: a text, a number, true, false or a list of these");
                return self.refuse(&file.referenced, why);
            };
            attributes.insert(name.clone(), values);
        }
        match check_attributes(&attributes) {
            Ok(()) => Some(attributes),
            Err(error) => self.refuse(&file.referenced, format!("attributes: {error}")),
        }
    }

    pub(super) fn claims(&mut self, file: &format::Client) -> Option<Vec<ClaimMapping>> {
        if let Some(over) = file.claims.get(MAX_MAPPINGS) {
            return self.refuse(&over.referenced, format!("claims: at most {MAX_MAPPINGS}"));
        }
        let mappings: Vec<ClaimMapping> =
            self.each(&file.claims, |r, claim| {
                match serde_json::from_value::<ClaimMapping>(claim.value.clone()) {
                    Ok(mapping) => Some(mapping),
                    Err(error) => r.refuse(&claim.referenced, format!("claims: {error}")),
                }
            })?;
        let mut names = BTreeSet::new();
        for (mapping, written) in mappings.iter().zip(&file.claims) {
            if !names.insert(mapping.name.as_str()) {
                let why = format!("claims: {} is mapped twice", mapping.name.as_str());
                return self.refuse(&written.referenced, why);
            }
        }
        Some(mappings)
    }

    pub(super) fn claims_budget(&mut self, number: &Spanned<i64>) -> Option<usize> {
        let most = i64::try_from(MAX_BUDGET).unwrap_or(i64::MAX);
        usize::try_from(self.number("claims_budget_bytes", number, (0, most))?).ok()
    }
}

/// What YAML reads as a number or a truth value was meant as text here.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
