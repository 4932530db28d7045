//! The tables `volume_minutes` and `volume_hours`.

use crate::{
    calls::volume::{Grouping, Measures, Range, Volume, VolumeQuestion},
    values::Moment,
};
use sqlx::MySqlConnection;

/// What a page or command asks for, with the shadow of a week earlier.
pub async fn get(_conn: &mut MySqlConnection, question: &VolumeQuestion, now: Moment) -> sqlx::Result<Volume> {
    let _ = Grouping::Total;
    let _ = Range::Hour;
    let nothing = Measures::default();
    Ok(Volume {
        grouping: question.grouping,
        only: question.only.clone(),
        span: question.range.span(now),
        points: Vec::new(),
        shadow: Vec::new(),
        rows: Vec::new(),
        whole: nothing,
        week_before: nothing,
    })
}
