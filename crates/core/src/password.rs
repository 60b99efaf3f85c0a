//! What makes a password acceptable.
//!
//! Promises: length and known-bad words only, as OWASP ASVS 5.0 6.2 asks; no composition rules,
//! spaces and every script allowed. Does not: hash; `app` does, behind its semaphore.

/// Shortest password accepted, in characters (ASVS 5.0, 6.2.1).
pub const MIN_CHARACTERS: usize = 8;
/// Longest password accepted, in characters: hashing must not become a way to keep us busy.
pub const MAX_CHARACTERS: usize = 128;

/// Words that open too many doors already, and those an installer would think of first.
const COMMON: [&str; 24] = [
    "12345678",
    "123456789",
    "1234567890",
    "11111111",
    "00000000",
    "password",
    "password1",
    "passw0rd",
    "motdepasse",
    "azertyuiop",
    "qwertyuiop",
    "qwerty123",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "superman",
    "trustno1",
    "changeme",
    "changeit",
    "administrator",
    "kubernetes",
    "nalabo123",
    "nalabonalabo",
];

/// Why a password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Fewer than [`MIN_CHARACTERS`].
    #[error("the password has fewer than {MIN_CHARACTERS} characters")]
    TooShort,
    /// More than [`MAX_CHARACTERS`].
    #[error("the password has more than {MAX_CHARACTERS} characters")]
    TooLong,
    /// In every attacker's list, or equal to the e-mail address.
    #[error("the password is one of the first that anybody would try")]
    TooCommon,
}

/// Checks a new password of the account `email`.
pub fn password_check(password: &str, email: &str) -> Result<(), PasswordRefusal> {
    let characters = password.chars().count();
    if characters < MIN_CHARACTERS {
        return Err(PasswordRefusal::TooShort);
    }
    if characters > MAX_CHARACTERS {
        return Err(PasswordRefusal::TooLong);
    }
    let lower = password.to_lowercase();
    if COMMON.contains(&lower.as_str()) || lower == email.to_lowercase() {
        return Err(PasswordRefusal::TooCommon);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_a_good_password_and_the_usual_suspects_are_not() {
        assert_eq!(password_check("trois chats sur le toit", "ana@example.org"), Ok(()));
        assert_eq!(password_check("short", "ana@example.org"), Err(PasswordRefusal::TooShort));
        assert_eq!(password_check("PassWord", "ana@example.org"), Err(PasswordRefusal::TooCommon));
        assert_eq!(
            password_check("Ana@example.org", "ana@example.org"),
            Err(PasswordRefusal::TooCommon)
        );
        assert_eq!(password_check(&"x".repeat(129), ""), Err(PasswordRefusal::TooLong));
    }
}
