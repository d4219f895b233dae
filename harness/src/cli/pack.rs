//! Which schema pack.

use std::path::PathBuf;
use std::sync::Arc;

use pns_simulator::schema::Pack;

use super::config::Config;
use super::{Failure, did_you_mean};

/// Which schema pack.
#[derive(Debug, clap::Args)]
pub(super) struct PackArgs {
    /// A schema pack that comes with pns: cvent-2016-11 or cvent-2015 [default: cvent-2016-11]
    #[arg(long, value_name = "NAME", env = "PNS_PACK", conflicts_with = "schema_pack")]
    pack: Option<String>,
    /// A folder with your own schema pack, for instance from Cvent's download
    #[arg(long, value_name = "DIR", env = "PNS_SCHEMA_PACK")]
    schema_pack: Option<PathBuf>,
}

impl PackArgs {
    /// The pack that is asked for, compiled.
    pub(super) fn load(&self, config: &Config) -> Result<Arc<Pack>, Failure> {
        let folder = match &self.pack {
            Some(_) => None,
            None => self.schema_pack.as_ref().or(config.schema_pack.as_ref()),
        };
        match folder {
            Some(folder) => Pack::load(folder).map(Arc::new).map_err(|error| {
                let context = format!("cannot use the schema pack in `{}`", folder.display());
                Failure::usage(anyhow::Error::new(error).context(context))
            }),
            None => built_in(self.pack.as_deref().unwrap_or(Pack::BUILTIN[0])),
        }
    }
}

fn built_in(name: &str) -> Result<Arc<Pack>, Failure> {
    Pack::builtin(name).ok_or_else(|| {
        let failure = Failure::usage(anyhow::anyhow!("no schema pack `{name}` comes with pns"));
        match did_you_mean(name, Pack::BUILTIN) {
            Some(likely) => failure.help(format!("did you mean `{likely}`?")),
            None => {
                let known = Pack::BUILTIN.join("`, `");
                failure.help(format!("there are `{known}`; a folder is named by --schema-pack"))
            }
        }
    })
}
