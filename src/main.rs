//! The `menagerie` binary: hands the command line to the library.

fn main() -> std::process::ExitCode {
    // The hidden verb by which the engine starts a worker; it must run before anything starts a thread.
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, option, data_dir] = words.as_slice()
        && verb == "worker"
        && option == "--data-dir"
        && let Err(error) = menagerie::worker::run(&menagerie::worker::Settings::new(data_dir))
    {
        eprintln!("menagerie worker: {error}");
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}
