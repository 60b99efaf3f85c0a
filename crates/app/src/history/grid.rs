//! The points of a chart: one a step, whether something was measured in it or not.

use nalabo_core::history::{BucketRow, MinAvgMax, bucket_start, buckets_regroup};
use nalabo_core::{SignedDuration, Timestamp};

use super::HistoryLine;

/// A figure that is read every minute holds until the next one, which may be a little late.
pub(crate) const HOLD: SignedDuration = SignedDuration::from_secs(75);

/// Steps from a start to an end.
#[derive(Debug)]
pub(crate) struct Grid {
    start: Timestamp,
    step_seconds: i64,
    count: usize,
}

impl Grid {
    /// Points from `start`, which is a whole step, until before `end`.
    pub fn new(start: Timestamp, end: Timestamp, step_seconds: i64) -> Self {
        let seconds = (end.duration_since(start).as_millis().max(0) + 999) / 1_000;
        let step = i128::from(step_seconds);
        let count = usize::try_from((seconds + step - 1) / step).unwrap_or(0);
        Self { start, step_seconds, count }
    }

    /// Where each point begins.
    pub fn moments(&self) -> Vec<Timestamp> {
        (0..self.count)
            .map(|n| {
                self.start
                    + SignedDuration::from_secs(self.step_seconds * i64::try_from(n).unwrap_or(0))
            })
            .collect()
    }

    /// The place of the step that begins at, or holds, `at`.
    fn place(&self, at: Timestamp) -> Option<usize> {
        let seconds = bucket_start(at, self.step_seconds).duration_since(self.start).as_secs();
        usize::try_from(seconds / self.step_seconds)
            .ok()
            .filter(|it| seconds >= 0 && *it < self.count)
    }

    /// Figures as they were read, on this grid: where steps are shorter than the pause between
    /// two readings, a figure holds until the next one.
    pub fn hold(&self, rows: &[BucketRow]) -> Vec<BucketRow> {
        let regrouped = buckets_regroup(rows, self.step_seconds);
        let mut held: Vec<BucketRow> = Vec::with_capacity(self.count);
        let mut fresh = regrouped.into_iter().peekable();
        let mut last: Option<(Timestamp, BucketRow)> = None;
        for at in self.moments() {
            while let Some(row) = fresh.next_if(|it| it.at <= at) {
                last = Some((row.at, row));
            }
            if let Some((since, row)) = &last
                && at.duration_since(*since) < HOLD
            {
                held.push(BucketRow { at, values: row.values.clone() });
            }
        }
        held
    }

    /// One line a column of `rows`, with a gap where there is no row.
    pub fn lines(
        &self,
        names: impl Iterator<Item = String>,
        rows: &[BucketRow],
    ) -> Vec<HistoryLine> {
        names
            .enumerate()
            .map(|(column, name)| {
                let points = rows.iter().filter_map(|it| Some((it.at, (*it.values.get(column)?)?)));
                self.line(name, points)
            })
            .collect()
    }

    /// One line of these points.
    pub fn line(
        &self,
        name: String,
        points: impl Iterator<Item = (Timestamp, MinAvgMax)>,
    ) -> HistoryLine {
        let empty = vec![None; self.count];
        let mut line = HistoryLine { name, min: empty.clone(), avg: empty.clone(), max: empty };
        for (at, value) in points {
            if let Some(place) = self.place(at) {
                line.min[place] = Some(value.min);
                line.avg[place] = Some(value.avg);
                line.max[place] = Some(value.max);
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_020 + second).expect("a moment")
    }

    fn row(second: i64, value: i64) -> BucketRow {
        BucketRow { at: at(second), values: vec![Some(MinAvgMax::of(value))] }
    }

    fn averages(grid: &Grid, rows: &[BucketRow]) -> Vec<Option<i64>> {
        grid.lines(std::iter::once("used".to_owned()), rows).remove(0).avg
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let grid = Grid::new(at(0), at(300), 60);
        assert_eq!(grid.moments().len(), 5);
        let rows = [row(0, 1), row(60, 2), row(240, 5)];
        assert_eq!(averages(&grid, &rows), [Some(1), Some(2), None, None, Some(5)]);
    }

    #[test]
    fn what_lies_before_or_after_is_not_shown() {
        let grid = Grid::new(at(0), at(100), 60);
        assert_eq!(grid.moments(), [at(0), at(60)], "the last point is under way");
        assert_eq!(averages(&grid, &[row(-60, 1), row(60, 2), row(120, 3)]), [None, Some(2)]);
    }

    #[test]
    fn a_figure_that_is_read_every_minute_holds_for_that_minute_and_no_longer() {
        let grid = Grid::new(at(0), at(240), 15);
        let rows = grid.hold(&[row(-15, 7), row(45, 8), row(200, 9)]);
        let shown = averages(&grid, &rows);
        assert_eq!(shown[..4], [Some(7), Some(7), Some(7), Some(8)]);
        assert_eq!(shown[7], Some(8), "75 seconds after it was read it no longer holds");
        assert_eq!(shown[8..13], [None; 5]);
        assert_eq!(shown[13..], [Some(9); 3]);
    }
}
