//! The folder of a demo: databases, logs, mails.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::DemoError;
use crate::clock::Ids;

/// Where databases and logs lie.
pub struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

/// How the files of the native shop begin.
pub const NATIVE: &str = "till";
/// How those of the shop at Elastic Path begin.
pub const PLATFORM: &str = "elastic-path";
/// Where the mails to shoppers lie.
pub const MAILS: &str = "mails";

impl Folder {
    /// The folder that was asked for, or one that is removed at the end.
    pub fn make(asked: Option<PathBuf>) -> Result<Self, DemoError> {
        let is_temporary = asked.is_none();
        let unique = || std::env::temp_dir().join(format!("till-demo-{}", Ids::system().next()));
        let path = asked.unwrap_or_else(unique);
        let failed = || DemoError::io(format!("the folder {} cannot be used", path.display()));
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        if is_temporary {
            // Everybody may look into the system's folder for such things.
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        }
        builder.create(&path).map_err(failed())?;
        let whole = fs::canonicalize(&path).map_err(failed())?;
        Ok(Self { path: whole, is_temporary })
    }

    /// Its whole path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what an earlier demo left, and nothing else.
    pub fn empty(&self) -> Result<(), DemoError> {
        for name in [NATIVE, PLATFORM] {
            for end in ["db", "db-wal", "db-shm", "log"] {
                let file = format!("{name}.{end}");
                match fs::remove_file(self.path.join(&file)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(DemoError::io(format!("{file} cannot be removed"))(error));
                    }
                    Ok(()) | Err(_) => {}
                }
            }
        }
        match fs::remove_dir_all(self.path.join(MAILS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DemoError::io("the mails cannot be removed")(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // What cannot be removed lies where the system clears up by itself.
            let _removed = fs::remove_dir_all(&self.path);
        }
    }
}
