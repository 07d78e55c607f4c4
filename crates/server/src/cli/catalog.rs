//! `till catalog`: the operator brings the catalogue in from a spreadsheet and gets it back as one.
//!
//! An import is whole or not at all: the file is read and checked to its end, then written in one
//! transaction. Writing it in parts would let other work in between, but a row that is refused in
//! the last part would leave a shop with half of its new prices; so the size of a file is limited
//! instead ([`sheet::ROWS_MAX`]).

pub mod sheet;

use std::{fmt, fs::File, io, io::Read as _, path::Path};

use domain::{
    catalog::{Product, Stock},
    id::ProductId,
};
use jiff::Timestamp;
use storage::{Store, StoreError, Tx, catalog, cursor};
use uuid::Uuid;

use crate::clock::{Clock, Ids};
use sheet::{FILE_BYTES_MAX, Problem, Problems, Row, StockChange};

/// Why a catalogue was not imported. In every case but a lost commit, nothing was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{file} cannot be read")]
    File {
        /// Its name.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// The file is larger than any that is imported.
    #[error("{file} is larger than {} MiB; import it in parts", FILE_BYTES_MAX / 1024 / 1024)]
    TooLarge {
        /// Its name.
        file: String,
    },
    /// Rows are wrong in themselves, or do not fit what is in the shop.
    #[error("nothing was imported:\n{0}")]
    Rows(Problems),
    /// Another import has come in between.
    #[error(
        "another import was made at the same time; export the catalogue and look before you \
             import again"
    )]
    Overtaken,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Products that were not there before.
    pub new: usize,
    /// Products that differ from before.
    pub changed: usize,
    /// Products that were there just so.
    pub unchanged: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new, {} changed, {} unchanged", self.new, self.changed, self.unchanged)
    }
}

/// Reads the file, or standard input where it is `-`.
pub fn read_file(file: &Path) -> Result<Vec<u8>, ImportError> {
    let name = file.display().to_string();
    let failed = |source| ImportError::File { file: name.clone(), source };
    let mut bytes = Vec::new();
    let mut input: Box<dyn io::Read> = match name.as_str() {
        "-" => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(file).map_err(failed)?),
    };
    input.by_ref().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(ImportError::TooLarge { file: name });
    }
    Ok(bytes)
}

/// Writes checked rows into the shop, all of them or none.
pub async fn import(
    store: &Store,
    rows: Vec<Row>,
    clock: &Clock,
    ids: &Ids,
) -> Result<Summary, ImportError> {
    let before = store.read((), |tx, ()| Box::pin(cursor::load(tx, LAST_IMPORT))).await?;
    let rows = rows.into_iter().map(|row| (ProductId(ids.next()), row)).collect();
    let import = Import { id: ids.next(), before, at: clock.now(), rows };
    store.write(import, |tx, import| Box::pin(import.run(tx))).await
}

/// Under this name the database remembers which import was the last, and what it did.
const LAST_IMPORT: &str = "catalog import";

#[derive(Debug)]
struct Import {
    id: Uuid,
    /// The last import before this one.
    before: Option<String>,
    at: Timestamp,
    /// Each with the id it gets if it is new.
    rows: Vec<(ProductId, Row)>,
}

impl Import {
    async fn run(&self, tx: &mut Tx) -> Result<Summary, ImportError> {
        // When the answer to a commit is lost the store runs this again; `+5` must not count twice.
        let last = cursor::load(tx, LAST_IMPORT).await?;
        if let Some(done) = last.as_deref().and_then(|last| self.summary_in(last)) {
            return Ok(done);
        }
        if last != self.before {
            return Err(ImportError::Overtaken);
        }
        let (summary, problems) = self.write(tx).await?;
        if !problems.is_empty() {
            return Err(ImportError::Rows(Problems(problems)));
        }
        let Summary { new, changed, unchanged } = summary;
        let note = format!("{} {new} {changed} {unchanged}", self.id);
        cursor::save(tx, LAST_IMPORT, &note).await?;
        Ok(summary)
    }

    fn summary_in(&self, note: &str) -> Option<Summary> {
        let mut words = note.split(' ');
        if words.next()? != self.id.to_string() {
            return None;
        }
        let mut count = || words.next()?.parse().ok();
        Some(Summary { new: count()?, changed: count()?, unchanged: count()? })
    }

    async fn write(&self, tx: &mut Tx) -> Result<(Summary, Vec<Problem>), StoreError> {
        let mut known = Vec::new();
        let mut summary = Summary::default();
        let mut problems = Vec::new();
        for (id, row) in &self.rows {
            match catalog::product_by_sku(tx, &row.sku).await? {
                Some(product) => known.push((product, row)),
                None => match self.insert(tx, *id, row).await? {
                    Ok(()) => summary.new += 1,
                    Err(problem) => problems.push(problem),
                },
            }
        }
        // In the order in which orders reserve them, so that the two never wait for each other.
        known.sort_by_key(|(product, _)| product.id);
        for (product, row) in known {
            match self.update(tx, product, row).await? {
                Ok(true) => summary.changed += 1,
                Ok(false) => summary.unchanged += 1,
                Err(problem) => problems.push(problem),
            }
        }
        problems.sort_by_key(|problem| problem.line);
        Ok((summary, problems))
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        id: ProductId,
        row: &Row,
    ) -> Result<Result<(), Problem>, StoreError> {
        let product = match row.stock.apply(0) {
            Ok(on_hand) => row.product(id, on_hand, 0),
            Err(sentence) => Err(Problem::of(row.line, "stock", sentence)),
        };
        let product = match product {
            Ok(product) => product,
            Err(problem) => return Ok(Err(problem)),
        };
        if catalog::insert_product(tx, &product, self.at).await? {
            return Ok(Ok(()));
        }
        Ok(Err(Problem::of(row.line, "sku", "was added by somebody else just now; import again")))
    }

    /// Whether anything had to be changed.
    async fn update(
        &self,
        tx: &mut Tx,
        seen: Product,
        row: &Row,
    ) -> Result<Result<bool, Problem>, StoreError> {
        if row.says(&seen) {
            return Ok(Ok(false));
        }
        // Giving nothing back locks the row: between looking at the shelf and writing its count,
        // nobody may sell from it.
        catalog::release(tx, seen.id, 0).await?;
        let Some(now) = catalog::product(tx, seen.id).await? else {
            return Ok(Err(Problem::of(row.line, "sku", "was removed just now; import again")));
        };
        let product = match row.stock.apply(now.stock.on_hand()) {
            Ok(on_hand) => row.product(now.id, on_hand, now.stock.reserved()),
            Err(sentence) => Err(Problem::of(row.line, "stock", sentence)),
        };
        match product {
            Err(problem) => Ok(Err(problem)),
            Ok(product) if catalog::update_product(tx, &product, self.at).await? => Ok(Ok(true)),
            Ok(_) => Ok(Err(Problem::of(row.line, "stock", "changed just now; import again"))),
        }
    }
}

impl Row {
    /// The product as the row wants it.
    fn product(&self, id: ProductId, on_hand: u32, reserved: u32) -> Result<Product, Problem> {
        let stock = Stock::new(on_hand, reserved).map_err(|_| {
            let sentence = format!(
                "{reserved} are reserved for orders that may still be paid, so {on_hand} on the \
                 shelf are too few"
            );
            Problem::of(self.line, "stock", sentence)
        })?;
        Ok(Product {
            id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            image: self.image.clone(),
            price: self.price,
            stock,
            active: self.active,
            requires_shipping: self.requires_shipping,
        })
    }

    /// Whether the product is just as the row wants it.
    fn says(&self, product: &Product) -> bool {
        let on_hand = product.stock.on_hand();
        let same_stock = match self.stock {
            StockChange::Keep => true,
            StockChange::Set(count) => count == on_hand,
            StockChange::Add(count) | StockChange::Take(count) => count == 0,
        };
        let wanted = self.product(product.id, on_hand, product.stock.reserved());
        same_stock && wanted.is_ok_and(|wanted| wanted == *product)
    }
}

/// Why a catalogue was not exported to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody takes the output, or the disk is full.
    #[error("the catalogue cannot be written")]
    Output(#[from] io::Error),
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        Self::Output(match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }
}

/// Products that are read at a time: some hundred kilobytes.
const PAGE: u32 = 500;

/// Writes all products, for sale or not, oldest first. Importing the result changes nothing.
pub async fn export(store: &Store, out: impl io::Write) -> Result<(), ExportError> {
    let mut writer = sheet::writer(out)?;
    let mut after = None;
    loop {
        let page = store
            .read(after, |tx, after| Box::pin(catalog::all_products(tx, *after, PAGE)))
            .await?;
        for product in &page {
            sheet::write(&mut writer, product)?;
        }
        let Some(last) = page.last() else { break };
        after = Some(last.id);
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests;
