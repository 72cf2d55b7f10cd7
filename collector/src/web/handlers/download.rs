//! `/export`: what can be taken away, and `/export/{format}`: the exports as downloads, written while they are read. Each is noted in
//! the audit trail before its first byte.

use std::io::{self, BufWriter, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Form;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Deserialize;
use tokio::sync::mpsc;
use umbrascope_api::Day;

use super::page;
use crate::export::{self, Format, Sources, Stamp};
use crate::model::{Deed, Looked};
use crate::store::StoreError;
use crate::store::proof::TrailNote;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::pages::ExportPage;
use crate::web::{WebState, blocking};

/// Bytes of one piece on its way out.
const PIECE_BYTES: usize = 32 * 1024;
/// Pieces that wait for a slow reader before the export waits too.
const PIECES: usize = 4;

/// What is asked of an export.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    part: String,
    as_of: String,
}

/// What can be taken away.
pub(crate) async fn list(reader: Reader) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    page(&ExportPage {
        machines: reader.may_read(Deed::ReadFindings, &[]),
        whole: reader.sees_all(),
        frame: reader.frame(Here::Export, None),
    })
}

/// An export.
pub(crate) async fn export(
    State(state): State<WebState>,
    reader: Reader,
    Path(format): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let format: Format = format.parse().map_err(|_| WebError::NotFound("export format"))?;
    reader.must_read(Deed::ReadInventory)?;
    let part = format.part(Some(&asked.part)).map_err(|_| WebError::unknown_choice("part", &asked.part))?;
    let as_of: Option<Day> = match asked.as_of.trim() {
        "" => None,
        typed => Some(typed.parse().map_err(|_| WebError::unknown_choice("as_of", typed))?),
    };
    let known = state.app.catalogue.known();
    let mut stamp = Stamp::new(known.catalogue(), reader.now_ms)
        .as_of(as_of)
        .map_err(|_| WebError::unknown_choice("as_of", &asked.as_of))?;
    stamp.machines = reader.may_read(Deed::ReadFindings, &[]);
    let (by, app) = (reader.clone(), state.app.clone());
    (stamp.least, stamp.sight) =
        blocking(move || Ok::<_, StoreError>((by.least(&app)?, by.sight(&app)?))).await?;
    if stamp.machines && format == Format::Json {
        let (people, person, now_ms) = (state.app.people.clone(), reader.user.id, reader.now_ms);
        blocking(move || people.note_reading(person, Looked::Export, now_ms)).await?;
    }
    note(&state, &reader, format, &stamp).await?;
    let (pieces, receiver) = mpsc::channel(PIECES);
    let (store, governance) = (state.app.store.clone(), state.app.governance.clone());
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE_BYTES, Pieces(pieces.clone()));
        let from = Sources { reads: &*store, governance: &*governance };
        let written = export::write(format, part, from, known.catalogue(), &stamp, &mut out)
            .and_then(|()| Ok(out.flush()?));
        if let Err(error) = written {
            tracing::warn!(error = &error as &dyn std::error::Error, "an export ended early");
            // The reader has to see that the end is missing; nobody may be there to see it.
            let _gone = pieces.blocking_send(Err(io::Error::other("the export ended early")));
        }
    });
    let day = as_of.unwrap_or_else(|| Day::from_unix_ms(reader.now_ms));
    let part = if part == format.part(None).unwrap_or_default() { String::new() } else { format!("-{part}") };
    let part = if reader.sees_all() { part } else { format!("{part}-cut-to-units") };
    let name = match format {
        Format::Csv | Format::Json => format!("umbrascope{part}-{day}.{}", format.extension()),
        _ => format!("umbrascope-{}{part}-{day}.{}", format.as_str(), format.extension()),
    };
    let headers = [
        (CONTENT_TYPE, format.content_type().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::new(PieceBody(receiver))).into_response())
}

/// Notes in the trail who took what.
async fn note(state: &WebState, reader: &Reader, format: Format, stamp: &Stamp) -> Result<(), WebError> {
    let mut details = serde_json::Map::from_iter([("format".to_owned(), format.as_str().into())]);
    if let Some(units) = stamp.sight.units() {
        details.insert("units".to_owned(), units.into());
    }
    if let Some(day) = stamp.as_of {
        details.insert("as_of".to_owned(), day.to_string().into());
    }
    let note = TrailNote {
        act: reader.act(""),
        action: "export.make",
        kind: "export",
        id: format.as_str().to_owned(),
        details,
    };
    let governance = state.app.governance.clone();
    blocking(move || governance.note(note)).await?;
    Ok(())
}

/// The form that asks for an evidence pack.
#[derive(Debug, Deserialize)]
pub(crate) struct PackForm {
    csrf: String,
}

/// An evidence pack. By a form and not by a link, for it leaves an entry in the trail.
pub(crate) async fn evidence_pack(
    State(state): State<WebState>,
    reader: Reader,
    Form(form): Form<PackForm>,
) -> Result<Response, WebError> {
    reader.check_form(&form.csrf)?;
    pack(state, reader).await
}

/// An evidence pack, for who may take the records of every unit away. It leaves an entry in the trail.
pub(crate) async fn pack(state: WebState, reader: Reader) -> Result<Response, WebError> {
    reader.must_read_all(Deed::ExportEvidence)?;
    let known = state.app.catalogue.known();
    let stamp = Stamp::new(known.catalogue(), reader.now_ms);
    let act = reader.act("");
    let (notary, app) = (state.app.notary.clone(), state.app.clone());
    let mut file = blocking(move || {
        let from = Sources { reads: &*app.store, governance: &*app.governance };
        notary.pack(from, known.catalogue(), &stamp, act).map_err(|error| WebError::Work(error.into()))
    })
    .await?;
    let (pieces, receiver) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE_BYTES, Pieces(pieces.clone()));
        if let Err(error) = io::copy(&mut file, &mut out).and_then(|_| out.flush()) {
            // The reader has to see that the end is missing; nobody may be there to see it.
            let _gone = pieces.blocking_send(Err(error));
        }
    });
    let name = format!("umbrascope-{}.evidence.tar", Day::from_unix_ms(reader.now_ms));
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::new(PieceBody(receiver))).into_response())
}

type Piece = Result<Bytes, io::Error>;

/// Where a blocking writer puts its pieces.
struct Pieces(mpsc::Sender<Piece>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The pieces as the body of an answer.
struct PieceBody(mpsc::Receiver<Piece>);

impl HttpBody for PieceBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
