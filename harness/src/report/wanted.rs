//! What `--report` asks for.

use std::path::PathBuf;
use std::str::FromStr;

/// One report beside the one for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A file, written at the end.
    File(FileReport),
    /// Annotations on standard output, and the job's step summary: `github`.
    GithubActions,
    /// Not that, although GitHub Actions runs this: `no-github`.
    NoGithubActions,
}

/// A report to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Its format.
    pub format: FileFormat,
    /// Its file; for [`FileFormat::Html`] also a folder that is there, or a path with a slash at its end.
    pub path: PathBuf,
}

/// The formats that go to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// `pns-report/1`.
    Json,
    /// JUnit XML.
    Junit,
    /// TAP 14.
    Tap,
    /// One page, without scripts and without anything from elsewhere.
    Html,
    /// The Markdown of GitHub's step summary.
    Github,
}

/// A text that asks for no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// No `=`.
    #[error("expected `FORMAT=FILE` or `github`, found `{0}`")]
    Shape(String),
    /// An unknown format.
    #[error("no report format `{0}`: expected {expected}", expected = FileFormat::NAMES)]
    Format(String),
    /// No file.
    #[error("no file for the `{0}` report")]
    NoFile(String),
}

impl FileFormat {
    const NAMES: &'static str = "`html`, `junit`, `json`, `tap` or `github`";

    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "json" => Self::Json,
            "junit" => Self::Junit,
            "tap" => Self::Tap,
            "html" => Self::Html,
            "github" => Self::Github,
            _ => return None,
        })
    }
}

impl FromStr for Wanted {
    type Err = WantedError;

    fn from_str(text: &str) -> Result<Self, WantedError> {
        match text {
            "github" => return Ok(Self::GithubActions),
            "no-github" => return Ok(Self::NoGithubActions),
            _ => {}
        }
        let (name, path) = text.split_once('=').ok_or_else(|| match FileFormat::of(text) {
            Some(_) => WantedError::NoFile(text.to_owned()),
            None => WantedError::Shape(text.to_owned()),
        })?;
        let format = FileFormat::of(name).ok_or_else(|| WantedError::Format(name.to_owned()))?;
        if path.is_empty() {
            return Err(WantedError::NoFile(name.to_owned()));
        }
        Ok(Self::File(FileReport { format, path: PathBuf::from(path) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_arguments_are_read() {
        let wanted = |text: &str| text.parse::<Wanted>();
        let file = |format, path| Ok(Wanted::File(FileReport { format, path: PathBuf::from(path) }));
        assert_eq!(wanted("junit=a=b.xml"), file(FileFormat::Junit, "a=b.xml"));
        assert_eq!(wanted("html=out/"), file(FileFormat::Html, "out/"));
        assert_eq!(wanted("github=summary.md"), file(FileFormat::Github, "summary.md"));
        assert_eq!(wanted("github"), Ok(Wanted::GithubActions));
        assert_eq!(wanted("no-github"), Ok(Wanted::NoGithubActions));
        assert_eq!(wanted("junit"), Err(WantedError::NoFile("junit".to_owned())));
        assert_eq!(wanted("a.xml"), Err(WantedError::Shape("a.xml".to_owned())));
        assert_eq!(wanted("xml=a"), Err(WantedError::Format("xml".to_owned())));
        assert_eq!(wanted("json="), Err(WantedError::NoFile("json".to_owned())));
    }
}
