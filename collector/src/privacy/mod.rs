//! What the people concerned are told of how this collector is set, and the pack for who assesses its privacy. Both are made of the
//! settings in force and of the types that agents send, never of a text that somebody has to keep up to date.

mod notice;
mod pack;

pub use notice::Notice;
pub use pack::{CANNOT, Pack, sample, schema};
