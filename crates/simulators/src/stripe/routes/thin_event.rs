//! The event routes of API v2: retrieve and list.

use jiff::Timestamp;
use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::api::v2;
use crate::stripe::objects::thin_event::ThinEvent;
use crate::stripe::routes::Route;
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::get("core/events", "v2.core.event[]", list),
    Route::get("core/events/{}", "v2.core.event", retrieve),
];

const TYPES_MAX: usize = 20;

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[], &[])?;
    let event = state.thin_events.get(id).filter(|event| state.is_thin_kept(event));
    event.map(ThinEvent::render).ok_or_else(|| ApiError::missing("event", id, "id").status(404))
}

const FILTERS: &[&str] =
    &["object_id", "types", "types.*", "created.gt", "created.gte", "created.lt", "created.lte"];

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[v2::PAGE, FILTERS], &[])?;
    let object = call.params.text("object_id")?;
    let types = v2::list(&call.params, "types")?;
    if types.len() > TYPES_MAX {
        let text = format!("You may pass at most {TYPES_MAX} event types.");
        return Err(ApiError::invalid(text).param("types"));
    }
    let created = Created::read(&call.params)?;
    let wanted = |event: &ThinEvent| {
        state.is_thin_kept(event)
            && object.as_ref().is_none_or(|id| *id == event.related.id)
            && (types.is_empty() || types.iter().any(|kind| kind == event.kind))
            && created.contains(event.created)
    };
    v2::page(call, &state.thin_events, wanted, ThinEvent::render)
}

struct Created {
    gt: Option<Timestamp>,
    gte: Option<Timestamp>,
    lt: Option<Timestamp>,
    lte: Option<Timestamp>,
}

impl Created {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let time = |path: &str| {
            let Some(text) = params.text(path)? else { return Ok(None) };
            text.parse().map(Some).map_err(|_| {
                ApiError::invalid(format!("Invalid timestamp: {text}")).param("created")
            })
        };
        Ok(Self {
            gt: time("created.gt")?,
            gte: time("created.gte")?,
            lt: time("created.lt")?,
            lte: time("created.lte")?,
        })
    }

    fn contains(&self, at: Timestamp) -> bool {
        self.gt.is_none_or(|bound| at > bound)
            && self.gte.is_none_or(|bound| at >= bound)
            && self.lt.is_none_or(|bound| at < bound)
            && self.lte.is_none_or(|bound| at <= bound)
    }
}
