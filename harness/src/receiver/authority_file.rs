//! The file with what a sender must trust, for `--cacert`: written for the user, and never over anything else.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// The first line of such a file. Readers of PEM pass over what stands before a certificate.
const MARK: &str =
    "# Written by `pns receiver`, which writes it anew at every start: trust it for trials only.";

/// Writes `pem` to `path`, if nothing is there or a file of an earlier start.
///
/// # Errors
/// When something else is there, or the file cannot be written.
pub(crate) fn write(path: &Path, pem: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if is_ours(path)? {
        options.truncate(true);
    } else {
        // Not `create`: a file that appeared in the meantime is somebody's, too.
        options.create_new(true);
    }
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file that `pns` did not write; name another",
        )),
        other => other?.write_all(format!("{MARK}\n{pem}").as_bytes()),
    }
}

/// Whether an earlier receiver wrote what is at `path`.
fn is_ours(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // Never through a link, and never into a device.
        Ok(metadata) if !metadata.is_file() => return Ok(false),
        other => other?,
    };
    let mut start = Vec::new();
    fs::File::open(path)?.take(MARK.len() as u64).read_to_end(&mut start)?;
    Ok(start == MARK.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_file_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        write(&path, "first, longer\n").unwrap();
        write(&path, "second\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{MARK}\nsecond\n"));

        for (name, content) in [("key.pem", "-----BEGIN PRIVATE KEY-----\n"), ("empty", "")] {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            assert_eq!(write(&path, "x").unwrap_err().kind(), io::ErrorKind::AlreadyExists, "{name}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert!(write(&folder.path().join("no/such/folder"), "x").is_err());
        assert!(write(folder.path(), "x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, link) = (folder.path().join("ours.pem"), folder.path().join("link.pem"));
        write(&ours, "first\n").unwrap();
        std::os::unix::fs::symlink(&ours, &link).unwrap();
        assert_eq!(write(&link, "x").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
