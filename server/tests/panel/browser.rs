//! Talking to a panel over HTTP as a browser does.

use crate::harness::PASSWORD;
use reqwest::{
    Response,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN, REFERER, SET_COOKIE},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A browser without a screen: keeps cookies, follows nothing by itself.
#[derive(Clone)]
pub struct Browser {
    client: reqwest::Client,
    pub base: String,
    cookies: Arc<Mutex<HashMap<String, String>>>,
    pub headers: HeaderMap,
}

impl Browser {
    pub fn at(base: &str) -> Self {
        // As the program does at its start; a second call would only say that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(30)).build();
        Self { client: client.expect("a client"), base: base.into(), cookies: Arc::default(), headers: HeaderMap::new() }
    }

    /// The same browser, at a panel that was started again.
    pub fn now_at(&self, base: &str) -> Self {
        Self { base: base.into(), ..self.clone() }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header value"));
        self
    }

    pub fn cookie(&self, part: &str) -> Option<String> {
        self.cookies.lock().expect("no panic").iter().find(|(name, _)| name.contains(part)).map(|(_, value)| value.clone())
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().expect("no panic").insert(name.into(), value.into());
    }

    fn with_cookies(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let cookies = self.cookies.lock().expect("no panic");
        let line = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = request.headers(self.headers.clone());
        if line.is_empty() { request } else { request.header("cookie", line) }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Response {
        let response = self.with_cookies(request).send().await.expect("the panel answers");
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().expect("text");
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            let mut cookies = self.cookies.lock().expect("no panic");
            if line.contains("Max-Age=0") {
                cookies.remove(name)
            } else {
                cookies.insert(name.into(), value.into())
            };
        }
        response
    }

    /// A link followed.
    pub async fn get(&self, path: &str) -> Response {
        self.send(self.client.get(format!("{}{path}", self.base)).header(ACCEPT, "text/html")).await
    }

    /// A page read to its end.
    pub async fn page(&self, path: &str) -> String {
        self.get(path).await.text().await.expect("text")
    }

    /// A plain form sent from `page`.
    pub async fn form(&self, page: &str, function: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{function}", self.base)).body(encode(fields));
        let request = request.header("content-type", "application/x-www-form-urlencoded").header(ACCEPT, "text/html");
        let request = request.header(ORIGIN, &self.base).header(REFERER, format!("{}{page}", self.base));
        self.send(request).await
    }

    /// What a script of ours sends.
    pub async fn call(&self, function: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{function}", self.base)).body(encode(fields));
        let request = request.header("content-type", "application/x-www-form-urlencoded").header(ACCEPT, "application/json");
        self.send(request.header("sec-fetch-site", "same-origin").header("sec-fetch-mode", "cors")).await
    }

    pub async fn read(&self, function: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.client.get(format!("{}{function}?{}", self.base, encode(fields))).header(ACCEPT, "application/json");
        self.send(request.header("sec-fetch-site", "same-origin").header("sec-fetch-mode", "cors")).await
    }

    /// A request as is.
    pub async fn raw(&self, build: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder) -> Response {
        self.send(build(&self.client, &self.base)).await
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> Response {
        self.form("/sign-in", "/api/session/sign-in", &[("name", name), ("password", password)]).await
    }

    /// Signs in and expects to get in.
    pub async fn signed_in(base: &str, name: &str) -> Self {
        let browser = Self::at(base);
        let response = browser.sign_in(name, PASSWORD).await;
        assert_eq!(location(&response), "/", "{name} could not sign in");
        browser
    }

    /// What the last form's notice says, read as the next page would.
    pub fn notice(&self) -> String {
        let cookie = self.cookie("notice").expect("a notice");
        app::context::read_notice(&cookie).expect("our own notice").text
    }

    /// Whether the session is alive, asked without counting as input.
    pub async fn is_signed_in(&self) -> bool {
        self.read("/api/session/left", &[]).await.status() == 200
    }
}

pub fn location(response: &Response) -> String {
    response.headers().get(LOCATION).map(|value| value.to_str().expect("text").to_string()).unwrap_or_default()
}

fn encode(fields: &[(&str, &str)]) -> String {
    let query = fields.iter().fold(app::values::Query::default(), |query, (name, value)| query.with(name, *value));
    query.link("").trim_start_matches('?').to_string()
}
