//! Tables in Markdown, and figures with their spread.

use std::fmt;

/// A figure measured several times: the median, and the quartiles around it.
pub struct Spread {
    pub median: f64,
    quarter: f64,
    three_quarters: f64,
}

impl Spread {
    pub fn of(mut figures: Vec<f64>) -> Self {
        assert!(!figures.is_empty());
        figures.sort_by(f64::total_cmp);
        let at = |part: usize| figures[(figures.len() - 1) * part / 4];
        Spread { median: at(2), quarter: at(1), three_quarters: at(3) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.quarter, self.three_quarters)
    }
}

/// A table, printed when it is complete.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    pub fn new(title: &str, head: &[&str]) -> Self {
        Table {
            title: title.to_owned(),
            rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()],
            notes: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.to_vec());
    }

    /// A line below the table.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub fn print(&self) {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        println!("\n### {}\n", self.title);
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if number == 0 {
                let lines = widths.iter().enumerate().map(|(column, &width)| {
                    if column == 0 { "-".repeat(width) } else { "-".repeat(width.max(2) - 1) + ":" }
                });
                println!("| {} |", lines.collect::<Vec<_>>().join(" | "));
            }
        }
        for note in &self.notes {
            println!("\n- {note}");
        }
    }
}
