//! Each component in each state, for whoever builds a page (development only).

use crate::{
    error::{AppError, Problem, SignedOut},
    notice::Notice,
    ui::{
        ActionLink, Badge, Choice, Column, Confirm, Confirmation, DataTable, Empty, Field, FieldKind, Figure, Figures, Filters,
        FormState, Instant, Kind, LiveChart, LivePoint, NoticeBox, PostForm, ProblemList, ProblemPage, Progress, Row, Select,
        Submit, TableFacts,
        chart::HistoryChart,
        icon,
        icon::Icon,
        time_chart::{TimeChart, TimePoint},
    },
    values::{Level, Moment, Query, RequestId, Tone},
};
use leptos::prelude::*;

const AT: Moment = Moment::from_seconds(1_795_317_127);

fn part(title: &'static str, content: impl IntoView + 'static) -> impl IntoView {
    view! {
        <section class="panel">
            <h2>{title}</h2>
            {content}
        </section>
    }
}

pub fn view() -> impl IntoView {
    view! {
        {part("Tones", tones())}
        {part("Buttons", buttons())}
        {part("Figures", figures())}
        {part("Forms", forms())}
        {part("Table", table())}
        {part("Table without rows", empty_table())}
        {part("Charts", charts())}
        {part("Progress", progress())}
        {part("Notices", notices())}
        {part("Problems", problems())}
        {part("Nothing to show", view! { <Empty what="No alerts." next="They stand here as soon as a rule finds something."/> })}
        {part("Confirmation levels", levels())}
        {part("Icons", icons())}
    }
}

fn tones() -> impl IntoView {
    Tone::ALL.into_iter().map(|tone| view! { <Badge tone=tone word=tone.name()/> " " }).collect_view()
}

fn buttons() -> impl IntoView {
    view! {
        <div class="actions">
            <ActionLink label="Plain" href="#main"/>
            <ActionLink label="The one filled button" href="#main" kind=Kind::Go/>
            <ActionLink label="Danger…" href="#main" kind=Kind::Danger/>
            <ActionLink label="Quiet" href="#main" kind=Kind::Quiet/>
            <ActionLink label="Not now" href="#main" why_not="mariadb-02 is 2.4 s behind; at most 2 s are allowed.".to_string()/>
        </div>
    }
}

fn figures() -> impl IntoView {
    view! {
        <Figures>
            <Figure label="Attempts" number="59.8".to_string() unit="cps".to_string()/>
            <Figure label="ASR" number="52.4".to_string() unit="%".to_string() note="answered / attempts".to_string()/>
            <Figure label="Replica" number="2.4".to_string() unit="s behind".to_string() tone=Signal::stored(Tone::Notice)/>
            <Figure label="Database" number="does not answer".to_string() tone=Signal::stored(Tone::Bad)/>
        </Figures>
        <p class="say">"A moment: " <Instant at=AT/></p>
    }
}

fn forms() -> impl IntoView {
    let notice = Notice {
        form: Some("/refused".into()),
        problems: vec![Problem::new("price", "4.47E+11", "a price like 0.0410, without an exponent")],
        typed: vec![("price".into(), "4.47E+11".into())],
        ..Notice::done("")
    };
    let refused = FormState::of(Some(&notice), "/refused");
    let kinds = vec![Choice::new("a", "the first"), Choice::new("b", "the second")];
    view! {
        <PostForm action="/gallery">
            <Field label="Text" name="text" hint="A hint says what is wanted before it is wrong."/>
            <Field label="Password" name="secret" kind=FieldKind::Password autocomplete="off"/>
            <Field label="Refused" name="price" state=refused/>
            <Select label="Choice" name="choice" choices=kinds/>
            <div class="actions">
                <Submit label="Save"/>
                <Submit label="Cannot be saved" why_not="Nothing was changed yet.".to_string()/>
            </div>
        </PostForm>
    }
}

const COLUMNS: &[Column] = &[
    Column::text("change", "Change"),
    Column::text("prefix", "Prefix"),
    Column::text("destination", "Destination"),
    Column::number("then", "Then"),
    Column::text("note", "Note").unsorted().hidden(),
];

fn facts(what: (&'static str, &'static str), total: u64) -> TableFacts {
    TableFacts {
        path: "/gallery".into(),
        query: Query::default(),
        what,
        columns: COLUMNS,
        default_sort: "prefix",
        total: Some(total),
        export: None,
        older: None,
    }
}

fn table() -> impl IntoView {
    let row = |tone: Tone, word: &'static str, prefix: &'static str, destination: &'static str, then: &'static str| -> Row {
        vec![
            view! { <Badge tone=tone word=word/> }.into_any(),
            view! { <span class="num">{prefix}</span> }.into_any(),
            destination.into_any(),
            then.into_any(),
            ().into_any(),
        ]
    };
    let rows = vec![
        row(Tone::Notice, "raised", "49152", "Germany Mobile Vodafone", "0.0495"),
        row(Tone::Bad, "closed", "234803", "Nigeria Mobile MTN", "closed"),
        row(Tone::Good, "lowered", "33607", "France Mobile Orange", "0.0520"),
    ];
    view! {
        <Filters path="/gallery".to_string() query=Query::default() search="Prefix, destination…">
            <Select label="Change" name="change" choices=vec![Choice::new("", "any"), Choice::new("raised", "raised")]/>
        </Filters>
        <DataTable facts=facts(("code", "codes"), 3) rows=rows/>
    }
}

fn empty_table() -> impl IntoView {
    view! { <DataTable facts=facts(("sheet", "sheets"), 0) rows=Vec::new()/> }
}

fn charts() -> impl IntoView {
    let wave = |i: i64| 40.0 + 30.0 * ((i as f64) / 12.0).sin();
    let live = (0..150).map(|i| LivePoint {
        at: AT.minus(std::time::Duration::from_secs(300)).plus(std::time::Duration::from_secs(2 * i)),
        value: (!(60..70).contains(&i)).then(|| wave(i64::try_from(i).unwrap_or(0))),
    });
    let live = Signal::stored(live.collect::<Vec<_>>());
    let from = AT.minus(std::time::Duration::from_secs(3_600));
    let past =
        (0..60).map(|i: i64| (Moment::from_seconds(from.seconds() + 60 * i), (i != 30).then(|| wave(i)))).collect::<Vec<_>>();
    let weeks = past
        .iter()
        .map(|(at, value)| TimePoint { at: *at, value: *value, before: Some(38.0), href: Some("#main".into()) })
        .collect::<Vec<_>>();
    let seldom = |i: i64| [7, 20, 21, 22].contains(&i).then_some(30.0 + i as f64);
    let alone =
        (0..30).map(|i| TimePoint { at: Moment::from_seconds(from.seconds() + 120 * i), value: seldom(i), ..TimePoint::default() });
    let alone = alone.collect::<Vec<_>>();
    view! {
        <div class="charts">
            <TimeChart title="With last week" unit="cps" points=weeks note="attempts ÷ seconds"/>
            <TimeChart title="A value between gaps" unit="cps" points=alone note="a dot, because no line leads there"/>
            <TimeChart title="Nothing counted" unit="cps" points=Vec::new()/>
            <LiveChart title="Calls, with a gap" unit="cps" points=live span_s=300/>
            <HistoryChart title="The last hour" unit="cps" points=past from=from until=AT/>
            <HistoryChart title="Nothing measured" unit="cps" points=Vec::new() from=from until=AT/>
        </div>
    }
}

fn progress() -> impl IntoView {
    view! {
        <Progress label="waiting for 37 calls, longest 12 min" percent=Some(45)/>
        <Progress label="reading; how much there is is not known" percent=None/>
    }
}

fn notices() -> impl IntoView {
    let say = |tone: Tone, text: &str| Notice { tone, ..Notice::done(text) };
    view! {
        <NoticeBox notice=say(Tone::Good, "ada is disabled and signed out everywhere.")/>
        <NoticeBox notice=say(Tone::Notice, "This code is not right, or was used already. Wait for the next one.")/>
        <NoticeBox notice=say(Tone::Bad, "The database does not answer since 03:12:07 UTC. Nothing was changed.")/>
    }
}

fn problems() -> impl IntoView {
    let list = vec![
        Problem::new("line 7, column rate", "4.47E+11", "a price like 0.0410"),
        Problem::new("line 9, column prefix", "49x", "digits only"),
    ];
    let error = AppError::Away { system: "The database".into(), since: Some(AT), doing: "list the users".into() };
    view! {
        <ProblemList problems=list/>
        <ProblemPage error=error request=RequestId("7c1fe2a90b4d5e6f".into()) home="#main"/>
        <ProblemPage error=AppError::SignedOut(SignedOut::NoSession) request=RequestId("7c1fe2a90b4d5e6f".into()) home="#main"/>
    }
}

fn levels() -> impl IntoView {
    let confirm = |level: Level, prove: bool| {
        let confirmation = Confirmation {
            level,
            title: format!("{level:?}: promote mariadb-02"),
            consequence: "Writes stop for about half a second; live calls go on. It can be undone by switching back.".into(),
            action: "/gallery",
            hidden: Vec::new(),
            name: "mariadb-02".into(),
            verb: "Promote".into(),
            back: "#main".into(),
            prove_at: prove.then(|| "#main".to_string()),
        };
        view! { <div class="still"><Confirm confirmation=confirmation state=FormState::default()/></div> }
    };
    view! {
        {confirm(Level::L1, false)}
        {confirm(Level::L2, false)}
        {confirm(Level::L3, true)}
    }
}

fn icons() -> impl IntoView {
    let named = Icon::ALL.into_iter().map(|each| view! { <li>{icon(each)} " " {format!("{each:?}")}</li> });
    view! { <ul class="icons">{named.collect_view()}</ul> }
}
