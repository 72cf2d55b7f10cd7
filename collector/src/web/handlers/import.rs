//! `/people/import`: a directory as text, shown first and then done.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::directory::{self, Known};
use crate::model::Deed;
use crate::store::StoreError;
use crate::store::people::everybody;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say};
use crate::web::pages::ImportPage;
use crate::web::{WebState, blocking};

/// The form.
pub(crate) async fn form(reader: Reader) -> Result<Response, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    page(&ImportPage {
        frame: reader.frame(Here::People, None),
        text: String::new(),
        complete: false,
        plan: None,
        problem: None,
    })
}

/// The text, and what to do with it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    csrf: String,
    text: String,
    complete: String,
    #[serde(rename = "do")]
    action: String,
}

/// Shows what an import would do, or does it.
pub(crate) async fn import(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    reader.check_form(&sent.csrf)?;
    let (people, by, complete) = (state.app.people.clone(), reader.by("import"), sent.complete == "yes");
    let (text, doing) = (sent.text.clone(), sent.action == "import");
    let (plan, problem) = blocking(move || {
        let (everybody, units) = (everybody(&*people)?, people.all_units()?);
        let known = Known { people: &everybody, units: &units };
        let plan = match directory::plan(text.as_bytes(), &known, complete) {
            Ok(plan) => plan,
            Err(error) => return Ok((None, Some(error.to_string()))),
        };
        if !doing {
            return Ok((Some(plan), None));
        }
        match people.import_directory(&plan, &by)? {
            Ok(_) => Ok((None, None)),
            Err(refused) => {
                Ok::<_, StoreError>((Some(plan), Some(say!("Nothing was imported: {0}.", message(&refused)))))
            }
        }
    })
    .await?;
    if plan.is_none() && problem.is_none() {
        return Ok(Redirect::to("/people?done=imported").into_response());
    }
    page(&ImportPage { frame: reader.frame(Here::People, None), text: sent.text, complete, plan, problem })
}
