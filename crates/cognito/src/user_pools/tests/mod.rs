//! The operations of `cognito-idp`, called as every caller calls them: validated, authorised, over a store.

mod accounts;
mod admin;
mod attributes;
mod codes;
mod durable;
mod groups;
mod guessing;
mod passwords;
mod pools;
mod sign_in;
mod srp;
mod tokens;
