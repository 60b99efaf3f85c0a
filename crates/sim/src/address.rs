//! Addresses for pretend clusters: each its own, on the port of real ones.
//!
//! Promises: on Linux, where all of 127.0.0.0/8 is the machine itself, cluster *n* gets an
//! address of its own such as `127.10.0.3:6443`; a block of addresses belongs to one sim as long
//! as it lives, so a cluster that was down comes back where it was. Elsewhere, or when asked,
//! free ports of 127.0.0.1. Does not: share a block between two sims, also of two processes.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use tokio::net::TcpSocket;

use crate::SimError;

/// Where the clusters of a sim listen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SimBind {
    /// Addresses of their own in 127.10.0.0/16 and up, on port 6443; free ports of 127.0.0.1
    /// where that cannot be had.
    #[default]
    OwnAddresses,
    /// Free ports of 127.0.0.1.
    FreePorts,
}

/// Ports to try, in this order: those that API servers use.
const PORTS: [u16; 3] = [6443, 8443, 16443];

/// Clusters in one block.
const BLOCK_SIZE: u8 = 250;

/// A listener and where it listens.
pub(crate) type Bound = (tokio::net::TcpListener, SocketAddr);

/// Holds blocks of addresses.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// UDP sockets that nobody writes to: the kernel gives each to one process only, also while
    /// the TCP side is closed because a cluster is down, and takes it back after a `kill -9`.
    claims: Vec<UdpSocket>,
    block: Option<Block>,
}

#[derive(Debug)]
struct Block {
    network: [u8; 3],
    next_host: u8,
}

impl Addresses {
    /// A listener for one more cluster.
    pub(crate) fn listen(&mut self, bind: SimBind) -> Result<Bound, SimError> {
        if bind == SimBind::OwnAddresses
            && let Some(bound) = self.listen_in_block()?
        {
            return Ok(bound);
        }
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener =
            listener_at(any).map_err(|cause| SimError::Listen { address: any, cause })?;
        let address =
            listener.local_addr().map_err(|cause| SimError::Listen { address: any, cause })?;
        Ok((listener, address))
    }

    /// A listener in a block of ours; none when the machine has no such addresses.
    fn listen_in_block(&mut self) -> Result<Option<Bound>, SimError> {
        if self.block.as_ref().is_none_or(|it| it.next_host > BLOCK_SIZE) {
            let Some((claim, network)) = block_claim() else { return Ok(None) };
            self.claims.push(claim);
            self.block = Some(Block { network, next_host: 1 });
        }
        let Some(Block { network: [a, b, c], next_host }) = &mut self.block else {
            return Ok(None);
        };
        let host = IpAddr::from([*a, *b, *c, *next_host]);
        *next_host += 1;
        // Something else may listen on one of these ports, often on every address at once.
        for port in PORTS {
            let address = SocketAddr::from((host, port));
            match listener_at(address) {
                Ok(listener) => return Ok(Some((listener, address))),
                Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => {}
                Err(cause) if cause.kind() == io::ErrorKind::AddrNotAvailable => return Ok(None),
                Err(cause) => return Err(SimError::Listen { address, cause }),
            }
        }
        Ok(None)
    }
}

/// The first block that nobody holds.
fn block_claim() -> Option<(UdpSocket, [u8; 3])> {
    (10..=250).flat_map(|b| (0..=255).map(move |c| [127, b, c])).take(4_096).find_map(
        |network @ [a, b, c]| {
            let claim = UdpSocket::bind((Ipv4Addr::new(a, b, c, 254), PORTS[0])).ok()?;
            Some((claim, network))
        },
    )
}

/// A listener at `address`.
pub(crate) fn listener_at(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // A cluster that comes back must not wait for the kernel to forget its old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(128)
}
