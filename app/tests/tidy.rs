//! The house rules, executed. A broken rule is named with file, line, rule and remedy; all of them, not the first.
//!
//! The rules are in README.md ("House rules"); each has a reason there.

#[path = "tidy/source.rs"]
mod source;

use source::{Broken, Source, crate_uses, report, root, sources};
use std::{collections::BTreeMap, fs};

/// Words that say nothing about what is in a drawer.
const DRAWERS: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "manager", "repository", "dto", "service", "services", "misc"];

fn each(sources: &[Source], rule: &'static str, find: impl Fn(&Source, usize, &str) -> Option<String>) {
    let mut broken = Vec::new();
    for source in sources {
        for (line, text) in source.code() {
            if let Some(remedy) = find(source, line, text) {
                broken.push(Broken { file: source.path.clone(), line, rule, remedy });
            }
        }
    }
    report(&broken);
}

fn each_use(sources: &[Source], rule: &'static str, find: impl Fn(&Source, &str) -> Option<String>) {
    let mut broken = Vec::new();
    for source in sources {
        for (line, used) in crate_uses(source) {
            if let Some(remedy) = find(source, &used) {
                broken.push(Broken { file: source.path.clone(), line, rule, remedy });
            }
        }
    }
    report(&broken);
}

#[test]
fn imports_point_left() {
    let index = |slice: &str| source::SLICES.iter().position(|known| *known == slice);
    each_use(&sources("rs"), "a slice uses only what stands left of it", |source, used| {
        let here = index(source.slice()?)?;
        let right = index(used).is_some_and(|used| used > here);
        right.then(|| {
            format!("move the shared part into a slice left of {}, or turn it round; {used} stands right", source::SLICES[here])
        })
    });
}

#[test]
fn components_know_values_only() {
    each_use(&sources("rs"), "ui knows values, errors, notices and limits, no slice", |source, used| {
        let slice = used != "values" && source::SLICES.contains(&used);
        (source.slice() == Some("ui") && slice).then(|| format!("give the component what it needs from {used} as a plain value"))
    });
}

#[test]
fn nouns_know_no_framework() {
    const FRAMEWORKS: [&str; 6] = ["leptos", "sqlx", "tokio", "axum", "tower_sessions", "reqwest"];
    each(&sources("rs"), "a noun is pure Rust", |source, _, line| {
        let uses = |name: &&str| line.contains(&format!("{name}::")) || line.contains(&format!("use {name}"));
        let found = source.is_noun().then(|| FRAMEWORKS.into_iter().find(uses))??;
        Some(format!("keep {found} in api, store or pages and give the noun plain values"))
    });
}

#[test]
fn nouns_take_the_time_as_an_argument() {
    each(&sources("rs"), "a noun reads no clock", |source, _, line| {
        let reads = line.contains("SystemTime") || line.contains("Instant::now") || line.contains("context::now");
        (source.is_noun() && reads).then(|| "take `now: Moment` as an argument".into())
    });
}

#[test]
fn statements_stand_in_store_only() {
    let marks = ["sqlx::query", "query!(", "query_as!(", "query_scalar!("];
    each(&sources("rs"), "SQL is only in a slice's store", |source, _, line| {
        let in_app = source.path.starts_with("app/src/");
        let in_store = source.parts().iter().any(|part| part.trim_end_matches(".rs") == "store");
        (in_app && !in_store && marks.iter().any(|mark| line.contains(mark)))
            .then(|| "move the statement into the slice's store".into())
    });
}

#[test]
fn pages_ask_server_functions() {
    each(&sources("rs"), "a page touches neither store nor ports", |source, _, line| {
        let is_page = source.parts().contains(&"pages");
        let touches = line.contains("store::") || line.contains("ports::") || line.contains("::store}") || line.contains("sqlx");
        (is_page && touches).then(|| "call a function of the slice's api".into())
    });
}

#[test]
fn every_server_function_asks_the_guard_table_first() {
    let mut broken = Vec::new();
    for source in sources("rs").iter().filter(|source| source.path.starts_with("app/src/")) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (i, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[server(") || line.starts_with("#[server]")) {
            let signature = lines[i..].iter().position(|line| line.trim_end().ends_with('{')).map(|at| i + at);
            let name = lines[i..].iter().find_map(|line| line.split("pub async fn ").nth(1)?.split(['(', '<']).next());
            let (Some(at), Some(name)) = (signature, name) else { continue };
            let kind: String = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            let wanted = format!("let allowed = allowed::<{kind}>()?;");
            if lines.get(at + 1).map(|line| line.trim()) != Some(wanted.as_str()) {
                let remedy = format!("begin {name} with `{wanted}` and give it a line in app/src/auth/guards.rs");
                broken.push(Broken {
                    file: source.path.clone(),
                    line: at + 1,
                    rule: "a server function is guarded before anything else",
                    remedy,
                });
            }
        }
    }
    report(&broken);
}

#[test]
fn colors_stand_in_tokens_only() {
    let is_color = |word: &str| {
        let hex = word
            .strip_prefix('#')
            .is_some_and(|hex| [3, 4, 6, 8].contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        hex || ["rgb(", "rgba(", "hsl(", "oklch("].iter().any(|function| word.starts_with(function))
    };
    let style: Vec<Source> = sources("scss").into_iter().filter(|source| !source.path.ends_with("_tokens.scss")).collect();
    each(&style, "a color literal stands in style/_tokens.scss only", |_, _, line| {
        let words = || line.split(|c: char| c.is_whitespace() || ";,:(".contains(c) && c != '(');
        words().any(is_color).then(|| "name the color's role in _tokens.scss and use var(--role)".into())
    });
}

#[test]
fn no_style_attribute_gets_past_the_policy() {
    each(&sources("rs"), "the page's policy refuses style attributes", |source, _, line| {
        let styled = line.contains(" style=") || line.contains("style:");
        (source.path.starts_with("app/src/") && styled).then(|| "use a class, or an SVG attribute".into())
    });
}

#[test]
fn names_say_what_is_inside() {
    let mut broken = Vec::new();
    for source in sources("rs").iter().chain(&sources("scss")) {
        let drawer =
            source.parts().into_iter().find(|part| DRAWERS.contains(&part.trim_end_matches(".rs").trim_start_matches('_')));
        if let Some(drawer) = drawer {
            let remedy = format!("name it after what it is about instead of {drawer}");
            broken.push(Broken { file: source.path.clone(), line: 1, rule: "no drawers", remedy });
        }
    }
    report(&broken);
}

#[test]
fn a_file_ends_where_its_idea_ends() {
    const LINES_MAX: usize = 420;
    let mut broken = Vec::new();
    for source in sources("rs").iter().chain(&sources("scss")) {
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            let remedy = format!("{lines} lines; find the second idea in it and give that a file");
            broken.push(Broken { file: source.path.clone(), line: lines, rule: "a file has at most about 400 lines", remedy });
        }
    }
    report(&broken);
}

#[test]
fn every_rust_file_says_what_it_is() {
    let mut broken = Vec::new();
    for source in sources("rs") {
        // A component's file is told by its one function.
        let component = source.path.starts_with("app/src/ui/view/") || source.path.ends_with("pages/mod.rs");
        if !component && !source.text.starts_with("//!") {
            let remedy = "begin it with `//!` and a sentence: what it is, its invariants, what it leaves out".into();
            broken.push(Broken { file: source.path, line: 1, rule: "a file says what it is", remedy });
        }
    }
    report(&broken);
}

#[test]
fn a_migration_is_one_statement_that_may_run_twice() {
    let mut broken = Vec::new();
    let mut numbers = BTreeMap::new();
    for source in sources("sql").into_iter().filter(|source| source.path.starts_with("migrations/")) {
        let code: String = source.text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
        let file = || source.path.clone();
        // A semicolon in a quoted comment ends nothing.
        let unquoted: String = code.split('\'').step_by(2).collect();
        if unquoted.trim().trim_end_matches(';').contains(';') {
            broken.push(Broken { file: file(), line: 1, rule: "one statement a file", remedy: "cut it in two migrations".into() });
        }
        if !["IF NOT EXISTS", "IF EXISTS", "INSERT IGNORE"].iter().any(|form| code.contains(form)) {
            let remedy = "write IF NOT EXISTS: a migration cut off half way is run again".into();
            broken.push(Broken { file: file(), line: 1, rule: "a migration may run twice", remedy });
        }
        if !source.text.starts_with("-- ") {
            broken.push(Broken {
                file: file(),
                line: 1,
                rule: "a table says what it is for",
                remedy: "begin with a comment".into(),
            });
        }
        let number = source.path.trim_start_matches("migrations/").split('_').next().unwrap_or_default().to_string();
        if let Some(other) = numbers.insert(number, file()) {
            broken.push(Broken {
                file: file(),
                line: 1,
                rule: "each migration has its own number",
                remedy: format!("{other} has the same"),
            });
        }
    }
    report(&broken);
}

#[test]
fn components_have_their_styles_under_the_same_name() {
    // A few components are only an arrangement of others.
    const WITHOUT: [&str; 2] = ["live_chart", "mod"];
    let root = root();
    let names = sources("rs")
        .into_iter()
        .filter(|source| source.path.starts_with("app/src/ui/view/"))
        .map(|source| source.path.trim_start_matches("app/src/ui/view/").trim_end_matches(".rs").to_string());
    let mut broken = Vec::new();
    for name in names.filter(|name| !WITHOUT.contains(&name.as_str())) {
        if !root.join(format!("style/components/_{name}.scss")).exists() {
            let remedy = format!("make style/components/_{name}.scss, or name both alike");
            broken.push(Broken {
                file: format!("app/src/ui/view/{name}.rs"),
                line: 1,
                rule: "a component and its style have one name",
                remedy,
            });
        }
    }
    report(&broken);
}

#[test]
fn the_readme_is_true() {
    let root = root();
    let text = fs::read_to_string(root.join("README.md")).expect("there is a README");
    let makefile = fs::read_to_string(root.join("Makefile")).expect("there is a Makefile");
    let mut broken = Vec::new();
    let mut wrong =
        |line: usize, rule: &'static str, remedy: String| broken.push(Broken { file: "README.md".into(), line, rule, remedy });
    let lines = text.lines().count();
    if lines > 300 {
        wrong(lines, "the README has at most 300 lines", "cut what the code says itself".into());
    }
    for (i, line) in text.lines().enumerate() {
        for code in line.split('`').skip(1).step_by(2) {
            if let Some(target) = code.strip_prefix("make ").and_then(|rest| rest.split_whitespace().next())
                && !makefile.contains(&format!("\n{target}: "))
            {
                wrong(i + 1, "a command in the README exists", format!("there is no make target {target}"));
            }
            let looks_like_path =
                code.contains('/') && !code.contains(' ') && !code.starts_with(['/', '<', '$', '~', '.']) && !code.contains("://");
            let path = code.trim_end_matches('/').split(['*', '{']).next().unwrap_or_default().trim_end_matches('/');
            if looks_like_path && !code.starts_with("bench/") && !root.join(path).exists() {
                wrong(i + 1, "a path in the README exists", format!("there is no {path}"));
            }
        }
    }
    report(&broken);
}

#[test]
fn nothing_from_a_workplace_gets_into_the_repository() {
    let mut broken = Vec::new();
    let files = ["rs", "sh", "mjs", "ts", "toml", "md", "json", "scss", "sql"].into_iter().flat_map(sources);
    for source in files.filter(|source| !source.path.ends_with("tidy.rs")) {
        for (i, line) in source.text.lines().enumerate() {
            let home = line.contains("/root/") || line.contains("/home/") && !line.contains("/home/USER");
            let registry = line.contains("registry.npmjs") || line.contains("static.rust-lang") || line.contains("deb.debian");
            if home || registry {
                let remedy = "say it without this machine's paths and without a registry's host".into();
                broken.push(Broken { file: source.path.clone(), line: i + 1, rule: "no machine and no registry is named", remedy });
            }
        }
    }
    report(&broken);
}
