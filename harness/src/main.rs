//! `pns`: runs scenarios against any receiver of PNS notifications and judges it.

use std::process::ExitCode;

fn main() -> ExitCode {
    pns_harness::cli::main()
}
