//! Where packets come from.
