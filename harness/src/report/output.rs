//! A report's file: checked before the run, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is replaced in one step by its finished content.
#[derive(Debug)]
pub(crate) struct OutputFile {
    path: PathBuf,
    /// Beside `path`, so that the rename stays on one file system. `None` for devices and pipes, which are
    /// written in place.
    draft: Option<Draft>,
}

#[derive(Debug)]
struct Draft {
    path: PathBuf,
    file: File,
}

impl OutputFile {
    /// Opens what is needed now, so that a long run does not end with a report that has nowhere to go.
    pub(crate) fn prepare(path: &Path) -> io::Result<Self> {
        let draft = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(metadata) if !metadata.is_file() => None,
            Ok(metadata) if metadata.permissions().readonly() => {
                return Err(io::Error::from(io::ErrorKind::PermissionDenied));
            }
            _ => Some(Draft::beside(path)?),
        };
        Ok(Self { path: path.to_owned(), draft })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        let Some(mut draft) = self.draft.take() else {
            return fs::OpenOptions::new().write(true).open(&self.path)?.write_all(content);
        };
        let written = draft.file.write_all(content).and_then(|()| fs::rename(&draft.path, &self.path));
        if written.is_err() {
            // The first error is the one to tell; a draft that stays behind is the lesser evil.
            let _ = fs::remove_file(&draft.path);
        }
        written
    }
}

/// The page that a report to a folder is written to: `index.html` in a folder that is there, or in one that a
/// slash at the end asks for.
pub(crate) fn page_in(path: &Path) -> io::Result<PathBuf> {
    let asks_for_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if asks_for_folder {
        fs::create_dir_all(path)?;
    }
    Ok(if asks_for_folder || path.is_dir() { path.join("index.html") } else { path.to_owned() })
}

impl Draft {
    fn beside(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}.tmp", std::process::id()));
        let path = path.with_file_name(draft);
        let file = File::create(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            // Nothing to tell anybody: the run ended without this report.
            let _ = fs::remove_file(&draft.path);
        }
    }
}
