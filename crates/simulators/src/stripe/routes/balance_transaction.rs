//! TO WRITE.

use crate::stripe::routes::Route;

pub(crate) const ROUTES: &[Route] = &[];
