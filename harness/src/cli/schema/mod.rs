//! `pns schema`: the schema packs, bodies made from them, and bodies judged by them.

mod generate;
mod locate;
mod packs;
mod validate;

use super::Failure;
use crate::exit::Exit;

/// Schema packs: what a notification's body looks like
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell the packs that come with pns, and the 33 event types
    List(packs::ListArgs),
    /// Show a pack, or one of its files
    Show(packs::ShowArgs),
    /// Write the files of a pack to a folder
    Export(packs::ExportArgs),
    /// Print generated bodies, one a line
    Generate(generate::Args),
    /// Judge bodies by their schema
    Validate(validate::Args),
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => packs::list(args),
        Command::Show(args) => packs::show(args),
        Command::Export(args) => packs::export(args),
        Command::Generate(args) => generate::run(args),
        Command::Validate(args) => validate::run(args),
    }
}
