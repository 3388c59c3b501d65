//! Hashes of passwords as other systems make them, in the forms that are kept: PHC strings of Argon2, scrypt and PBKDF2, and
//! bcrypt's own.
//!
//! **Invariant:** what is kept costs no more than [`LIMITS`] say, so that nobody's hash is worth a flood of sign-ins.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

/// What a hash may cost at most.
#[derive(Debug)]
struct Limits {
    /// Argon2's memory, in KiB.
    argon2_memory: u32,
    /// Argon2's memory times its passes.
    argon2_work: u64,
    /// Argon2's lanes.
    argon2_lanes: u32,
    /// bcrypt's, as a power of two.
    bcrypt_cost: u32,
    /// Iterations of PBKDF2.
    pbkdf2_rounds: u32,
    /// Bytes that scrypt fills: 128 · N · r.
    scrypt_memory: u64,
    /// scrypt's N · r · p.
    scrypt_work: u64,
}

/// About ten times what Orgate's own hashes take, which is above what the systems that are imported from recommend.
const LIMITS: Limits = Limits {
    argon2_memory: 64 * 1024,
    argon2_work: 256 * 1024,
    argon2_lanes: 8,
    bcrypt_cost: 14,
    pbkdf2_rounds: 1_500_000,
    scrypt_memory: 128 * 1024 * 1024,
    scrypt_work: 1 << 20,
};

/// bcrypt's cost is at least this.
const LEAST_BCRYPT_COST: u32 = 4;

/// A hash that another system made, in a form that is kept until its user signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct ForeignHash(String);

/// Why a hash is not kept. Says nothing of the hash itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHash {
    /// It would hold up whoever signs in.
    #[error("its parameters cost more than a sign-in may: {0}")]
    Costly(&'static str),
    /// Not what its algorithm writes.
    #[error("it is not well-formed: {0}")]
    Malformed(&'static str),
    /// Nothing that can be compared with.
    #[error("its algorithm is none of bcrypt, scrypt, argon2 and pbkdf2")]
    Unknown,
}

/// How PBKDF2 digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// SHA-1, as RFC 2898 had it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl std::fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForeignHash(…)")
    }
}

impl ForeignHash {
    /// Reads a PHC string, a `$2b$…` of bcrypt, or the way in which passlib writes PBKDF2.
    ///
    /// # Errors
    /// [`InvalidHash`].
    pub fn parse(text: &str) -> Result<Self, InvalidHash> {
        let text = passlib(text).unwrap_or_else(|| text.to_owned());
        Known::parse(&text)?;
        Ok(Self(text))
    }

    /// One of PBKDF2, of its parts.
    ///
    /// # Errors
    /// [`InvalidHash`].
    pub fn pbkdf2(digest: Digest, rounds: u32, (salt, hash): (&[u8], &[u8])) -> Result<Self, InvalidHash> {
        let (name, salt, hash) = (digest.name(), STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        Self::parse(&format!("${name}$i={rounds}${salt}${hash}"))
    }

    /// One of scrypt, of its parts; `n` is a power of two.
    ///
    /// # Errors
    /// [`InvalidHash`].
    pub fn scrypt((n, r, p): (u64, u32, u32), (salt, hash): (&[u8], &[u8])) -> Result<Self, InvalidHash> {
        if !n.is_power_of_two() {
            return Err(InvalidHash::Malformed("scrypt's cost is a power of two"));
        }
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        Self::parse(&format!("$scrypt$ln={},r={r},p={p}${salt}${hash}", n.trailing_zeros()))
    }

    /// The text that is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Digest {
    /// Every digest.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// What it is called in a PHC string, and by Keycloak.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "pbkdf2",
            Self::Sha256 => "pbkdf2-sha256",
            Self::Sha512 => "pbkdf2-sha512",
        }
    }
}

/// `$pbkdf2-sha256$29000$salt$hash`, with `.` for `+`, as a PHC string.
fn passlib(text: &str) -> Option<String> {
    let mut parts = text.strip_prefix('$')?.split('$');
    let (name, rounds, salt, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let known = name.starts_with("pbkdf2") && parts.next().is_none();
    let counts = !rounds.is_empty() && rounds.bytes().all(|byte| byte.is_ascii_digit());
    let plain = |text: &str| text.replace('.', "+");
    (known && counts).then(|| format!("${name}$i={rounds}${}${}", plain(salt), plain(hash)))
}

/// A hash, ready to be compared with.
pub(super) enum Known {
    /// With the memory that [`Argon2`] fills given from outside.
    Argon2(Argon2<'static>, Salt, Output),
    Bcrypt(String),
    Pbkdf2(Digest, u32, Salt, Output),
    Scrypt(scrypt::Params, Salt, Output),
}

impl Known {
    /// Reads a stored hash, our own ones too.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidHash> {
        if text.starts_with("$2") {
            return bcrypt(text);
        }
        if !text.starts_with('$') {
            return Err(InvalidHash::Unknown);
        }
        let malformed = InvalidHash::Malformed("it is no PHC string, with a salt of 8 to 48 bytes");
        let hash = PasswordHash::new(text).map_err(|_| malformed)?;
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
            return Err(InvalidHash::Malformed("its salt or the hash itself is missing"));
        };
        match hash.algorithm.as_str() {
            "argon2d" | "argon2i" | "argon2id" => argon2(&hash, salt, expected),
            "scrypt" => scrypt(&hash, salt, expected),
            name => {
                let digest = Digest::ALL.into_iter().find(|digest| digest.name() == name);
                let digest = digest.ok_or(InvalidHash::Unknown)?;
                pbkdf2(&hash, digest, (salt, expected))
            }
        }
    }

    /// Whether a password is the one, of those that take no memory of the pool's; in constant time.
    pub(super) fn matches(&self, password: &[u8]) -> Option<bool> {
        match self {
            Self::Argon2(..) => None,
            Self::Bcrypt(text) => bcrypt::verify(password, text).ok(),
            Self::Pbkdf2(digest, rounds, salt, expected) => derived(expected, |bytes| {
                let derive = match digest {
                    Digest::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>,
                    Digest::Sha256 => pbkdf2::pbkdf2_hmac::<sha2::Sha256>,
                    Digest::Sha512 => pbkdf2::pbkdf2_hmac::<sha2::Sha512>,
                };
                derive(password, salt.as_ref(), *rounds, bytes);
                Some(())
            }),
            Self::Scrypt(params, salt, expected) => {
                derived(expected, |bytes| scrypt::scrypt(password, salt.as_ref(), params, bytes).ok())
            }
        }
    }
}

/// Whether what is derived is what was expected; compared in constant time, as [`Output`] does.
fn derived(expected: &Output, derive: impl FnOnce(&mut [u8]) -> Option<()>) -> Option<bool> {
    let mut bytes = Zeroizing::new([0; Output::MAX_LENGTH]);
    let bytes = bytes.get_mut(..expected.len())?;
    derive(bytes)?;
    Some(Output::new(bytes).ok()? == *expected)
}

fn bcrypt(text: &str) -> Result<Known, InvalidHash> {
    let malformed = InvalidHash::Malformed("bcrypt's begin with $2a$, $2b$ or $2y$ and have 60 characters");
    let rest =
        ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix)).ok_or(malformed)?;
    let (cost, rest) = rest.split_once('$').ok_or(malformed)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/';
    let digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || rest.len() != 53 || !rest.bytes().all(plain) {
        return Err(malformed);
    }
    let cost: u32 = cost.parse().map_err(|_| malformed)?;
    match cost {
        ..LEAST_BCRYPT_COST => Err(malformed),
        _ if cost > LIMITS.bcrypt_cost => Err(InvalidHash::Costly("bcrypt's cost is 14 at most")),
        _ => Ok(Known::Bcrypt(text.to_owned())),
    }
}

fn argon2(hash: &PasswordHash, salt: Salt, expected: Output) -> Result<Known, InvalidHash> {
    let malformed = InvalidHash::Malformed("argon2's parameters are m, t and p");
    let params = Params::try_from(hash).map_err(|_| malformed)?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| malformed)?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| malformed)?;
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > LIMITS.argon2_memory
        || work > LIMITS.argon2_work
        || params.p_cost() > LIMITS.argon2_lanes
    {
        return Err(InvalidHash::Costly("argon2 takes 64 MiB, 4 passes over them and 8 lanes at most"));
    }
    Ok(Known::Argon2(Argon2::new(algorithm, version, params), salt, expected))
}

fn scrypt(hash: &PasswordHash, salt: Salt, expected: Output) -> Result<Known, InvalidHash> {
    let malformed = InvalidHash::Malformed("scrypt's parameters are ln, r and p");
    let number = |name: &str| hash.params.get_decimal(name).ok_or(malformed);
    let (log_n, r, p) = (number("ln")?, number("r")?, number("p")?);
    let costly = InvalidHash::Costly("scrypt takes 128 MiB and N·r·p of 2^20 at most");
    let work = 1_u64.checked_shl(log_n).and_then(|n| n.checked_mul(u64::from(r))).filter(|_| log_n < 32);
    let work = work.ok_or(costly)?;
    let memory = work.checked_mul(128).ok_or(costly)?;
    if memory > LIMITS.scrypt_memory || work.saturating_mul(u64::from(p)) > LIMITS.scrypt_work {
        return Err(costly);
    }
    let log_n = u8::try_from(log_n).map_err(|_| costly)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| malformed)?;
    Ok(Known::Scrypt(params, salt, expected))
}

fn pbkdf2(
    hash: &PasswordHash,
    digest: Digest,
    (salt, expected): (Salt, Output),
) -> Result<Known, InvalidHash> {
    let malformed =
        InvalidHash::Malformed("pbkdf2's parameters are i, and l where it is the length of the hash");
    let rounds = hash.params.get_decimal("i").filter(|rounds| *rounds > 0).ok_or(malformed)?;
    let length = hash.params.get_decimal("l").map(usize::try_from);
    if length.is_some_and(|length| length != Ok(expected.len())) {
        return Err(malformed);
    }
    if rounds > LIMITS.pbkdf2_rounds {
        return Err(InvalidHash::Costly("pbkdf2 has 1500000 iterations at most"));
    }
    Ok(Known::Pbkdf2(digest, rounds, salt, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by others; see `tests/fixtures/import/README.md`.
    const KNOWN: [&str; 7] = [
        "$2b$10$ekxvKLAzG.e9l7o/tjnB1OrfjRyj5k.zyiu48VKS4qcknegvuFAjO",
        "$2a$05$DwgI88KXOWPUOaXlVtCKMuKRrc6uXG4VdvPO.1phqYtDtLDCQUG0u",
        "$pbkdf2$i=20002$AAECAwQFBgcICQoLDA0ODw$zz5dupPbuo8C0si5cdl0tI2OYNE",
        "$pbkdf2-sha256$i=27500,l=64$AAECAwQFBgcICQoLDA0ODw$Ca/W1uHPdOF53bPWSQyrHQQPdk6KOe20VTbaw0U+WWswH2gciKNBqwk+H7RPgAmCshFAhVRLSSar72bo1/g8dA",
        "$pbkdf2-sha512$i=100000,l=64$AAECAwQFBgcICQoLDA0ODw$hzaYXq3InP7jFNdKFTiXBaKMc6Hki6FR8fwp8lRCNSzgwBQu/67CPfP4HL9ZakyYey/St+3YqPl5YVpad7RbFQ",
        "$pbkdf2-sha256$29000$AAECAwQFBgcICQoLDA0ODw$m/kLywdyNwK9GV2kWntRGvZzmeiVsuqehNWlLst2eWY",
        "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$11kKyiyYAc8G7rp3KmncMc44YlkdllIqxOa7pq0fMaUtb3NvK4WtqmJiM16xEuVvAU9BejfXS+De92abLFHCng",
    ];

    fn matches(text: &str, password: &str) -> Option<bool> {
        Known::parse(ForeignHash::parse(text).expect("a hash").as_str())
            .expect("it")
            .matches(password.as_bytes())
    }

    #[test]
    fn a_password_is_right_only_for_its_own_hash() {
        for text in KNOWN {
            assert_eq!(matches(text, "correct horse battery staple"), Some(true), "{text}");
            assert_eq!(matches(text, "correct horse battery stapler"), Some(false), "{text}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_not_kept() {
        let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for head in [
            "$argon2id$v=19$m=65537,t=1,p=1",
            "$argon2id$v=19$m=65536,t=5,p=1",
            "$argon2id$v=19$m=4294967295,t=4294967295,p=1",
            "$argon2id$v=19$m=1024,t=1,p=9",
            "$scrypt$ln=18,r=8,p=1",
            "$scrypt$ln=17,r=8,p=2",
            "$scrypt$ln=4294967295,r=8,p=1",
            "$scrypt$ln=20,r=4294967295,p=4294967295",
            "$pbkdf2-sha256$i=1500001",
            "$pbkdf2$i=4294967295",
        ] {
            let refused = ForeignHash::parse(&format!("{head}${tail}"));
            assert!(matches!(refused, Err(InvalidHash::Costly(_))), "{head}: {refused:?}");
        }
        let bcrypt = format!("$2b$15${}", "a".repeat(53));
        assert!(matches!(ForeignHash::parse(&bcrypt), Err(InvalidHash::Costly(_))));
    }

    #[test]
    fn what_is_no_hash_is_told_so_without_a_panic() {
        for text in [
            "",
            "$",
            "$2",
            "$2b$",
            "$2b$10$short",
            "$2x$10$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "$2b$03$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "$2b$+9$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0",
            "$scrypt$ln=14$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=0,r=0,p=0$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=0$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=1000,l=64$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha1024$i=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "5f4dcc3b5aa765d61d8327deb882cf99",
        ] {
            assert!(ForeignHash::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            ForeignHash::scrypt((1000, 8, 1), (&[1; 16], &[2; 32])).err(),
            Some(InvalidHash::Malformed("scrypt's cost is a power of two"))
        );
    }
}
