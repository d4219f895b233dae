//! `pns schema generate`: bodies, one a line, as many as are asked for.

use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use pns_engine::Timestamp;
use pns_simulator::clock;
use pns_simulator::schema::Key;

use super::super::config::Config;
use super::super::events::{EventParser, Events};
use super::super::pack::PackArgs;
use super::super::run::new_seed;
use super::super::values::instant;
use super::super::{Failure, note};
use crate::exit::Exit;

/// Bodies are written in pieces of this size: a system call for each would cost more than the body.
const BUFFER_BYTES: usize = 1 << 16;

/// Print generated bodies, one a line
///
/// A body is made from its seed, its number and its time, and from nothing else: the same three give the same body.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these event types, in turn [default: all]
    #[arg(short, long = "type", value_name = "EVENT", value_parser = EventParser, hide_possible_values = true)]
    types: Vec<Events>,
    /// So many bodies [default: one of each type]
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
    /// Places everything that is drawn [default: a new one, printed]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED")]
    seed: Option<u64>,
    /// The number of the first body, to go on where an earlier command ended
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    first: u64,
    /// The time in the bodies [default: now]
    #[arg(long, value_name = "TIME", env = "PNS_EPOCH", value_parser = instant)]
    epoch: Option<Timestamp>,
    #[command(flatten)]
    pack: PackArgs,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let pack = args.pack.load(&config)?;
    let types = match Events::flatten(&args.types) {
        none if none.is_empty() => pack.event_types().iter().collect(),
        some => some,
    };
    let seed = args.seed.or(config.seed).unwrap_or_else(|| {
        let seed = new_seed();
        note(&format!("seed {seed}"));
        seed
    });
    let published = args.epoch.unwrap_or_else(clock::real_now);
    let numbers = args.first..args.first.saturating_add(args.count.unwrap_or(types.len() as u64));
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let mut body = Vec::new();
    for sequence in numbers {
        // By its number and not by its place in this output, so that `--first` goes on in the same order.
        let turn = usize::try_from(sequence % types.len() as u64).expect("below a length");
        body.clear();
        pack.generate(types[turn], Key { seed, sequence, published }, &mut body).map_err(|error| {
            Failure::usage(
                anyhow::Error::new(error).context(format!("cannot make a body of {}", types[turn])),
            )
        })?;
        body.push(b'\n');
        out.write_all(&body)?;
    }
    out.flush()?;
    Ok(Exit::Held)
}
