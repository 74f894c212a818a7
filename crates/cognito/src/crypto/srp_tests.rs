//! A client of SRP as the public SDKs have it, written over another bignum library with variable-width numbers, and
//! what it and the server must agree on.

use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

/// The client's half, in the shape of the public JavaScript SDK: numbers are strings of hexadecimal.
pub(crate) struct Client {
    a: BigUint,
}

impl Client {
    pub(crate) fn new(secret: &[u8]) -> Client {
        Client { a: BigUint::from_bytes_be(secret) }
    }

    pub(crate) fn public_hex(&self) -> String {
        BigUint::from(2u8).modpow(&self.a, &prime()).to_str_radix(16)
    }

    pub(crate) fn key(&self, pool: &str, username: &str, password: &str, salt: &str, b: &str) -> [u8; 16] {
        let (n, g) = (prime(), BigUint::from(2u8));
        let k = hash_hex(&format!("{}02", pad_hex(&n.to_str_radix(16))));
        let b_public = BigUint::parse_bytes(b.as_bytes(), 16).unwrap();
        assert_ne!(&b_public % &n, BigUint::ZERO);
        let u = hash_hex(&(pad_hex(&self.public_hex()) + &pad_hex(b)));
        let user = sha256(&[format!("{pool}{username}:{password}").as_bytes()]);
        let x = hash_hex(&(pad_hex(salt) + &random::hex(&user)));
        let base = (&b_public + &k * &n - (&k * g.modpow(&x, &n)) % &n) % &n;
        let s = base.modpow(&(&self.a + &u * &x), &n);
        let prk = hmac(&unhex(&pad_hex(&u.to_str_radix(16))), &[&unhex(&pad_hex(&s.to_str_radix(16)))]);
        hmac(&prk, &[b"Caldera Derived Key\x01"])[..16].try_into().unwrap()
    }
}

fn prime() -> BigUint {
    BigUint::from_bytes_be(&to_bytes(PRIME.as_ref()))
}

fn pad_hex(hex: &str) -> String {
    if hex.len() % 2 == 1 {
        format!("0{hex}")
    } else if "89abcdef".contains(&hex[..1]) {
        format!("00{hex}")
    } else {
        hex.to_owned()
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hash_hex(hex: &str) -> BigUint {
    BigUint::from_bytes_be(&sha256(&[&unhex(hex)]))
}

#[test]
fn the_prime_is_a_safe_prime_of_3072_bits() {
    let n = prime();
    assert_eq!(n.bits(), 3072);
    let (one, two) = (BigUint::from(1u8), BigUint::from(2u8));
    let half = (&n - &one) / &two;
    let base = BigUint::from(3u8);
    assert_eq!(base.modpow(&(&n - &one), &n), one);
    assert_eq!(base.modpow(&(&half - &one), &half), one);
}

fn agree(pool: &str, username: &str, password: &str, salt: Vec<u8>, a: &[u8]) {
    let client = Client::new(a);
    let verifier = Verifier::with_salt(pool, username, password, salt);
    let stored = Verifier::from_bytes(&verifier.to_bytes()).unwrap();
    let public = ClientPublic::parse(&client.public_hex()).unwrap();
    let challenge = challenge(&stored, &public);
    let key = client.key(pool, username, password, &stored.salt_hex(), &challenge.public_hex);
    assert_eq!(key, *challenge.key);
    let proof = Proof { pool, username, secret_block: b"block", timestamp: "Sun Nov 22 1:02:03 UTC 2026" };
    let signature = proof.sign(&key);
    assert!(proof.holds(&challenge.key, &signature));
    let wrong =
        client.key(pool, username, &format!("{password}!"), &stored.salt_hex(), &challenge.public_hex);
    assert!(!proof.holds(&challenge.key, &proof.sign(&wrong)));
    let elsewhere = Proof { timestamp: "Sun Nov 22 01:02:04 UTC 2026", ..proof };
    assert!(!elsewhere.holds(&challenge.key, &signature));
}

#[test]
fn odd_salts_agree_with_a_client_that_reads_them_as_numbers() {
    let salts = ["01", "0f", "10", "80", "ff", "00ff", "0000000000000000000000000000000a", "7f00"];
    for salt in salts {
        agree("AbCdEfGhI", "ann", "Passw0rd!", unhex(salt), &[7; 32]);
    }
}

/// The `A` and the key of two published clients (PyPI's pycognito 2024.5.1 and npm's amazon-cognito-identity-js 6, which
/// agree) over salts that are short, odd and begin with a set bit; `B` was worked out in Python.
#[test]
fn published_clients_come_to_the_same_key() {
    let vectors: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../testing/srp-vectors.json")).unwrap();
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let short = text("pool").split_once('_').unwrap().1;
        let salt = unhex(&format!("{}{}", if text("salt").len() % 2 == 1 { "0" } else { "" }, text("salt")));
        let verifier = Verifier::with_salt(short, text("user"), text("password"), salt);
        let b: [u8; 32] = unhex(text("b")).try_into().unwrap();
        let challenge = challenge_with(&verifier, &ClientPublic::parse(text("A")).unwrap(), &b).unwrap();
        assert_eq!(verifier.salt_hex(), text("salt"));
        assert_eq!(challenge.public_hex, text("B"));
        assert_eq!(random::hex(&*challenge.key), text("key"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_password_signs_in_and_another_does_not(
        username in "\\PC{1,40}", password in "\\PC{1,60}",
        salt in proptest::collection::vec(any::<u8>(), 1..20), a in proptest::array::uniform32(1u8..),
    ) {
        prop_assume!(salt.iter().any(|b| *b != 0));
        agree("zZ9", &username, &password, salt, &a);
    }

    #[test]
    fn javas_bytes_are_the_hexadecimal_clients_pad(number in proptest::collection::vec(any::<u8>(), 1..50)) {
        prop_assert_eq!(java_bytes(&number), unhex(&pad_hex(&minimal_hex(&number))));
    }
}

#[test]
fn a_public_value_outside_the_group_is_refused() {
    let n = prime();
    for bad in [
        "".to_owned(),
        "0".to_owned(),
        "000".to_owned(),
        "xyz".to_owned(),
        "-1".to_owned(),
        " 1".to_owned(),
        n.to_str_radix(16),
        (&n * 2u8).to_str_radix(16),
        "f".repeat(769),
        "0".repeat(5000) + "1",
    ] {
        assert!(ClientPublic::parse(&bad).is_none(), "{bad}");
    }
    for good in ["1", "01", "ABCdef0123456789", &(n - 1u8).to_str_radix(16)] {
        let read = ClientPublic::parse(good).unwrap();
        assert_eq!(minimal_hex(&to_bytes(&read.0)), good.trim_start_matches('0').to_lowercase());
    }
}

#[test]
fn decoys_are_stable_and_fit_the_group() {
    let (one, two) = (Verifier::decoy(vec![1], b"seed"), Verifier::decoy(vec![1], b"seed"));
    assert_eq!(*one.to_bytes(), *two.to_bytes());
    assert_ne!(*one.to_bytes(), *Verifier::decoy(vec![1], b"other").to_bytes());
    assert!(U3072::from_be_slice(one.value.as_slice()) < *PRIME.as_ref());
}
