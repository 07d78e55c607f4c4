//! TO WRITE.

use crate::stripe::objects::event::Origin;
use crate::stripe::rules::cards::Complaint;
use crate::stripe::state::State;

pub(crate) fn open_all(_: &mut State, _: &str, _: &[Complaint], _: &Origin) {}

pub(crate) fn warn(_: &mut State, _: &str, _: &Origin) {}
