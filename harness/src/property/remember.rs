//! Which properties failed last time, for `--last-failed`: a small file in the working directory.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where it is kept, below the working directory.
const FOLDER: &str = ".pns";
const FILE: &str = "last-failed.json";
/// A file beyond it is another file by mistake.
const BYTES_MAX: u64 = 1 << 20;

/// What the last run left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remembered {
    /// The ids of the properties that were broken.
    pub failed: Vec<String>,
}

impl Remembered {
    /// Writes it below `folder`. A run that broke nothing leaves nothing behind where there was nothing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let folder = folder.join(FOLDER);
        if self.failed.is_empty() && !folder.join(FILE).exists() {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        fs::write(folder.join(FILE), text + "\n")
    }
}

/// What the last run below `folder` left behind; nothing where there was none.
///
/// # Errors
/// When there is such a file and it cannot be read.
pub(crate) fn last_failed(folder: &Path) -> io::Result<Remembered> {
    let path = folder.join(FOLDER).join(FILE);
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Remembered::default()),
        Err(error) => return Err(error),
        Ok(metadata) if metadata.len() > BYTES_MAX => {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than a megabyte"));
        }
        Ok(_) => {}
    }
    serde_json::from_str(&fs::read_to_string(path)?).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_remembered_until_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = Remembered::default();
        nothing.write(folder.path()).unwrap();
        assert!(!folder.path().join(FOLDER).exists());
        let some = Remembered { failed: vec!["http/chunked".to_owned()] };
        some.write(folder.path()).unwrap();
        assert_eq!(last_failed(folder.path()).unwrap(), some);
        nothing.write(folder.path()).unwrap();
        assert_eq!(last_failed(folder.path()).unwrap(), nothing);
    }
}
