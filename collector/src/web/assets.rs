//! Style sheet and icon, built into the program. Their names carry the hash of their content, so a
//! browser may keep them for ever and still sees the next version at once.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use rust_embed::{Embed, EmbeddedFile};

/// Folder of the addresses.
const PREFIX: &str = "/static/";
/// Hexadecimal digits of the hash in a name: 64 bits tell versions apart, nobody attacks this.
const HASH_DIGITS: usize = 16;

#[derive(Embed)]
#[folder = "static/"]
struct Files;

/// One file under its name with the hash.
struct Asset {
    name: String,
    hashed: String,
    file: EmbeddedFile,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    Files::iter()
        .filter_map(|name| {
            let file = Files::get(&name)?;
            let hash = &HEXLOWER.encode(&file.metadata.sha256_hash())[..HASH_DIGITS];
            let (stem, extension) = name.rsplit_once('.')?;
            Some(Asset { name: name.to_string(), hashed: format!("{stem}.{hash}.{extension}"), file })
        })
        .collect()
});

/// Address of a file; the plain name where there is no such file, which a test rules out.
pub(crate) fn href(name: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    format!("{PREFIX}{}", found.map_or(name, |asset| &asset.hashed))
}

/// `GET /static/{name}`.
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.hashed == name) else {
        return (StatusCode::NOT_FOUND, "There is no such file. Reload the page that asked for it.")
            .into_response();
    };
    let kind = match asset.name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.file.data.clone().into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_hashed_name() {
        for name in ["app.css", "favicon.svg"] {
            let href = href(name);
            assert_ne!(href, format!("{PREFIX}{name}"));
            assert!(
                href.starts_with(PREFIX) && href.len() == PREFIX.len() + name.len() + HASH_DIGITS + 1,
                "{href}"
            );
        }
    }
}
