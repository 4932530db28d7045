//! The part of a machine's page that lives.

use crate::{
    fleet::{
        api::get_machine,
        detail::{CardLine, Fact, InterfaceLine, MachineDetail, Section},
        judge::Finding,
        map::MAP_EVERY_MS,
    },
    live::{
        Topic,
        client::{bus, follow},
    },
    ui::{Badge, Empty},
    values::{Freshness, Moment, Observed, Tone, quantity::format_age},
    wire::Given,
};
use leptos::{either::Either, prelude::*};

#[island]
pub fn MachineLive(#[prop(into)] initial: Given<MachineDetail>) -> impl IntoView {
    let Given(initial) = initial;
    let at_load = initial.taken_at;
    let name = initial.machine.name.clone();
    let detail = RwSignal::new(initial);
    follow(Topic::Fleet, detail, move |_| get_machine(name.clone()), |_, new| new);
    let (now, tick) = (RwSignal::new(at_load), bus().now);
    let woken = bus().wakes(Topic::Fleet);
    Effect::new(move |_| {
        now.set(tick.get());
        if tick.get().since(detail.with(|detail| detail.taken_at)).as_millis() >= u128::from(MAP_EVERY_MS) {
            woken.update(|version| *version += 1);
        }
    });
    let unknown = Memo::new(move |_| {
        let seen = Observed { value: (), observed_at: detail.with(|detail| detail.taken_at), every_ms: MAP_EVERY_MS };
        match seen.freshness(now.get()) {
            Freshness::Fresh => None,
            Freshness::UnknownSince(at) => Some(at),
        }
    });
    // Each part is drawn again only when it is another.
    let findings = Memo::new(move |_| detail.with(|detail| detail.findings.clone()));
    let cards = Memo::new(move |_| detail.with(|detail| detail.cards.clone()));
    let interfaces = Memo::new(move |_| detail.with(|detail| detail.interfaces.clone()));
    let sections = Memo::new(move |_| detail.with(|detail| detail.sections.clone()));
    view! {
        <div class="live-area machine" class:unknown=move || unknown.get().is_some()>
            <p class="say first">{move || first(unknown.get(), detail, now.get())}</p>
            {move || found(findings.get())}
            <div class="cols">
                <section class="panel">
                    <h2>"What answers"</h2>
                    <ul class="facts wide">{move || interfaces.get().into_iter().map(interface).collect_view()}</ul>
                </section>
                <section class="panel">
                    <h2>"Network cards " <small>"declared, and as the machine has them"</small></h2>
                    <ul class="facts wide">{move || cards.get().into_iter().map(card).collect_view()}</ul>
                </section>
            </div>
            <div class="cols">{move || sections.get().into_iter().map(section).collect_view()}</div>
        </div>
    }
}

fn first(unknown: Option<Moment>, detail: RwSignal<MachineDetail>, now: Moment) -> impl IntoView + use<> {
    if let Some(at) = unknown {
        let text = format!("Unknown since {} UTC: the panel does not answer this page.", at.time_of_day());
        return Either::Left(view! { <Badge tone=Tone::Idle word="unknown"/> " " {text} });
    }
    Either::Right(detail.with(|detail| {
        let machine = &detail.machine;
        let seen = machine.observed_at.map_or_else(|| "never seen".into(), |at| format!("seen {}", format_age(now.since(at))));
        let since = machine.since.map_or_else(String::new, |at| format!(" Since {} UTC.", at.time_of_day()));
        let why = machine.why.clone().unwrap_or_else(|| "Nothing is wrong with it.".into());
        view! {
            <Badge tone=machine.state.tone() word=machine.word.clone()/>
            " "
            {why}
            {since}
            " "
            <small class="quiet">{machine.role.clone()} " · " {seen}</small>
        }
    }))
}

fn found(findings: Vec<Finding>) -> impl IntoView {
    let one = |finding: Finding| {
        view! {
            <li>
                <Badge tone=finding.severity.tone() word=finding.severity.word()/>
                <span>
                    <b>{finding.message}</b>
                    <code class="below">{finding.evidence}</code>
                </span>
                <time>{finding.since.map(|at| format!("since {} UTC", at.time_of_day()))}</time>
            </li>
        }
    };
    (!findings.is_empty()).then(|| {
        view! {
            <section class="panel">
                <h2>"What is wrong"</h2>
                <ul class="findings">{findings.into_iter().map(one).collect_view()}</ul>
            </section>
        }
    })
}

fn interface(line: InterfaceLine) -> impl IntoView {
    view! {
        <li>
            <span class="label">{line.name} <small class="num">{line.address}</small></span>
            <span>
                <Badge tone=line.tone word=line.word/>
                <small class="below">{line.said}</small>
            </span>
        </li>
    }
}

fn card(line: CardLine) -> impl IntoView {
    view! {
        <li>
            <span class="label">{line.network} <small class="num">{line.declared}</small></span>
            <span>
                <Badge tone=line.tone word=line.word/>
                <small class="below num">{line.seen} " " {line.mac}</small>
            </span>
        </li>
    }
}

fn section(section: Section) -> impl IntoView {
    let fact = |fact: Fact| {
        let value = match fact.tone {
            // Good needs no badge in a list of thirty: what is not good stands out.
            None | Some(Tone::Good) => Either::Left(view! { <span class="num">{fact.value}</span> }),
            Some(tone) => Either::Right(view! { <Badge tone=tone word=fact.value/> }),
        };
        view! {
            <li>
                <span class="label">{fact.label}</span>
                {value}
            </li>
        }
    };
    let body = match section.facts.is_empty() {
        true => Either::Left(view! { <Empty what="Nothing told yet." next=""/> }),
        false => Either::Right(view! { <ul class="facts">{section.facts.into_iter().map(fact).collect_view()}</ul> }),
    };
    view! {
        <section class="panel">
            <h2>{section.title}</h2>
            {body}
        </section>
    }
}
