//! What is kept for one person's convenience: views and the last look. No record, and in no trail: nobody decides by it.

/// Most views of one person.
pub const VIEWS: u32 = 24;
/// Most characters of a view's name.
pub const VIEW_NAME_CHARS: usize = 60;
/// Most characters of the address of a view.
pub const VIEW_PLACE_CHARS: usize = 600;

/// A list as somebody wants to come back to it: an address of ours under a name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SavedView {
    /// Its number among the person's views.
    pub number: i64,
    /// What the person calls it.
    pub name: String,
    /// Path and query.
    pub place: String,
}

/// How far somebody had looked when they last said that they had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastLook {
    /// When, Unix time in milliseconds; 0: never.
    pub at_ms: i64,
    /// The product that had been seen for the first time last: those of greater numbers are new.
    pub product: i64,
}

/// What a trend is split by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrendBy {
    /// By vendor.
    #[default]
    Vendor,
    /// By kind of product.
    Kind,
    /// By unit.
    Unit,
}

impl TrendBy {
    /// Each, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Vendor, Self::Kind, Self::Unit];

    /// The word for it in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Kind => "kind",
            Self::Unit => "unit",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Vendor => "Vendor",
            Self::Kind => "Kind",
            Self::Unit => "Unit",
        }
    }
}

/// One line of a trend: what it is of, and a number for each day, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trend {
    /// Name of the vendor or unit, or the word for a kind; empty: everything else.
    pub name: String,
    /// A number for each day. By vendor and kind: products seen that day, counted once for each machine; by unit: machines that showed AI.
    pub days: Vec<u64>,
}
