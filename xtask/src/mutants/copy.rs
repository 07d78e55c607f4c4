//! A copy of the repository as it lies there, commits or not, in which guards can be taken out.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::data::Mutant;
use crate::process;

/// The copy, and where it is built.
pub struct Copy {
    pub tree: PathBuf,
    pub build: PathBuf,
}

impl Copy {
    /// Brings the copy up to date. A file that is the same is left alone, and so is what was built
    /// of it.
    pub fn make(root: &Path, folder: &Path) -> Result<Self> {
        let tree = folder.join("tree");
        let copy = Self { tree, build: folder.join("build") };
        let mut command = Command::new("git");
        command.current_dir(root);
        command.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let files = process::read(&mut command)?;
        // Git lists what was deleted and not committed yet.
        let files = files.lines().filter(|file| root.join(file).is_file());
        let files: BTreeSet<&str> = files.collect();
        fs::create_dir_all(&copy.tree)?;
        copy.remove_others(&copy.tree, &files)?;
        for file in files {
            let (from, to) = (root.join(file), copy.tree.join(file));
            let content = fs::read(&from).with_context(|| format!("read {}", from.display()))?;
            if fs::read(&to).ok().as_ref() != Some(&content) {
                fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
                fs::write(&to, content).with_context(|| format!("write {}", to.display()))?;
            }
        }
        Ok(copy)
    }

    fn remove_others(&self, folder: &Path, files: &BTreeSet<&str>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.remove_others(&path, files)?;
            } else if !path.strip_prefix(&self.tree)?.to_str().is_some_and(|at| files.contains(at))
            {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// What the tests said last.
    pub fn log(&self) -> PathBuf {
        self.build.join("tests.log")
    }

    /// Fails where the mutant does not fit the source any more.
    pub fn check(&self, mutant: &Mutant) -> Result<()> {
        without_guard(&self.tree, mutant).map(drop)
    }

    /// Does something while the guard is gone.
    pub fn mutated<T>(&self, mutant: &Mutant, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let changed = without_guard(&self.tree, mutant)?;
        for (file, Changed { after, .. }) in &changed {
            fs::write(self.tree.join(file), after)?;
        }
        let done = work();
        for (file, Changed { before, .. }) in &changed {
            fs::write(self.tree.join(file), before)?;
        }
        done
    }
}

/// A file with the guard, and without it.
pub struct Changed {
    before: String,
    after: String,
}

/// The mutant's files; each piece of text that is taken out must be there exactly once.
pub fn without_guard<'a>(root: &Path, mutant: &'a Mutant) -> Result<BTreeMap<&'a str, Changed>> {
    let mut changed = BTreeMap::new();
    for edit in &mutant.edit {
        let file = match changed.entry(edit.file.as_str()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let before = fs::read_to_string(root.join(&edit.file))
                    .with_context(|| format!("{}: read {}", mutant.name, edit.file))?;
                place.insert(Changed { after: before.clone(), before })
            }
        };
        let text = &mut file.after;
        match text.matches(&edit.remove).count() {
            1 => *text = text.replace(&edit.remove, &edit.insert),
            times => bail!(
                "{}: {} has this {times} times, and must have it once:\n{}",
                mutant.name,
                edit.file,
                edit.remove
            ),
        }
    }
    Ok(changed)
}
