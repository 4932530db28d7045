//! The wirecenter command.

use std::process::ExitCode;

/// The system's own allocator keeps what a burst of sign-ins needed (19 MiB a hash, in each thread's arena) for good; this one
/// gives it back, and a page is rendered a little quicker.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::main()
}
