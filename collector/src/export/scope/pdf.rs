//! A sheet as PDF: A4 across, in a font that is part of the file. A character that the font has no shape for stands as its number in
//! brackets, so that none is lost in silence; the signed JSON is attached to the file whole.

use std::collections::HashMap;

use krilla::color::luma;
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::text::{Font, TextDirection};
use krilla::{Data, Document};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use crate::scope::{Body, Section, Sheet};

/// DejaVu Sans Condensed 2.37: Latin, Greek, Cyrillic, Armenian, Georgian, Arabic, Hebrew and more; its licence allows to embed it.
const FONT: &[u8] = include_bytes!("../../../fonts/DejaVuSansCondensed.ttf");

// Lengths in points, of 1/72 inch.
const WIDTH: f32 = 841.89;
const HEIGHT: f32 = 595.28;
const MARGIN: f32 = 40.0;
const BOTTOM: f32 = HEIGHT - MARGIN - 16.0;
const INNER: f32 = WIDTH - 2.0 * MARGIN;
const TEXT: f32 = 8.0;
const LINE: f32 = 10.5;
const GAP: f32 = 8.0;
/// Width of the names of pairs.
const NAMES: f32 = 180.0;
/// Size of what stands at the head and at the foot of a page, and where its lines are.
const EDGE: f32 = 7.0;
const HEAD_Y: f32 = MARGIN - 14.0;
const FOOT_Y: f32 = HEIGHT - MARGIN;
/// The narrowest column of a table.
const NARROW: f32 = 34.0;

/// Why no PDF was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PdfError {
    /// The font in the program cannot be read.
    #[error("the font of the program cannot be read")]
    Font,
    /// A length is none.
    #[error("a page of the PDF has no size")]
    Size,
    /// The writer refused.
    #[error("the PDF could not be finished: {0}")]
    Write(String),
}

/// Writes a sheet, with its hash on every page and the signed JSON attached.
pub(super) fn write(sheet: &Sheet, hash: &str, vkey: &str, json: Vec<u8>) -> Result<Vec<u8>, PdfError> {
    let mut layout = Layout::new()?;
    layout.paragraph(&sheet.title, 15.0, Shade::Black);
    layout.paragraph(&sheet.standing, TEXT + 1.0, Shade::Black);
    layout.paragraph(&format!("Hash {hash}"), TEXT, Shade::Grey);
    for section in &sheet.sections {
        layout.section(section);
    }
    let check = Section {
        id: "check",
        title: "How to check it".to_owned(),
        lead: "The signed JSON is attached to this file. The SHA-256 of its document in canonical form (RFC 8785) is the hash on \
               every page, and the signed note names that hash."
            .to_owned(),
        body: Body::Pairs(vec![("Verification key of the collector".to_owned(), vkey.to_owned())]),
    };
    layout.section(&check);
    draw(layout.pages, sheet, hash, json)
}

/// How dark something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shade {
    Black,
    Grey,
}

/// Something on a page.
#[derive(Debug, Clone)]
enum Mark {
    Text { x: f32, y: f32, size: f32, shade: Shade, text: String },
    Rule { y: f32 },
}

/// A page, and the section that it begins with.
#[derive(Debug, Default)]
struct Sheaf {
    marks: Vec<Mark>,
    section: String,
}

/// Pages as they fill.
struct Layout {
    measure: Measure,
    pages: Vec<Sheaf>,
    /// The section that is written.
    section: String,
    y: f32,
}

impl Layout {
    fn new() -> Result<Self, PdfError> {
        Ok(Self {
            measure: Measure::new()?,
            pages: vec![Sheaf::default()],
            section: String::new(),
            y: MARGIN,
        })
    }

    fn put(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.marks.push(mark);
        }
    }

    fn text(&mut self, x: f32, size: f32, shade: Shade, text: &str) {
        if !text.is_empty() {
            self.put(Mark::Text { x, y: self.y + size, size, shade, text: text.to_owned() });
        }
    }

    /// Begins a page where so much does not fit on this one; whether it did.
    fn room(&mut self, height: f32) -> bool {
        let full = self.y + height > BOTTOM && self.y > MARGIN;
        if full {
            self.pages.push(Sheaf { section: self.section.clone(), ..Sheaf::default() });
            self.y = MARGIN;
        }
        full
    }

    fn paragraph(&mut self, text: &str, size: f32, shade: Shade) {
        for line in self.measure.wrapped(text, INNER, size) {
            self.room(size * 1.3);
            self.text(MARGIN, size, shade, &line);
            self.y += size * 1.3;
        }
    }

    fn section(&mut self, section: &Section) {
        self.y += GAP * 1.5;
        self.section.clone_from(&section.title);
        // A heading is not left alone at the foot of a page.
        self.room(12.0 * 1.3 + 4.0 * LINE);
        self.paragraph(&section.title, 12.0, Shade::Black);
        self.put(Mark::Rule { y: self.y + 1.0 });
        self.y += 4.0;
        if !section.lead.is_empty() {
            self.paragraph(&section.lead, TEXT, Shade::Grey);
            self.y += 3.0;
        }
        match &section.body {
            Body::Pairs(pairs) => {
                for (name, text) in pairs {
                    let cells =
                        [(MARGIN, NAMES, name.as_str()), (MARGIN + NAMES, INNER - NAMES, text.as_str())];
                    self.row(&cells, Some(0), None);
                }
            }
            Body::Table(_, rows) if rows.is_empty() => self.paragraph("None.", TEXT, Shade::Black),
            Body::Table(heads, rows) => self.table(heads, rows),
        }
    }

    fn table(&mut self, heads: &[&'static str], rows: &[Vec<String>]) {
        let widths = self.widths(heads, rows);
        let mut x = MARGIN;
        let places: Vec<(f32, f32)> = widths
            .iter()
            .map(|width| {
                let place = (x, *width);
                x += width;
                place
            })
            .collect();
        let head: Vec<(f32, f32, &str)> =
            places.iter().zip(heads).map(|((x, width), head)| (*x, *width, *head)).collect();
        let grey: Vec<usize> = (0..heads.len()).collect();
        self.cells(&head, &grey, None);
        for row in rows {
            let cells: Vec<(f32, f32, &str)> =
                places.iter().zip(row).map(|((x, width), cell)| (*x, *width, cell.as_str())).collect();
            self.row(&cells, None, Some(&head));
        }
    }

    fn row(&mut self, cells: &[(f32, f32, &str)], grey: Option<usize>, head: Option<&[(f32, f32, &str)]>) {
        let grey: Vec<usize> = grey.into_iter().collect();
        self.cells(cells, &grey, head);
    }

    /// Cells beside each other, as high as the highest; over the end of a page they go on below the head.
    fn cells(&mut self, cells: &[(f32, f32, &str)], grey: &[usize], head: Option<&[(f32, f32, &str)]>) {
        let wrapped: Vec<Vec<String>> =
            cells.iter().map(|(_, width, text)| self.measure.wrapped(text, width - 6.0, TEXT)).collect();
        let lines = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        let height = lines as f32 * LINE;
        let again = |layout: &mut Self| {
            if let Some(head) = head {
                let all: Vec<usize> = (0..head.len()).collect();
                layout.cells(head, &all, None);
            }
        };
        if height < BOTTOM - MARGIN && self.room(height) {
            again(self);
        }
        for line in 0..lines {
            if self.room(LINE) {
                again(self);
            }
            for (at, ((x, ..), text)) in cells.iter().zip(&wrapped).enumerate() {
                let shade = if grey.contains(&at) { Shade::Grey } else { Shade::Black };
                if let Some(text) = text.get(line) {
                    self.text(*x, TEXT, shade, text);
                }
            }
            self.y += LINE;
        }
        self.put(Mark::Rule { y: self.y + 1.0 });
        self.y += 3.0;
    }

    /// Columns as wide as they want to be; where that is too much, the narrow ones stay and the wide ones share what is left.
    fn widths(&mut self, heads: &[&'static str], rows: &[Vec<String>]) -> Vec<f32> {
        let mut wanted: Vec<f32> =
            heads.iter().map(|head| self.measure.width(head, TEXT).max(NARROW) + 8.0).collect();
        for row in rows {
            for (want, cell) in wanted.iter_mut().zip(row) {
                let longest = cell.lines().map(|line| self.measure.width(line, TEXT)).fold(0.0, f32::max);
                *want = want.max(longest + 8.0);
            }
        }
        let (mut left, mut open) = (INNER, wanted.len());
        let mut widths = vec![0.0; wanted.len()];
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_by(|one, other| wanted[*one].total_cmp(&wanted[*other]));
        for at in order {
            let fair = left / open as f32;
            widths[at] = wanted[at].min(fair);
            left -= widths[at];
            open -= 1;
        }
        widths
    }
}

/// How wide text is, and which characters have a shape.
struct Measure {
    font: FontRef<'static>,
    /// By character: width at a size of one point; `None`: it has no shape.
    known: HashMap<char, Option<f32>>,
}

impl Measure {
    fn new() -> Result<Self, PdfError> {
        Ok(Self { font: FontRef::new(FONT).map_err(|_| PdfError::Font)?, known: HashMap::new() })
    }

    fn of(&mut self, character: char) -> Option<f32> {
        if let Some(known) = self.known.get(&character) {
            return *known;
        }
        let glyph = self.font.charmap().map(character);
        let metrics = self.font.glyph_metrics(Size::new(1_000.0), LocationRef::default());
        let width = glyph.and_then(|glyph| metrics.advance_width(glyph)).map(|width| width / 1_000.0);
        self.known.insert(character, width);
        width
    }

    /// Text of which every character has a shape.
    fn shaped(&mut self, text: &str) -> String {
        let mut shaped = String::with_capacity(text.len());
        for character in text.chars() {
            if character == '\n' || self.of(character).is_some() {
                shaped.push(character);
            } else {
                shaped.push_str(&format!("[U+{:04X}]", u32::from(character)));
            }
        }
        shaped
    }

    fn width(&mut self, text: &str, size: f32) -> f32 {
        let shaped = self.shaped(text);
        shaped.chars().map(|character| self.of(character).unwrap_or(0.0)).sum::<f32>() * size
    }

    /// Lines of at most a width. A word that is wider is parted anywhere.
    fn wrapped(&mut self, text: &str, width: f32, size: f32) -> Vec<String> {
        let shaped = self.shaped(text);
        let most = width / size;
        let mut lines = Vec::new();
        for paragraph in shaped.lines() {
            let (mut line, mut used) = (String::new(), 0.0_f32);
            for word in paragraph.split_inclusive(' ') {
                let wide: f32 = word.trim_end().chars().map(|c| self.of(c).unwrap_or(0.0)).sum();
                if used + wide > most && !line.is_empty() {
                    lines.push(std::mem::take(&mut line).trim_end().to_owned());
                    used = 0.0;
                }
                for character in word.chars() {
                    let wide = self.of(character).unwrap_or(0.0);
                    if used + wide > most && !line.is_empty() && character != ' ' {
                        lines.push(std::mem::take(&mut line).trim_end().to_owned());
                        used = 0.0;
                    }
                    line.push(character);
                    used += wide;
                }
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

/// What stands at the edges of a page: after the first one of which statement and of which section it is, and on each its hash and number.
fn edges(
    measure: &mut Measure,
    title: &str,
    section: &str,
    hash: &str,
    (at, count): (usize, usize),
) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut line = |y: f32, left: String, right: String, measure: &mut Measure| {
        let x = WIDTH - MARGIN - measure.width(&right, EDGE);
        for (x, text) in [(MARGIN, left), (x, right)] {
            marks.push(Mark::Text { x, y, size: EDGE, shade: Shade::Grey, text });
        }
    };
    if at > 0 {
        let mut lines = measure.wrapped(title, INNER * 0.6, EDGE).into_iter();
        let first = lines.next().unwrap_or_default();
        let title = if lines.next().is_some() { format!("{first} …") } else { first };
        line(HEAD_Y, title, measure.shaped(section), measure);
    }
    line(FOOT_Y, format!("Hash {hash}"), format!("page {} of {count}", at + 1), measure);
    marks
}

fn draw(pages: Vec<Sheaf>, sheet: &Sheet, hash: &str, json: Vec<u8>) -> Result<Vec<u8>, PdfError> {
    let font = Font::new(Data::from(FONT), 0).ok_or(PdfError::Font)?;
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(sheet.title.clone())
            .language("en".to_owned())
            .description(format!("Hash {hash}")),
    );
    // `None`: a file of this name is there already, and none is.
    let _ = document.embed_file(EmbeddedFile {
        path: "scope-statement.json".to_owned(),
        mime_type: MimeType::new("application/json"),
        description: Some("The signed document of this scope statement".to_owned()),
        association_kind: AssociationKind::Source,
        data: Data::from(json),
        modification_date: None,
        compress: Some(true),
        location: None,
    });
    let (count, mut measure) = (pages.len(), Measure::new()?);
    for (at, Sheaf { mut marks, section }) in pages.into_iter().enumerate() {
        marks.extend(edges(&mut measure, &sheet.title, &section, hash, (at, count)));
        let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or(PdfError::Size)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in marks {
            match mark {
                Mark::Text { x, y, size, shade, text } => {
                    surface.set_stroke(None);
                    surface.set_fill(Some(Fill { paint: ink(shade).into(), ..Fill::default() }));
                    let mut x = x;
                    for (run, direction) in runs(&text) {
                        surface.draw_text(Point::from_xy(x, y), font.clone(), size, run, false, direction);
                        x += measure.width(run, size);
                    }
                }
                Mark::Rule { y } => {
                    let mut path = PathBuilder::new();
                    path.move_to(MARGIN, y);
                    path.line_to(WIDTH - MARGIN, y);
                    surface.set_fill(None);
                    let stroke =
                        Stroke { paint: luma::Color::new(200).into(), width: 0.4, ..Stroke::default() };
                    surface.set_stroke(Some(stroke));
                    if let Some(path) = path.finish() {
                        surface.draw_path(&path);
                    }
                }
            }
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| PdfError::Write(format!("{error:?}")))
}

fn ink(shade: Shade) -> luma::Color {
    match shade {
        Shade::Black => luma::Color::new(20),
        Shade::Grey => luma::Color::new(95),
    }
}

/// Text in runs of one direction: what is written from the right stands for itself.
fn runs(text: &str) -> Vec<(&str, TextDirection)> {
    let from_right = |c: char| matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x10800..=0x10FFF);
    let mut runs = Vec::new();
    let (mut begin, mut right) = (0, None);
    for (at, character) in text.char_indices() {
        // A space goes with what is before it.
        let now = if character == ' ' { right.unwrap_or(false) } else { from_right(character) };
        if right.is_some_and(|before| before != now) {
            runs.push((&text[begin..at], right == Some(true)));
            begin = at;
        }
        right = Some(now);
    }
    if begin < text.len() {
        runs.push((&text[begin..], right == Some(true)));
    }
    let direction = |right| if right { TextDirection::RightToLeft } else { TextDirection::LeftToRight };
    runs.into_iter().map(|(run, right)| (run, direction(right))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_lost_in_silence() {
        let mut measure = Measure::new().unwrap();
        let text = "Größe Ωμέγα Жук שלום مرحبا 漢字 🦀";
        let shaped = measure.shaped(text);
        assert_eq!(shaped, "Größe Ωμέγα Жук שלום مرحبا [U+6F22][U+5B57] [U+1F980]");
        let lines = measure.wrapped(&"x".repeat(500), 100.0, 8.0);
        assert_eq!(lines.concat().len(), 500);
        assert!(lines.iter().all(|line| measure.width(line, 8.0) <= 100.0));
        let words = "many words that go on and on for more than a line of this width";
        assert_eq!(measure.wrapped(words, 100.0, 8.0).join(" "), words);
        assert_eq!(measure.wrapped("a\n\nb", 100.0, 8.0), ["a", "", "b"]);
    }

    #[test]
    fn runs_of_one_direction_are_the_whole_text() {
        let text = "from left שלום עולם and again";
        let runs = runs(text);
        assert_eq!(runs.len(), 3);
        assert_eq!(runs.iter().map(|(run, _)| *run).collect::<String>(), text);
    }

    #[test]
    fn every_page_says_of_which_statement_it_is_and_where_in_it() {
        let mut measure = Measure::new().unwrap();
        let long = format!("Scope statement 3 of {}", "An organisation with a long name ".repeat(9));
        for (at, title) in [(0, "Scope statement 3"), (4, "Scope statement 3"), (4, long.as_str())] {
            let marks = edges(&mut measure, title, "In scope (74)", "abc", (at, 9));
            let mut texts = Vec::new();
            for mark in &marks {
                let Mark::Text { x, y, size, text, .. } = mark else { panic!("{mark:?}") };
                let end = x + measure.width(text, *size);
                assert!(*x >= MARGIN && end <= WIDTH - MARGIN + 0.1 && *y < HEIGHT, "{text}");
                texts.push(text.as_str());
            }
            let (foot, head) = (&texts[texts.len() - 2..], &texts[..texts.len() - 2]);
            assert_eq!(foot, ["Hash abc", if at == 0 { "page 1 of 9" } else { "page 5 of 9" }]);
            assert_eq!(head.len(), if at == 0 { 0 } else { 2 });
            if at > 0 {
                assert!(head[0].starts_with("Scope statement 3") && head[1] == "In scope (74)", "{head:?}");
            }
        }
    }

    #[test]
    fn a_long_table_goes_on_over_pages_below_its_head() {
        let mut layout = Layout::new().unwrap();
        let rows: Vec<Vec<String>> =
            (0..200).map(|n| vec![format!("AIS-{n:04}"), "word ".repeat(60)]).collect();
        layout.table(&["Record", "Text"], &rows);
        assert!(layout.pages.len() > 5);
        let heads = layout.pages.iter().flat_map(|page| &page.marks);
        let heads = heads.filter(|mark| matches!(mark, Mark::Text { text, .. } if text == "Record")).count();
        assert_eq!(heads, layout.pages.len());
        let low = layout.pages.iter().flat_map(|page| &page.marks).any(|mark| match mark {
            Mark::Text { y, .. } | Mark::Rule { y } => *y > HEIGHT - MARGIN,
        });
        assert!(!low);
    }
}
