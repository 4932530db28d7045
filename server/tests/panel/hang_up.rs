//! Ending a call while the panel's own database is away: it works, and the audit log has it exactly once when the database is back,
//! whatever is killed in between. The PBX is a stand-in that speaks AMI; the real one is in the lab's tests.

use crate::{
    browser::Browser,
    cable::{Cable, Proxy},
    harness::{Database, PASSWORD, Panel, Setup, temp_dir, until},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};

const QUICK: Duration = Duration::from_secs(10);
const REFERENCE: &str = "51eb5a303d7e5635@customer-01";
const CHANNEL: &str = "PJSIP/kamailio-01-00000000";

/// One call that is up until it is hung up, and then the next one.
struct Pbx {
    port: u16,
    calls: Arc<Calls>,
}

struct Calls {
    hung_up: Mutex<u32>,
    events: broadcast::Sender<String>,
}

impl Calls {
    fn number(&self) -> u32 {
        *self.hung_up.lock().expect("no panic")
    }

    fn answer(&self, action: &str, id: &str) -> String {
        let success = format!("Response: Success\r\nActionID: {id}\r\n");
        let number = self.number();
        match action {
            "CoreSettings" => success + "AsteriskVersion: 20.9.0\r\n\r\n",
            "CoreStatus" => success + "CoreStartupDate: 2026-11-22\r\nCoreStartupTime: 03:00:00\r\n\r\n",
            "Status" => format!(
                "{success}EventList: start\r\n\r\nEvent: Status\r\nChannel: {CHANNEL}\r\nChannelState: 6\r\nUniqueid: {number}.0\r\n\
                 Linkedid: {number}.0\r\nSeconds: 2\r\nChanVariable: REFERENCE={number}-{REFERENCE}\r\nChanVariable: CALLER=12125550100\r\n\
                 ChanVariable: CALLED=442079460123\r\nChanVariable: CUSTOMER=customer-01\r\nChanVariable: CARRIER=carrier-a\r\n\
                 ActionID: {id}\r\n\r\nEvent: StatusComplete\r\nActionID: {id}\r\nEventList: Complete\r\n\r\n"
            ),
            "PJSIPShowEndpoints" => format!("Response: Error\r\nActionID: {id}\r\nMessage: No endpoints found\r\n\r\n"),
            "Hangup" => {
                *self.hung_up.lock().expect("no panic") += 1;
                let over = format!("Event: Hangup\r\nChannel: {CHANNEL}\r\nUniqueid: {number}.0\r\nLinkedid: {number}.0\r\n\r\n");
                let next = number + 1;
                let new = format!(
                    "Event: Newchannel\r\nChannel: {CHANNEL}\r\nChannelState: 6\r\nUniqueid: {next}.0\r\nLinkedid: {next}.0\r\n\
                     ChanVariable: REFERENCE={next}-{REFERENCE}\r\nChanVariable: CALLER=12125550100\r\n\r\n"
                );
                // Nobody may listen at the moment.
                let _ = self.events.send(over + &new);
                success + "\r\n"
            }
            _ => success + "\r\n",
        }
    }
}

impl Pbx {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let calls = Arc::new(Calls { hung_up: Mutex::default(), events: broadcast::Sender::new(16) });
        let shared = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        Self { port, calls }
    }

    fn reference(&self) -> String {
        format!("{}-{REFERENCE}", self.calls.number())
    }
}

async fn converse(stream: TcpStream, calls: Arc<Calls>) {
    let (read, mut write) = stream.into_split();
    let (mut lines, mut events) = (BufReader::new(read).lines(), calls.events.subscribe());
    if write.write_all(b"Asterisk Call Manager/9.0.0\r\n").await.is_err() {
        return;
    }
    let (mut action, mut id) = (String::new(), String::new());
    loop {
        let said = tokio::select! {
            event = events.recv() => event.unwrap_or_default(),
            line = lines.next_line() => match line {
                Ok(Some(line)) => match line.split_once(": ") {
                    Some(("Action", value)) => { action = value.into(); continue }
                    Some(("ActionID", value)) => { id = value.into(); continue }
                    None if line.is_empty() => calls.answer(&action, &id),
                    _ => continue,
                },
                _ => return,
            },
        };
        if write.write_all(said.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A state folder with an inventory of this one PBX.
fn inventory(state: &Path, port: u16) {
    let text = format!(
        "name = \"test\"\n[networks.management]\nsubnet = \"127.0.0.0/24\"\nmtu = 1500\nuplink = \"expected\"\n\
         [[hosts]]\nname = \"host-01\"\nkind = \"lab\"\nmanagement = \"127.0.0.2\"\n\
         [[machines]]\nname = \"asterisk-01\"\nrole = \"asterisk\"\nhost = \"host-01\"\nnumber = 1\nnetworks = [\"management\"]\n\
         [endpoints.asterisk.ami]\nnetwork = \"management\"\nport = {port}\nuser = \"panel\"\ncredential = \"panel\"\n\
         [credentials]\npanel = \"file:secret\"\n"
    );
    fs::create_dir_all(state).expect("a folder");
    fs::write(state.join("inventory.toml"), text).expect("written");
    fs::write(state.join("secret"), "hush-hush\n").expect("written");
    fs::set_permissions(state.join("secret"), fs::Permissions::from_mode(0o600)).expect("ours");
}

fn start(database: &Database, proxy: &Proxy, state: &Path) -> Panel {
    let setup = Setup { database_url: Some(database.url_by(&proxy.socket)), ..Setup::private() };
    let panel = Panel::start(setup.state(state));
    // No lab runs here, and nobody has a shell.
    for line in ["the database does not answer", "host-01", "management network"] {
        panel.announce(line);
    }
    panel
}

/// Rows that wait for the database.
fn kept(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.join("audit")).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    entries.unwrap_or_default()
}

fn written(database: &Database) -> Vec<String> {
    let rows = database.sql("SELECT CONCAT(subject, ' ', after_value) FROM audit WHERE action = 'call_hang_up' ORDER BY seq");
    rows.lines().map(ToString::to_string).collect()
}

async fn until_live(browser: &Browser, reference: &str) {
    until("the call to be seen", QUICK, async || {
        browser.read("/api/calls/live", &[("query", "")]).await.text().await.is_ok_and(|text| text.contains(reference))
    })
    .await;
}

async fn hang_up(browser: &Browser, reference: &str) -> String {
    let fields = [("pbx", "asterisk-01"), ("channel", CHANNEL), ("reference", reference), ("query", "")];
    browser.form("/calls", "/api/calls/hang-up", &fields).await;
    browser.notice()
}

async fn until_ready(panel: &Panel, status: u16) {
    let browser = Browser::at(&panel.staff);
    until("it to be seen", QUICK, async || browser.get("/readyz").await.status() == status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_ended_without_the_database_and_the_audit_log_has_it_once_when_it_is_back() {
    let (database, dir, pbx) = (Database::new(), temp_dir(), Pbx::start().await);
    let (proxy, state) = (Proxy::before(&database.socket), dir.path().join("state"));
    inventory(&state, pbx.port);
    let mut panel = start(&database, &proxy, &state);
    panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD);
    let admin = Browser::signed_in(&panel.staff, "admin").await;

    let first = pbx.reference();
    until_live(&admin, &first).await;
    let said = hang_up(&admin, &first).await;
    assert!(said.contains("442079460123") && said.contains("was ended") && !said.contains("away"), "{said}");
    assert_eq!((written(&database), kept(&state).len()), (vec![format!("{first} ended")], 0));
    let said = hang_up(&admin, &first).await;
    assert!(pbx.calls.number() == 1 && said.contains("over already"), "what is over is not ended twice: {said}");

    proxy.set(Cable::Cut);
    until_ready(&panel, 503).await;
    let second = pbx.reference();
    until_live(&admin, &second).await;
    let said = hang_up(&admin, &second).await;
    assert!(said.contains("ended") && said.contains("The database is away: the audit log gets it"), "{said}");
    assert_eq!((pbx.calls.number(), kept(&state).len(), written(&database).len()), (2, 1, 1));

    // The panel is killed; of another hang-up it had heard no end yet.
    panel.kill();
    let row = kept(&state).remove(0);
    let text = fs::read_to_string(&row).expect("a row");
    let mut begun: Value = serde_json::from_str(&text).expect("a row is JSON");
    begun["request"] = "00000000000000ff".into();
    begun["after"] = "begun".into();
    fs::write(row.with_file_name("1-call_hang_up-00000000000000ff.begun"), begun.to_string()).expect("written");
    proxy.set(Cable::Whole);
    let panel = start(&database, &proxy, &state);
    until("both rows to be written", QUICK, async || kept(&state).is_empty()).await;
    let all = [format!("{first} ended"), format!("{second} ended"), format!("{second} begun")];
    assert_eq!(written(&database), all);

    // Written, and killed before the file was removed: it is there already.
    fs::write(&row, &text).expect("written");
    fs::write(row.with_file_name("2.json"), "no row").expect("written");
    panel.announce("is put aside");
    let aside = [row.with_file_name("2.unreadable")];
    until("what cannot be read to stay for a person, alone", QUICK, async || kept(&state) == aside).await;
    assert_eq!(written(&database), all);
    assert_eq!(panel.json(&["audit", "verify"])["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_is_not_done() {
    let (database, dir, pbx) = (Database::new(), temp_dir(), Pbx::start().await);
    let (proxy, state) = (Proxy::before(&database.socket), dir.path().join("state"));
    inventory(&state, pbx.port);
    // Where the rows are to lie is a file: no row can be kept, by whomever.
    fs::write(state.join("audit"), "in the way").expect("written");
    let panel = start(&database, &proxy, &state);
    panel.announce("kept");
    panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD);
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    until_live(&admin, &pbx.reference()).await;
    let said = hang_up(&admin, &pbx.reference()).await;
    assert!(said.contains("Nothing was ended"), "{said}");
    assert_eq!((pbx.calls.number(), written(&database).len()), (0, 0));
}
