//! nephos-cognito
