//! Reading the repository's sources for the house rules.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Left to right: a slice may use what stands left of it.
pub const SLICES: &[&str] = &["values", "auth", "system", "operations", "fleet", "rates", "billing", "calls", "alerts", "portal"];

/// Files and folders of a slice that may know a framework or the database.
pub const WIRED: &[&str] = &["api", "history", "store", "pages", "view"];

/// Nouns of these names stand in a slice's folder but belong to the running server.
pub const SERVER_SIDE: &[&str] = &["hashing.rs", "sessions.rs", "totp.rs", "state.rs"];

pub struct Broken {
    pub file: String,
    pub line: usize,
    pub rule: &'static str,
    pub remedy: String,
}

pub struct Source {
    /// From the root of the repository.
    pub path: String,
    pub text: String,
}

impl Source {
    /// Lines of code: no comments, and nothing from the tests at the end of the file on.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("\n#[cfg(test)]").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate().map(|(i, line)| (i + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    pub fn parts(&self) -> Vec<&str> {
        self.path.split('/').collect()
    }

    /// The slice of `app/src/<slice>/…`.
    pub fn slice(&self) -> Option<&str> {
        let parts = self.parts();
        (parts.len() > 3 && parts[0] == "app" && parts[1] == "src").then(|| parts[2])
    }

    pub fn is_noun(&self) -> bool {
        let parts = self.parts();
        let in_slice = self.slice().is_some_and(|slice| SLICES.contains(&slice));
        let file = parts.last().copied().unwrap_or_default();
        let wired = parts.iter().any(|part| WIRED.contains(&part.trim_end_matches(".rs")));
        in_slice && !wired && file != "mod.rs" && !SERVER_SIDE.contains(&file)
    }
}

pub fn root() -> PathBuf {
    // Asked when it runs: a build folder that two checkouts share may hold the test that the other one built.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().expect("the crate is a folder of the workspace").to_path_buf()
}

pub fn sources(extension: &str) -> Vec<Source> {
    fn walk(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        let skipped = ["node_modules", "target", "test-results", "screenshots", "bench"];
        for entry in fs::read_dir(dir).expect("a folder of the repository can be read").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_symlink() || name.starts_with('.') && name != ".ci" || skipped.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root, extension, &mut found);
    found.sort();
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(&root).expect("found below the root").display().to_string(),
        text: fs::read_to_string(&path).expect("a source file is text"),
    };
    found.into_iter().map(read).collect()
}

pub fn report(broken: &[Broken]) {
    let lines: Vec<String> = broken.iter().map(|b| format!("{}:{}: {}. Remedy: {}", b.file, b.line, b.rule, b.remedy)).collect();
    assert!(lines.is_empty(), "{} house rule(s) broken:\n{}", lines.len(), lines.join("\n"));
}

/// Every module of this crate a source uses, with its line: `crate::auth::…` and each name inside `use crate::{ … }`.
pub fn crate_uses(source: &Source) -> Vec<(usize, String)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut uses = Vec::new();
    let mut depth = 0; // inside the braces of `use crate::{`, how deep
    for (line, text) in source.code() {
        let mut rest = text;
        if depth == 0 {
            let words = text.match_indices("crate::").map(|(at, found)| text[at + found.len()..].split(|c| !is_word(c)).next());
            uses.extend(words.flatten().filter(|word| !word.is_empty()).map(|word| (line, word.to_string())));
            let Some(at) = text.find("use crate::{") else { continue };
            rest = &text[at + "use crate::{".len()..];
            depth = 1;
        }
        let mut word = String::new();
        for c in rest.chars().chain(std::iter::once(' ')) {
            if is_word(c) {
                word.push(c);
                continue;
            }
            if depth == 1 && !word.is_empty() {
                uses.push((line, word.clone()));
            }
            // What follows `name::` belongs to name: only a comma on the first level begins another module.
            if c == ':' && depth == 1 {
                depth = 1_000;
            }
            word.clear();
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => depth = 0,
                '}' if depth == 1_000 => depth = 0,
                '}' => depth -= 1,
                ',' if depth == 1_000 => depth = 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    uses
}

#[test]
fn grouped_imports_are_read_name_by_name() {
    let text = "use crate::{\n    auth::{a, b::{portal}},\n    values::Moment, error::X,\n    ui,\n};\nfn f() { crate::live::x() }\nuse crate::{system::api};\n";
    let source = Source { path: "x".into(), text: text.into() };
    let names: Vec<String> = crate_uses(&source).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["auth", "values", "error", "ui", "live", "system"]);
}
