//! `/export/{format}`: the exports as downloads, written while they are read.

use std::io::{self, BufWriter, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Form;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Deserialize;
use tokio::sync::mpsc;
use umbrascope_api::Day;

use crate::export::{self, Format, Stamp};
use crate::model::governed::{Act, Actor};
use crate::model::{Access, Deed, Looked};
use crate::web::error::WebError;
use crate::web::guard::Reader;
use crate::web::{WebState, blocking};

/// Bytes of one piece on its way out.
const PIECE_BYTES: usize = 32 * 1024;
/// Pieces that wait for a slow reader before the export waits too.
const PIECES: usize = 4;

/// An export.
pub(crate) async fn export(
    State(state): State<WebState>,
    reader: Reader,
    Path(format): Path<String>,
) -> Result<Response, WebError> {
    let format: Format = format.parse().map_err(|_| WebError::NotFound("export format"))?;
    reader.must_read(Deed::ReadInventory)?;
    let mut stamp = Stamp::new(state.app.catalogue.known().catalogue(), reader.now_ms);
    stamp.machines = reader.may_read(Deed::ReadFindings, &[]);
    let (by, app) = (reader.clone(), state.app.clone());
    stamp.least = blocking(move || by.least(&app)).await?;
    if stamp.machines && format == Format::Json {
        let (people, person, now_ms) = (state.app.people.clone(), reader.user.id, reader.now_ms);
        blocking(move || people.note_reading(person, Looked::Export, now_ms)).await?;
    }
    let (pieces, receiver) = mpsc::channel(PIECES);
    let store = state.app.store.clone();
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE_BYTES, Pieces(pieces.clone()));
        let written = export::write(format, &*store, &stamp, &mut out).and_then(|()| Ok(out.flush()?));
        if let Err(error) = written {
            tracing::warn!(error = &error as &dyn std::error::Error, "an export ended early");
            // The reader has to see that the end is missing; nobody may be there to see it.
            let _gone = pieces.blocking_send(Err(io::Error::other("the export ended early")));
        }
    });
    let name = format!("umbrascope-{}.{}", Day::from_unix_ms(reader.now_ms), format.extension());
    let headers = [
        (CONTENT_TYPE, format.content_type().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::new(PieceBody(receiver))).into_response())
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
    // It holds the records of every unit.
    reader.user.grants.check(Deed::ExportEvidence, Access::Read, &[])?;
    let stamp = Stamp::new(state.app.catalogue.known().catalogue(), reader.now_ms);
    let act = Act::by(Actor::Person(reader.user.id), reader.now_ms);
    let (notary, store) = (state.app.notary.clone(), state.app.store.clone());
    let mut file =
        blocking(move || notary.pack(&*store, &stamp, act).map_err(|error| WebError::Work(error.into())))
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
