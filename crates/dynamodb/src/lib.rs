//! nephos-dynamodb
