//! Collecting call records: from the PBXs' table and the proxies' table of attempts in each database cluster into our own, exactly
//! once, late ones too.
//!
//! Why it is exactly once, whatever is killed when:
//! - A record's key in our tables is made of the record (when it began, a hash of its names), not of where or when it was read.
//!   Reading it again changes nothing, so reading too much is always safe.
//! - New rows, what they add to the sums, and the source's position are one transaction.
//!
//! Why nothing is missed: ids of the source grow, but a row with a smaller id may be committed after one with a larger (each writer
//! takes its id before it commits). So an id that is missing below the position is asked for again until nobody can still be
//! writing it, and after a start, or on another node of the cluster, everything of that time is read again. See [`window`].
//!
//! A source that is away keeps its position; what it has meanwhile comes when it is back, into the minutes it belongs to.
//!
//! What a table never got, because the database was away, stands in the PBXs' own files; see [`local`].

pub mod local;
mod read;
mod record;
mod window;

use app::{
    calls::{
        sources::SourceKind,
        state::CallsState,
        store::{collection, days},
    },
    context,
    database::Database,
    live::Topic,
    values::Moment,
};
pub use read::{Node, node};
use read::{Rows, Table};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;
use window::Window;

/// Rows in one transaction: some tenths of a second of work.
const BATCH_ROWS: u32 = 2_000;
/// Batches in one round, so that a long backlog of one source does not keep the others waiting.
const BATCHES_MAX: usize = 10;
/// Whatever a node is asked, it answers within this or counts as away.
const NODE_DEADLINE: Duration = Duration::from_secs(2);
/// A node that was away is left alone for this long, and which node is the writer is asked anew this often.
const CHOOSE_EVERY: Duration = Duration::from_secs(10);
/// Without anything to write, the position is touched this often, so that other panels stand by.
const TOUCH_EVERY: Duration = Duration::from_secs(3);
/// Partitions are made ahead for days; looking once an hour is plenty.
const DAYS_EVERY: Duration = Duration::from_secs(3_600);

/// A database cluster whose nodes hold the same tables with the same ids.
pub struct Cluster {
    pub name: String,
    pub nodes: Vec<Node>,
    /// The databases in it: `asterisk` and `kamailio`, as `server/stack/mariadb` makes them.
    pub pbx_database: String,
    pub proxy_database: String,
}

impl Cluster {
    pub fn new(name: impl Into<String>, nodes: Vec<Node>) -> Self {
        Self { name: name.into(), nodes, pbx_database: "asterisk".into(), proxy_database: "kamailio".into() }
    }
}

pub struct Collector {
    database: Arc<Database>,
    /// Who reads, for other panels on the same database: the same after a restart.
    reader: String,
    sources: Mutex<Sources>,
    /// Who is told up to when each cluster was read.
    told: Option<Arc<CallsState>>,
}

struct Sources {
    clusters: Vec<Reading>,
    days_made_at: Option<Moment>,
}

/// A cluster as it is being read.
struct Reading {
    cluster: Cluster,
    chosen: Option<Chosen>,
    tables: [Source; 2],
}

struct Chosen {
    node: usize,
    at: Moment,
}

struct Source {
    table: Table,
    /// Its name in our table of positions.
    name: String,
    window: Option<Window>,
    touched_at: Moment,
}

impl Collector {
    pub fn new(database: Arc<Database>, reader: impl Into<String>, clusters: Vec<Cluster>) -> Self {
        let reading = |cluster: Cluster| {
            let source = |table: Table| Source {
                name: format!("{}/{}", cluster.name, table.name()),
                table,
                window: None,
                touched_at: Moment::EPOCH,
            };
            Reading { tables: [source(Table::Calls), source(Table::Attempts)], cluster, chosen: None }
        };
        let sources = Sources { clusters: clusters.into_iter().map(reading).collect(), days_made_at: None };
        Self { database, reader: reader.into(), sources: Mutex::new(sources), told: None }
    }

    pub fn telling(mut self, calls: Arc<CallsState>) -> Self {
        let clusters = self.sources.get_mut().clusters.iter();
        clusters.for_each(|reading| calls.expect_source(SourceKind::Cluster, &reading.cluster.name, context::now()));
        self.told = Some(calls);
        self
    }

    /// Reads what is new everywhere; gives how many records were. A cluster that is away does not keep another from being read;
    /// the error names those that were.
    pub async fn round(&self) -> Result<usize, String> {
        if !self.database.state().is_up() {
            return Ok(0);
        }
        let sources = &mut *self.sources.lock().await;
        let now = context::now();
        if sources.days_made_at.is_none_or(|at| now.since(at) >= DAYS_EVERY) {
            self.make_days(now).await?;
            sources.days_made_at = Some(now);
        }
        let (mut new, mut problems) = (0, Vec::new());
        for reading in &mut sources.clusters {
            let read = self.read_cluster(reading).await;
            if let Some(calls) = &self.told {
                let result = read.as_ref().map(drop).map_err(String::as_str);
                calls.note_source(SourceKind::Cluster, &reading.cluster.name, result, context::now());
            }
            match read {
                Ok(count) => new += count,
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(new) } else { Err(problems.join("; ")) }
    }

    async fn make_days(&self, now: Moment) -> Result<(), String> {
        let mut conn = self.database.acquire("make the partitions of coming days").await.map_err(|error| error.to_string())?;
        // No deadline here: moving the rows of a day that was not made in time may take a while.
        let made = days::make_days(&mut conn, now).await.map_err(|error| format!("the partitions of coming days: {error}"))?;
        if made > 0 {
            tracing::info!(made, "partitions for call records were made");
        }
        Ok(())
    }

    async fn read_cluster(&self, reading: &mut Reading) -> Result<usize, String> {
        let now = context::now();
        if reading.chosen.as_ref().is_none_or(|chosen| now.since(chosen.at) >= CHOOSE_EVERY) {
            choose(reading, now).await?;
            forget_what_the_writer_lost(reading).await;
        }
        let Some(chosen) = &reading.chosen else { return Ok(0) };
        let node = &reading.cluster.nodes[chosen.node];
        let mut new = 0;
        for source in &mut reading.tables {
            match self.read_source(&reading.cluster, node, source).await {
                Ok(count) => new += count,
                Err(Failed::Node(error)) => {
                    reading.chosen = None;
                    return Err(format!("call records cannot be read from {} ({}): {error}", node.name, reading.cluster.name));
                }
                Err(Failed::Panel(error)) => {
                    // What was committed of it is not known: the window is taken from the database again.
                    source.window = None;
                    return Err(format!("call records of {} cannot be kept: {error}", source.name));
                }
            }
        }
        Ok(new)
    }

    async fn read_source(&self, cluster: &Cluster, node: &Node, source: &mut Source) -> Result<usize, Failed> {
        let mut new = 0;
        for _ in 0..BATCHES_MAX {
            if source.window.is_none() && !self.begin_window(cluster, node, source).await? {
                return Ok(new);
            }
            let Some(window) = &mut source.window else { return Ok(new) };
            let missing = window.missing();
            let rows = within(node.rows(cluster, source.table, window.read_after(), &missing, BATCH_ROWS)).await?;
            let now = context::now();
            let full = rows.ids().len() >= BATCH_ROWS as usize;
            if rows.ids().is_empty() && now.since(source.touched_at) < TOUCH_EVERY {
                return Ok(new);
            }
            let mut next = window.clone();
            next.note(rows.ids(), now);
            match keep_rows(&self.database, &source.name, &self.reader, &rows, next.position()).await? {
                Some(count) => new += count,
                None => {
                    source.window = None;
                    return Ok(new);
                }
            }
            (*window, source.touched_at) = (next, now);
            if !full {
                return Ok(new);
            }
        }
        Ok(new)
    }

    /// Where to begin: at what was settled, for what was read above it may have had gaps that only the process before us knew.
    /// False while another panel reads this source.
    async fn begin_window(&self, cluster: &Cluster, node: &Node, source: &mut Source) -> Result<bool, Failed> {
        let doing = "see how far call records were read";
        let mut tx = self.database.begin(doing).await.map_err(Failed::panel)?;
        let found = self.database.within(doing, collection::lock_position(&mut tx, &source.name, &self.reader)).await;
        self.database.within(doing, tx.commit()).await.map_err(Failed::panel)?;
        let Some(position) = found.map_err(Failed::panel)? else { return Ok(false) };
        let (top, writer) = within(node.top(cluster, source.table)).await?;
        // The writer has less than was read: the table was made anew, or a failover lost its last rows. Ids begin again below
        // our position, so it must go back; what is there already is recognized.
        let window = if writer && top < position.settled { Window::default() } else { Window::starting(position) };
        source.window = Some(window);
        Ok(true)
    }
}

/// Keeps rows and position in one transaction; gives how many rows were new. `None` when another panel has taken the source over.
async fn keep_rows(
    database: &Database,
    source: &str,
    reader: &str,
    rows: &Rows,
    position: collection::Position,
) -> Result<Option<usize>, Failed> {
    let doing = "keep call records";
    let mut tx = database.begin(doing).await.map_err(Failed::panel)?;
    let work = async {
        if collection::lock_position(&mut tx, source, reader).await?.is_none() {
            return Ok(None);
        }
        let new = match rows {
            Rows::Calls(_, cdrs) if !cdrs.is_empty() => collection::insert_calls(&mut tx, cdrs).await?,
            Rows::Attempts(_, attempts) if !attempts.is_empty() => collection::insert_attempts(&mut tx, attempts).await?,
            Rows::Calls(..) | Rows::Attempts(..) => 0,
        };
        collection::update_position(&mut tx, source, reader, position).await?;
        Ok(Some(new))
    };
    let new = database.within(doing, work).await.map_err(Failed::panel)?;
    match new {
        Some(new) if new > 0 => database.commit(tx, doing, &[Topic::Calls]).await.map_err(Failed::panel)?,
        _ => database.within(doing, tx.commit()).await.map_err(Failed::panel)?,
    }
    Ok(new)
}

enum Failed {
    /// The node that is read.
    Node(String),
    /// Our own database.
    Panel(String),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Node(said) | Self::Panel(said)) = self;
        f.write_str(said)
    }
}

impl Failed {
    fn panel(error: app::error::AppError) -> Self {
        Self::Panel(error.to_string())
    }
}

async fn within<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<T, Failed> {
    match tokio::time::timeout(NODE_DEADLINE, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failed::Node(error.to_string())),
        Err(_) => Err(Failed::Node(format!("no answer within {} s", NODE_DEADLINE.as_secs()))),
    }
}

/// A writer that has less than was read lost its last rows in a failover, or its table was made anew: the ids above will be given
/// again, to other calls. The window is begun again below them.
async fn forget_what_the_writer_lost(reading: &mut Reading) {
    let Some(chosen) = &reading.chosen else { return };
    let node = &reading.cluster.nodes[chosen.node];
    for source in &mut reading.tables {
        let Some(window) = &source.window else { continue };
        // A node that does not answer is found out by the next read.
        if let Ok((top, true)) = within(node.top(&reading.cluster, source.table)).await
            && top < window.read_after()
        {
            source.window = None;
        }
    }
}

/// The first node that takes writes; where none does, the first that answers at all.
async fn choose(reading: &mut Reading, now: Moment) -> Result<(), String> {
    let asked = reading.cluster.nodes.iter().map(|node| within(node.is_writer()));
    let answers = futures::future::join_all(asked).await;
    let writer = answers.iter().position(|answer| matches!(answer, Ok(true)));
    let any = answers.iter().position(Result::is_ok);
    let Some(node) = writer.or(any) else {
        reading.chosen = None;
        let said = answers.iter().zip(&reading.cluster.nodes).filter_map(|(answer, node)| match answer {
            Err(Failed::Node(error) | Failed::Panel(error)) => Some(format!("{}: {error}", node.name)),
            Ok(_) => None,
        });
        return Err(format!("no node of {} answers ({})", reading.cluster.name, said.collect::<Vec<_>>().join(", ")));
    };
    if reading.chosen.as_ref().is_none_or(|chosen| chosen.node != node) {
        // Another node may have rows below the position that the one before had not, or not yet.
        reading.tables.iter_mut().for_each(|source| source.window = None);
    }
    reading.chosen = Some(Chosen { node, at: now });
    Ok(())
}
