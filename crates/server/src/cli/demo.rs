//! The demo.

/// Not yet written.
#[derive(Debug, clap::Args)]
pub struct DemoArguments {}

/// Not yet written.
#[derive(Debug, thiserror::Error)]
#[error("the demo")]
pub struct DemoError;

/// Not yet written.
pub async fn demo(_: DemoArguments) -> Result<(), DemoError> {
    Err(DemoError)
}
