use crate::notice::Notice;
use leptos::prelude::*;

/// What came of the form before this page: said at the top, to eyes and to screen readers. Its problems stand at their fields.
#[component]
pub fn NoticeBox(notice: Notice) -> impl IntoView {
    let (role, class) = if notice.form.is_some() { ("alert", "notice") } else { ("status", "notice toast") };
    view! {
        <div class=format!("{class} {}", notice.tone.name()) role=role>
            <p>{with_links(&notice.text)}</p>
        </div>
    }
}

/// A link in the text can be selected with one click and wraps instead of overflowing; the words around it stay one text.
fn with_links(text: &str) -> impl IntoView + use<> {
    let mut parts: Vec<AnyView> = Vec::new();
    let mut plain = String::new();
    for word in text.split_inclusive(' ') {
        if word.starts_with("http://") || word.starts_with("https://") {
            parts.push(std::mem::take(&mut plain).into_any());
            parts.push(view! { <code class="copy">{word.trim().to_string()}</code> }.into_any());
        } else {
            plain.push_str(word);
        }
    }
    parts.push(plain.into_any());
    parts
}
