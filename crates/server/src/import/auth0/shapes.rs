//! What Auth0 answers and exports, as far as it is read.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub(super) struct Organization {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) branding: Look,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Look {
    pub(super) logo_url: Option<String>,
    pub(super) colors: Option<Colors>,
}

#[derive(Deserialize)]
pub(super) struct Colors {
    pub(super) primary: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Member {
    pub(super) user_id: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<Named>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) id: Option<String>,
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Bundled {
    pub(super) permission_name: String,
}

#[derive(Deserialize)]
pub(super) struct EnabledConnection {
    pub(super) connection_id: Option<String>,
    pub(super) connection: Option<Named>,
}

#[derive(Deserialize)]
pub(super) struct Connection {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) display_name: Option<String>,
    pub(super) strategy: String,
    #[serde(default)]
    pub(super) options: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct User {
    #[serde(rename = "user_id")]
    pub(super) id: Option<String>,
    #[serde(rename = "_id")]
    pub(super) object_id: Option<ObjectId>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) email_verified: bool,
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) nickname: Option<String>,
    #[serde(default)]
    pub(super) blocked: bool,
    #[serde(default)]
    pub(super) app_metadata: Option<Map<String, Value>>,
    #[serde(rename = "passwordHash", alias = "password_hash")]
    pub(super) password_hash: Option<String>,
    pub(super) custom_password_hash: Option<CustomHash>,
}

#[derive(Deserialize)]
pub(super) struct ObjectId {
    #[serde(rename = "$oid")]
    pub(super) oid: String,
}

#[derive(Deserialize)]
pub(super) struct CustomHash {
    pub(super) algorithm: String,
    pub(super) hash: Encoded,
    pub(super) salt: Option<Encoded>,
    pub(super) password: Option<PasswordEncoding>,
    pub(super) keylen: Option<usize>,
    pub(super) cost: Option<u64>,
    #[serde(rename = "blockSize")]
    pub(super) block_size: Option<u32>,
    pub(super) parallelization: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct Encoded {
    pub(super) value: String,
    pub(super) encoding: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PasswordEncoding {
    pub(super) encoding: Option<String>,
}
