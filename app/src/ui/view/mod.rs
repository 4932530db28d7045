//! The components' views.

mod badge;
mod button;
#[cfg(feature = "ssr")]
pub mod chart;
mod confirm;
mod empty;
mod figure;
mod form;
#[cfg(feature = "ssr")]
mod kept;
mod live_chart;
mod notice;
mod problem;
mod progress;
mod table;
#[cfg(feature = "ssr")]
pub mod time_chart;

pub use badge::Badge;
pub use button::{ActionLink, Kind, Submit};
pub use confirm::{Confirm, Confirmation};
pub use empty::Empty;
pub use figure::{Figure, Figures, Instant};
pub use form::{Choice, Field, FieldKind, FormState, PostForm, Select};
#[cfg(feature = "ssr")]
pub use kept::Kept;
pub use live_chart::{LiveChart, LivePoint};
pub use notice::NoticeBox;
pub use problem::{ProblemList, ProblemPage};
pub use progress::Progress;
pub use table::{Cell, Column, DataTable, Filters, Row, TableFacts, column_chooser, shown_columns, table_count, table_head};

use crate::ui::icon::Icon;
use leptos::prelude::*;

/// An icon beside a word; it says nothing by itself.
pub fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d=icon.path()></path>
        </svg>
    }
}
