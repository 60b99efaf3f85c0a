//! Which addresses NALABO may contact.
//!
//! Promises: metadata services, unspecified, multicast and reserved addresses never; loopback
//! and link-local only where the operator names them; a denied network always wins. Forms that
//! carry an IPv4 address inside IPv6 are judged by what they carry, and never by the allow list.
//! Does not: resolve names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use nalabo_core::connection::Code;

/// Ports that Kubernetes APIs usually have.
const PORTS: [u16; 4] = [443, 6443, 8443, 16443];

/// Ports that web servers with TLS usually have.
const WEB_PORTS: [u16; 2] = [443, 8443];

/// Where clouds answer with credentials to whoever asks. Never contacted.
const METADATA: [IpAddr; 10] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), // AWS, Google, Azure, OpenStack, Oracle
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),   // AWS, containers
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),  // AWS, pods
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),    // Tencent
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure, agent
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle, older
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), // AWS, pods
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google
];

/// Why an address is not contacted, to follow its text: "10.0.0.1 …".
pub(crate) type AddressRefusal = (Code, &'static str);

/// What the operator allows and denies, on top of what is never allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// `NALABO_ALLOW_NETWORKS`: loopback and link-local networks that may be contacted, and
    /// networks in which every port may be.
    pub allow: Vec<IpNet>,
    /// `NALABO_DENY_NETWORKS`: never contacted, even if allowed.
    pub deny: Vec<IpNet>,
    /// Ports besides 443, 6443, 8443 and 16443.
    pub ports: Vec<u16>,
    /// Where NALABO itself and its database listen.
    pub own: Vec<SocketAddr>,
    /// Whether private networks, too, are contacted only where `allow` names them: for addresses
    /// that are typed by people who are no neighbours of what they would reach.
    pub private_needs_allow: bool,
}

impl AddressPolicy {
    /// With the two lists of the settings.
    pub fn new(allow: Vec<IpNet>, deny: Vec<IpNet>) -> Self {
        Self { allow, deny, ..Self::default() }
    }

    /// The same for webhooks: no private network but those that the operator names, and the ports
    /// of web servers.
    #[must_use]
    pub fn for_webhooks(&self) -> Self {
        Self { private_needs_allow: true, ..self.clone() }
    }

    /// Whether the operator names a network that holds `address`.
    pub fn names(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|net| net.contains(&address))
    }

    /// Whether `address` may be contacted at `port`.
    pub fn check(&self, address: IpAddr, port: u16) -> Result<(), AddressRefusal> {
        let denied = |why| Err((Code::DeniedAddress, why));
        let carried = carried_address(address);
        for it in [Some(address), carried].into_iter().flatten() {
            if METADATA.contains(&it) {
                return denied("is a cloud metadata service and is never contacted");
            }
            if is_never_a_server(it) {
                return denied("is not the address of a server");
            }
            if self.deny.iter().any(|net| net.contains(&it)) {
                return denied("is in a network that NALABO_DENY_NETWORKS denies");
            }
            if self.own.contains(&SocketAddr::new(it, port)) {
                return denied("is NALABO itself or its database");
            }
        }
        if carried.is_some_and(is_local) {
            return denied("carries a loopback or link-local address inside");
        }
        if self.private_needs_allow && carried.is_some_and(is_private) {
            return denied("carries a private address inside");
        }
        if self.names(address) {
            return Ok(());
        }
        if is_local(address) {
            return denied("is a loopback or link-local address");
        }
        if self.private_needs_allow && is_private(address) {
            return denied("is an address of a private network");
        }
        let (usual, why): (&[u16], _) = if self.private_needs_allow {
            (&WEB_PORTS, "may only be contacted on port 443 or 8443")
        } else {
            (&PORTS, "may only be contacted on the ports of Kubernetes APIs")
        };
        if usual.contains(&port) || self.ports.contains(&port) {
            return Ok(());
        }
        Err((Code::ServerPort, why))
    }
}

/// Loopback and link-local: neighbours that trust whoever can reach them.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.is_loopback() || it.is_link_local(),
        IpAddr::V6(it) => it.is_loopback() || it.is_unicast_link_local(),
    }
}

/// Networks that the internet does not route: of companies, of carriers, of tests.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => {
            let [a, b, ..] = it.octets();
            it.is_private() || (a == 100 && b & 0xc0 == 64) || (a == 198 && b & 0xfe == 18)
        }
        // 2000::/3 is all of the public internet's IPv6.
        IpAddr::V6(it) => it.segments()[0] & 0xe000 != 0x2000 && carried_address(address).is_none(),
    }
}

/// Unspecified, multicast, broadcast, reserved.
fn is_never_a_server(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.octets()[0] == 0 || it.octets()[0] >= 224,
        IpAddr::V6(it) => it.is_unspecified() || it.is_multicast(),
    }
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, NAT64, 6to4, Teredo, ISATAP.
fn carried_address(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(it) = address else { return None };
    let s = it.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match s {
        // `::1` and `::` are themselves, not 0.0.0.1.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 0 | 1, _, _, _, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [0x2001, 0, _, _, _, _, high, low] => v4(!high, !low),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => v4(high, low),
        _ => None,
    }
}
