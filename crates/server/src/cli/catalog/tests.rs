use domain::money::Currency;
use storage::SqliteFile;

use super::*;

const HEADER: &str = "sku,name,description,image,price,currency,stock,active,requires_shipping";

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

struct Shelf {
    store: Store,
    ids: Ids,
}

impl Shelf {
    async fn empty() -> Self {
        let store = Store::sqlite_inline(&SqliteFile::Memory).unwrap();
        store.migrate().await.unwrap();
        Self { store, ids: Ids::system() }
    }

    async fn import(&self, lines: &str) -> Result<String, String> {
        let rows = sheet::read(format!("{HEADER}\n{lines}").as_bytes(), eur()).unwrap();
        let summary = import(&self.store, rows, &Clock::system(), &self.ids).await;
        summary.map(|summary| summary.to_string()).map_err(|error| error.to_string())
    }

    async fn export(&self) -> String {
        let mut out = Vec::new();
        export(&self.store, &mut out).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        text.strip_prefix(&format!("{HEADER}\n")).unwrap().to_owned()
    }

    async fn reserve(&self, sku: &'static str, count: u32) {
        let reserved = self.store.write((sku, count), |tx, (sku, count)| {
            Box::pin(async move {
                let product = catalog::product_by_sku(tx, sku).await?.unwrap();
                catalog::reserve(tx, product.id, *count).await
            })
        });
        assert!(reserved.await.unwrap());
    }
}

#[tokio::test]
async fn an_import_adds_changes_and_leaves_alone() {
    let shelf = Shelf::empty().await;
    let first = "mug,Mug,,,5.00,EUR,3,true,true\npen,Pen,,,2.00,EUR,,true,true\n";
    assert_eq!(shelf.import(first).await.unwrap(), "2 new, 0 changed, 0 unchanged");
    let second = "mug,Mug,,,6.00,EUR,,true,true\npen,Pen,,,2.00,EUR,,true,true\n\
                  cup,Cup,,,1.00,EUR,+4,no,true\n";
    assert_eq!(shelf.import(second).await.unwrap(), "1 new, 1 changed, 1 unchanged");
    assert_eq!(
        shelf.export().await,
        "mug,Mug,,,6.00,EUR,3,true,true\npen,Pen,,,2.00,EUR,0,true,true\n\
         cup,Cup,,,1.00,EUR,4,false,true\n"
    );
}

#[tokio::test]
async fn importing_an_export_changes_nothing() {
    let shelf = Shelf::empty().await;
    let lines = "mug,\"Mug, \"\"big\"\"\",\"Two\nlines, äöü\",/mug.svg,5.00,EUR,3,true,true\n\
                 file,File,,,0.00,EUR,9,false,false\n";
    shelf.import(lines).await.unwrap();
    shelf.reserve("mug", 2).await;
    let exported = shelf.export().await;
    assert_eq!(exported, lines);
    assert_eq!(shelf.import(&exported).await.unwrap(), "0 new, 0 changed, 2 unchanged");
}

#[tokio::test]
async fn stock_is_counted_anew_or_moved_and_never_below_what_is_reserved() {
    let shelf = Shelf::empty().await;
    let row = |stock: &str| format!("mug,Mug,,,5.00,EUR,{stock},true,true\n");
    shelf.import(&row("10")).await.unwrap();
    shelf.reserve("mug", 4).await;
    for (stock, after) in [("+5", 15), ("-3", 12), ("", 12), ("4", 4)] {
        shelf.import(&row(stock)).await.unwrap();
        assert_eq!(shelf.export().await, row(&after.to_string()), "{stock}");
    }
    for (stock, expected) in [
        ("3", "line 2, stock: 4 are reserved for orders that may still be paid, so 3 on the shelf"),
        ("-1", "line 2, stock: 4 are reserved"),
        ("-9", "line 2, stock: only 4 on the shelf, so it cannot change by -9"),
    ] {
        let refused = shelf.import(&row(stock)).await.unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
    assert_eq!(shelf.export().await, row("4"));
}

#[tokio::test]
async fn one_bad_row_and_nothing_is_imported() {
    let shelf = Shelf::empty().await;
    shelf.import("mug,Mug,,,5.00,EUR,10,true,true\n").await.unwrap();
    let before = shelf.export().await;
    let lines = "new,New,,,1.00,EUR,1,true,true\nmug,Mug,,,6.00,EUR,-11,true,true\n\
                 gone,Gone,,,1.00,EUR,-1,true,true\n";
    let refused = shelf.import(lines).await.unwrap_err();
    assert_eq!(
        refused,
        "nothing was imported:\n  line 3, stock: only 10 on the shelf, so it cannot change by -11\n  \
         line 4, stock: only 0 on the shelf, so it cannot change by -1"
    );
    assert_eq!(shelf.export().await, before);
}

/// The store runs an operation again when the answer to its commit was lost.
#[tokio::test]
async fn an_import_that_runs_again_counts_once() {
    let shelf = Shelf::empty().await;
    let row = "mug,Mug,,,5.00,EUR,+5,true,true\n";
    shelf.import(row).await.unwrap();
    let rows = sheet::read(format!("{HEADER}\n{row}").as_bytes(), eur()).unwrap();
    let before = shelf.store.read((), |tx, ()| Box::pin(cursor::load(tx, LAST_IMPORT))).await;
    let again = || Import {
        id: Uuid::from_u128(7),
        before: before.clone().unwrap(),
        at: Clock::system().now(),
        rows: rows.iter().map(|row| (ProductId(Uuid::from_u128(8)), row.clone())).collect(),
    };
    for _ in 0..2 {
        let done = shelf.store.write(again(), |tx, import| Box::pin(import.run(tx))).await;
        assert_eq!(done.unwrap(), Summary { new: 0, changed: 1, unchanged: 0 });
    }
    assert_eq!(shelf.export().await, "mug,Mug,,,5.00,EUR,10,true,true\n");
}

#[tokio::test]
async fn an_import_that_was_overtaken_is_refused() {
    let shelf = Shelf::empty().await;
    let row = "mug,Mug,,,5.00,EUR,+5,true,true\n";
    shelf.import(row).await.unwrap();
    let late = Import {
        id: Uuid::from_u128(7),
        before: None,
        at: Clock::system().now(),
        rows: Vec::new(),
    };
    let done = shelf.store.write(late, |tx, import| Box::pin(import.run(tx))).await;
    assert!(matches!(done, Err(ImportError::Overtaken)), "{done:?}");
}
