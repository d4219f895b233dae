//! `pns schema list`, `show` and `export`.

use std::fs;
use std::path::{Path, PathBuf};

use pns_engine::{AdditionalField, Category, EventType};
use pns_simulator::schema::{Mark, Pack, Roles};

use super::super::config::Config;
use super::super::pack::PackArgs;
use super::super::{Failure, did_you_mean, print};
use crate::exit::Exit;
use crate::report::style::{BOLD, paint};
use crate::report::text::{count, table};

/// Tell the packs that come with pns, and the 33 event types
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only the names of the event types, one a line
    #[arg(long)]
    types: bool,
}

pub(super) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let text = if args.types {
        EventType::ALL.into_iter().map(|event_type| format!("{event_type}\n")).collect()
    } else {
        overview()
    };
    print(&text)?;
    Ok(Exit::Held)
}

fn overview() -> String {
    let packs = Pack::BUILTIN.into_iter().filter_map(Pack::builtin);
    let packs: Vec<_> = packs.map(|pack| vec![pack.name().to_owned(), pack.title().to_owned()]).collect();
    let types: Vec<_> = EventType::ALL
        .into_iter()
        .map(|event_type| {
            let category = match event_type.category() {
                Category::Rfp => "RFP",
                Category::Venue => "VENUE",
            };
            let fields: Vec<&str> = event_type.additional_fields().iter().copied().map(field).collect();
            let number = format!("{:>2}", event_type.index() + 1);
            vec![number, event_type.wire_name().to_owned(), category.to_owned(), fields.join(", ")]
        })
        .collect();
    let mut text = section("Schema packs", &packs);
    text.push_str(&section("Event types and their additional fields, as on Cvent’s page", &types));
    text.push_str("`pns schema show --pack NAME` tells how sure each field of a pack is.\n");
    text
}

/// The name on Cvent's page.
fn field(field: AdditionalField) -> &'static str {
    match field {
        AdditionalField::Supplier => "supplierId",
        AdditionalField::ForwarderInfo => "forwarderInfo",
        AdditionalField::Reason => "reason",
        AdditionalField::AttachmentIds => "attachmentIds[]",
        AdditionalField::MessageDetails => "messageDetails",
        AdditionalField::Venue => "the venue, and whether it is active",
    }
}

/// Show a pack, or one of its files
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// A file of the pack, as PNS/publicRfpEvent.json [default: what the pack is made of]
    file: Option<String>,
    #[command(flatten)]
    pack: PackArgs,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let pack = args.pack.load(&Config::load(args.config.as_deref())?)?;
    match &args.file {
        None => print(&description(&pack))?,
        Some(name) => {
            let text = file(&pack, name)?;
            print(text)?;
            if !text.ends_with('\n') {
                print("\n")?;
            }
        }
    }
    Ok(Exit::Held)
}

/// The text of a file, by its path or by its name alone.
fn file<'p>(pack: &'p Pack, name: &str) -> Result<&'p str, Failure> {
    let is_meant = |path: &str| path == name || path.rsplit('/').next() == Some(name);
    if let Some((_, text)) = pack.files().find(|(path, _)| is_meant(path)) {
        return Ok(text);
    }
    let failure = Failure::usage(anyhow::anyhow!("the pack `{}` has no file `{name}`", pack.name()));
    let paths = || pack.files().map(|(path, _)| path);
    Err(match did_you_mean(name, paths()) {
        Some(likely) => failure.help(format!("did you mean `{likely}`?")),
        None => failure.help(format!("it has {}", paths().collect::<Vec<_>>().join(", "))),
    })
}

fn description(pack: &Pack) -> String {
    let mut text = paint(BOLD, pack.name());
    if !pack.title().is_empty() {
        text.push_str(&format!(": {}", pack.title()));
    }
    text.push_str("\n\n");
    let files: Vec<_> = pack
        .files()
        .map(|(path, content)| {
            let note = if path == pack.root() { "describes a body" } else { "" };
            vec![path.to_owned(), count(content.len() as u64, "byte"), note.to_owned()]
        })
        .collect();
    text.push_str(&section("Files", &files));
    text.push_str(&section("Where a body tells what", &roles(pack.roles())));
    if !pack.marks().is_empty() {
        let row = |mark: &Mark| vec![mark.field.clone(), sureness(&mark.name), sureness(&mark.content)];
        let mut rows = vec![["field", "its name", "what it holds"].map(str::to_owned).to_vec()];
        rows.extend(pack.marks().iter().map(row));
        text.push_str(&section("How sure each field is", &rows));
    }
    let types = pack.event_types();
    let missing: Vec<_> =
        EventType::ALL.into_iter().filter(|event_type| !types.contains(*event_type)).collect();
    if missing.is_empty() {
        text.push_str("It has bodies for all 33 event types.\n");
    } else {
        let names: Vec<&str> = missing.iter().map(|event_type| event_type.wire_name()).collect();
        text.push_str(&format!("It has no bodies for {}.\n", names.join(", ")));
    }
    text
}

fn roles(roles: &Roles) -> Vec<Vec<String>> {
    let all = [
        ("event type", Some(&roles.event_type)),
        ("id of the notification", roles.event_id.as_ref()),
        ("time", roles.published_at.as_ref()),
        ("request for proposal", roles.rfp_id.as_ref()),
        ("supplier", roles.supplier_id.as_ref()),
        ("reason", roles.reason.as_ref()),
    ];
    let row = |(name, pointer): (&str, Option<&String>)| {
        vec![name.to_owned(), pointer.map_or("nowhere", String::as_str).to_owned()]
    };
    all.into_iter().map(row).collect()
}

fn sureness(mark: &str) -> String {
    match mark {
        "D" => "documented by Cvent",
        "I" => "inferred",
        "U" => "unknown, chosen here",
        other => other,
    }
    .to_owned()
}

fn section(heading: &str, rows: &[Vec<String>]) -> String {
    let lines = table(rows).into_iter().map(|line| format!("  {line}\n"));
    format!("{heading}:\n{}\n", lines.collect::<String>())
}

/// Write the files of a pack to a folder
///
/// Nothing is overwritten that differs.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The folder; it is made where there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    pack: PackArgs,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let pack = args.pack.load(&Config::load(args.config.as_deref())?)?;
    // First a look at all, so that a refusal leaves nothing half written.
    for (name, text) in pack.files() {
        let path = args.folder.join(name);
        match fs::read(&path) {
            Ok(there) if there != text.as_bytes() => {
                let error = anyhow::anyhow!("`{}` is there already, and differs", path.display());
                return Err(Failure::usage(error).help("export to a new folder, and compare"));
            }
            Ok(_) | Err(_) => {}
        }
    }
    for (name, text) in pack.files() {
        let path = args.folder.join(name);
        write(&path, text).map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context(format!("cannot write `{}`", path.display())))
        })?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(Exit::Held)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
