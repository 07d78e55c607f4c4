//! The command line: what an operator or a developer can ask the binary to do. Every command ends
//! with exit code 0 (done), 1 (it failed; a sentence says why) or 2 (it was asked wrongly, or the
//! configuration cannot be used).

pub mod catalog;
mod demo;
pub mod doctor;
mod ink;
pub mod orders;
pub mod purchases;
pub mod reconcile;
mod simulate;
pub mod webhooks;

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use storage::{Limits, Store, StoreError};
use tracing_subscriber::EnvFilter;

use orders::OrdersError;
use purchases::PurchasesError;

use crate::{
    clock::{Clock, Ids},
    config::{self, Config, ConfigError, DatabaseConfig, LogFormat, Sources},
    context::{Backend, Context, Px},
    http::openapi,
    serve::{Parts, ServeError, Server, TICK, serve},
};

const EXAMPLES: &str = "Examples:
  till demo                             two shops and their API to try, without any settings
  till demo --checkout                  a purchase, told step by step
  till serve                            the server; `till serve --help` lists its settings
  till catalog import products.csv      fills the shop
  till catalog export > products.csv    gets the catalogue back
  till orders list                      what was ordered, newest first
  till orders show ID                   an order and its history
  till orders refund ID --amount 12.50  gives money back
  till orders attention                 what needs a person
  till purchases list                   at Elastic Path: what was bought, newest first
  till webhooks list --failed           what your own servers have not taken
  till doctor                           says what is wrong, and how to mend it
  till reconcile                        compares the books with Stripe's";

/// A checkout server: a cart becomes a paid order, once.
#[derive(Debug, Parser)]
#[command(name = "till", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server until it is told to stop (Ctrl-C, SIGTERM)
    #[command(after_help = serve_help())]
    Serve,
    /// Brings the database up to date
    Migrate,
    /// Brings the catalogue in from a CSV file, or writes it as one
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Lists, shows and exports orders, gives money back, cancels, and tells what needs a person
    #[command(subcommand)]
    Orders(orders::command::OrdersCommand),
    /// Lists and shows purchases of carts at Elastic Path, and ends those that need a person
    #[command(subcommand)]
    Purchases(purchases::command::PurchasesCommand),
    /// Shows what your own servers were told of orders, and tells them again
    #[command(subcommand, after_help = webhooks::command::HELP)]
    Webhooks(webhooks::command::WebhooksCommand),
    /// Compares the books with Stripe's, ends what differs, and says what is left for a person
    #[command(after_help = reconcile::HELP)]
    Reconcile(reconcile::Asked),
    /// Checks configuration, database, clock, Stripe key and webhook endpoint
    Doctor {
        /// Print JSON, one object in each line
        #[arg(long)]
        json: bool,
    },
    /// Prints the OpenAPI 3.1 document of the API
    Openapi,
    /// Runs a simulator of somebody else's server, for development and tests
    #[command(subcommand)]
    Simulate(SimulateCommand),
    /// Runs two whole shops on this machine: servers, databases, a simulated Stripe and a simulated
    /// Elastic Path
    Demo(demo::DemoArguments),
}

#[derive(Debug, Subcommand)]
enum CatalogCommand {
    /// Adds and changes the products of a CSV file, all of them or, if one row is wrong, none
    #[command(after_help = IMPORT_HELP)]
    Import {
        /// The file; - reads standard input
        file: PathBuf,
    },
    /// Writes all products as CSV to standard output
    Export,
}

#[derive(Debug, Subcommand)]
enum SimulateCommand {
    /// A Stripe that remembers: payments, cards, 3-D Secure, events, signed webhooks
    Stripe(simulate::StripeArguments),
    /// An Elastic Path that remembers: carts, cart payments, orders, transactions
    ElasticPath(simulate::ElasticPathArguments),
}

const IMPORT_HELP: &str = "The file has a header and these columns, separated by commas:
  sku                the merchant's own number; a known one is changed, another one added
  name, description  plain text
  image              a web address, a path such as /mug.svg, or empty
  price, currency    24.99 and the shop's currency
  stock              what lies on the shelf; +5 or -3 changes it; empty leaves it as it is
  active             true or false: whether it is for sale
  requires_shipping  true or false: whether it must be sent by post

Products that are not in the file stay as they are. While the shop sells, prefer an empty stock or
+5 to a count that was right an hour ago.

Examples:
  till catalog import products.csv
  till catalog export | sed 's/,true,true$/,false,true/' | till catalog import -";

fn serve_help() -> String {
    format!(
        "Settings, from the environment, .env or till.toml in the current folder (the first of \
         them\nthat has a setting counts; the names are the same):{}",
        config::listing()
    )
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings cannot be used.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server did not start, or stopped.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The database is older than this program.
    #[error("the database is not up to date; run `till migrate` first")]
    NotMigrated,
    /// Orders and payments are not ours.
    #[error(
        "this command works with TILL_BACKEND=native; with elastic-path, orders and payments are in \
         Commerce Manager"
    )]
    NativeOnly,
    /// Carts are not at Elastic Path.
    #[error("this command works with TILL_BACKEND=elastic-path")]
    PlatformOnly,
    /// A command about purchases failed.
    #[error(transparent)]
    Purchases(#[from] purchases::PurchasesError),
    /// The catalogue was not imported.
    #[error(transparent)]
    Import(#[from] catalog::ImportError),
    /// The catalogue was not exported.
    #[error(transparent)]
    Export(#[from] catalog::ExportError),
    /// A command about orders failed.
    #[error(transparent)]
    Orders(#[from] OrdersError),
    /// What was told was not shown, or not told again.
    #[error(transparent)]
    Webhooks(#[from] webhooks::WebhooksError),
    /// The books were not compared, or differ.
    #[error(transparent)]
    Reconcile(#[from] reconcile::ReconcileError),
    /// Something is wrong with the shop.
    #[error(transparent)]
    Doctor(#[from] doctor::DoctorError),
    /// The simulator did not start, or stopped.
    #[error(transparent)]
    Simulate(#[from] simulate::SimulateError),
    /// The demo did not come to its end.
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    /// The OpenAPI document cannot be written as JSON.
    #[error("the document cannot be written")]
    Document(#[from] serde_json::Error),
    /// Standard output, or the runtime, failed.
    #[error("the command cannot be run on this machine")]
    Io(#[from] io::Error),
}

/// Wrong settings are mended by whoever called, like wrong arguments.
const USAGE: u8 = 2;

impl CliError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) | Self::NativeOnly | Self::PlatformOnly => ExitCode::from(USAGE),
            Self::Store(StoreError::Setup(_)) => ExitCode::from(USAGE),
            Self::Orders(OrdersError::Id(_) | OrdersError::Amount(_)) => ExitCode::from(USAGE),
            Self::Purchases(PurchasesError::Id(_)) => ExitCode::from(USAGE),
            _ => ExitCode::FAILURE,
        }
    }

    /// Whether it only means that nobody reads the output any more, as in `till openapi | head`.
    fn is_hang_up(&self) -> bool {
        let mut error: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(cause) = error {
            let io = cause.downcast_ref::<io::Error>();
            if io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
                return true;
            }
            error = cause.source();
        }
        false
    }
}

/// Does what was asked.
pub fn run(arguments: Arguments) -> ExitCode {
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CliError::from)
        .and_then(|runtime| runtime.block_on(command(arguments.command)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_hang_up() => ExitCode::SUCCESS,
        Err(error) => {
            let ink = ink::Ink::of(&io::stderr());
            let _nobody_listens = writeln!(io::stderr(), "{} {}", ink.bad("error:"), told(&error));
            error.exit_code()
        }
    }
}

/// The error with its causes; a cause that the sentence before repeats is left out.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let sentence = error.to_string();
        if !text.contains(&sentence) {
            let _infallible = write!(text, ": {sentence}");
        }
        cause = error.source();
    }
    text
}

async fn command(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve => run_server().await,
        Command::Migrate => migrate().await,
        Command::Catalog(CatalogCommand::Import { file }) => import(&file).await,
        Command::Catalog(CatalogCommand::Export) => export().await,
        Command::Orders(command) => orders::command::run(command).await,
        Command::Reconcile(asked) => {
            let (out, err) = (io::stdout(), io::stderr());
            beside_the_server(async |cx| reconcile::reconcile(cx, asked, out, err).await).await
        }
        Command::Purchases(command) => purchases::command::run(command).await,
        Command::Webhooks(command) => webhooks::command::run(command).await,
        Command::Doctor { json } => examine(json).await,
        Command::Openapi => print_document(),
        Command::Simulate(SimulateCommand::Stripe(arguments)) => {
            Ok(simulate::stripe(arguments).await?)
        }
        Command::Simulate(SimulateCommand::ElasticPath(arguments)) => {
            Ok(simulate::elastic_path(arguments).await?)
        }
        // The two purchases that it can tell are large.
        Command::Demo(arguments) => Ok(Box::pin(demo::demo(arguments)).await?),
    }
}

async fn run_server() -> Result<(), CliError> {
    let config = Config::load(sources())?;
    start_log(&config);
    Ok(serve(config).await?)
}

/// The log goes to standard error, where it is in nobody's way.
fn start_log(config: &Config) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.log))
        .with_ansi(ink::wanted(&io::stderr()))
        .with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

async fn migrate() -> Result<(), CliError> {
    let config = DatabaseConfig::load(sources())?;
    let store = Store::open(&config.url, &Limits::default()).await?;
    let done = store.migrate().await;
    store.close().await;
    let mut out = io::stdout().lock();
    match done?.as_slice() {
        [] => writeln!(out, "{} is up to date; nothing was to be done.", config.url)?,
        done => {
            writeln!(out, "{} has been brought up to date:", config.url)?;
            done.iter().try_for_each(|name| writeln!(out, "  {name}"))?;
        }
    }
    Ok(())
}

async fn import(file: &Path) -> Result<(), CliError> {
    let config = DatabaseConfig::load(sources())?;
    let bytes = catalog::read_file(file)?;
    let rows = catalog::sheet::read(&bytes, config.currency).map_err(catalog::ImportError::Rows)?;
    let store = ready(&config).await?;
    let done = catalog::import(&store, rows, &Clock::system(), &Ids::system()).await;
    store.close().await;
    writeln!(io::stdout(), "{}", done?)?;
    Ok(())
}

async fn export() -> Result<(), CliError> {
    let config = DatabaseConfig::load(sources())?;
    let store = ready(&config).await?;
    let done = catalog::export(&store, io::stdout().lock()).await;
    store.close().await;
    Ok(done?)
}

async fn examine(as_json: bool) -> Result<(), CliError> {
    let lines = doctor::examine(sources, transport()?, Clock::system().now()).await;
    let ink = ink::Ink::of(&io::stdout());
    Ok(doctor::print(&lines, as_json, ink, io::stdout().lock())?)
}

/// Works on the database alone.
async fn on_the_books<E>(work: impl AsyncFnOnce(&Store) -> Result<(), E>) -> Result<(), CliError>
where
    CliError: From<E>,
{
    let store = ready(&DatabaseConfig::load(sources())?).await?;
    let done = work(&store).await;
    store.close().await;
    Ok(done?)
}

/// Runs the flows of a native server that serves nobody.
async fn beside_the_server<E>(
    work: impl AsyncFnOnce(&Context) -> Result<(), E>,
) -> Result<(), CliError>
where
    CliError: From<E>,
{
    let server = idle_server().await?;
    let Backend::Native(cx) = &server.backend else { return Err(CliError::NativeOnly) };
    let done = work(cx).await;
    cx.store.close().await;
    Ok(done?)
}

/// The same with carts at Elastic Path.
async fn beside_the_platform<E>(
    work: impl AsyncFnOnce(&Px) -> Result<(), E>,
) -> Result<(), CliError>
where
    CliError: From<E>,
{
    let server = idle_server().await?;
    let Backend::Platform(px) = &server.backend else { return Err(CliError::PlatformOnly) };
    let done = work(px).await;
    px.store.close().await;
    Ok(done?)
}

async fn idle_server() -> Result<Server, CliError> {
    let config = Config::load(sources())?;
    let store = ready(&DatabaseConfig::load(sources())?).await?;
    let (clock, ids) = (Clock::system(), Ids::system());
    let merchant = gateways::https(gateways::merchant::LIMITS).map_err(ServeError::from)?;
    let parts = Parts { store, transport: transport()?, merchant, clock, ids, tick: TICK };
    Ok(Server::new(config, parts)?)
}

fn transport() -> Result<gateways::Transport, ServeError> {
    Ok(gateways::https(gateways::TransportLimits::default())?)
}

/// The database, if it is up to date. A command that was asked for something else does not change
/// its schema.
async fn ready(config: &DatabaseConfig) -> Result<Store, CliError> {
    let store = Store::open(&config.url, &Limits::default()).await?;
    if store.pending_migrations().await?.is_empty() {
        return Ok(store);
    }
    store.close().await;
    Err(CliError::NotMigrated)
}

fn print_document() -> Result<(), CliError> {
    let json = openapi::document().to_pretty_json()?;
    Ok(writeln!(io::stdout(), "{json}")?)
}

fn sources() -> Sources {
    Sources::of_process(Path::new("."))
}
