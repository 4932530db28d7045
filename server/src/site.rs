//! The browser's part: style sheet, script, WASM, icons. It lies in the folder `site` beside the program, made by `make build`;
//! files whose address carries a hash of their content never change and are cached for ever.

use axum::{
    Router,
    http::{HeaderValue, header},
};
use std::path::PathBuf;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;

#[derive(Clone, Debug)]
pub struct Site {
    root: PathBuf,
    /// `pkg/<hash>`.
    pub package: String,
}

impl Site {
    /// `WIRECENTER_SITE`, or beside the program.
    pub fn find() -> Result<Self, String> {
        let beside =
            std::env::current_exe().and_then(|exe| exe.canonicalize()).ok().and_then(|exe| Some(exe.parent()?.join("site")));
        let root = std::env::var_os("WIRECENTER_SITE").map(PathBuf::from).or(beside).unwrap_or_else(|| "site".into());
        let package = std::fs::read_to_string(root.join("package")).map_err(|error| {
            format!("The browser's part was not found in {}: {error}. Run make build, or set WIRECENTER_SITE.", root.display())
        })?;
        let package = package.trim().to_string();
        if root.join(&package).join("wirecenter.wasm").is_file() {
            Ok(Self { root, package })
        } else {
            Err(format!(
                "The browser's part in {} is not whole: {package}/wirecenter.wasm is missing. Run make build.",
                root.display()
            ))
        }
    }

    /// Where the files of the package lie.
    pub fn package_dir(&self) -> PathBuf {
        self.root.join(&self.package)
    }

    pub fn routes(&self) -> Router {
        let dir = |path: PathBuf| ServeDir::new(path).precompressed_br().precompressed_gzip();
        let cached = |seconds_and_more: &'static str| {
            tower_http::set_header::SetResponseHeaderLayer::if_not_present(
                header::CACHE_CONTROL,
                HeaderValue::from_static(seconds_and_more),
            )
        };
        let package =
            ServiceBuilder::new().layer(cached("public, max-age=31536000, immutable")).service(dir(self.root.join("pkg")));
        let icon = ServiceBuilder::new()
            .layer(cached("public, max-age=86400"))
            .service(tower_http::services::ServeFile::new(self.root.join("favicon.svg")));
        Router::new().nest_service("/pkg", package).route_service("/favicon.svg", icon)
    }
}
