//! The pages a person sees: what happened here, and what a bank or a wallet would show.

pub(crate) mod dashboard;
