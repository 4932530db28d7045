//! A fleet that is not there: proxies on loopback addresses, one each, that answer JSON-RPC and OPTIONS as Kamailio does. They are
//! for the cost of looking at many machines; what a real proxy answers is tested in the lab.

use super::Failure;
use axum::{Json, Router, extract::State, routing::get, routing::post};
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

/// All of 127.0.0.0/8 is this machine; nobody else uses this part of it.
const NETWORK: [u8; 3] = [127, 77, 7];

pub struct Simulated {
    /// Ended with it.
    _tasks: JoinSet<()>,
    pub machines: u8,
    port: u16,
    answers: Arc<Answers>,
}

#[derive(Default)]
struct Answers {
    looks: AtomicU64,
    silent: AtomicBool,
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(NETWORK[0], NETWORK[1], NETWORK[2], number)
}

impl Simulated {
    pub async fn start(machines: u8) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("A simulated machine cannot listen: {error}."));
        let (mut tasks, answers) = (JoinSet::new(), Arc::new(Answers::default()));
        // One port for all, as in a real fleet; the system chooses it on the first address.
        let mut port = 0;
        for number in 1..=machines {
            let listener = TcpListener::bind((address(number), port)).await.map_err(failed)?;
            port = listener.local_addr().map_err(failed)?.port();
            let sip = UdpSocket::bind((address(number), port)).await.map_err(failed)?;
            let routes = Router::new().route("/RPC", post(rpc)).route("/metrics", get(metrics));
            let routes = routes.route("/lose", post(lose)).route("/find", post(find)).with_state(Arc::clone(&answers));
            tasks.spawn(async move {
                // It ends with the measurement; there is nobody to tell.
                let _ = axum::serve(listener, routes).await;
            });
            tasks.spawn(options(sip));
        }
        Ok(Self { _tasks: tasks, machines, port, answers })
    }

    /// How often a simulated proxy was asked for its dispatcher sets: once a look.
    pub fn looks(&self) -> u64 {
        self.answers.looks.load(Ordering::Relaxed)
    }

    /// Where they are told by POST what to be: `/lose`, and all of them report no PBX that answers, so that every machine of the
    /// map changes at once; `/find`, and all report well again.
    pub fn control(&self) -> String {
        format!("http://{}:{}", address(1), self.port)
    }

    /// The inventory that describes them.
    pub fn write_inventory(&self, file: &Path) -> Result<(), Failure> {
        let [a, b, c] = NETWORK;
        let mut text = format!(
            "name = \"simulated\"\n[networks.management]\nsubnet = \"{a}.{b}.{c}.0/24\"\nmtu = 1500\nuplink = \"expected\"\n\
             [networks.voice]\nsubnet = \"10.99.99.0/24\"\nmtu = 9000\nuplink = \"forbidden\"\n\
             [endpoints.kamailio]\njsonrpc = {{ network = \"management\", port = {port}, path = \"/RPC\" }}\n\
             options = {{ network = \"management\", port = {port} }}\n\
             [[hosts]]\nname = \"host-01\"\nkind = \"libvirt\"\nmanagement = \"{a}.{b}.{c}.254\"\n",
            port = self.port
        );
        for number in 1..=self.machines {
            text += &format!(
                "[[machines]]\nname = \"proxy-{number:03}\"\nrole = \"kamailio\"\nhost = \"host-01\"\nnumber = {number}\n\
                 networks = [\"management\", \"voice\"]\n"
            );
        }
        std::fs::write(file, text).map_err(|error| Failure::new(format!("{} cannot be written: {error}.", file.display())))
    }
}

async fn rpc(State(answers): State<Arc<Answers>>, Json(request): Json<Value>) -> Json<Value> {
    let method = request["method"].as_str().unwrap_or_default();
    if method == "dispatcher.list" {
        answers.looks.fetch_add(1, Ordering::Relaxed);
    }
    let flags = if answers.silent.load(Ordering::Relaxed) { "IP" } else { "AP" };
    let result = match method {
        "core.version" => json!("kamailio 5.6.3 (x86_64/linux) "),
        "core.uptime" => json!({ "now": "Sun Nov 22 19:08:20 2026", "up_since": "Sun Nov 22 18:47:15 2026", "uptime": 1265 }),
        "dispatcher.list" => {
            let target =
                |number: u8| json!({ "DEST": { "URI": format!("sip:10.99.99.{number}:5060"), "FLAGS": flags, "PRIORITY": 0 } });
            json!({ "NRSETS": 1, "RECORDS": [{ "SET": { "ID": 1, "TARGETS": [target(201), target(202), target(203)] } }] })
        }
        "htable.stats" => json!([{ "name": "block", "slots": 1024, "all": 3, "min": 0, "max": 1 }]),
        "mtree.summary" => json!([{ "table": "lcr", "item": { "memsize": 13123, "nritems": 63, "reload_time": 1_795_373_235 } }]),
        "stats.get_statistics" => json!([
            "core:rcv_requests_invite = 6472",
            "shmem:total_size = 268435456",
            "shmem:real_used_size = 3500672",
            "tmx:inuse_transactions = 18",
            "dialog:active_dialogs = 12",
            "dialog:early_dialogs = 2",
        ]),
        "core.shmmem" => json!({ "total": 268_435_456, "free": 264_934_784, "used": 3_182_112, "real_used": 3_500_672 }),
        "dlg.stats_active" => json!({ "starting": 0, "connecting": 2, "answering": 0, "ongoing": 10, "all": 12 }),
        "tm.stats" => json!({ "current": 18, "waiting": 16, "total": 6472 }),
        _ => json!([]),
    };
    Json(json!({ "jsonrpc": "2.0", "result": result, "id": request["id"] }))
}

async fn lose(State(answers): State<Arc<Answers>>) {
    answers.silent.store(true, Ordering::Relaxed);
}

async fn find(State(answers): State<Arc<Answers>>) {
    answers.silent.store(false, Ordering::Relaxed);
}

async fn metrics() -> &'static str {
    "kamailio_wirecenter_calls 6472 1795373235000\n"
}

/// Answers every OPTIONS with the headers that belong to it.
async fn options(socket: UdpSocket) {
    let mut buffer = [0; 2_048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..length]);
        let kept = ["via:", "from:", "to:", "call-id:", "cseq:"];
        let headers = text.lines().filter(|line| kept.iter().any(|name| line.to_ascii_lowercase().starts_with(name)));
        let answer = format!(
            "SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n",
            headers.map(|line| format!("{}\r\n", line.trim_end())).collect::<String>()
        );
        let _ = socket.send_to(answer.as_bytes(), from).await;
    }
}
