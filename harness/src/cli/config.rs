//! `pns.toml`: the flags of a project, written down. Keys are the long names of the flags.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Failure, did_you_mean};

/// The file that is read from the working directory when none is named.
const DEFAULT: &str = "pns.toml";
/// A settings file of a megabyte is another file by mistake.
const BYTES_MAX: u64 = 1 << 20;

/// What `pns.toml` says. Values stay as they are written; they are read as those of flags are.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Config {
    pub(super) target: Option<String>,
    pub(super) api_key_file: Option<PathBuf>,
    pub(super) cacert: Option<PathBuf>,
    pub(super) insecure: Option<bool>,
    pub(super) allow_http: Option<bool>,
    pub(super) http2: Option<bool>,
    pub(super) resolve: Vec<String>,
    pub(super) header: Vec<String>,
    pub(super) connect_timeout: Option<String>,
    pub(super) ack_timeout: Option<String>,
    pub(super) probe: Option<String>,
    pub(super) probe_command: Option<String>,
    pub(super) probe_count: Option<String>,
    pub(super) probe_type: Option<String>,
    pub(super) probe_within: Option<String>,
    pub(super) pull_listen: Option<String>,
    pub(super) pull_api_key_file: Option<PathBuf>,
    pub(super) pull_tls_cert: Option<PathBuf>,
    pub(super) pull_tls_key: Option<PathBuf>,
    pub(super) pull_name: Vec<String>,
    pub(super) pull_write_ca: Option<PathBuf>,
    pub(super) clock: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) epoch: Option<String>,
    pub(super) schema_pack: Option<PathBuf>,
    pub(super) jobs: Option<std::num::NonZeroUsize>,
    pub(super) paths: Vec<PathBuf>,
    pub(super) tag: Vec<String>,
    pub(super) skip_tag: Vec<String>,
    pub(super) name: Vec<String>,
    pub(super) report: Vec<String>,
    pub(super) max_failures: Option<std::num::NonZeroU64>,
    pub(super) wait_for_target: Option<String>,
    pub(super) variable: BTreeMap<String, String>,
    pub(super) check: Vec<String>,
    pub(super) skip: Vec<String>,
    pub(super) allow_host: Vec<String>,
    pub(super) max_examples: Option<std::num::NonZeroU32>,
    pub(super) max_time: Option<String>,
    pub(super) fail_on: Option<String>,
    /// Properties that are expected to fail, and why.
    pub(super) except: BTreeMap<String, String>,
    pub(super) save_failures: Option<PathBuf>,
    /// The flags of `pns load` that are its own.
    pub(super) load: LoadConfig,
    /// The flags of `pns serve` that are its own.
    pub(super) serve: ServeConfig,
    /// What was read, for what is checked with its places.
    #[serde(skip)]
    pub(super) source: Option<Source>,
}

/// A settings file as it was read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The table `[serve]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct ServeConfig {
    pub(super) listen: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) host: Vec<String>,
    pub(super) data: Option<PathBuf>,
    pub(super) ephemeral: Option<bool>,
    pub(super) durability: Option<String>,
    pub(super) keep_for: Option<String>,
    pub(super) keep_bytes: Option<String>,
    pub(super) pending_max: Option<std::num::NonZeroUsize>,
    pub(super) clock: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) schema_pack: Vec<PathBuf>,
    pub(super) grace: Option<String>,
    /// Read by `pns serve` itself, with their places.
    pub(super) subscription: Option<toml::Value>,
    /// With it the pull API is on.
    pub(super) pull: Option<PullConfig>,
    pub(super) world: WorldConfig,
}

/// The table `[serve.pull]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct PullConfig {
    pub(super) listen: Option<String>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) name: Vec<String>,
    pub(super) write_ca: Option<PathBuf>,
    pub(super) token_lifetime: Option<String>,
    pub(super) turn_down_status: Option<u16>,
    /// Paths by the words for their calls.
    pub(super) path: BTreeMap<String, String>,
    pub(super) key: Vec<KeyConfig>,
    pub(super) client: Vec<ClientConfig>,
}

/// A key that callers of the pull API show: never itself, but the file that it stands in. It opens everything that is not
/// narrowed, so nothing that is misspelt may be passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct KeyConfig {
    pub(super) name: String,
    pub(super) key_file: Option<PathBuf>,
    /// Known, so that it is refused without being shown.
    pub(super) key: Option<IgnoredAny>,
    pub(super) apis: Option<Vec<String>>,
    pub(super) suppliers: Option<Vec<String>>,
    pub(super) cvb: Option<bool>,
}

/// An OAuth client of the pull API; as a key otherwise.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ClientConfig {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) secret_file: Option<PathBuf>,
    /// Known, so that it is refused without being shown.
    pub(super) secret: Option<IgnoredAny>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) apis: Option<Vec<String>>,
    pub(super) suppliers: Option<Vec<String>>,
    pub(super) cvb: Option<bool>,
}

/// The table `[serve.world]`: what of the world behind push and pull is a matter of choice.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct WorldConfig {
    pub(super) forwardable: Option<String>,
    pub(super) consent: Option<String>,
    pub(super) metropolitan_areas: Option<std::num::NonZeroU32>,
    pub(super) supplier_dates: Option<String>,
}

/// The table `[load]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct LoadConfig {
    pub(super) rate: Option<String>,
    pub(super) duration: Option<String>,
    pub(super) shape: Option<String>,
    pub(super) mix: Option<String>,
    pub(super) redeliver: Option<String>,
    pub(super) connections: Option<std::num::NonZeroUsize>,
    pub(super) keepalive: Option<bool>,
    pub(super) tls_resumption: Option<bool>,
    pub(super) accept: Option<String>,
    pub(super) p50: Option<String>,
    pub(super) p99: Option<String>,
    pub(super) max: Option<String>,
    pub(super) min_rate: Option<String>,
    pub(super) baseline: Vec<PathBuf>,
    pub(super) fail_on: Vec<String>,
    pub(super) report: Vec<String>,
}

const KEYS: [&str; 44] = [
    "target",
    "api-key-file",
    "cacert",
    "insecure",
    "allow-http",
    "http2",
    "resolve",
    "header",
    "connect-timeout",
    "ack-timeout",
    "probe",
    "probe-command",
    "probe-count",
    "probe-type",
    "probe-within",
    "pull-listen",
    "pull-api-key-file",
    "pull-tls-cert",
    "pull-tls-key",
    "pull-name",
    "pull-write-ca",
    "clock",
    "seed",
    "epoch",
    "schema-pack",
    "jobs",
    "paths",
    "tag",
    "skip-tag",
    "name",
    "report",
    "max-failures",
    "wait-for-target",
    "variable",
    "check",
    "skip",
    "allow-host",
    "max-examples",
    "max-time",
    "fail-on",
    "except",
    "save-failures",
    "load",
    "serve",
];

impl Config {
    /// Reads `named`, or `pns.toml` in the working directory if there is one. Paths in it are relative to it.
    pub(super) fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let path = named.unwrap_or(Path::new(DEFAULT));
        let text = match read(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                let context = format!("cannot read the settings file `{}`", path.display());
                return Err(Failure::usage(anyhow::Error::new(error).context(context)));
            }
        };
        let mut config = Self::parse(path, &text)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let files = [
            &mut config.api_key_file,
            &mut config.cacert,
            &mut config.schema_pack,
            &mut config.save_failures,
            &mut config.pull_api_key_file,
            &mut config.pull_tls_cert,
            &mut config.pull_tls_key,
            &mut config.pull_write_ca,
        ];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
        for file in
            config.paths.iter_mut().chain(&mut config.load.baseline).chain(&mut config.serve.schema_pack)
        {
            *file = folder.join(&*file);
        }
        let serve = &mut config.serve;
        for file in [&mut serve.token_file, &mut serve.tls_cert, &mut serve.tls_key, &mut serve.data] {
            *file = file.take().map(|file| folder.join(file));
        }
        if let Some(pull) = &mut serve.pull {
            for file in [&mut pull.tls_cert, &mut pull.tls_key, &mut pull.write_ca].into_iter().flatten() {
                *file = folder.join(&*file);
            }
            let keys = pull.key.iter_mut().filter_map(|key| key.key_file.as_mut());
            let secrets = pull.client.iter_mut().filter_map(|client| client.secret_file.as_mut());
            for file in keys.chain(secrets) {
                *file = folder.join(&*file);
            }
        }
        config.source = Some(Source { path: path.to_owned(), text });
        Ok(config)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let invalid = |error: toml::de::Error| {
            Failure::usage(anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim_end()))
        };
        let table = toml::de::DeTable::parse(text).map_err(invalid)?;
        let unknown = table.get_ref().keys().find(|key| !KEYS.contains(&&**key.get_ref()));
        if let Some(key) = unknown {
            let line = text[..key.span().start].matches('\n').count() + 1;
            let key = key.get_ref();
            let failure =
                Failure::usage(anyhow::anyhow!("{}:{line}: unknown setting `{key}`", path.display()));
            return Err(match &**key {
                "api-key" => failure.help("keep keys out of settings files: `api-key-file`, or PNS_API_KEY"),
                _ => match did_you_mean(key, KEYS) {
                    Some(known) => failure.help(format!("did you mean `{known}`?")),
                    None => failure.help(format!("known settings: {}", KEYS.join(", "))),
                },
            });
        }
        toml::from_str(text).map_err(invalid)
    }
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than a megabyte"));
    }
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Failure> {
        Config::parse(Path::new("pns.toml"), text)
    }

    #[test]
    fn every_known_key_is_a_setting() {
        // A key that `Config` does not know would pass the first check and be ignored by the second.
        let text = "target='https://h'\napi-key-file='k'\ncacert='c'\ninsecure=true\nallow-http=true\nhttp2=true\n\
                    resolve=['a']\nheader=['a']\nconnect-timeout='1s'\nack-timeout='1s'\nprobe='p'\n\
                    clock='real'\nseed=1\nepoch='e'\nschema-pack='s'\njobs=2\npaths=['p']\ntag=['t']\n\
                    skip-tag=['t']\nname=['n']\nreport=['r']\nmax-failures=1\nwait-for-target='1s'\n\
                    variable={a='b'}\nprobe-command='c'\nprobe-count='c'\nprobe-type='t'\nprobe-within='1s'\n\
                    check=['c']\nskip=['s']\nallow-host=['h']\nmax-examples=1\nmax-time='1s'\nfail-on='must'\n\
                    except={a='b'}\nsave-failures='d'\npull-listen='l'\npull-api-key-file='k'\n\
                    pull-tls-cert='c'\npull-tls-key='k'\npull-name=['n']\npull-write-ca='c'\n\
                    load={rate='1',duration='1s',shape='s',mix='m',redeliver='1%',connections=1,keepalive=true,\
                    tls-resumption=true,accept='1%',p50='1s',p99='1s',max='1s',min-rate='1',baseline=['b'],\
                    fail-on=['f'],report=['r']}\n\
                    serve={listen='l',token-file='t',tls-cert='c',tls-key='k',host=['h'],data='d',ephemeral=true,\
                    durability='process',keep-for='1d',keep-bytes='1GiB',pending-max=1,clock='real',seed=1,\
                    schema-pack=['s'],grace='1s',subscription=[{}],\
                    pull={listen='l',tls-cert='c',tls-key='k',name=['n'],write-ca='w',token-lifetime='1h',\
                    turn-down-status=400,path={rfp='/'},key=[{name='n',key-file='f',key=1,apis=['a'],suppliers=['s'],\
                    cvb=true}],client=[{id='i',name='n',secret-file='f',secret=1,scopes=['s'],apis=['a'],suppliers=['s'],\
                    cvb=true}]},world={forwardable='1%',consent='1%',metropolitan-areas=1,supplier-dates='1%'}}\n";
        let mut config = parse(text).unwrap();
        config.source = Some(Source { path: PathBuf::from("p"), text: "t".to_owned() });
        let shown = format!("{config:?}");
        assert_eq!(text.lines().count(), KEYS.len());
        assert!(!shown.contains("None") && !shown.contains("[]") && !shown.contains(": {}"), "{shown}");
    }

    #[test]
    fn an_unknown_key_is_told_with_its_line_and_a_likely_one() {
        let failure = parse("seed = 1\n\ntagret = 'x'\n").unwrap_err();
        assert_eq!(failure.text(), "pns.toml:3: unknown setting `tagret`");
        assert_eq!(failure.help.as_deref(), Some("did you mean `target`?"));
        assert_eq!(failure.exit.code(), 2);
    }

    #[test]
    fn a_key_does_not_belong_into_the_file() {
        assert!(parse("api-key = 's3cret'").unwrap_err().help.unwrap().contains("api-key-file"));
    }

    #[test]
    fn an_unknown_key_of_a_load_run_is_told() {
        let text = parse("[load]\nrat = '5/s'").unwrap_err().text();
        assert!(text.contains("line 2") && text.contains("`rat`"), "{text}");
    }

    #[test]
    fn a_wrong_type_is_told_with_its_place() {
        let text = parse("jobs = 'many'").unwrap_err().text();
        assert!(text.contains("line 1"), "{text}");
    }
}
