//! Anything slow, dangerous or with several steps: seen as a plan before, written into a journal while it runs, undone after.
//!
//! Words: an operation is one run of a [`Plan`](plan::Plan) of a [`kind`](kind::OperationKind) on a subject; a plan is a list of
//! steps, each with its [`Undo`](plan::Undo); the journal is the list of its [`entries`](journal::Entry), which only grows; a
//! [`Run`](run::Run) is what the entries add up to; *stuck* means that a person has to decide.
//!
//! Invariants: a plan that changed since it was looked at is not started ([`refusal`]); what comes next follows from the journal
//! alone ([`run::next`]), so whoever was killed goes on where the journal ends; nothing is unwound from the point of no return on;
//! one operation at a time has a subject.
//!
//! Not here: what the operations do (beside their nouns, in the slices right of this one), and who does it (the server).

#[cfg(feature = "ssr")]
pub mod api;
pub mod ask;
pub mod change;
pub mod journal;
pub mod kind;
#[cfg(feature = "ssr")]
pub mod pages;
pub mod plan;
pub mod refusal;
pub mod run;
pub mod setting;
pub mod sheet;
#[cfg(feature = "ssr")]
pub mod state;
#[cfg(feature = "ssr")]
pub mod store;
