//! The `menagerie` binary: hands the command line to the library.

// The worker forks and the engine allocates in bursts; this allocator keeps both small.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    std::process::exit(menagerie::cli::main())
}
