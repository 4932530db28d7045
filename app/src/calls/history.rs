//! Reading what is over: records, one call, call volume.

use crate::{
    calls::{
        cdr::{Cdr, CdrKey},
        sources::Behind,
        volume::Volume,
    },
    error::AppError,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{
    calls::{cdr::CdrFilter, search, store, volume::VolumeQuestion},
    context::{self, allowed},
    ui::table_view::TableView,
    values::Query,
};

/// Counting stops here: "more than 10,000" is all a person needs to narrow a search.
pub const COUNTED_MAX: u32 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdrList {
    /// Newest first.
    pub cdrs: Vec<Cdr>,
    /// The `below` of the next, older page.
    pub older: Option<CdrKey>,
    /// How many pass the filter; [`COUNTED_MAX`] stands for that many or more.
    pub counted: u64,
    /// Sources of records that lag behind: calls of a later time may be missing.
    #[serde(default)]
    pub behind: Vec<Behind>,
}

/// `query` is that of the page: the keys of [`CdrFilter`], `below`, `rows`.
#[server(endpoint = "calls/cdrs", input = GetUrl, output = Json)]
pub async fn list_cdrs(query: String) -> Result<CdrList, AppError> {
    let allowed = allowed::<ListCdrs>()?;
    let (database, doing) = (&allowed.panel.database, "search the CDRs");
    let query = Query::parse(&query);
    search::check(&query)?;
    let (filter, rows) = (CdrFilter::from_query(&query), TableView::from_query(&query).rows);
    let below = query.get("below").and_then(|key| key.parse().ok());
    let mut conn = database.acquire(doing).await?;
    let mut cdrs = database.within(doing, store::cdr::list(&mut conn, &filter, below, rows + 1)).await?;
    let more = cdrs.len() > rows as usize;
    cdrs.truncate(rows as usize);
    let older = cdrs.last().filter(|_| more).map(|cdr| cdr.key);
    let counted = database.within(doing, store::cdr::count(&mut conn, &filter, COUNTED_MAX)).await?;
    let behind = allowed.panel.calls.behind(filter.to, context::now());
    Ok(CdrList { cdrs, older, counted, behind })
}

/// All records of one call, by its reference, with the tries at carriers; nobody's reference is *not found*.
#[server(endpoint = "calls/cdr", input = GetUrl, output = Json)]
pub async fn get_cdr(reference: String) -> Result<Vec<Cdr>, AppError> {
    let allowed = allowed::<GetCdr>()?;
    let (database, doing) = (&allowed.panel.database, "read the call's record");
    let mut conn = database.acquire(doing).await?;
    let cdrs = database.within(doing, store::cdr::list_by_reference(&mut conn, &reference)).await?;
    if cdrs.is_empty() { Err(AppError::not_found(format!("call {reference}"))) } else { Ok(cdrs) }
}

/// `query` is that of the page: `by`, `name`, `range` or `from` and `to`.
#[server(endpoint = "calls/volume", input = GetUrl, output = Json)]
pub async fn get_volume(query: String) -> Result<Volume, AppError> {
    let allowed = allowed::<GetVolume>()?;
    let (database, doing) = (&allowed.panel.database, "read the call volume");
    let query = Query::parse(&query);
    VolumeQuestion::check(&query)?;
    let question = VolumeQuestion::from_query(&query);
    let mut conn = database.acquire(doing).await?;
    let now = context::now();
    let mut volume = database.within(doing, store::volume::get(&mut conn, &question, &allowed.panel.calls.tally(now), now)).await?;
    volume.behind = allowed.panel.calls.behind(Some(volume.span.to), now);
    Ok(volume)
}
