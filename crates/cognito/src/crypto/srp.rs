//! The server's half of SRP-6a as Cognito speaks it: RFC 3526's 3072-bit group, SHA-256, integers hashed in the form
//! of Java's `BigInteger.toByteArray()`, and an HKDF step of Cognito's own before the proof.
//!
//! Invariants: everything that depends on a password or on the ephemeral secret runs in constant time on fixed-size
//! integers; a client's public value is bounded and checked before any exponentiation. Salt and `SRP_B` travel as
//! minimal lower-case hexadecimal, since one known client reads the salt as a number and another pads it as text.

use std::sync::LazyLock;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U256, U3072};
use nephos_core::random;
use zeroize::Zeroizing;

use super::{hmac, sha256};

/// Limbs of a number of the group on this machine.
const LIMBS: usize = U3072::LIMBS;

/// Bytes of a number of the group.
pub(crate) const GROUP_BYTES: usize = 384;

/// Bytes of a salt that we make.
pub(crate) const SALT_BYTES: usize = 16;

type Element = FixedMontyForm<LIMBS>;

/// The safe prime of RFC 3526, group 15.
const PRIME: Odd<U3072> = Odd::<U3072>::from_be_hex(concat!(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd",
    "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed",
    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f",
    "83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b",
    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510",
    "15728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7",
    "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200c",
    "bbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
));

/// The group's constants, worked out once.
struct Group {
    params: FixedMontyParams<LIMBS>,
    generator: Element,
    /// `k = H(N, g)`.
    multiplier: Element,
}

static GROUP: LazyLock<Group> = LazyLock::new(|| {
    let params = FixedMontyParams::new_vartime(PRIME);
    let k = sha256(&[&java_bytes(&to_bytes(PRIME.as_ref())), &[2]]);
    Group {
        generator: Element::new(&U3072::from_u8(2), &params),
        multiplier: Element::new(&widen(&k), &params),
        params,
    }
});

/// What the server keeps of a password: as good as the password to whoever reads it, so it is stored sealed.
pub(crate) struct Verifier {
    salt: Vec<u8>,
    value: Zeroizing<[u8; GROUP_BYTES]>,
}

impl Verifier {
    /// The verifier of a password under a fresh salt. `pool` is the part of the pool's id after the `_`.
    pub(crate) fn new(pool: &str, username: &str, password: &str) -> Verifier {
        Verifier::with_salt(pool, username, password, random::bytes::<SALT_BYTES>().to_vec())
    }

    /// The verifier of a password under a given salt.
    pub(crate) fn with_salt(pool: &str, username: &str, password: &str, salt: Vec<u8>) -> Verifier {
        let inner =
            Zeroizing::new(sha256(&[pool.as_bytes(), username.as_bytes(), b":", password.as_bytes()]));
        let x = Zeroizing::new(sha256(&[&java_bytes(&salt), &*inner]));
        let value = GROUP.generator.pow(&U256::from_be_slice(&*x)).retrieve();
        Verifier { salt, value: Zeroizing::new(to_bytes(&value)) }
    }

    /// A verifier that no password has, for users who don't exist: any number below 2^3071 will do, and it costs no
    /// exponentiation, just as reading a real one costs none.
    pub(crate) fn decoy(salt: Vec<u8>, seed: &[u8]) -> Verifier {
        let mut value = Zeroizing::new([0; GROUP_BYTES]);
        for (at, block) in value.chunks_mut(32).enumerate() {
            block.copy_from_slice(&hmac(seed, &[&[at as u8]]));
        }
        value[0] &= 0x7f;
        Verifier { salt, value }
    }

    /// Salt and verifier as bytes, to be sealed.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.value.as_slice(), &self.salt].concat())
    }

    /// Reads what [`Verifier::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Verifier> {
        let (value, salt) = bytes.split_first_chunk::<GROUP_BYTES>()?;
        Some(Verifier { salt: salt.to_vec(), value: Zeroizing::new(*value) })
    }

    /// The salt as it is sent: minimal lower-case hexadecimal.
    pub(crate) fn salt_hex(&self) -> String {
        minimal_hex(&self.salt)
    }
}

/// A client's public value `A`, known to be in `1..N`.
pub(crate) struct ClientPublic(U3072);

impl ClientPublic {
    /// Reads `SRP_A`. Refuses what is no hexadecimal number, what is too long to look at, and what is not in `1..N`:
    /// a multiple of `N` would let anybody in.
    pub(crate) fn parse(text: &str) -> Option<ClientPublic> {
        if text.len() > 4 * GROUP_BYTES {
            return None;
        }
        let digits = text.trim_start_matches('0');
        if digits.is_empty() || digits.len() > 2 * GROUP_BYTES {
            return None;
        }
        let mut bytes = [0u8; GROUP_BYTES];
        for (at, digit) in digits.bytes().rev().enumerate() {
            let value = char::from(digit).to_digit(16)? as u8;
            bytes[GROUP_BYTES - 1 - at / 2] |= value << (4 * (at % 2));
        }
        let value = U3072::from_be_slice(&bytes);
        (value < *PRIME.as_ref()).then_some(ClientPublic(value))
    }
}

/// What the server answers to `A`, and the key with which the client must then sign.
pub(crate) struct Challenge {
    /// `B`, minimal lower-case hexadecimal.
    pub(crate) public_hex: String,
    /// The key of the proof.
    pub(crate) key: Zeroizing<[u8; 16]>,
}

/// Makes a challenge with a fresh ephemeral secret. Three exponentiations: milliseconds.
pub(crate) fn challenge(verifier: &Verifier, client: &ClientPublic) -> Challenge {
    loop {
        let secret = Zeroizing::new(random::bytes::<32>());
        if let Some(challenge) = challenge_with(verifier, client, &secret) {
            return challenge;
        }
    }
}

/// The challenge for one ephemeral secret; none in the practically impossible case that `B` or `u` is zero.
fn challenge_with(verifier: &Verifier, client: &ClientPublic, secret: &[u8; 32]) -> Option<Challenge> {
    let group = &*GROUP;
    let b = U256::from_be_slice(secret);
    let v = Element::new(&U3072::from_be_slice(verifier.value.as_slice()), &group.params);
    let public = (group.multiplier * v + group.generator.pow(&b)).retrieve();
    let public_bytes = to_bytes(&public);
    let u = sha256(&[&java_bytes(&to_bytes(&client.0)), &java_bytes(&public_bytes)]);
    if public == U3072::ZERO || u == [0; 32] {
        return None;
    }
    let a = Element::new(&client.0, &group.params);
    let shared = (a * v.pow(&U256::from_be_slice(&u))).pow(&b).retrieve();
    let shared = Zeroizing::new(to_bytes(&shared));
    Some(Challenge { public_hex: minimal_hex(&public_bytes), key: derive_key(&*shared, &u) })
}

/// HKDF-SHA256 with Cognito's label, cut to 16 bytes.
pub(crate) fn derive_key(shared: &[u8], u: &[u8]) -> Zeroizing<[u8; 16]> {
    let pseudo_random = Zeroizing::new(hmac(&java_bytes(u), &[&Zeroizing::new(java_bytes(shared))]));
    let block = Zeroizing::new(hmac(&*pseudo_random, &[b"Caldera Derived Key", &[1]]));
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&block[..16]);
    key
}

/// The parts of a proof that are not secret.
pub(crate) struct Proof<'a> {
    /// The pool's id after the `_`.
    pub(crate) pool: &'a str,
    /// `USER_ID_FOR_SRP`.
    pub(crate) username: &'a str,
    /// The secret block's bytes.
    pub(crate) secret_block: &'a [u8],
    /// The timestamp as the client sent it.
    pub(crate) timestamp: &'a str,
}

impl Proof<'_> {
    /// Whether `signature` was made with `key`.
    pub(crate) fn holds(&self, key: &[u8; 16], signature: &[u8]) -> bool {
        super::equal(&self.sign(key), signature)
    }

    /// The signature that the client must send.
    pub(crate) fn sign(&self, key: &[u8; 16]) -> [u8; 32] {
        let Proof { pool, username, secret_block, timestamp } = self;
        hmac(key, &[pool.as_bytes(), username.as_bytes(), secret_block, timestamp.as_bytes()])
    }
}

fn to_bytes(value: &U3072) -> [u8; GROUP_BYTES] {
    let mut out = [0; GROUP_BYTES];
    out.copy_from_slice(value.to_be_bytes().as_ref());
    out
}

fn widen(bytes: &[u8; 32]) -> U3072 {
    let mut wide = [0; GROUP_BYTES];
    wide[GROUP_BYTES - 32..].copy_from_slice(bytes);
    U3072::from_be_slice(&wide)
}

/// An unsigned number as Java's `BigInteger.toByteArray()` gives it: no leading zeros but the one that keeps the sign
/// bit clear.
fn java_bytes(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|b| *b != 0).unwrap_or(number.len());
    let digits = &number[start..];
    let mut out = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_none_or(|b| b & 0x80 != 0) {
        out.push(0);
    }
    out.extend_from_slice(digits);
    out
}

/// A number in lower-case hexadecimal without leading zeros.
fn minimal_hex(number: &[u8]) -> String {
    let text = random::hex(number);
    let trimmed = text.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
#[path = "srp_tests.rs"]
pub(crate) mod tests;
