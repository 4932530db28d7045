//! vSphere: an ESXi, or a host of a vCenter, asked by SOAP.
//!
//! SOAP and not the newer JSON: a lone ESXi speaks nothing else. Six methods are all it takes, so they are written out here; the
//! complete binding takes minutes and gigabytes to compile. One view of all objects is kept for as long as the session lasts.

mod properties;
mod soap;
#[cfg(test)]
mod tests;

use self::{
    properties::{Objects, WANTED},
    soap::{Fault, Reference, child, escaped, text},
};
use super::{http, trust::Trust};
use app::{
    fleet::facts::HypervisorFacts,
    ports::Hypervisor,
    values::{PortError, PortErrorKind},
};
use reqwest::{Client, Url, header::CONTENT_TYPE};
use roxmltree::Node;
use std::time::Duration;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

/// A machine's devices take some 10 KB.
const BODY_MAX_BYTES: usize = 32 * 1024 * 1024;
/// An answer comes in pages; more of them than this is a loop.
const PAGES_MAX: usize = 200;
const MAJOR_MIN: u32 = 6;

pub struct Account {
    pub user: String,
    pub password: String,
}

pub struct Vsphere {
    system: String,
    name: String,
    url: Url,
    account: Account,
    trust: Trust,
    deadline: Duration,
    session: Mutex<Option<Session>>,
}

/// Signed in. The client keeps the cookie, so each session has one of its own: an old cookie makes a new login fail.
struct Session {
    client: Client,
    product: String,
    version: String,
    collector: Reference,
    /// A view of everything that is asked for; vSphere keeps it up to date.
    view: Reference,
}

impl Vsphere {
    /// `name` is the host's in the inventory and, at a vCenter with several, also the host's there; `url` is
    /// `https://10.0.0.5/sdk`.
    pub fn new(name: &str, url: &str, account: Account, trust: Trust, deadline: Duration) -> Result<Self, PortError> {
        let wrong =
            |said: String| PortError::new(format!("{name} vSphere"), "read its address", PortErrorKind::NotConfigured, said);
        let url =
            Url::parse(url).map_err(|error| wrong(format!("{url:?} is not an address like https://10.0.0.5/sdk: {error}")))?;
        let place = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        http::session_client(trust).map_err(|(_, said)| wrong(said))?;
        let system = format!("{name} vSphere {place}");
        Ok(Self { system, name: name.into(), url, account, trust, deadline, session: Mutex::new(None) })
    }

    fn error(&self, doing: &str, fault: Fault) -> PortError {
        let (kind, said) = match fault {
            Fault::NotAuthenticated => (PortErrorKind::Denied, "it ended the session at once".into()),
            Fault::Other(failure) => failure,
        };
        PortError::new(&self.system, doing, kind, said)
    }

    async fn call<T>(
        &self,
        client: &Client,
        (method, this, rest): (&str, &Reference, &str),
        until: Instant,
        read: impl FnOnce(Node<'_, '_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let exchange = async {
            let post =
                client.post(self.url.clone()).header(CONTENT_TYPE, "text/xml; charset=utf-8").header("SOAPAction", "urn:vim25/6.0");
            let response = post.body(soap::request(method, this, rest)).send().await.map_err(|error| http::failure(&error))?;
            let status = response.status().as_u16();
            Ok::<_, http::Failure>((status, http::body(response, BODY_MAX_BYTES).await?))
        };
        let late = |_| (PortErrorKind::TimedOut, format!("no answer within {} ms", self.deadline.as_millis()));
        let (status, body) = timeout_at(until, exchange).await.map_err(late)??;
        soap::answer(method, status, &body, read)
    }

    async fn sign_in(&self, until: Instant) -> Result<Session, PortError> {
        let client = http::session_client(self.trust).map_err(|failure| self.error("sign in", Fault::Other(failure)))?;
        let root = Reference::new("ServiceInstance", "ServiceInstance");
        let content = self.call(&client, ("RetrieveServiceContent", &root, ""), until, read_content).await;
        let content = content.map_err(|fault| self.error("ask what it is", fault))?;
        let login =
            format!("<userName>{}</userName><password>{}</password>", escaped(&self.account.user), escaped(&self.account.password));
        let signed_in = self.call(&client, ("Login", &content.sessions, &login), until, |_| Ok(())).await;
        signed_in.map_err(|fault| self.error("sign in", fault))?;
        let kinds: String = WANTED
            .iter()
            .filter(|(kind, _)| *kind != "HostNetworkSystem")
            .map(|(kind, _)| format!("<type>{kind}</type>"))
            .collect();
        let view = format!("{}{kinds}<recursive>true</recursive>", content.folder.element("container"));
        let view = self
            .call(&client, ("CreateContainerView", &content.views, &view), until, |answer| reference(answer, "returnval"))
            .await;
        let view = view.map_err(|fault| self.error("make a view of everything", fault))?;
        Ok(Session { client, product: content.product, version: content.version, collector: content.collector, view })
    }

    async fn retrieve(&self, session: &Session, until: Instant) -> Result<Objects, Fault> {
        let mut objects = Objects::default();
        let specification = specification(&session.view);
        let mut call = ("RetrievePropertiesEx", specification);
        for _ in 0..PAGES_MAX {
            let token =
                self.call(&session.client, (call.0, &session.collector, &call.1), until, |answer| objects.add(answer)).await?;
            match token {
                Some(token) => call = ("ContinueRetrievePropertiesEx", format!("<token>{}</token>", escaped(&token))),
                None => return Ok(objects),
            }
        }
        Err(Fault::Other((PortErrorKind::Garbage, format!("its answer has more than {PAGES_MAX} pages"))))
    }
}

impl Hypervisor for Vsphere {
    async fn observe(&self) -> Result<HypervisorFacts, PortError> {
        let until = Instant::now() + self.deadline;
        let mut kept = self.session.lock().await;
        let doing = "read its machines and networks";
        let known = match kept.take() {
            Some(session) => match self.retrieve(&session, until).await {
                Ok(objects) => Some((session, objects)),
                // Sessions end after half an hour, or when the host restarts: not a failure of anything.
                Err(Fault::NotAuthenticated) => None,
                Err(fault) => {
                    *kept = Some(session);
                    return Err(self.error(doing, fault));
                }
            },
            None => None,
        };
        let (session, objects) = match known {
            Some(known) => known,
            None => {
                let session = self.sign_in(until).await?;
                let objects = self.retrieve(&session, until).await.map_err(|fault| self.error(doing, fault))?;
                (session, objects)
            }
        };
        let (product, version) = (session.product.clone(), session.version.clone());
        *kept = Some(session);
        let (switches, machines) = objects.of_host(&self.name).map_err(|failure| self.error(doing, Fault::Other(failure)))?;
        Ok(HypervisorFacts { host: self.name.clone(), product, version, switches, machines })
    }
}

/// Where everything else is found.
struct Content {
    product: String,
    version: String,
    folder: Reference,
    collector: Reference,
    views: Reference,
    sessions: Reference,
}

fn reference(node: Node<'_, '_>, name: &str) -> Result<Reference, Fault> {
    child(node, name)
        .and_then(Reference::of)
        .ok_or_else(|| Fault::Other((PortErrorKind::Garbage, format!("the answer has no {name}"))))
}

fn read_content(answer: Node<'_, '_>) -> Result<Content, Fault> {
    let content = child(answer, "returnval").ok_or_else(|| Fault::Other((PortErrorKind::Garbage, "the answer is empty".into())))?;
    let about = |name: &str| text(content, &["about", name]).unwrap_or_default();
    let version = about("version");
    let major: Option<u32> = version.split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major| major < MAJOR_MIN) {
        let said = format!("it is {} {version}; {MAJOR_MIN}.0 and later are understood", about("name"));
        return Err(Fault::Other((PortErrorKind::WrongVersion, said)));
    }
    Ok(Content {
        product: about("name").into(),
        version: format!("{version} build {}", about("build")),
        folder: reference(content, "rootFolder")?,
        collector: reference(content, "propertyCollector")?,
        views: reference(content, "viewManager")?,
        sessions: reference(content, "sessionManager")?,
    })
}

/// Everything in the view, and from each host on to its network system, whose switches are those of now.
fn specification(view: &Reference) -> String {
    let wanted = WANTED.iter().map(|(kind, paths)| {
        let paths: String = paths.iter().map(|path| format!("<pathSet>{path}</pathSet>")).collect();
        format!("<propSet><type>{kind}</type>{paths}</propSet>")
    });
    format!(
        "<specSet>{}<objectSet>{}<skip>true</skip>\
         <selectSet xsi:type=\"TraversalSpec\"><name>all</name><type>ContainerView</type><path>view</path><skip>false</skip>\
         <selectSet xsi:type=\"TraversalSpec\"><name>network</name><type>HostSystem</type><path>configManager.networkSystem</path>\
         <skip>false</skip></selectSet></selectSet></objectSet></specSet><options/>",
        wanted.collect::<String>(),
        view.element("obj")
    )
}
