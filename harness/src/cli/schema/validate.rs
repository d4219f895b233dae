//! `pns schema validate`: whether bodies fit their schema, and where they do not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use pns_simulator::schema::Pack;

use super::super::config::Config;
use super::super::pack::PackArgs;
use super::super::{Failure, print};
use super::locate::line_of;
use crate::exit::Exit;
use crate::report::style::{BOLD, GREEN, RED, paint};
use crate::report::text::printable;

/// A body that is larger than this is something else by mistake: notifications have a few hundred bytes.
const BODY_BYTES_MAX: u64 = 4 << 20;

/// What stands for standard input.
const STDIN: &str = "-";

/// Judge bodies by their schema
///
/// The event type in a body says which fields it must have.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 all bodies fit, 1 one does not, 2 a file cannot be read, 3 there was no body"
)]
pub(super) struct Args {
    /// Files with a JSON document each; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Files hold a body in each line, as `pns schema generate` prints them
    #[arg(short, long)]
    lines: bool,
    #[command(flatten)]
    pack: PackArgs,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let pack = args.pack.load(&config)?;
    let mut tally = Tally::default();
    for path in &args.files {
        let name = if path == Path::new(STDIN) { "(stdin)".to_owned() } else { path.display().to_string() };
        let cannot = |error: io::Error| {
            Failure::usage(anyhow::Error::new(error).context(format!("cannot read `{name}`")))
        };
        let mut reader = open(path).map_err(cannot)?;
        if args.lines {
            let mut line = Vec::new();
            for number in 1.. {
                if !next_line(&mut reader, &mut line).map_err(cannot)? {
                    break;
                }
                if !line.iter().all(u8::is_ascii_whitespace) {
                    tally.count(judge(&pack, &name, &line, Place::Line(number)))?;
                }
            }
        } else {
            let mut body = Vec::new();
            bounded(&mut reader).read_to_end(&mut body).and_then(|_| not_too_long(&body)).map_err(cannot)?;
            tally.count(judge(&pack, &name, &body, Place::Document))?;
        }
    }
    tally.finish()
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path == Path::new(STDIN) {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(BufReader::new(File::open(path)?)))
}

/// One byte beyond the limit shows that it is exceeded.
fn bounded(reader: &mut dyn BufRead) -> io::Take<&mut dyn BufRead> {
    reader.take(BODY_BYTES_MAX + 1)
}

fn not_too_long(bytes: &[u8]) -> io::Result<()> {
    if bytes.len() as u64 > BODY_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a body is longer than 4 MiB"));
    }
    Ok(())
}

/// Reads one line, without its end, into `line`; `false` at the end of the file.
fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = bounded(reader).read_until(b'\n', line)?;
    not_too_long(line)?;
    Ok(read > 0)
}

/// Where in its file a body stands.
#[derive(Clone, Copy)]
enum Place {
    /// It is the file.
    Document,
    /// In this line, from 1.
    Line(usize),
}

/// What is wrong with a body: nothing, or a line of text for each violation.
fn judge(pack: &Pack, file: &str, body: &[u8], place: Place) -> Vec<String> {
    let at = |line: usize| {
        let line = match place {
            Place::Document => line,
            Place::Line(number) => number,
        };
        paint(BOLD, &format!("{file}:{line}:"))
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        let hint = match place {
            Place::Document if error.to_string().starts_with("trailing characters") => {
                "; `--lines` takes a body in each line"
            }
            _ => "",
        };
        // The column counts within the body, and the line is said already.
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or_default();
        return vec![format!("{} not JSON: {words} at column {}{hint}", at(error.line()), error.column())];
    }
    let Err(violations) = pack.validate(body) else { return Vec::new() };
    let text = String::from_utf8_lossy(body);
    violations
        .iter()
        .map(|violation| {
            let line = line_of(&text, &violation.pointer);
            format!("{} {}", at(line), printable(&violation.to_string()))
        })
        .collect()
}

#[derive(Default)]
struct Tally {
    bodies: u64,
    invalid: u64,
}

impl Tally {
    fn count(&mut self, violations: Vec<String>) -> Result<(), Failure> {
        self.bodies += 1;
        self.invalid += u64::from(!violations.is_empty());
        violations.into_iter().try_for_each(|violation| print(&(violation + "\n")))
    }

    fn finish(&self) -> Result<Exit, Failure> {
        let bodies = match self.bodies {
            1 => "1 body".to_owned(),
            bodies => format!("{bodies} bodies"),
        };
        if self.bodies == 0 {
            return Err(Failure::inconclusive(anyhow::anyhow!("there is no body to judge")));
        }
        if self.invalid == 0 {
            print(&format!("{bodies}, {}\n", paint(GREEN, "all valid")))?;
            return Ok(Exit::Held);
        }
        print(&format!("{bodies}, {}\n", paint(RED, &format!("{} invalid", self.invalid))))?;
        Ok(Exit::Broken)
    }
}
