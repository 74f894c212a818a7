//! Guessing passwords: locks that double, for users and for names that are nobody's.

use std::time::Duration;

use crate::testing::{Bench, said, text};

const WRONG: &str = "NotAuthorizedException: Incorrect username or password.";
const LOCKED: &str = "NotAuthorizedException: Password attempts exceeded";

#[tokio::test]
async fn five_failures_lock_for_a_time_that_doubles() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    for _ in 0..5 {
        assert_eq!(said(bench.password(&client, "ann", "wrong").await), WRONG);
    }
    assert_eq!(said(bench.tokens(&client, "ann").await), LOCKED);
    bench.clock.advance(Duration::from_millis(1100));
    assert_eq!(said(bench.password(&client, "ann", "wrong").await), WRONG);
    bench.clock.advance(Duration::from_millis(1100));
    assert_eq!(said(bench.tokens(&client, "ann").await), LOCKED);
    bench.clock.advance(Duration::from_millis(1000));
    bench.tokens(&client, "ann").await.unwrap();
    // Success forgets.
    for _ in 0..4 {
        assert_eq!(said(bench.password(&client, "ann", "wrong").await), WRONG);
    }
    bench.tokens(&client, "ann").await.unwrap();
}

#[tokio::test]
async fn guesses_sent_at_once_count_one_by_one() {
    let bench = std::sync::Arc::new(Bench::new());
    let (_, client) = bench.with_user("ann").await;
    let guesses = (0..12).map(|_| {
        let (bench, client) = (std::sync::Arc::clone(&bench), client.clone());
        tokio::spawn(async move { said(bench.password(&client, "ann", "wrong").await) })
    });
    let mut wrong = 0;
    for guess in guesses.collect::<Vec<_>>() {
        wrong += usize::from(guess.await.unwrap() == WRONG);
    }
    assert_eq!(wrong, 5);
}

#[tokio::test]
async fn a_name_that_is_nobodys_locks_the_same() {
    let bench = Bench::new();
    let (pool, open) = bench.with_user("ann").await;
    let hide = |input: &mut crate::user_pools::shapes::CreateUserPoolClientRequest| {
        input.prevent_user_existence_errors = text("ENABLED");
    };
    let client = bench.client(&pool, hide).await.client_id.unwrap();
    for name in ["ann", "nobody"] {
        for _ in 0..5 {
            assert_eq!(said(bench.password(&client, name, "wrong").await), WRONG, "{name}");
        }
        assert_eq!(said(bench.password(&client, name, "wrong").await), LOCKED, "{name}");
    }
    assert_eq!(
        said(bench.password(&open, "nobody", "wrong").await),
        "UserNotFoundException: User does not exist."
    );
}

#[tokio::test]
async fn counts_end_by_themselves() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    let before = bench.stored().len();
    for _ in 0..3 {
        assert_eq!(said(bench.password(&client, "ann", "wrong").await), WRONG);
    }
    assert!(bench.stored().len() > before);
    bench.clock.advance(Duration::from_secs(3 * 86_400));
    bench.cognito.sweep(bench.clock.now()).await.unwrap();
    assert!(bench.stored().len() <= before);
}
