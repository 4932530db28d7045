//! Many calls at an even pace.

use super::{
    control::{Answer, Finished, Load, PlaceCall},
    desk::{Desk, Reader, Writer, still_there},
    endpoint::Command,
    leg::Report,
};
use std::{collections::HashSet, io, time::Duration};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, sleep_until},
};

struct Running<'d> {
    load: Load,
    desk: &'d Desk,
    begun: Instant,
    placed: u64,
    reports: UnboundedSender<Report>,
    /// Those whose end has not been heard of: to be ended when nobody listens any more.
    live: HashSet<u64>,
}

pub async fn run(load: Load, desk: &Desk, reader: &mut Reader, writer: &mut Writer) -> io::Result<()> {
    let (reports, mut ended) = unbounded_channel();
    let mut running = Running { load, desk, begun: Instant::now(), placed: 0, reports, live: HashSet::new() };
    let told = running.run(&mut ended, reader, writer).await;
    if told.is_err() {
        for number in running.live {
            let _ = desk.commands.send(Command::Abandon { number }).await;
        }
    }
    told
}

impl Running<'_> {
    async fn run(&mut self, ended: &mut UnboundedReceiver<Report>, reader: &mut Reader, writer: &mut Writer) -> io::Result<()> {
        let total = self.load.calls.count();
        while self.placed < total || !self.live.is_empty() {
            tokio::select! {
                () = sleep_until(self.due()), if self.placed < total => self.place().await?,
                report = ended.recv() => {
                    self.tell(report, writer).await?;
                    if ended.is_empty() {
                        writer.flush().await?;
                    }
                }
                line = reader.next_line() => still_there(line, writer).await?,
            }
        }
        writer.say(&Answer::Finished(Finished { attempted: self.placed })).await
    }

    /// Reckoned from the beginning each time, so that a late call makes no other late.
    fn due(&self) -> Instant {
        self.begun + Duration::from_secs_f64(self.placed as f64 / self.load.cps)
    }

    async fn place(&mut self) -> io::Result<()> {
        let Load { calls, proxy, media, codecs, proxy_timeout_ms, headers, .. } = &self.load;
        let Some(one) = calls.get(self.placed).cloned() else { return Ok(()) };
        let mut proxy = proxy.clone();
        let turn = usize::try_from(self.placed % (proxy.len().max(1) as u64)).unwrap_or(0);
        proxy.rotate_left(turn);
        let call = PlaceCall {
            from: one.from,
            to: one.to,
            proxy,
            codecs: codecs.clone(),
            ring_ms_max: one.ring_ms_max,
            talk_ms: one.talk_ms,
            media: *media,
            proxy_timeout_ms: *proxy_timeout_ms,
            headers: headers.clone(),
        };
        let number = self.desk.next_number();
        self.placed += 1;
        self.live.insert(number);
        let command = Command::Place { number, call, wants_events: false, reports: self.reports.clone() };
        self.desk.commands.send(command).await.map_err(|_| io::ErrorKind::NotConnected.into())
    }

    async fn tell(&mut self, report: Option<Report>, writer: &mut Writer) -> io::Result<()> {
        if let Some(Report::Ended(number, result)) = report {
            self.live.remove(&number);
            writer.say(&Answer::Ended(result)).await?;
        }
        Ok(())
    }
}
