//! Developer tasks: codegen, tidy, test, bench.
fn main() {}
