//! The `menagerie` binary: hands the command line to the library.

fn main() {
    std::process::exit(menagerie::cli::main())
}
