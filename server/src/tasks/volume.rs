//! Reads, once a minute, how many calls there were and what became of them, and what was usual at this hour in past weeks.
//!
//! Cheap: each statement reads a range of the primary key of the sums, three for the window a minute, and past weeks by the hour
//! twice an hour.

use app::{
    alerts::{
        rule::{VolumeFigures, VolumeSight},
        subject::{Subject, SubjectKind},
        window::{ByName, Hours, WEEKS, Window, with_live},
    },
    calls::{state::CallsState, store::volume, volume::Counts, volume::Grouping},
    database::Database,
    error::AppError,
    values::Moment,
};
use std::collections::BTreeSet;

const CUTS: [(Grouping, SubjectKind); 3] = [
    (Grouping::Total, SubjectKind::Traffic),
    (Grouping::Carrier, SubjectKind::Carrier),
    (Grouping::Customer, SubjectKind::Customer),
];

/// The counts of each cut.
type Cuts = [ByName; CUTS.len()];

#[derive(Default)]
pub struct VolumeFeed {
    /// Past weeks, each with its earlier and later hour, and for which hour they were read.
    past: Option<(Moment, Vec<[Cuts; 2]>)>,
    /// The window's end, and what was read for it.
    newest: Option<(Moment, Vec<VolumeSight>)>,
}

impl VolumeFeed {
    /// What is known of the newest whole minutes; read anew when a minute has gone by.
    pub async fn look(&mut self, database: &Database, calls: &CallsState, now: Moment) -> Result<&[VolumeSight], AppError> {
        let window = Window::before(now);
        if self.newest.as_ref().is_none_or(|(until, _)| *until != window.until) {
            // Should the reading fail, what is old is not taken for new.
            self.newest = None;
            let sights = self.read(database, calls, &window, now).await?;
            self.newest = Some((window.until, sights));
        }
        Ok(self.newest.as_ref().map_or(&[], |(_, sights)| sights))
    }

    async fn read(
        &mut self,
        database: &Database,
        calls: &CallsState,
        window: &Window,
        now: Moment,
    ) -> Result<Vec<VolumeSight>, AppError> {
        let doing = "read the volume of calls";
        let hours = window.hours();
        if self.past.as_ref().is_none_or(|(from, _)| *from != hours.from) {
            self.past = Some((hours.from, read_past(database, &hours).await?));
        }
        let mut conn = database.acquire(doing).await?;
        let live = calls.all(now);
        let mut sights = Vec::new();
        let past: &[[Cuts; 2]] = self.past.as_ref().map_or(&[], |(_, weeks)| weeks);
        for (i, (grouping, kind)) in CUTS.into_iter().enumerate() {
            let mut newest = database.within(doing, volume::list_rows(&mut conn, grouping, &window.span())).await?;
            with_live(&mut newest, grouping, window, live.iter().map(|call| &call.call));
            let mut names: BTreeSet<&String> = newest.keys().collect();
            // Who is silent now is a name of past weeks only.
            names.extend(past.iter().flatten().flat_map(|cuts| cuts[i].keys()));
            for name in names {
                let of = |cuts: &Cuts| cuts[i].get(name).copied().unwrap_or_default();
                let usual: Vec<VolumeFigures> = past.iter().map(|[earlier, later]| hours.usual(&of(earlier), &of(later))).collect();
                let subject = Subject::new(kind, if kind == SubjectKind::Traffic { "all" } else { name });
                let counts: Counts = newest.get(name).copied().unwrap_or_default();
                sights.push(VolumeSight { subject, now: window.now(&counts), usual, from: window.from, until: window.until });
            }
        }
        Ok(sights)
    }
}

async fn read_past(database: &Database, hours: &Hours) -> Result<Vec<[Cuts; 2]>, AppError> {
    let doing = "read the volume of past weeks";
    let mut conn = database.acquire(doing).await?;
    let mut weeks = Vec::new();
    for week in 1..=WEEKS {
        let mut both: [Cuts; 2] = Default::default();
        for (cuts, span) in both.iter_mut().zip(hours.spans(week)) {
            for (by_name, (grouping, _)) in cuts.iter_mut().zip(CUTS) {
                *by_name = database.within(doing, volume::list_rows(&mut conn, grouping, &span)).await?;
            }
        }
        weeks.push(both);
    }
    Ok(weeks)
}
