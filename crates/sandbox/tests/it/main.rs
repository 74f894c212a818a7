//! Real environments, made by a real helper.
