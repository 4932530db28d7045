//! A call's ladder as a drawing and as a table, and its codecs with what the policy says of them: the same for a call that is up and
//! for its record.

use crate::{
    calls::{
        codec_policy::{Breach, breaches},
        ladder::{Ladder, Message},
    },
    ui::{Badge, Instant},
    values::Tone,
};
use leptos::{either::Either, prelude::*};

/// The drawing's measures, in units of its view box.
const LANE: usize = 170;
const STEP: usize = 34;
const HEAD: usize = 44;

const HEADS: [(&str, &str); 5] = [("After", "r"), ("From", ""), ("To", ""), ("What", ""), ("When", "")];

pub fn ladder_view(ladder: Ladder) -> impl IntoView {
    view! {
        {drawing(&ladder)}
        {table(ladder)}
    }
}

/// `none` says why there may be no codec.
pub fn codecs(called: &str, customer: Option<String>, carrier: Option<String>, none: &'static str) -> impl IntoView + use<> {
    let found = breaches(called, customer.as_deref(), carrier.as_deref());
    let breaks = |breach: &Breach| (Tone::Bad, "breaks policy", breach.sentence());
    let verdict = match (&customer, &carrier) {
        (None, None) => vec![(Tone::Idle, "no media", none.to_string())],
        (None, Some(_)) | (Some(_), None) => {
            let one = if customer.is_none() { "customer’s" } else { "carrier’s" };
            let unknown = (Tone::Idle, "not known", format!("The codec of the {one} leg is not told."));
            std::iter::once(unknown).chain(found.iter().map(breaks)).collect()
        }
        _ if found.is_empty() => {
            vec![(Tone::Good, "as agreed", "No leg is transcoded and the codec is the destination’s.".to_string())]
        }
        _ => found.iter().map(breaks).collect(),
    };
    let say = |(tone, word, sentence): (Tone, &'static str, String)| view! { <li><Badge tone=tone word=word/> " " {sentence}</li> };
    view! {
        <dl class="call-facts">
            <dt>"Customer’s leg"</dt><dd>{customer.unwrap_or_else(|| "–".into())}</dd>
            <dt>"Carrier’s leg"</dt><dd>{carrier.unwrap_or_else(|| "–".into())}</dd>
        </dl>
        <ul class="breaches">{verdict.into_iter().map(say).collect_view()}</ul>
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
            true => Either::Left(view! { <Badge tone=Tone::Bad word=message.what/> }),
            false => Either::Right(message.what),
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
                <thead><tr>{HEADS.map(|(head, class)| view! { <th scope="col" class=class>{head}</th> }).into_iter().collect_view()}</tr></thead>
                <tbody>{ladder.messages.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}
