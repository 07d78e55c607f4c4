//! The specification of the server, and of the repository it is built in.

mod tidy;
