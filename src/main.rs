//! The `wordmill` command: hands its arguments to [`wordmill::cli`] and exits with the code that comes back.

fn main() -> std::process::ExitCode {
    wordmill::cli::main()
}
