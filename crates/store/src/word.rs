//! Enums of `core` as the words that are stored: the same as in JSON, written in one place.

use serde::de::DeserializeOwned;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::{Serialize, de::IntoDeserializer};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Type};

/// The word for a unit variant.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("only enums without fields are stored as words"),
    }
}

/// The words for several.
pub(crate) fn words<T: Serialize>(values: &[T]) -> Vec<String> {
    values.iter().map(word).collect()
}

/// The variant for a word.
pub(crate) fn word_read<T: DeserializeOwned>(word: &str) -> Result<T, sqlx::Error> {
    let word: StrDeserializer<'_, WordError> = word.into_deserializer();
    T::deserialize(word).map_err(unreadable)
}

/// A value that an older or newer NALABO, or a hand, wrote in a form this one does not read.
pub(crate) fn unreadable(cause: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(cause))
}

/// JSON that the next check writes anew anyway: what this version cannot read counts as absent,
/// so that one old row does not hide the whole list after an upgrade.
#[derive(Debug)]
pub(crate) struct IfReadable<T>(pub(crate) Option<T>);

impl<T> Type<Postgres> for IfReadable<T> {
    fn type_info() -> PgTypeInfo {
        <Json<serde_json::Value> as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <Json<serde_json::Value> as Type<Postgres>>::compatible(ty)
    }
}

impl<'r, T: serde::Deserialize<'r> + 'r> Decode<'r, Postgres> for IfReadable<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<Json<T> as Decode<Postgres>>::decode(value).ok().map(|it| it.0)))
    }
}
