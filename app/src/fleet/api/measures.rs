//! Measures of a machine over time.

use crate::{
    error::AppError,
    fleet::measure::{Measure, MeasurePoint, Range},
    values::Moment,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{
    context::{self, allowed},
    fleet::{measure::joined, store},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureSeries {
    pub measure: Measure,
    /// Oldest first; a bucket in which nothing was seen is absent.
    pub points: Vec<MeasurePoint>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    pub machine: String,
    pub range: Range,
    pub bucket_s: u32,
    pub from: Moment,
    pub until: Moment,
    pub series: Vec<MeasureSeries>,
    /// Why only the hour in memory is shown, while the database is away.
    pub lacks: Option<String>,
}

/// `measures` are names with commas between them; `range` is `1h`, `24h` or `7d`.
#[server(endpoint = "fleet/measures", input = GetUrl, output = Json)]
pub async fn get_measures(machine: String, measures: String, range: String) -> Result<Measures, AppError> {
    let allowed = allowed::<GetMeasures>()?;
    let range = Range::parse(&range).ok_or_else(|| AppError::not_found(format!("range {range}; there are 1h, 24h and 7d")))?;
    let wanted = measures
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| Measure::parse(name).ok_or_else(|| AppError::not_found(format!("measure {name}"))));
    let wanted: Vec<Measure> = wanted.collect::<Result<_, _>>()?;
    let (fleet, database) = (&allowed.panel.fleet, &allowed.panel.database);
    let (until, bucket_s) = (context::now(), range.bucket_s());
    // From the beginning of a bucket, so that the first one is whole.
    let from = until.minus(range.span()).seconds().div_euclid(i64::from(bucket_s)) * i64::from(bucket_s);
    let from = Moment::from_seconds(from);
    let stored = async {
        let doing = "read the measures";
        let mut conn = database.acquire(doing).await?;
        let mut stored = Vec::new();
        for measure in &wanted {
            stored.push(database.within(doing, store::list_points(&mut conn, &machine, *measure, bucket_s, from)).await?);
        }
        Ok(stored)
    };
    let (stored, lacks) = match stored.await {
        Ok(stored) => (stored, None),
        Err(error @ AppError::Away { .. }) => (Vec::new(), Some(format!("Only the last hour is shown. {error}"))),
        Err(error) => return Err(error),
    };
    let mut stored = stored.into_iter();
    let series = wanted.into_iter().map(|measure| {
        let memory = fleet.measure_points(&machine, measure, bucket_s, from);
        MeasureSeries { measure, points: joined(stored.next().unwrap_or_default(), memory) }
    });
    let series = series.collect();
    Ok(Measures { machine, range, bucket_s, from, until, series, lacks })
}
