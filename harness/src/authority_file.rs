//! The file with what others must trust, for `--cacert`: written for the user, and never over anything else.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// What writes such a file at each start, over its own earlier one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    /// The command, as the user calls it, or the program where several commands write it.
    pub(crate) command: &'static str,
    /// By which the user names the file.
    pub(crate) flag: &'static str,
}

/// Of the pull API, whichever command has it beside itself.
pub(crate) const PULL: Writer = Writer { command: "pns", flag: "--pull-write-ca" };

impl Writer {
    /// The first line of such a file. Readers of PEM pass over what stands before a certificate.
    fn mark(self) -> String {
        let command = self.command;
        format!("# Written by `{command}`, which writes it anew at every start: trust it for trials only.")
    }

    /// Writes `pem` to `path`, if nothing is there or an earlier file of this command is.
    ///
    /// # Errors
    /// When something else is there, or the file cannot be written.
    pub(crate) fn write(self, path: &Path, pem: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true);
        if self.is_own(path)? {
            options.truncate(true);
        } else {
            // Not `create`: a file that appeared in the meantime is somebody's, too.
            options.create_new(true);
        }
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let Self { command, flag } = self;
                let why = format!("there is a file that `{command}` did not write; name another by {flag}");
                Err(io::Error::new(io::ErrorKind::AlreadyExists, why))
            }
            other => other?.write_all(format!("{}\n{pem}", self.mark()).as_bytes()),
        }
    }

    /// Whether this command wrote what is at `path`, earlier.
    fn is_own(self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            // Never through a link, and never into a device.
            Ok(metadata) if !metadata.is_file() => return Ok(false),
            other => other?,
        };
        let mark = self.mark();
        let mut start = Vec::new();
        fs::File::open(path)?.take(mark.len() as u64).read_to_end(&mut start)?;
        Ok(start == mark.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITER: Writer = Writer { command: "pns receiver", flag: "--write-ca" };

    fn write(path: &Path, pem: &str) -> io::Result<()> {
        WRITER.write(path, pem)
    }

    #[test]
    fn an_earlier_file_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        write(&path, "first, longer\n").unwrap();
        write(&path, "second\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\nsecond\n", WRITER.mark()));

        let other = Writer { command: "pns serve", ..WRITER };
        assert_eq!(other.write(&path, "x").unwrap_err().kind(), io::ErrorKind::AlreadyExists);

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
