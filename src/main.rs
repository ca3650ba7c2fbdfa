//! Arguments → app; errors → exit codes: 0 left in good order, 1 runtime failure, 2 wrong usage.

use std::process::ExitCode;

use collab_edit::{app, cli};

fn main() -> ExitCode {
    match cli::parse() {
        Ok(cli::Request::Edit(config)) => app::start(*config),
        Ok(cli::Request::Print(text)) => cli::print(&text),
        Err(error) => cli::report(&error),
    }
}
