//! The browser's end of live views. All tabs of a browser share one stream: the tab that holds the lock `wirecenter-live` reads
//! it and tells the others. When that tab closes, the lock, and with it the stream, passes to the next one.
//!
//! On the server the same functions exist and stand still, so that an island renders there with the values it was given.

use crate::{live::Topic, values::Moment};
use leptos::prelude::*;
use std::{future::Future, sync::Arc};

/// Whether wake-ups arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    Connecting,
    Live,
    LostSince(Moment),
}

#[derive(Clone)]
pub struct Bus {
    topics: [ArcRwSignal<u64>; Topic::ALL.len()],
    pub connection: ArcRwSignal<Connection>,
    /// The server's clock, once a second.
    pub now: ArcRwSignal<Moment>,
}

impl Bus {
    fn new(now: Moment) -> Self {
        Self {
            topics: std::array::from_fn(|_| ArcRwSignal::new(0)),
            connection: ArcRwSignal::new(Connection::Connecting),
            now: ArcRwSignal::new(now),
        }
    }

    /// Rises with every wake-up of the topic.
    pub fn wakes(&self, topic: Topic) -> ArcRwSignal<u64> {
        self.topics[topic.index()].clone()
    }
}

#[cfg(feature = "ssr")]
pub fn bus() -> Bus {
    Bus::new(crate::context::now())
}

#[cfg(not(feature = "ssr"))]
pub use browser::bus;

/// Keeps `value` as the server sees it: reads again at each wake-up, one request at a time. What `fetch` gives goes through
/// `merge` with the value there was. A failed read changes nothing; the value's age tells.
pub fn follow<T, F>(
    topic: Topic,
    value: RwSignal<T>,
    fetch: impl Fn(&T) -> F + Send + Sync + 'static,
    merge: impl Fn(T, T) -> T + Send + Sync + 'static,
) where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, crate::error::AppError>> + 'static,
{
    let woken = bus().wakes(topic);
    follow_version(move || woken.get(), value, fetch, merge);
}

/// As [`follow`], and reads again what has grown old though nothing woke it: a rate falls while nothing happens. `old_at` says when
/// the value is too old; `None` for one that does not age.
pub fn follow_aging<T, F>(
    topic: Topic,
    value: RwSignal<T>,
    old_at: impl Fn(&T) -> Option<Moment> + Send + Sync + 'static,
    fetch: impl Fn(&T) -> F + Send + Sync + 'static,
    merge: impl Fn(T, T) -> T + Send + Sync + 'static,
) where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, crate::error::AppError>> + 'static,
{
    let Bus { now, connection, .. } = bus();
    let (woken, aged) = (bus().wakes(topic), ArcRwSignal::new(0u64));
    let count = aged.clone();
    Effect::new(move |_| {
        let now = now.get();
        let live = connection.get_untracked() == Connection::Live;
        if live && value.with_untracked(&old_at).is_some_and(|at| now >= at) {
            aged.update(|version| *version += 1);
        }
    });
    follow_version(move || woken.get() + count.get(), value, fetch, merge);
}

/// Reads again whenever `version` is another than it was.
fn follow_version<T, F>(
    version: impl Fn() -> u64 + Send + Sync + 'static,
    value: RwSignal<T>,
    fetch: impl Fn(&T) -> F + Send + Sync + 'static,
    merge: impl Fn(T, T) -> T + Send + Sync + 'static,
) where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, crate::error::AppError>> + 'static,
{
    let (busy, seen) = (ArcRwSignal::new(false), ArcRwSignal::new(0u64));
    let (fetch, merge) = (Arc::new(fetch), Arc::new(merge));
    Effect::new(move |_| {
        let version = version();
        if busy.get() || version == seen.get_untracked() {
            return;
        }
        seen.set(version);
        busy.set(true);
        let (fetch, merge, busy) = (Arc::clone(&fetch), Arc::clone(&merge), busy.clone());
        leptos::task::spawn_local(async move {
            let asked = value.with_untracked(|value| fetch(value));
            if let Ok(new) = asked.await {
                value.update(|old| *old = merge(old.clone(), new));
            }
            // Runs the effect again, which asks once more if somebody woke it meanwhile.
            busy.set(false);
        });
    });
}

#[cfg(not(feature = "ssr"))]
mod browser {
    use super::{Bus, Connection};
    use crate::{live::Topic, values::Moment};
    use leptos::prelude::*;
    use std::{cell::Cell, cell::RefCell, rc::Rc};
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use web_sys::{BroadcastChannel, EventSource, MessageEvent};

    const CHANNEL: &str = "wirecenter-live";
    /// After this long without a word, pings included, the stream counts as lost.
    const SILENCE_MS_MAX: i64 = 8_000;

    thread_local! {
        static BUS: RefCell<Option<Rc<Client>>> = const { RefCell::new(None) };
    }

    /// The one client of this tab.
    pub fn bus() -> Bus {
        BUS.with(|slot| slot.borrow_mut().get_or_insert_with(start).bus.clone())
    }

    struct Client {
        bus: Bus,
        /// Server time minus browser time.
        offset_ms: Cell<i64>,
        heard_at_ms: Cell<i64>,
        boot: RefCell<String>,
        channel: Option<BroadcastChannel>,
        stream: RefCell<Option<EventSource>>,
        leads: Cell<bool>,
    }

    fn browser_ms() -> i64 {
        // Milliseconds since 1970 in a double are exact for 285,000 years.
        js_sys::Date::now() as i64
    }

    fn meta(name: &str) -> Option<String> {
        document().query_selector(&format!("meta[name={name}]")).ok()??.get_attribute("content")
    }

    fn start() -> Rc<Client> {
        let server_ms = meta("wirecenter-now").and_then(|text| text.parse::<i64>().ok()).unwrap_or_else(browser_ms);
        let client = Rc::new(Client {
            bus: Bus::new(Moment::from_millis(server_ms)),
            offset_ms: Cell::new(server_ms - browser_ms()),
            heard_at_ms: Cell::new(browser_ms()),
            boot: RefCell::default(),
            channel: BroadcastChannel::new(CHANNEL).ok(),
            stream: RefCell::default(),
            leads: Cell::new(false),
        });
        client.tick_every_second();
        // Only pages of signed-in people have a stream to hear.
        if meta("wirecenter-live").is_some() {
            client.listen_to_other_tabs();
            client.lead_when_possible();
            client.look_again_when_shown();
        }
        client
    }

    impl Client {
        fn now(&self) -> Moment {
            Moment::from_millis(browser_ms() + self.offset_ms.get())
        }

        fn tick_every_second(self: &Rc<Self>) {
            let client = Rc::clone(self);
            let tick = Closure::<dyn FnMut()>::new(move || {
                client.bus.now.set(client.now());
                let silent_ms = browser_ms() - client.heard_at_ms.get();
                if silent_ms > SILENCE_MS_MAX && client.bus.connection.get_untracked() == Connection::Live {
                    client.lost();
                }
            });
            let every_ms = 1_000;
            let set = window().set_interval_with_callback_and_timeout_and_arguments_0(tick.as_ref().unchecked_ref(), every_ms);
            // The page lives exactly as long as this clock.
            if set.is_ok() {
                tick.forget();
            }
        }

        fn lost(&self) {
            if !matches!(self.bus.connection.get_untracked(), Connection::LostSince(_)) {
                let since = Moment::from_millis(self.heard_at_ms.get() + self.offset_ms.get());
                self.bus.connection.set(Connection::LostSince(since));
            }
        }

        /// One line of the stream: `hello BOOT NOW`, `ping NOW`, `wake TOPIC NOW`, `lost`.
        fn hear(&self, line: &str) {
            let mut words = line.split(' ');
            let kind = words.next().unwrap_or_default();
            if kind == "lost" {
                self.lost();
                return;
            }
            let subject = if kind == "ping" { "" } else { words.next().unwrap_or_default() };
            if let Some(server_ms) = words.next().and_then(|ms| ms.parse::<i64>().ok()) {
                self.offset_ms.set(server_ms - browser_ms());
            }
            self.heard_at_ms.set(browser_ms());
            let back = matches!(self.bus.connection.get_untracked(), Connection::LostSince(_));
            if self.bus.connection.get_untracked() != Connection::Live {
                self.bus.connection.set(Connection::Live);
            }
            match kind {
                "wake" => {
                    if let Some(topic) = Topic::parse(subject) {
                        self.wake(topic);
                    }
                }
                // After a gap, or at another run of the server, everything may have changed.
                "hello" => {
                    let other_run = !self.boot.borrow().is_empty() && *self.boot.borrow() != subject;
                    *self.boot.borrow_mut() = subject.into();
                    if back || other_run {
                        Topic::ALL.into_iter().for_each(|topic| self.wake(topic));
                    }
                }
                _ => {}
            }
        }

        fn wake(&self, topic: Topic) {
            // Nobody looks at a hidden tab; it reads everything when it is shown again.
            if !document().hidden() {
                self.bus.wakes(topic).update(|version| *version += 1);
            }
        }

        fn look_again_when_shown(self: &Rc<Self>) {
            let client = Rc::clone(self);
            let shown = Closure::<dyn FnMut()>::new(move || Topic::ALL.into_iter().for_each(|topic| client.wake(topic)));
            if document().add_event_listener_with_callback("visibilitychange", shown.as_ref().unchecked_ref()).is_ok() {
                shown.forget();
            }
        }

        fn listen_to_other_tabs(self: &Rc<Self>) {
            let Some(channel) = &self.channel else { return };
            let client = Rc::clone(self);
            let told = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                match event.data().as_string().as_deref() {
                    // A new tab asks how things are.
                    Some("who") if client.leads.get() && client.bus.connection.get_untracked() == Connection::Live => {
                        let line = format!("hello {} {}", client.boot.borrow(), client.now().millis());
                        client.tell(&line);
                    }
                    Some("who") | None => {}
                    Some(line) => client.hear(line),
                }
            });
            channel.set_onmessage(Some(told.as_ref().unchecked_ref()));
            told.forget();
            self.tell("who");
        }

        fn tell(&self, line: &str) {
            if let Some(channel) = &self.channel {
                // A channel refuses a string only when it is closed, and then there is nobody to tell.
                let _ = channel.post_message(&JsValue::from_str(line));
            }
        }

        /// Takes the lock and opens the stream when it is ours. Where there are no locks (plain HTTP to another host), each tab
        /// has a stream of its own.
        fn lead_when_possible(self: &Rc<Self>) {
            let locks = js_sys::Reflect::get(&window().navigator(), &"locks".into()).ok().filter(JsValue::is_object);
            let request = locks.as_ref().and_then(|locks| js_sys::Reflect::get(locks, &"request".into()).ok());
            let request = request.and_then(|request| request.dyn_into::<js_sys::Function>().ok());
            let (Some(locks), Some(request)) = (locks, request) else {
                self.open_stream();
                return;
            };
            let client = Rc::clone(self);
            let ours = Closure::<dyn FnMut() -> js_sys::Promise>::new(move || {
                client.leads.set(true);
                client.open_stream();
                // Never resolved: the lock is held until the tab goes.
                js_sys::Promise::new(&mut |_, _| {})
            });
            if request.call2(&locks, &CHANNEL.into(), ours.as_ref().unchecked_ref()).is_ok() {
                ours.forget();
            } else {
                self.open_stream();
            }
        }

        fn open_stream(self: &Rc<Self>) {
            let Ok(stream) = EventSource::new("/live") else { return };
            let client = Rc::clone(self);
            let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                if let Some(line) = event.data().as_string() {
                    client.hear(&line);
                    client.tell(&line);
                }
            });
            stream.set_onmessage(Some(heard.as_ref().unchecked_ref()));
            heard.forget();
            let client = Rc::clone(self);
            let failed = Closure::<dyn FnMut()>::new(move || {
                client.lost();
                client.tell("lost");
                client.reopen_if_closed();
            });
            stream.set_onerror(Some(failed.as_ref().unchecked_ref()));
            failed.forget();
            *self.stream.borrow_mut() = Some(stream);
        }

        /// The browser tries again by itself after a broken connection, but not after an answer like 503.
        fn reopen_if_closed(self: &Rc<Self>) {
            let closed = self.stream.borrow().as_ref().is_some_and(|stream| stream.ready_state() == EventSource::CLOSED);
            if !closed {
                return;
            }
            *self.stream.borrow_mut() = None;
            let client = Rc::clone(self);
            let again = move || {
                if client.stream.borrow().is_none() {
                    client.open_stream();
                }
            };
            set_timeout(again, std::time::Duration::from_millis(1_500));
        }
    }
}
