//! Faults: what a person or a test can make of the road to an API server, at run time.
//!
//! A proxy of the lab stands in front of every API server. Passing through, it moves bytes and
//! client certificates work; for faults that speak HTTP it ends TLS itself, with a certificate of
//! the lab's authority, so a client sees a trusted server that misbehaves.
//! Does not: change anything on the API server. Client certificates cannot be handed on by
//! [`Fault::StatusFor`], which ends TLS: use a token there.

mod answer;
mod proxy;

use std::{
    fmt,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

pub use proxy::FaultProxy;
pub(crate) use proxy::{ProxySettings, certificate_addresses, certificate_names};

use crate::error::{Doing, LabError};

/// The port every fault proxy listens on, as an API server would.
pub const PORT: u16 = 6443;

/// The faults as they are typed, for help and errors.
pub const FAULT_HELP: &str = "none, delay:MILLISECONDS, refuse, reset, black-hole, silence, \
    slow-handshake, slow-drip, endless-body, status:CODE[:RETRY_AFTER_SECONDS], \
    status-for:CODE:PATH_PREFIX, garbage, html, not-tls, redirect[:URL], wrong-ca, expired, wrong-name";

/// Where a redirect points when nobody says: an address that must never be followed to.
const REDIRECT_DEFAULT: &str = "http://169.254.169.254/latest/meta-data/";

/// What the road to an API server does to whoever uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Everything passes.
    None,
    /// Everything passes, this much later in each direction.
    Delay { milliseconds: u64 },
    /// The port is closed; open connections are reset.
    Refuse,
    /// Connections are accepted and reset; so are the open ones.
    Reset,
    /// Connections are accepted and nothing is ever answered; open ones fall silent and go on when
    /// the fault ends, as after a cut cable.
    BlackHole,
    /// Not even the connection is accepted: the other side waits in the TCP handshake.
    Silence,
    /// One byte a second, from the first byte of the TLS handshake on.
    SlowHandshake,
    /// A trusted server that sends its answer one byte a second.
    SlowDrip,
    /// A trusted server whose list never ends.
    EndlessBody,
    /// Every request is answered with this status.
    Status { status: u16, retry_after_seconds: Option<u32> },
    /// Requests for paths, with their queries, that begin so are answered with this status; others
    /// reach the API server.
    StatusFor { path_prefix: String, status: u16 },
    /// A trusted server that does not speak HTTP.
    Garbage,
    /// A trusted server that answers every path with a web page.
    HtmlPage,
    /// Plain HTTP where TLS is expected.
    NotTls,
    /// Every request is answered with a redirect there.
    Redirect { location: String },
    /// The certificate is signed by an authority nobody trusts.
    WrongCa,
    /// The certificate has expired.
    ExpiredCertificate,
    /// The certificate is for another name.
    WrongName,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::None => f.write_str("none"),
            Fault::Delay { milliseconds } => write!(f, "delay:{milliseconds}"),
            Fault::Refuse => f.write_str("refuse"),
            Fault::Reset => f.write_str("reset"),
            Fault::BlackHole => f.write_str("black-hole"),
            Fault::Silence => f.write_str("silence"),
            Fault::SlowHandshake => f.write_str("slow-handshake"),
            Fault::SlowDrip => f.write_str("slow-drip"),
            Fault::EndlessBody => f.write_str("endless-body"),
            Fault::Status { status, retry_after_seconds: None } => write!(f, "status:{status}"),
            Fault::Status { status, retry_after_seconds: Some(seconds) } => {
                write!(f, "status:{status}:{seconds}")
            }
            Fault::StatusFor { path_prefix, status } => {
                write!(f, "status-for:{status}:{path_prefix}")
            }
            Fault::Garbage => f.write_str("garbage"),
            Fault::HtmlPage => f.write_str("html"),
            Fault::NotTls => f.write_str("not-tls"),
            Fault::Redirect { location } => write!(f, "redirect:{location}"),
            Fault::WrongCa => f.write_str("wrong-ca"),
            Fault::ExpiredCertificate => f.write_str("expired"),
            Fault::WrongName => f.write_str("wrong-name"),
        }
    }
}

impl FromStr for Fault {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, LabError> {
        let unknown = || LabError::UnknownFault { text: text.to_owned() };
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        let status = |text: &str| {
            text.parse().ok().filter(|code| (200..=599).contains(code)).ok_or_else(unknown)
        };
        Ok(match (name, rest) {
            ("none", None) => Fault::None,
            ("delay", Some(ms)) => {
                Fault::Delay { milliseconds: ms.parse().map_err(|_| unknown())? }
            }
            ("refuse", None) => Fault::Refuse,
            ("reset", None) => Fault::Reset,
            ("black-hole", None) => Fault::BlackHole,
            ("silence", None) => Fault::Silence,
            ("slow-handshake", None) => Fault::SlowHandshake,
            ("slow-drip", None) => Fault::SlowDrip,
            ("endless-body", None) => Fault::EndlessBody,
            ("status", Some(rest)) => match rest.split_once(':') {
                Some((code, seconds)) => Fault::Status {
                    status: status(code)?,
                    retry_after_seconds: Some(seconds.parse().map_err(|_| unknown())?),
                },
                None => Fault::Status { status: status(rest)?, retry_after_seconds: None },
            },
            ("status-for", Some(rest)) => {
                let (code, path) = rest.split_once(':').ok_or_else(unknown)?;
                Fault::StatusFor { path_prefix: path.to_owned(), status: status(code)? }
            }
            ("garbage", None) => Fault::Garbage,
            ("html", None) => Fault::HtmlPage,
            ("not-tls", None) => Fault::NotTls,
            ("redirect", location) => {
                Fault::Redirect { location: location.unwrap_or(REDIRECT_DEFAULT).to_owned() }
            }
            ("wrong-ca", None) => Fault::WrongCa,
            ("expired", None) => Fault::ExpiredCertificate,
            ("wrong-name", None) => Fault::WrongName,
            _ => return Err(unknown()),
        })
    }
}

/// Switches the fault of one proxy, from any process of the same user.
#[derive(Debug, Clone)]
pub struct FaultControl {
    socket: PathBuf,
}

impl FaultControl {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Switches; when this returns, new connections meet the fault.
    pub fn set(&self, fault: Fault) -> Result<(), LabError> {
        self.ask(&format!("set {fault}")).map(drop)
    }

    /// The present fault.
    pub fn get(&self) -> Result<Fault, LabError> {
        self.ask("get")?.parse()
    }

    /// Switches until the guard is dropped, so that a failing test leaves a healthy road behind.
    pub fn hold(&self, fault: Fault) -> Result<HeldFault, LabError> {
        self.set(fault)?;
        Ok(HeldFault { control: self.clone() })
    }

    // A blocking call on purpose: the proxy has a thread of its own and answers at once, and tests
    // with and without a runtime use the same line.
    fn ask(&self, question: &str) -> Result<String, LabError> {
        let talk = || {
            let mut stream = UnixStream::connect(&self.socket)?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.set_write_timeout(Some(Duration::from_secs(5)))?;
            writeln!(stream, "{question}")?;
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer)?;
            Ok(answer)
        };
        let answer =
            talk().doing(|| format!("ask the fault proxy at {}", self.socket.display()))?;
        match answer.trim_end().split_once(' ') {
            Some(("ok", rest)) => Ok(rest.to_owned()),
            _ => Err(LabError::FaultRefused(answer.trim_end().to_owned())),
        }
    }
}

/// A fault that ends when this is dropped.
#[derive(Debug)]
#[must_use = "the fault ends when this is dropped"]
pub struct HeldFault {
    control: FaultControl,
}

impl Drop for HeldFault {
    fn drop(&mut self) {
        let _ = self.control.set(Fault::None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_that_is_listed_can_be_typed_and_is_shown_as_it_was_typed() {
        let typed = [
            "none",
            "delay:250",
            "refuse",
            "reset",
            "black-hole",
            "silence",
            "slow-handshake",
            "slow-drip",
            "endless-body",
            "status:401",
            "status:429:7",
            "status-for:403:/api/v1/nodes",
            "garbage",
            "html",
            "not-tls",
            "redirect:https://127.0.0.1:1/",
            "wrong-ca",
            "expired",
            "wrong-name",
        ];
        for text in typed {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
            let name = text.split(':').next().unwrap();
            assert!(FAULT_HELP.contains(name), "{name} is missing in the help");
        }
        let names = |text: &str| {
            text.split(", ")
                .map(|it| it.split([':', '[']).next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(FAULT_HELP).len(),
            typed.len() - 1,
            "status:429:7 is the same fault as status:401"
        );
    }

    #[test]
    fn what_is_not_a_fault_is_refused_with_the_list_of_faults() {
        for text in
            ["", "nothing", "delay", "delay:soon", "status:99", "status-for:403", "refuse:1"]
        {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains("black-hole"), "{error}");
        }
    }
}
