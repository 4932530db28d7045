//! One call that is over: a sentence, who and where, the ladder of what happened as a drawing and as a table, and the codecs.

use crate::{
    calls::{
        cdr::Cdr,
        codec_policy::breaches,
        history::get_cdr,
        ladder::{Ladder, Message, ladder},
        outcome::{Outcome, cause_words},
    },
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{Badge, Empty, Instant},
    values::{Query, Tone, quantity::format_span},
};
use leptos::prelude::*;

/// The drawing's measures, in units of its view box.
const LANE: usize = 170;
const STEP: usize = 34;
const HEAD: usize = 44;

pub async fn page(reference: &str) -> Result<PageView, AppError> {
    let cdrs = match get_cdr(reference.to_string()).await {
        Ok(cdrs) => cdrs,
        // A call that is up has no record yet: the live board knows it.
        Err(error @ AppError::NotFound { .. }) => {
            let next =
                "A call that is still up has no record yet: look under Calls. One that just ended is collected within seconds.";
            let body = view! {
                <section class="panel">
                    <Empty what=format!("No finished call has the reference {reference}.") next=next>
                        <a class="button" href=Page::Calls.path()>"Calls that are up"</a>
                        " "
                        <a class="button" href=Page::Cdrs.path()>"Search the CDRs"</a>
                    </Empty>
                </section>
            };
            if let Some(options) = use_context::<leptos_axum::ResponseOptions>() {
                options.set_status(axum::http::StatusCode::from_u16(error.status()).unwrap_or(axum::http::StatusCode::NOT_FOUND));
            }
            return Ok(PageView::new("Call", body));
        }
        Err(error) => return Err(error),
    };
    let lead = cdrs.last().map(sentence).unwrap_or_default();
    let body = cdrs.into_iter().map(record).collect_view();
    Ok(PageView::new("Call", body).lead(lead))
}

/// What became of it, in words.
fn sentence(cdr: &Cdr) -> String {
    let carrier = cdr.carrier.as_deref().unwrap_or("a carrier that is not named");
    let cause = cdr.hangup_cause.map(cause_words);
    match (cdr.outcome, &cdr.refusal) {
        (Outcome::Answered, _) => format!("Answered by {carrier} through {}, talked {}.", cdr.pbx, format_span(cdr.talk())),
        (Outcome::Refused, Some(why)) => format!("Refused by us at {}: {}.", cdr.pbx, why.replace('_', " ")),
        (outcome, _) => match cause {
            Some(cause) => format!("Not answered: {} ({cause}), through {}.", outcome.word(), cdr.pbx),
            None => format!("Not answered: {}, through {}.", outcome.word(), cdr.pbx),
        },
    }
}

fn record(cdr: Cdr) -> impl IntoView {
    let ladder = ladder(&cdr);
    view! {
        <div class="cols">
            <section class="panel">
                <h2>"The call"</h2>
                {identity(&cdr)}
            </section>
            <section class="panel">
                <h2>"Codecs"</h2>
                {codecs(&cdr)}
            </section>
        </div>
        <section class="panel">
            <h2>"What happened"</h2>
            {drawing(&ladder)}
            {table(ladder)}
        </section>
    }
}

fn identity(cdr: &Cdr) -> impl IntoView + use<> {
    let unknown = || "–".to_string();
    let same = |key: &str, value: &Option<String>| {
        let link = value.clone().map(|value| (Query::default().with(key, value.clone()).link(&Page::Cdrs.path()), value));
        link.map_or_else(|| "–".into_any(), |(href, value)| view! { <a href=href>{value}</a> }.into_any())
    };
    let machine = |name: Option<String>| {
        name.map_or_else(
            || "–".into_any(),
            |name| {
                let href = Page::Machine(name.clone()).path();
                view! { <a href=href>{name}</a> }.into_any()
            },
        )
    };
    let cause = cdr.hangup_cause.map_or_else(unknown, |cause| format!("{cause}, {}", cause_words(cause)));
    let pdd = cdr.pdd().map_or_else(|| "– (nothing rang)".into(), |pdd| format!("{} ms", pdd.as_millis()));
    let rate = match (&cdr.prefix, cdr.rate) {
        (Some(prefix), Some(rate)) => format!("{prefix}, {rate} a minute"),
        _ => unknown(),
    };
    view! {
        <dl class="call-facts">
            <dt>"Outcome"</dt><dd><Badge tone=cdr.outcome.tone() word=cdr.outcome.word()/></dd>
            <dt>"Started"</dt><dd><Instant at=cdr.started_at()/></dd>
            <dt>"Caller"</dt><dd class="num">{cdr.caller.clone()}</dd>
            <dt>"Called"</dt><dd><span class="num">{cdr.called.clone()}</span> " " {cdr.destination.clone()}</dd>
            <dt>"Customer"</dt><dd>{same("customer", &cdr.customer)}</dd>
            <dt>"Carrier"</dt><dd>{same("carrier", &cdr.carrier)}</dd>
            <dt>"Prefix and rate"</dt><dd>{rate}</dd>
            <dt>"Proxy"</dt><dd>{machine(cdr.proxy.clone())}</dd>
            <dt>"PBX"</dt><dd>{machine(Some(cdr.pbx.clone()))}</dd>
            <dt>"PDD"</dt><dd>{pdd}</dd>
            <dt>"Talked"</dt><dd>{format_span(cdr.talk())}</dd>
            <dt>"Cause"</dt><dd>{cause}</dd>
            <dt>"SIP status"</dt><dd>{cdr.sip_status.map_or_else(unknown, |status| status.to_string())}</dd>
            <dt>"Reference"</dt><dd class="num">{cdr.reference.clone()}</dd>
            <dt>"Carrier’s Call-ID"</dt><dd class="num">{cdr.carrier_call_id.clone().unwrap_or_else(unknown)}</dd>
        </dl>
    }
}

fn codecs(cdr: &Cdr) -> impl IntoView + use<> {
    let (customer, carrier) = (cdr.customer_codec.clone(), cdr.carrier_codec.clone());
    let found = breaches(&cdr.called, customer.as_deref(), carrier.as_deref());
    let verdict = if customer.is_none() && carrier.is_none() {
        view! { <p><Badge tone=Tone::Idle word="no media"/> " The PBX told no codec: the call was not set up."</p> }.into_any()
    } else if found.is_empty() {
        view! { <p><Badge tone=Tone::Good word="as agreed"/> " No leg is transcoded and the codec is the destination’s."</p> }
            .into_any()
    } else {
        let say = |sentence: String| view! { <li><Badge tone=Tone::Bad word="breaks policy"/> " " {sentence}</li> };
        view! { <ul class="breaches">{found.iter().map(|breach| say(breach.sentence())).collect_view()}</ul> }.into_any()
    };
    view! {
        <dl class="call-facts">
            <dt>"Customer’s leg"</dt><dd>{customer.unwrap_or_else(|| "–".into())}</dd>
            <dt>"Carrier’s leg"</dt><dd>{carrier.unwrap_or_else(|| "–".into())}</dd>
        </dl>
        {verdict}
        <p class="quiet">"Policy: µ-law towards North America (+1), A-law elsewhere, the same on both external legs."</p>
    }
}

/// Machines as columns, messages as arrows from top to bottom. The table below says the same.
fn drawing(ladder: &Ladder) -> impl IntoView + use<> {
    let x = |name: &str| LANE / 2 + LANE * ladder.machines.iter().position(|machine| machine == name).unwrap_or(0);
    let (width, height) = (LANE * ladder.machines.len(), HEAD + STEP * (ladder.messages.len() + 1));
    let lanes = ladder.machines.iter().map(|name| {
        let x = x(name);
        view! {
            <text class="machine" x=x y="20" text-anchor="middle">{name.clone()}</text>
            <line class="lane" x1=x x2=x y1="32" y2=height></line>
        }
    });
    let arrows = ladder.messages.iter().enumerate().map(|(i, message)| {
        let (from, to, y) = (x(&message.from), x(&message.to), HEAD + STEP * (i + 1) - 8);
        let (tip, back) = if to > from { (to, to.saturating_sub(8)) } else { (to, to + 8) };
        let class = if message.failed { "arrow failed" } else { "arrow" };
        view! {
            <g class=class>
                <line x1=from x2=to y1=y y2=y></line>
                <path d=format!("M{tip} {y}L{back} {}L{back} {}Z", y - 4, y + 4)></path>
                <text x=usize::midpoint(from, to) y=y - 6 text-anchor="middle">
                    {format!("{} · {} ms", message.what, message.after_ms)}
                </text>
            </g>
        }
    });
    view! {
        <div class="scroll ladder" tabindex="0" role="region" aria-label="Ladder of the call">
            <svg width=width height=height viewBox=format!("0 0 {width} {height}") aria-hidden="true">
                {lanes.collect_view()} {arrows.collect_view()}
            </svg>
        </div>
    }
}

fn table(ladder: Ladder) -> impl IntoView {
    let row = |message: Message| {
        let what = match message.failed {
            true => view! { <Badge tone=Tone::Bad word=message.what/> }.into_any(),
            false => message.what.into_any(),
        };
        view! {
            <tr>
                <td class="r">{message.after_ms} <small>" ms"</small></td>
                <td>{message.from}</td>
                <td>{message.to}</td>
                <td>{what}</td>
                <td><Instant at=message.at/></td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Table of the call’s messages">
            <table>
                <thead><tr><th scope="col" class="r">"After"</th><th scope="col">"From"</th><th scope="col">"To"</th><th scope="col">"What"</th><th scope="col">"When"</th></tr></thead>
                <tbody>{ladder.messages.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}
