//! Sign-in by SRP, with a client as the public SDKs have it.

use std::collections::BTreeMap;
use std::time::Duration;

use nephos_core::{Fault, Timestamp, random};

use crate::crypto::srp::Proof;
use crate::crypto::srp::tests::Client;
use crate::crypto::{base64, from_base64};
use crate::testing::{Bench, PASSWORD, map, said, text};
use crate::user_pools::shapes::{self as users, op};

/// The clients' form of a moment.
fn srp_time(at: Timestamp) -> String {
    let date = at.http_date();
    let words: Vec<&str> = date.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let day = words[1].trim_start_matches('0');
    format!("{} {} {day} {} UTC {}", words[0], words[2], words[4], words[3])
}

struct Attempt {
    challenge: BTreeMap<String, String>,
    answer: BTreeMap<String, String>,
}

/// The first step, and the answer to it.
async fn begin(
    bench: &Bench,
    pool: &str,
    client: &str,
    name: &str,
    password: &str,
) -> Result<Attempt, Fault> {
    let srp = Client::new(&random::bytes::<32>());
    let parameters = [("USERNAME", name), ("SRP_A", &srp.public_hex())];
    let step = bench.initiate(client, "USER_SRP_AUTH", &parameters).await?;
    assert_eq!(step.challenge_name.as_deref(), Some("PASSWORD_VERIFIER"));
    let challenge = step.challenge_parameters.unwrap();
    let short = pool.split_once('_').unwrap().1;
    let username = &challenge["USER_ID_FOR_SRP"];
    let key = srp.key(short, username, password, &challenge["SALT"], &challenge["SRP_B"]);
    let (block, timestamp) = (&challenge["SECRET_BLOCK"], srp_time(bench.clock.now()));
    let secret_block = &from_base64(block).unwrap();
    let proof = Proof { pool: short, username, secret_block, timestamp: &timestamp };
    let answer = map(&[
        ("USERNAME", username),
        ("PASSWORD_CLAIM_SECRET_BLOCK", block),
        ("PASSWORD_CLAIM_SIGNATURE", &base64(&proof.sign(&key))),
        ("TIMESTAMP", &timestamp),
    ]);
    Ok(Attempt { challenge, answer })
}

async fn finish(
    bench: &Bench,
    client: &str,
    answer: &BTreeMap<String, String>,
) -> Result<users::RespondToAuthChallengeResponse, Fault> {
    let input = users::RespondToAuthChallengeRequest {
        client_id: text(client),
        challenge_name: text("PASSWORD_VERIFIER"),
        challenge_responses: Some(answer.clone()),
        ..Default::default()
    };
    bench.open::<op::RespondToAuthChallenge>(input).await
}

const WRONG: &str = "NotAuthorizedException: Incorrect username or password.";

#[tokio::test]
async fn the_password_signs_in_and_another_does_not() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let attempt = begin(&bench, &pool, &client, "ann", PASSWORD).await.unwrap();
    let done = finish(&bench, &client, &attempt.answer).await.unwrap();
    let tokens = done.authentication_result.unwrap();
    assert_eq!(bench.claims(&tokens.access_token.unwrap())["username"], "ann");
    let attempt = begin(&bench, &pool, &client, "ann", "passw0rd!").await.unwrap();
    assert_eq!(said(finish(&bench, &client, &attempt.answer).await), WRONG);
}

#[tokio::test]
async fn a_secret_block_works_once_for_its_client_and_not_for_long() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let other = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let attempt = begin(&bench, &pool, &client, "ann", PASSWORD).await.unwrap();
    assert_eq!(said(finish(&bench, &other, &attempt.answer).await), WRONG);
    finish(&bench, &client, &attempt.answer).await.unwrap();
    assert_eq!(said(finish(&bench, &client, &attempt.answer).await), WRONG);

    let late = begin(&bench, &pool, &client, "ann", PASSWORD).await.unwrap();
    bench.clock.advance(Duration::from_secs(181));
    assert_eq!(said(finish(&bench, &client, &late.answer).await), WRONG);
}

#[tokio::test]
async fn the_timestamp_is_read_and_checked() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let attempt = begin(&bench, &pool, &client, "ann", PASSWORD).await.unwrap();
    let mut answer = attempt.answer.clone();
    answer.insert("TIMESTAMP".to_owned(), "2026-11-22T00:00:00Z".to_owned());
    assert_eq!(
        said(finish(&bench, &client, &answer).await),
        "InvalidParameterException: TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
    );
    answer.insert("TIMESTAMP".to_owned(), "Thu Jan 1 00:00:00 UTC 2026".to_owned());
    assert_eq!(said(finish(&bench, &client, &answer).await), WRONG);
    // Neither used the block up.
    finish(&bench, &client, &attempt.answer).await.unwrap();
}

#[tokio::test]
async fn a_moved_clock_does_not_lock_out_browsers_with_the_real_time() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let real = bench.clock.now();
    bench.clock.advance(Duration::from_secs(90 * 86_400));
    let srp = Client::new(&[5; 32]);
    let parameters = [("USERNAME", "ann"), ("SRP_A", &srp.public_hex())];
    let step = bench.initiate(&client, "USER_SRP_AUTH", &parameters).await.unwrap();
    let challenge = step.challenge_parameters.unwrap();
    let short = pool.split_once('_').unwrap().1;
    let key = srp.key(short, "ann", PASSWORD, &challenge["SALT"], &challenge["SRP_B"]);
    let timestamp = srp_time(real);
    let secret_block = &from_base64(&challenge["SECRET_BLOCK"]).unwrap();
    let proof = Proof { pool: short, username: "ann", secret_block, timestamp: &timestamp };
    let answer = map(&[
        ("USERNAME", "ann"),
        ("PASSWORD_CLAIM_SECRET_BLOCK", &challenge["SECRET_BLOCK"]),
        ("PASSWORD_CLAIM_SIGNATURE", &base64(&proof.sign(&key))),
        ("TIMESTAMP", &timestamp),
    ]);
    finish(&bench, &client, &answer).await.unwrap();
}

#[tokio::test]
async fn an_alias_gets_the_username_to_compute_with() {
    let bench = Bench::new();
    let pool = bench.pool(|input| input.username_attributes = Some(vec!["email".to_owned()])).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let sub = bench.sign_up(&client, "ann@example.org", &[]).await.unwrap().user_sub.unwrap();
    bench.confirm(&client, "ann@example.org").await.unwrap();
    let attempt = begin(&bench, &pool, &client, "ann@example.org", PASSWORD).await.unwrap();
    assert_eq!(attempt.challenge["USER_ID_FOR_SRP"], sub);
    assert_eq!(attempt.challenge["USERNAME"], sub);
    let mut answer = attempt.answer;
    answer.insert("USERNAME".to_owned(), "ann@example.org".to_owned());
    finish(&bench, &client, &answer).await.unwrap();
    let attempt = begin(&bench, &pool, &client, &sub, PASSWORD).await.unwrap();
    let mut answer = attempt.answer;
    answer.insert("USERNAME".to_owned(), "bob@example.org".to_owned());
    assert_eq!(said(finish(&bench, &client, &answer).await), WRONG);
}

#[tokio::test]
async fn a_client_that_hides_who_exists_answers_the_same_for_everyone() {
    let bench = Bench::new();
    let pool = bench.pool(|input| input.username_attributes = Some(vec!["email".to_owned()])).await;
    let hide = |input: &mut users::CreateUserPoolClientRequest| {
        input.prevent_user_existence_errors = text("ENABLED");
    };
    let client = bench.client(&pool, hide).await.client_id.unwrap();
    let open = bench.client(&pool, |_| {}).await.client_id.unwrap();
    bench.sign_up(&client, "ann@example.org", &[]).await.unwrap();
    bench.confirm(&client, "ann@example.org").await.unwrap();

    let ann = begin(&bench, &pool, &client, "ann@example.org", "wrong").await.unwrap();
    let one = begin(&bench, &pool, &client, "nobody@example.org", "wrong").await.unwrap();
    let two = begin(&bench, &pool, &client, "nobody@example.org", "wrong").await.unwrap();
    let other = begin(&bench, &pool, &client, "no-one@example.org", "wrong").await.unwrap();
    for stable in ["SALT", "USER_ID_FOR_SRP"] {
        assert_eq!(one.challenge[stable], two.challenge[stable], "{stable}");
        assert_ne!(one.challenge[stable], other.challenge[stable], "{stable}");
    }
    assert_ne!(one.challenge["SRP_B"], two.challenge["SRP_B"]);
    let shape = |attempt: &Attempt| {
        let form: String =
            attempt.challenge["USER_ID_FOR_SRP"].chars().map(|c| if c == '-' { '-' } else { 'x' }).collect();
        (attempt.challenge.keys().cloned().collect::<Vec<_>>(), form)
    };
    assert_eq!(shape(&ann), shape(&one));
    assert_eq!(one.challenge["USER_ID_FOR_SRP"].as_bytes()[14], b'4');
    for attempt in [ann, one] {
        assert_eq!(said(finish(&bench, &client, &attempt.answer).await), WRONG);
    }
    let said_openly = begin(&bench, &pool, &open, "nobody@example.org", "wrong").await;
    assert_eq!(said(said_openly.map(|_| ())), "UserNotFoundException: User does not exist.");
}

#[tokio::test]
async fn a_public_value_that_lets_anybody_in_is_refused() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    for bad in ["0", "00", "zz"] {
        let refused = bench.initiate(&client, "USER_SRP_AUTH", &[("USERNAME", "ann"), ("SRP_A", bad)]).await;
        assert_eq!(said(refused), "InvalidParameterException: Invalid SRP_A value.");
    }
}

#[tokio::test]
async fn a_proof_of_the_old_password_fails_after_a_change() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let attempt = begin(&bench, &pool, &client, "ann", PASSWORD).await.unwrap();
    let input = users::AdminSetUserPasswordRequest {
        user_pool_id: text(&pool),
        username: text("ann"),
        password: text("An0ther!pw"),
        permanent: Some(true),
    };
    bench.idp::<op::AdminSetUserPassword>(input).await.unwrap();
    assert_eq!(said(finish(&bench, &client, &attempt.answer).await), WRONG);
    let attempt = begin(&bench, &pool, &client, "ann", "An0ther!pw").await.unwrap();
    finish(&bench, &client, &attempt.answer).await.unwrap();
}
