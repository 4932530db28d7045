//! Pages under load, and what live clients cost.

use super::{
    Failure,
    figure::{Figure, Goal, percentile},
    subject::Subject,
};
use futures::{StreamExt, future::try_join_all};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, COOKIE};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

const CLIENTS: usize = 50;
/// System and bare page take turns, so that a slow moment of the machine meets both.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const LIVE_SETTLE: Duration = Duration::from_secs(5);
const LIVE_SPAN: Duration = Duration::from_secs(20);
/// At rest: signed in, some pages seen, nobody there for this long.
const REST: Duration = Duration::from_secs(10);

pub const PAGE: Goal = Goal {
    name: "page-ttfb",
    what: "System page, first byte at 50 clients without a pause, 95th percentile; baseline: the sign-in page",
    unit: "ms",
    at_most: 30.0,
    ratio_at_most: Some(3.0),
};
pub const LIVE: Goal = Goal {
    name: "live-cpu",
    what: "processor used by the panel with 50 live System pages open, in percent of one core; baseline: with none",
    unit: "%",
    at_most: 15.0,
    ratio_at_most: None,
};
pub const MEMORY: Goal = Goal {
    name: "memory-at-rest",
    what: "resident memory of the panel at rest, without its MariaDB",
    unit: "MB",
    at_most: 60.0,
    ratio_at_most: None,
};

fn client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder().tcp_nodelay(true).build().map_err(Failure::new)
}

/// The time to the first byte of a page, read to its end.
async fn first_byte_ms(client: &reqwest::Client, url: &str, cookie: &str) -> Result<f64, Failure> {
    let began = Instant::now();
    let request = client.get(url).header(COOKIE, cookie).header(ACCEPT, "text/html").header(ACCEPT_ENCODING, "br, gzip");
    let mut answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(Failure::new)?;
    let first = answer.chunk().await.map_err(Failure::new)?;
    let took = began.elapsed();
    if first.is_none() {
        return Err(Failure::new(format!("{url} answered with nothing.")));
    }
    while answer.chunk().await.map_err(Failure::new)?.is_some() {}
    Ok(took.as_secs_f64() * 1_000.0)
}

/// Every client asks for the page again as soon as it has it, until the time is up.
async fn round(clients: &[reqwest::Client], url: &str, cookie: &str) -> Result<Vec<f64>, Failure> {
    let until = Instant::now() + ROUND;
    let each = clients.iter().map(|client| async move {
        let mut took = Vec::new();
        while Instant::now() < until {
            took.push(first_byte_ms(client, url, cookie).await?);
        }
        Ok::<_, Failure>(took)
    });
    Ok(try_join_all(each).await?.concat())
}

pub async fn page_ttfb() -> Result<Figure, Failure> {
    let mut subject = Subject::start().await?;
    let figure = against_the_bare_page(&subject, "/system", PAGE).await?;
    subject.stop().await?;
    Ok(figure)
}

/// A page under load, in turns with the sign-in page.
pub async fn against_the_bare_page(subject: &Subject, path: &str, goal: Goal) -> Result<Figure, Failure> {
    let cookie = subject.sign_in().await?;
    let clients = (0..CLIENTS).map(|_| client()).collect::<Result<Vec<_>, _>>()?;
    let (page, bare) = (format!("{}{path}", subject.staff), format!("{}/sign-in", subject.staff));
    // Once unmeasured: connections are opened, caches filled.
    round(&clients, &page, &cookie).await?;
    round(&clients, &bare, "").await?;
    let (mut of_page, mut of_bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_bare.push(percentile(&mut round(&clients, &bare, "").await?, 95));
        of_page.push(percentile(&mut round(&clients, &page, &cookie).await?, 95));
    }
    Ok(goal.judge(percentile(&mut of_page, 50), Some(percentile(&mut of_bare, 50))))
}

/// What an open System page does: it hears wake-ups and, woken, reads what is new.
async fn live_page(staff: &str, cookie: &str, reads: &AtomicUsize) -> Result<(), Failure> {
    let (stream, reader) = (client()?, client()?);
    let request = stream.get(format!("{staff}/live")).header(COOKIE, cookie).header(ACCEPT, "text/event-stream");
    let answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(Failure::new)?;
    let mut parts = answer.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(Failure::new)?;
        if String::from_utf8_lossy(&part).contains("wake system") {
            let newer_than = app::context::now().minus(Duration::from_secs(2)).micros();
            let url = format!("{staff}/api/system/get?newer_than={newer_than}");
            let request = reader.get(url).header(COOKIE, cookie).header("sec-fetch-site", "same-origin");
            let answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(Failure::new)?;
            answer.bytes().await.map_err(Failure::new)?;
            reads.fetch_add(1, Ordering::Relaxed);
        }
    }
    Err(Failure::new("A live stream ended by itself."))
}

/// Of one core, by the panel and the programs it runs.
pub async fn cpu_percent(subject: &Subject, span: Duration) -> f64 {
    let (before, began) = (subject.cpu_with_programs(), Instant::now());
    tokio::time::sleep(span).await;
    subject.cpu_with_programs().saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0
}

pub async fn live_cpu() -> Result<Figure, Failure> {
    let mut subject = Subject::start().await?;
    let cookie = subject.sign_in().await?;
    tokio::time::sleep(LIVE_SETTLE).await;
    let alone = cpu_percent(&subject, LIVE_SPAN).await;
    let (staff, watching, reads) = (subject.staff.clone(), &subject, AtomicUsize::new(0));
    let pages = try_join_all((0..CLIENTS).map(|_| live_page(&staff, &cookie, &reads)));
    let watched = async {
        tokio::time::sleep(LIVE_SETTLE).await;
        cpu_percent(watching, LIVE_SPAN).await
    };
    let percent = tokio::select! {
        ended = pages => return Err(ended.err().unwrap_or_else(|| Failure::new("The live pages ended."))),
        percent = watched => percent,
    };
    subject.stop().await?;
    // A sample comes every two seconds; pages that hear of none would cost nothing and prove nothing.
    let (read, expected) = (reads.into_inner(), CLIENTS * 5);
    if read < expected {
        return Err(Failure::new(format!("The {CLIENTS} live pages read {read} times instead of {expected} or more.")));
    }
    Ok(LIVE.judge(percent, Some(alone)))
}

pub async fn memory_at_rest() -> Result<Figure, Failure> {
    let mut subject = Subject::start().await?;
    let cookie = subject.sign_in().await?;
    let client = client()?;
    for path in ["/system", "/users", "/audit", "/profile"] {
        first_byte_ms(&client, &format!("{}{path}", subject.staff), &cookie).await?;
    }
    tokio::time::sleep(REST).await;
    // Bytes below 2^53 are exact in a double.
    let megabytes = subject.usage().rss_bytes as f64 / 1e6;
    subject.stop().await?;
    Ok(MEMORY.judge(megabytes, None))
}
