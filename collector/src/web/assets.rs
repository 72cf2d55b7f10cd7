//! Style sheet, icon and scripts, built into the program. Their names carry the hash of their content, so a
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

/// What we made.
#[derive(Embed)]
#[folder = "static/"]
struct Ours;

/// What others made, as they published it.
#[derive(Embed)]
#[folder = "vendor/"]
struct Theirs;

/// One file under its name with the hash.
struct Asset {
    name: String,
    hashed: String,
    kind: &'static str,
    file: EmbeddedFile,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let ours = Ours::iter().filter_map(|name| asset(&name, Ours::get(&name)?));
    let theirs = Theirs::iter().filter_map(|name| asset(&name, Theirs::get(&name)?));
    ours.chain(theirs).collect()
});

/// A file as it is served; `None`: it is of no kind that pages use.
fn asset(name: &str, file: EmbeddedFile) -> Option<Asset> {
    let (stem, extension) = name.rsplit_once('.')?;
    let kind = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    let hash = &HEXLOWER.encode(&file.metadata.sha256_hash())[..HASH_DIGITS];
    Some(Asset { name: name.to_owned(), hashed: format!("{stem}.{hash}.{extension}"), kind, file })
}

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
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.file.data.clone().into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_hashed_name() {
        for name in ["app.css", "favicon.svg", "keys.js", "htmx.min.js"] {
            let href = href(name);
            assert_ne!(href, format!("{PREFIX}{name}"));
            assert!(
                href.starts_with(PREFIX) && href.len() == PREFIX.len() + name.len() + HASH_DIGITS + 1,
                "{href}"
            );
        }
    }

    #[test]
    fn what_others_made_is_what_they_published() {
        let stated: toml::Table = toml::from_str(include_str!("../../vendor/htmx.toml")).unwrap();
        let file = Theirs::get(stated["file"].as_str().unwrap()).unwrap();
        assert_eq!(HEXLOWER.encode(&file.metadata.sha256_hash()), stated["sha256"].as_str().unwrap());
    }
}
