//! The goals, one file each; their numbers are those under which the project speaks of them.

mod g1;
mod g11;
mod g12;
mod g3;
mod g4;
mod g5;
mod g7;
mod g8;
mod g9;
mod parse;

use clap::ValueEnum;

use crate::results::Line;
use crate::stage::Stage;

/// A goal that can be measured. In the order in which they are: those that need a fleet as it
/// was just connected come first, and the history is written before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Goal {
    /// Size of the program, rest, start.
    G11,
    /// A thousand infrastructures in one process.
    G1,
    /// Answers while all of it runs.
    G4,
    /// The dead and the hostile.
    G12,
    /// Memory.
    G3,
    /// From death to alert.
    G5,
    /// Bytes of history.
    G8,
    /// Writing history.
    G9,
    /// Reading history.
    G7,
    /// Reading pods, side by side.
    Parse,
}

impl Goal {
    /// Every goal, in the order in which they are measured.
    pub const ALL: [Self; 10] = [
        Self::G11,
        Self::G1,
        Self::G4,
        Self::G12,
        Self::G3,
        Self::G5,
        Self::G8,
        Self::G9,
        Self::G7,
        Self::Parse,
    ];

    /// How it is called in the results.
    pub const fn title(self) -> &'static str {
        match self {
            Self::G11 => "G11 Start and rest",
            Self::G1 => "G1 A thousand infrastructures in one process",
            Self::G4 => "G4 Answers under load",
            Self::G12 => "G12 Isolation of failure",
            Self::G3 => "G3 Memory",
            Self::G5 => "G5 Death to alert",
            Self::G8 => "G8 Bytes of history",
            Self::G9 => "G9 Writing history",
            Self::G7 => "G7 Reading history",
            Self::Parse => "Side by side: reading pods",
        }
    }

    /// Measures it.
    pub async fn measure(self, stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
        match self {
            Self::G11 => g11::measure(stage).await,
            Self::G1 => g1::measure(stage).await,
            Self::G4 => g4::measure(stage).await,
            Self::G12 => g12::measure(stage).await,
            Self::G3 => g3::measure(stage).await,
            Self::G5 => g5::measure(stage).await,
            Self::G8 => g8::measure(stage).await,
            Self::G9 => g9::measure(stage).await,
            Self::G7 => g7::measure(stage).await,
            Self::Parse => parse::measure(stage).await,
        }
    }
}

/// Sleeps so long. A bench measures over time, and this is that time.
pub(crate) async fn measure_for(seconds: f64) {
    tokio::time::sleep(std::time::Duration::from_secs_f64(seconds)).await;
}
