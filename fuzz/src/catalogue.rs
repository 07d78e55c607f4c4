//! A merchant's spreadsheet.

use domain::money::Currency;
use server::{
    cli::catalog::{
        ImportError, Summary, export, import,
        sheet::{self, Problems, Row, StockChange},
    },
    clock::{Clock, Ids},
};
use storage::{SqliteFile, Store};

/// Longer than a sentence about one cell has to be.
const SENTENCE_BYTES_MAX: usize = 1_000;

/// A file is imported exactly as it stands or, with its bad lines named, not at all; what is in the
/// shop can be written as a file that changes nothing.
pub fn catalogue_csv(input: &[u8]) {
    match sheet::read(input, eur()) {
        Err(problems) => check_problems(&problems, input),
        Ok(rows) => {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(check_import(rows, input));
        }
    }
}

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn check_problems(Problems(problems): &Problems, input: &[u8]) {
    assert!(!problems.is_empty());
    let lines = 1 + input.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    for problem in problems {
        assert!((1..=lines).contains(&problem.line), "line {} of {lines}", problem.line);
        let length = problem.sentence.len();
        assert!((1..=SENTENCE_BYTES_MAX).contains(&length), "a sentence of {length} bytes");
    }
}

async fn check_import(rows: Vec<Row>, input: &[u8]) {
    let store = Store::sqlite_inline(&SqliteFile::Memory).unwrap();
    store.migrate().await.unwrap();
    let import =
        async |rows: &[Row]| import(&store, rows.to_vec(), &Clock::system(), &Ids::system()).await;
    let empty = exported(&store).await;
    let first = match import(&rows).await {
        Ok(summary) => summary,
        Err(ImportError::Rows(problems)) => {
            check_problems(&problems, input);
            assert_eq!(exported(&store).await, empty);
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(first, Summary { new: rows.len(), ..Summary::default() });
    let once = exported(&store).await;
    // What came in once may come in again; what is then in the shop is a file all the same.
    match import(&rows).await {
        Ok(_) => {}
        Err(ImportError::Rows(problems)) => {
            check_problems(&problems, input);
            assert_eq!(exported(&store).await, once);
        }
        Err(error) => panic!("{error}"),
    }
    let written = exported(&store).await;
    let read = sheet::read(&written, eur()).unwrap_or_else(|problems| panic!("{problems}"));
    let again = import(&read).await.unwrap();
    assert_eq!(again, Summary { unchanged: rows.len(), ..Summary::default() });
    assert_eq!(exported(&store).await, written);
    for row in rows {
        let same = read.iter().find(|other| other.sku == row.sku).unwrap();
        let (line, stock) = (row.line, row.stock);
        assert_eq!(Row { line, stock, ..same.clone() }, row);
        assert!(!matches!(stock, StockChange::Set(_)) || same.stock == stock);
    }
}

async fn exported(store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    export(store, &mut file).await.unwrap();
    file
}
