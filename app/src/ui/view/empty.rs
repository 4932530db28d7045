use leptos::prelude::*;

/// Nothing to show, and what to do about it.
#[component]
pub fn Empty(
    #[prop(into)] what: String,
    #[prop(into)] next: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="what">{what}</p>
            <p>{next}</p>
            {children.map(|children| children())}
        </div>
    }
}
