//! The helper process alone: the part of the `nephos` binary that builds isolated environments.

fn main() {
    nephos_sandbox::run_if_helper();
    std::process::exit(2);
}
