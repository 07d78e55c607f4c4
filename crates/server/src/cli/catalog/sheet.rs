//! The catalogue as a CSV file, as spreadsheets write and read it. Reading checks every row before
//! anything is imported, and says of each bad one in which line and column it is wrong.

use std::{collections::BTreeMap, fmt, io};

use csv::{ReaderBuilder, StringRecord, Trim, Writer};
use domain::{
    catalog::Product,
    money::{Currency, Money},
};

/// The columns, in the order in which they are written. They are read in any order.
pub const COLUMNS: [&str; 9] = [
    "sku",
    "name",
    "description",
    "image",
    "price",
    "currency",
    "stock",
    "active",
    "requires_shipping",
];

/// More rows than a shop of one currency and one table of products has; they are read into memory
/// and written in one transaction, during which nobody else writes to an SQLite file.
pub const ROWS_MAX: usize = 50_000;
/// Rows of a kilobyte each, and some to spare.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// An operator mends a file by its first errors; a thousand of them are one and the same.
const PROBLEMS_SHOWN: usize = 20;
/// A billion pieces: adding to it cannot overflow a count.
const STOCK_MAX: u32 = 1_000_000_000;

/// What a problem repeats of a cell: it may be a whole file for want of a quote.
const CELL_CHARS_SHOWN: usize = 40;

const SKU_CHARS_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 10_000;
const IMAGE_CHARS_MAX: usize = 2_000;

/// A row of the file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the file.
    pub line: u64,
    /// The merchant's own number.
    pub sku: String,
    /// The name on the page.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// A URL, absolute or from the shop's root.
    pub image: Option<String>,
    /// What one piece costs.
    pub price: Money,
    /// What becomes of the stock.
    pub stock: StockChange,
    /// Whether it is for sale.
    pub active: bool,
    /// Whether it must be sent by post.
    pub requires_shipping: bool,
}

/// What a row says about the pieces on the shelf, reserved ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockChange {
    /// Nothing.
    Keep,
    /// So many were counted.
    Set(u32),
    /// So many came in.
    Add(u32),
    /// So many are gone.
    Take(u32),
}

impl StockChange {
    /// What lies on the shelf after the change; an error where more is taken than was there, or
    /// more would lie there than a shelf holds.
    pub fn apply(self, on_hand: u32) -> Result<u32, String> {
        match self {
            Self::Keep => Ok(on_hand),
            Self::Set(count) => Ok(count),
            // More could not be written into a file that can be read again.
            Self::Add(count) => {
                let after = on_hand.checked_add(count).filter(|after| *after <= STOCK_MAX);
                after.ok_or_else(|| {
                    format!("{on_hand} on the shelf and {self} are more than {STOCK_MAX}")
                })
            }
            Self::Take(count) => on_hand.checked_sub(count).ok_or_else(|| {
                format!("only {on_hand} on the shelf, so it cannot change by {self}")
            }),
        }
    }
}

impl fmt::Display for StockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => Ok(()),
            Self::Set(count) => write!(f, "{count}"),
            Self::Add(count) => write!(f, "+{count}"),
            Self::Take(count) => write!(f, "-{count}"),
        }
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line on which the row begins.
    pub line: u64,
    /// The column; none where the row as a whole is wrong.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub sentence: String,
}

impl Problem {
    /// A problem of one column.
    pub fn of(line: u64, column: &'static str, sentence: impl Into<String>) -> Self {
        Self { line, column: Some(column), sentence: sentence.into() }
    }

    fn of_row(line: u64, sentence: impl Into<String>) -> Self {
        Self { line, column: None, sentence: sentence.into() }
    }
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { line, column, sentence }) in
            self.0.iter().take(PROBLEMS_SHOWN).enumerate()
        {
            f.write_str(if index == 0 { "" } else { "\n" })?;
            match column {
                Some(column) => write!(f, "  line {line}, {column}: {sentence}")?,
                None => write!(f, "  line {line}: {sentence}")?,
            }
        }
        match self.0.len().checked_sub(PROBLEMS_SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\n  and {more} more"),
        }
    }
}

/// Reads and checks a whole file: UTF-8 with or without a byte order mark, lines ended as on any
/// system.
pub fn read(bytes: &[u8], currency: Currency) -> Result<Vec<Row>, Problems> {
    let one = |problem| Err(Problems(vec![problem]));
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(error) => {
            let line = 1 + line_ends(&bytes[..error.valid_up_to()]);
            return one(Problem::of_row(
                line,
                "is not text in UTF-8: save the file as \"CSV UTF-8\"",
            ));
        }
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let header = match records.next() {
        Some(Ok(header)) => Header::read(&header)?,
        Some(Err(_)) | None => return one(Problem::of_row(1, missing_header())),
    };
    let mut sheet = Sheet { currency, header, lines: BTreeMap::new(), problems: Vec::new() };
    let mut rows = Vec::new();
    for record in records {
        let record = match record {
            Ok(record) => record,
            Err(error) => return one(Problem::of_row(0, error.to_string())),
        };
        if rows.len() == ROWS_MAX {
            let sentence = format!("is one row too many; import {ROWS_MAX} at a time");
            sheet.problems.push(Problem::of_row(line_of(&record, text), sentence));
            break;
        }
        rows.extend(sheet.row(&record, line_of(&record, text)));
    }
    if sheet.problems.is_empty() { Ok(rows) } else { Err(Problems(sheet.problems)) }
}

/// The reader notes where it began to look for the record; blank lines in between are its own.
fn line_of(record: &StringRecord, text: &str) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let begin = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(begin..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    position.line() + line_ends(&rest[..blank])
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

fn missing_header() -> String {
    format!("must be the header {}", COLUMNS.join(","))
}

/// At which place of a record each of [`COLUMNS`] stands.
struct Header([usize; COLUMNS.len()]);

impl Header {
    fn read(record: &StringRecord) -> Result<Self, Problems> {
        let names: Vec<String> = record.iter().map(str::to_ascii_lowercase).collect();
        let place = |column: &str| names.iter().position(|name| name == column);
        let mut places = [0; COLUMNS.len()];
        let mut missing = Vec::new();
        for (slot, column) in places.iter_mut().zip(COLUMNS) {
            match place(column) {
                Some(place) => *slot = place,
                None => missing.push(column),
            }
        }
        let sentence = if missing.len() == COLUMNS.len() {
            let separator = if names.iter().any(|name| name.contains(';')) {
                "; columns are separated by commas"
            } else {
                ""
            };
            format!("{}{separator}", missing_header())
        } else if !missing.is_empty() {
            format!("{}; it lacks {}", missing_header(), missing.join(", "))
        } else if let Some(extra) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
            format!("{}; {} is none of them", missing_header(), shown(extra))
        } else if names.len() > COLUMNS.len() {
            format!("{}; a column is there twice", missing_header())
        } else {
            return Ok(Self(places));
        };
        Err(Problems(vec![Problem::of_row(1, sentence)]))
    }
}

/// What is known of the file while it is read.
struct Sheet {
    currency: Currency,
    header: Header,
    /// Where each number was seen.
    lines: BTreeMap<String, u64>,
    problems: Vec<Problem>,
}

impl Sheet {
    fn row(&mut self, record: &StringRecord, line: u64) -> Option<Row> {
        if record.len() != COLUMNS.len() {
            let sentence = format!("has {} columns instead of {}", record.len(), COLUMNS.len());
            self.problems.push(Problem::of_row(line, sentence));
            return None;
        }
        let cells = self.header.0.map(|place| record.get(place).unwrap_or_default());
        let [sku, name, description, image, price, currency, stock, active, shipping] = cells;
        let before = self.problems.len();
        let sku = self.sku(line, sku);
        let name = self.cell(line, "name", required(name, NAME_CHARS_MAX));
        let description = self.cell(line, "description", lines(description));
        let image = self.cell(line, "image", picture(image));
        let price = self.cell(
            line,
            "price",
            Money::parse_major(price, self.currency).map_err(|error| error.to_string()),
        );
        self.cell(line, "currency", same_currency(currency, self.currency));
        let stock = self.cell(line, "stock", stock_change(stock));
        let active = self.cell(line, "active", truth(active));
        let requires_shipping = self.cell(line, "requires_shipping", truth(shipping));
        if self.problems.len() > before {
            return None;
        }
        Some(Row {
            line,
            sku: sku?,
            name: name?,
            description: description?,
            image: image?,
            price: price?,
            stock: stock?,
            active: active?,
            requires_shipping: requires_shipping?,
        })
    }

    fn cell<T>(&mut self, line: u64, column: &'static str, read: Result<T, String>) -> Option<T> {
        read.map_err(|sentence| self.problems.push(Problem::of(line, column, sentence))).ok()
    }

    fn sku(&mut self, line: u64, text: &str) -> Option<String> {
        let sku = self.cell(line, "sku", required(text, SKU_CHARS_MAX))?;
        match self.lines.insert(sku.clone(), line) {
            None => Some(sku),
            Some(earlier) => {
                let sentence = format!("{sku:?} is in line {earlier} already");
                self.problems.push(Problem::of(line, "sku", sentence));
                None
            }
        }
    }
}

fn required(text: &str, chars_max: usize) -> Result<String, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.contains(char::is_control) {
        return Err("has a line end or another control character inside".to_owned());
    }
    short_enough(text, chars_max)
}

fn short_enough(text: &str, chars_max: usize) -> Result<String, String> {
    match text.chars().count() {
        chars if chars > chars_max => {
            Err(format!("has {chars} characters; {chars_max} are allowed"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// Lines of text. Databases end a text at a zero, or refuse it.
fn lines(text: &str) -> Result<String, String> {
    if text.contains(|letter: char| letter.is_control() && !"\t\r\n".contains(letter)) {
        return Err("has a control character inside".to_owned());
    }
    short_enough(text, DESCRIPTION_CHARS_MAX)
}

fn picture(text: &str) -> Result<Option<String>, String> {
    let known = ["/", "https://", "http://"].iter().any(|start| text.starts_with(start));
    let odd = |letter: char| letter.is_whitespace() || letter.is_control();
    match text {
        "" => Ok(None),
        _ if !known || text.contains(odd) => {
            Err(format!("{} is neither a web address nor a path that begins with /", shown(text)))
        }
        _ => short_enough(text, IMAGE_CHARS_MAX).map(Some),
    }
}

fn same_currency(text: &str, currency: Currency) -> Result<(), String> {
    if text.eq_ignore_ascii_case(currency.code()) {
        return Ok(());
    }
    Err(format!("the shop sells in {currency} (TILL_CURRENCY), not in {}", shown(text)))
}

fn stock_change(text: &str) -> Result<StockChange, String> {
    let count = |digits: &str| {
        let count = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok());
        count.flatten().filter(|count| *count <= STOCK_MAX).ok_or_else(|| {
            format!(
                "{} is not a count; write 12 for what lies on the shelf, +5 or -3 for a change, \
                 nothing to leave it as it is",
                shown(text)
            )
        })
    };
    match text.as_bytes() {
        [] => Ok(StockChange::Keep),
        [b'+', ..] => count(&text[1..]).map(StockChange::Add),
        [b'-', ..] => count(&text[1..]).map(StockChange::Take),
        _ => count(text).map(StockChange::Set),
    }
}

fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("{} is neither true nor false", shown(text))),
    }
}

/// The beginning of a cell, in quotes.
fn shown(text: &str) -> String {
    match text.char_indices().nth(CELL_CHARS_SHOWN) {
        Some((end, _)) => format!("\"{}…\"", text[..end].escape_debug()),
        None => format!("{text:?}"),
    }
}

/// Starts a file with the header.
pub fn writer<W: io::Write>(out: W) -> csv::Result<Writer<W>> {
    let mut writer = Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    Ok(writer)
}

/// Writes a product as a row that would change nothing if it were imported again.
pub fn write<W: io::Write>(writer: &mut Writer<W>, product: &Product) -> csv::Result<()> {
    writer.write_record([
        &product.sku,
        &product.name,
        &product.description,
        product.image.as_deref().unwrap_or_default(),
        &product.price.major(),
        product.price.currency().code(),
        &product.stock.on_hand().to_string(),
        &product.active.to_string(),
        &product.requires_shipping.to_string(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "sku,name,description,image,price,currency,stock,active,requires_shipping";

    fn eur() -> Currency {
        "EUR".parse().unwrap()
    }

    fn rows(lines: &str) -> Vec<Row> {
        read(format!("{HEADER}\n{lines}").as_bytes(), eur()).unwrap()
    }

    fn problems(lines: &str) -> String {
        read(format!("{HEADER}\n{lines}").as_bytes(), eur()).unwrap_err().to_string()
    }

    #[test]
    fn a_row_says_everything_about_a_product() {
        let read = rows("mug,\"Mug, big\",\"Two\nlines\",/mug.svg,24.99,eur,+5,TRUE,no\n");
        let expected = Row {
            line: 2,
            sku: "mug".to_owned(),
            name: "Mug, big".to_owned(),
            description: "Two\nlines".to_owned(),
            image: Some("/mug.svg".to_owned()),
            price: Money::parse_major("24.99", eur()).unwrap(),
            stock: StockChange::Add(5),
            active: true,
            requires_shipping: false,
        };
        assert_eq!(read, [expected]);
    }

    #[test]
    fn a_file_of_a_spreadsheet_on_windows_is_read() {
        let text = format!("\u{feff}{HEADER}\r\n mug , Mug ,,,5.00,EUR,,yes,0\r\n\r\n");
        let [mug] = &read(text.as_bytes(), eur()).unwrap()[..] else { panic!("one row") };
        assert_eq!(
            (mug.sku.as_str(), mug.stock, mug.image.clone()),
            ("mug", StockChange::Keep, None)
        );
    }

    #[test]
    fn columns_may_stand_in_any_order_but_none_may_be_missing_strange_or_twice() {
        let turned = "Price,sku,name,description,image,currency,stock,active,requires_shipping\n\
                      5.00,mug,Mug,,,EUR,1,true,true";
        assert_eq!(read(turned.as_bytes(), eur()).unwrap()[0].sku, "mug");
        for (text, expected) in [
            ("", "line 1: must be the header sku,name"),
            ("sku;name;price", "columns are separated by commas"),
            (
                "sku,name,description,image,price,currency",
                "it lacks stock, active, requires_shipping",
            ),
            (&format!("{HEADER},colour"), "\"colour\" is none of them"),
            (&format!("{HEADER},sku"), "a column is there twice"),
        ] {
            let problems = read(text.as_bytes(), eur()).unwrap_err().to_string();
            assert!(problems.contains(expected), "{text}: {problems}");
        }
    }

    #[test]
    fn a_bad_cell_is_named_by_line_and_column() {
        for (row, expected) in [
            (",Mug,,,5.00,EUR,1,true,true", "line 2, sku: is empty"),
            ("mug,,,,5.00,EUR,1,true,true", "line 2, name: is empty"),
            ("mug,\"M\nug\",,,5.00,EUR,1,true,true", "line 2, name: has a line end"),
            ("mug,Mug,,mug.svg,5.00,EUR,1,true,true", "line 2, image: \"mug.svg\" is neither"),
            ("mug,Mug,,javascript:x,5.00,EUR,1,true,true", "line 2, image: "),
            ("mug,Mug,a\0b,,5.00,EUR,1,true,true", "line 2, description: has a control character"),
            ("mug,Mug,,/a\0b,5.00,EUR,1,true,true", "line 2, image: \"/a\\0b\" is neither"),
            ("mug,Mug,,,5.001,EUR,1,true,true", "line 2, price: \"5.001\" is not an amount in EUR"),
            ("mug,Mug,,,-5,EUR,1,true,true", "line 2, price: "),
            ("mug,Mug,,,5.00,USD,1,true,true", "line 2, currency: the shop sells in EUR"),
            ("mug,Mug,,,5.00,EUR,1.5,true,true", "line 2, stock: \"1.5\" is not a count"),
            ("mug,Mug,,,5.00,EUR,+,true,true", "line 2, stock: "),
            ("mug,Mug,,,5.00,EUR,+-1,true,true", "line 2, stock: "),
            ("mug,Mug,,,5.00,EUR,9999999999,true,true", "line 2, stock: "),
            ("mug,Mug,,,5.00,EUR,1,maybe,true", "line 2, active: \"maybe\" is neither"),
            ("mug,Mug,,,5.00,EUR,1,true,", "line 2, requires_shipping: \"\" is neither"),
            ("mug,Mug,,,5.00,EUR,1,true", "line 2: has 8 columns instead of 9"),
        ] {
            let problems = problems(row);
            assert!(problems.contains(expected), "{row}: {problems}");
        }
    }

    #[test]
    fn a_problem_repeats_only_the_beginning_of_a_cell() {
        let long = "x".repeat(9_000);
        let problems = problems(&format!("mug,Mug,,{long},{long},{long},{long},{long},{long}"));
        assert_eq!(problems.lines().count(), 6);
        assert!(problems.lines().all(|line| line.contains("x…\"") && line.len() < 300));
        let header = read(format!("{HEADER},{long}").as_bytes(), eur()).unwrap_err().to_string();
        assert!(header.contains("x…\" is none of them"), "{header}");
    }

    #[test]
    fn every_bad_row_is_reported_at_its_own_line() {
        let lines = "a,A,\"one\ntwo\",,1,EUR,1,true,true\n\nb,B,,,x,EUR,y,true,true\n\
                     a,A,,,1,EUR,1,true,true\n";
        let problems = problems(lines);
        let starts: Vec<&str> = problems.lines().map(|line| &line[..17]).collect();
        assert_eq!(starts, ["  line 5, price: ", "  line 5, stock: ", "  line 6, sku: \"a"]);
        assert!(problems.contains("\"a\" is in line 2 already"), "{problems}");
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused_by_line() {
        let mut bytes = format!("{HEADER}\nmug,T").into_bytes();
        bytes.extend(b"\xfcr,,,5.00,EUR,1,true,true\n");
        let problems = read(&bytes, eur()).unwrap_err().to_string();
        assert!(problems.starts_with("  line 2: is not text in UTF-8"), "{problems}");
    }

    #[test]
    fn a_long_list_of_problems_is_cut() {
        let lines: String = (0..25).map(|n| format!("s{n},,,,1,EUR,1,true,true\n")).collect();
        let problems = problems(&lines);
        assert_eq!(problems.lines().count(), 21);
        assert!(problems.ends_with("and 5 more"), "{problems}");
    }

    #[test]
    fn stock_changes_by_what_is_written() {
        assert_eq!(StockChange::Keep.apply(7), Ok(7));
        assert_eq!(StockChange::Set(3).apply(7), Ok(3));
        assert_eq!(StockChange::Add(3).apply(7), Ok(10));
        assert_eq!(StockChange::Take(7).apply(7), Ok(0));
        let refused = StockChange::Add(STOCK_MAX).apply(1).unwrap_err();
        assert_eq!(refused, "1 on the shelf and +1000000000 are more than 1000000000");
        let refused = StockChange::Take(8).apply(7).unwrap_err();
        assert_eq!(refused, "only 7 on the shelf, so it cannot change by -8");
    }

    #[test]
    fn the_demo_shops_catalogue_can_be_imported() {
        let catalogue = include_bytes!("../../../assets/demo/catalog.csv");
        let rows = read(catalogue, eur()).unwrap();
        assert!(rows.iter().any(|row| !row.requires_shipping), "a download");
        assert!(rows.len() >= 6);
    }
}
