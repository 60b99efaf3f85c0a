//! Tables as comma-separated values: what a person opens in a spreadsheet.
//!
//! Promises: RFC 4180 with a header line, UTF-8, one row a thing, moments as RFC 3339 and an
//! empty cell where nothing is known; no cell is run as a formula, whatever a cluster or a
//! person called itself. Does not: page; a table holds all rows, up to [`ROWS_MAX`].

use std::fmt::{Display, Write as _};

use axum::response::{IntoResponse, Response};
use http::header;
use serde::Deserialize;

/// Most rows of one table.
pub const ROWS_MAX: usize = 10_000;

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For programs.
    #[default]
    Json,
    /// For spreadsheets.
    Csv,
}

/// A table on its way to a spreadsheet.
#[derive(Debug)]
pub struct Table {
    name: String,
    text: String,
}

impl Table {
    /// An empty table that is saved as `NAME.csv`. The name is ours or made of an id.
    pub fn new(name: impl Into<String>, header: &[&str]) -> Self {
        let mut table = Self { name: name.into(), text: String::new() };
        table.row(header);
        table
    }

    /// One more row, with a cell for each name of the header.
    pub fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.text.push(',');
            }
            cell_write(&mut self.text, cell.as_ref());
        }
        self.text.push_str("\r\n");
    }
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        let name: String =
            self.name.chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect();
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
        ];
        (headers, self.text).into_response()
    }
}

/// The cell of what may be unknown.
pub fn cell<T: Display>(value: Option<T>) -> String {
    value.map(|it| it.to_string()).unwrap_or_default()
}

/// The cell of an enum: its word, as in JSON.
pub fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn cell_write(text: &mut String, cell: &str) {
    // A spreadsheet takes such a beginning as a formula; an apostrophe makes it text.
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !cell.contains([',', '"', '\n', '\r']) {
        text.push_str(cell);
        return;
    }
    // Writing to a String cannot fail.
    let _ = write!(text, "\"{guard}{}\"", cell.replace('"', "\"\""));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cell: &str) -> String {
        let mut text = String::new();
        cell_write(&mut text, cell);
        text
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        assert_eq!(written("Salle 3 – été"), "Salle 3 – été");
        assert_eq!(written("a, b"), "\"a, b\"");
        assert_eq!(written("say \"hi\"\nthere"), "\"say \"\"hi\"\"\nthere\"");
        assert_eq!(written(""), "");
    }

    #[test]
    fn nothing_that_a_cluster_calls_itself_is_run_as_a_formula() {
        for name in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(written(name), format!("\"'{name}\""), "{name:?}");
        }
        assert_eq!(written("a=1"), "a=1");
    }

    #[test]
    fn a_table_has_a_header_and_lines_that_end_as_spreadsheets_expect() {
        let mut table = Table::new("usage", &["name", "nodes"]);
        table.row(&["paris".to_owned(), cell(Some(3))]);
        table.row(&["lyon".to_owned(), cell::<u32>(None)]);
        assert_eq!(table.text, "name,nodes\r\nparis,3\r\nlyon,\r\n");
    }
}
