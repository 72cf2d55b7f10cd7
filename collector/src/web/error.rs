//! What goes wrong for a reader: one type decides the status and the words; details go to the log,
//! once, here. The page (or, below `/api/`, problem JSON of RFC 9457) is made by [`super::layers`].

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::language::{self, say, t};
use super::pick::Unclear;
use super::url::Address;
use crate::model::{Deed, Refused, Scope, TakesPerson};
use crate::review::Guard;
use crate::session::SessionError;
use crate::store::StoreError;

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum WebError {
    /// Nobody is signed in; `next` is where the reader wanted to go.
    #[error("not signed in")]
    SignInFirst {
        /// Path and query to come back to.
        next: String,
    },
    /// The token of a program is not scoped to it.
    #[error("G-SCOPE: to {} is in no scope of this token", .0.words())]
    NotInScope(Deed),
    /// The token of a program lacks the scope of the route.
    #[error("G-SCOPE: this takes a token with the scope {}", .0.as_str())]
    RouteNotInScope(Scope),
    /// No token does it.
    #[error(transparent)]
    TakesPerson(#[from] TakesPerson),
    /// An export that a link of another site asks for.
    #[error("another site asks for an export")]
    FromElsewhere,
    /// The body or the address of a program's request is not what the interface takes.
    #[error("the request cannot be read: {says}")]
    Unreadable {
        /// What is wrong with it in HTTP's terms.
        status: StatusCode,
        /// What is wrong with it.
        says: String,
    },
    /// It takes somebody who signed in again a moment ago.
    #[error("not signed in again")]
    ConfirmFirst {
        /// Path and query to come back to.
        next: String,
    },
    /// A role of the reader's takes a second factor, and none is set up.
    #[error("no second factor is set up")]
    SecondFactorFirst,
    /// There is no such page or record.
    #[error("there is no {0} here")]
    NotFound(&'static str),
    /// The address asks for something that cannot be chosen.
    #[error("the address asks for {name}={typed}, which is not a choice")]
    UnknownChoice {
        /// Parameter of the address.
        name: &'static str,
        /// What was typed, cut short.
        typed: String,
    },
    /// The reader's roles do not allow it.
    #[error(transparent)]
    NotAllowed(#[from] Refused),
    /// A guard of the record refuses it.
    #[error("{0}")]
    Guarded(crate::review::Refused),
    /// It is not clear which person a form names.
    #[error("{}", .0.refused())]
    Unclear(Unclear),
    /// The form did not come from a page of ours.
    #[error("the form did not come from this site, or its page is out of date")]
    Forged,
    /// The link was used, is too old, or never was.
    #[error("the link is used up, too old, or mistyped")]
    LinkSpent,
    /// Too many attempts.
    #[error("too many attempts")]
    TooMany {
        /// Seconds after which another one is taken.
        retry_after_s: u64,
    },
    /// The request is not one that this page takes.
    #[error("the request cannot be understood")]
    BadRequest,
    /// The page is there, but not for this method.
    #[error("this address does not take that method")]
    Method,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Signing in failed for another reason than a wrong password.
    #[error("signing in failed")]
    Session(#[from] SessionError),
    /// A template failed.
    #[error("the page could not be written")]
    Template(#[from] askama::Error),
    /// Work in the background failed.
    #[error("the work was not finished")]
    Work(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl WebError {
    /// The address asks for `name=typed`, and there is no such choice.
    pub(crate) fn unknown_choice(name: &'static str, typed: &str) -> Self {
        Self::UnknownChoice { name, typed: typed.chars().take(40).collect() }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::SignInFirst { .. } => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::UnknownChoice { .. } | Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unreadable { status, .. } => *status,
            Self::NotAllowed(_)
            | Self::NotInScope(_)
            | Self::RouteNotInScope(_)
            | Self::TakesPerson(_)
            | Self::Forged
            | Self::FromElsewhere
            | Self::ConfirmFirst { .. }
            | Self::SecondFactorFirst => StatusCode::FORBIDDEN,
            Self::Guarded(refused) => status_of(refused.guard),
            Self::Unclear(unclear) => status_of(unclear.refused().guard),
            Self::LinkSpent => StatusCode::GONE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Store(_) | Self::Session(_) | Self::Template(_) | Self::Work(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn explained(&self) -> Explained {
        let status = self.status();
        let explain = |title: &str, what: String, advice: &str| Explained {
            status,
            title: title.to_owned(),
            what,
            advice: advice.to_owned(),
            href: "/products".to_owned(),
            link: t("To the products"),
            guard: None,
            missing: Vec::new(),
        };
        match self {
            Self::SignInFirst { next } => Explained {
                href: Address::new("/sign-in").with("next", next.as_str()).href(),
                link: t("Sign in"),
                ..explain(t("Sign in first"), t("This is for people who are signed in.").to_owned(), "")
            },
            Self::NotInScope(_) | Self::RouteNotInScope(_) => Explained {
                guard: Some("G-SCOPE"),
                ..explain(
                    t("Not in the scope of the token"),
                    language::message(format!("{self}.")),
                    t("Nothing was changed. Make a token with that scope, if the program is to do this."),
                )
            },
            Self::TakesPerson(takes) => Explained {
                guard: Some("G-SCOPE"),
                href: takes.page.to_owned(),
                ..explain(
                    t("Takes a person"),
                    say!("{0}: sign in and do it at {1}.", language::message(takes), takes.page),
                    t("Nothing was changed. What is signed takes the password again, at that moment."),
                )
            },
            Self::FromElsewhere => Explained {
                href: "/export".to_owned(),
                link: t("To the exports"),
                ..explain(
                    t("The export was not begun"),
                    t("A link of another site asked for it, and each export leaves an entry in the audit trail.").to_owned(),
                    t("Nothing was taken away. Open the exports here and choose."),
                )
            },
            Self::Unreadable { .. } => explain(
                t("That was not understood"),
                say!("Nothing was changed: {0}.", self),
                t("Compare it with what /api/v1/openapi.json says of this operation."),
            ),
            Self::ConfirmFirst { next } => Explained {
                href: Address::new("/confirm").with("next", next.as_str()).href(),
                link: t("Sign in again"),
                ..explain(
                    t("Sign in again first"),
                    t("G-FRESH: this is signed in your name, and takes that you signed in within five minutes.")
                        .to_owned(),
                    t("Nothing was changed."),
                )
            },
            Self::SecondFactorFirst => Explained {
                href: "/account/second-factor".to_owned(),
                link: t("Set it up"),
                ..explain(
                    t("Set up a second factor first"),
                    t("A role of yours takes a second factor, and you have none.").to_owned(),
                    t("Nothing was changed."),
                )
            },
            Self::NotFound(what) => explain(
                t("Not found"),
                say!("There is no {0} at this address.", t(what)),
                t("It may have been mistyped, or nothing of it has been seen yet. Search for it by name instead."),
            ),
            Self::UnknownChoice { name, typed } => explain(
                t("That is not a choice"),
                say!("The address asks for {0}={1}, and there is no such {0}.", name, typed),
                t("Go to the list and choose from the filters there."),
            ),
            Self::BadRequest => explain(
                t("That was not understood"),
                t("The request does not have the form that this page takes.").to_owned(),
                t("Go back, reload the page and try again."),
            ),
            Self::NotAllowed(refused) => Explained {
                guard: Some(refused.guard()),
                ..explain(
                    t("Not for your role"),
                    language::message(format!("{refused}.")),
                    t("Nothing was changed. Somebody who holds such a role can do it; an administrator of this collector gives roles."),
                )
            },
            Self::Guarded(refused) => Explained {
                guard: Some(refused.guard.as_str()),
                missing: refused.missing.clone(),
                ..explain(
                    t("That is refused"),
                    format!("{}: {}.", refused.guard.as_str(), language::message(&refused.says)),
                    t("Nothing was changed."),
                )
            },
            Self::Unclear(unclear) => Self::Guarded(unclear.refused()).explained(),
            Self::Forged => explain(
                t("The form was not taken"),
                t("It did not come from this site, or its page was open for too long.").to_owned(),
                t("Nothing was changed. Open the page anew and send the form again."),
            ),
            Self::LinkSpent => Explained {
                href: "/sign-in".to_owned(),
                link: t("Sign in with a password"),
                ..explain(
                    t("This link does not sign in"),
                    t("It was used already, is too old, or was not copied whole.").to_owned(),
                    t("Ask for a new one: an administrator makes it on the collector, and `umbrascope-collector try` prints one at each start."),
                )
            },
            Self::TooMany { retry_after_s } => Explained {
                href: "/sign-in".to_owned(),
                link: t("Back"),
                ..explain(
                    t("Too many attempts"),
                    say!("Wait {0} seconds, then try again.", retry_after_s),
                    t("This slows down whoever guesses. Your account is not locked."),
                )
            },
            Self::Method => explain(
                t("Not this way"),
                t("This address is there, but not for this kind of request.").to_owned(),
                t("Use the forms and links of the pages."),
            ),
            Self::Store(_) | Self::Session(_) | Self::Template(_) | Self::Work(_) => explain(
                t("It went wrong on our side"),
                t("The collector could not answer. Its log says why.").to_owned(),
                t("Try again in a minute. If it stays, show an administrator the time at which it happened."),
            ),
        }
    }
}

/// A failure in a reader's words, on its way to a page or to problem JSON.
#[derive(Debug, Clone)]
pub(crate) struct Explained {
    /// The status.
    pub(crate) status: StatusCode,
    /// In a few words.
    pub(crate) title: String,
    /// In a sentence.
    pub(crate) what: String,
    /// What to do.
    pub(crate) advice: String,
    /// Where to go.
    pub(crate) href: String,
    /// What is there.
    pub(crate) link: &'static str,
    /// The guard that refused.
    pub(crate) guard: Option<&'static str>,
    /// Names of the fields that are missing or wrong.
    pub(crate) missing: Vec<String>,
}

/// The status for what a guard refuses.
pub(crate) fn status_of(guard: Guard) -> StatusCode {
    match guard {
        Guard::Version | Guard::State | Guard::Frozen => StatusCode::CONFLICT,
        Guard::Role | Guard::Acl | Guard::FourEyes | Guard::Fresh => StatusCode::FORBIDDEN,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl Explained {
    /// For an answer that came about without a [`WebError`].
    pub(crate) fn for_status(status: StatusCode) -> Self {
        let like = match status {
            StatusCode::NOT_FOUND => WebError::NotFound("page"),
            StatusCode::FORBIDDEN => WebError::Forged,
            StatusCode::METHOD_NOT_ALLOWED => WebError::Method,
            other if other.is_server_error() => WebError::Work("no cause given".into()),
            _ => WebError::BadRequest,
        };
        Self { status, ..like.explained() }
    }
}

/// Marks a response that [`super::layers`] turns into a page, with its words.
impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let explained = self.explained();
        if explained.status.is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "a page could not be answered");
        }
        let redirect =
            matches!(self, Self::SignInFirst { .. } | Self::ConfirmFirst { .. } | Self::SecondFactorFirst);
        let mut response = match &self {
            Self::TooMany { retry_after_s } => {
                (explained.status, [(header::RETRY_AFTER, retry_after_s.to_string())]).into_response()
            }
            _ => explained.status.into_response(),
        };
        response.extensions_mut().insert(Sent { explained, redirect });
        if let Self::Unclear(unclear) = self {
            response.extensions_mut().insert(unclear);
        }
        response
    }
}

/// What an error response carries to the layer that writes it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The words.
    pub(crate) explained: Explained,
    /// Whether a page goes elsewhere instead of showing them.
    pub(crate) redirect: bool,
}

impl Sent {
    /// Where a page goes instead, if it does.
    pub(crate) fn elsewhere(&self) -> Option<Response> {
        self.redirect.then(|| Redirect::to(&self.explained.href).into_response())
    }
}
