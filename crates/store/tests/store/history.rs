//! What was measured over time: written, made coarser, sealed, dropped, and read as one.

mod helpers;
mod measure;
mod nodes;
mod partitions;
mod permutations;
mod rollup;
mod seal;
mod write;
