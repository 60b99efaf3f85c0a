//! The proxy itself: one listener, one control socket, one thread.
//!
//! Promises: a switch is in force when it is acknowledged; connections opened under another fault
//! end or go on as the new one implies.
//! Does not: run on the caller's async runtime, which a test may block.

use std::{
    fs::{File, OpenOptions},
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream},
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{Fault, FaultControl, PORT, answer::Answerer};
use crate::{
    error::{Doing, LabError},
    pki::{Authority, Pair},
};

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How much one direction of a delayed connection may hold back, in reads of 16 KiB.
const DELAYED_READS: usize = 256;
/// How many proxies may stand in front of one API server; its certificate names their addresses.
const PROXIES: u8 = 100;

/// The addresses an API server of the lab can be reached at, for its certificate.
pub(crate) fn certificate_addresses(first: Ipv4Addr) -> Vec<IpAddr> {
    let [a, b, c, d] = first.octets();
    let road = (d..=PROXIES).map(|last| IpAddr::V4(Ipv4Addr::new(a, b, c, last)));
    road.chain([IpAddr::V4(Ipv4Addr::LOCALHOST)]).collect()
}

/// The names in it.
pub(crate) fn certificate_names() -> Vec<&'static str> {
    vec![
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ]
}

/// Where a proxy stands and what it needs to pose as the API server.
pub(crate) struct ProxySettings<'a> {
    /// The lab's loopback address; the proxy takes it or one of the addresses after it.
    pub first: Ipv4Addr,
    pub upstream: SocketAddr,
    /// The lab's folder, for the control socket and the lock on the address.
    pub folder: &'a Path,
    pub authority: &'a Pair,
}

/// A proxy in front of an API server, whose behaviour can be switched.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddrV4,
    socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _address_lock: File,
}

impl FaultProxy {
    pub(crate) fn start(settings: &ProxySettings<'_>) -> Result<Self, LabError> {
        let (address, address_lock) = address_take(settings)?;
        let socket = settings.folder.join(format!("control-{}.sock", address.ip().octets()[3]));
        let authority = Authority::load(settings.authority)?;
        let answerer = Answerer::new(&authority, *address.ip(), settings.upstream)?;
        let _ = std::fs::remove_file(&socket);
        // Bound here, so that a failure is the caller's to see; made async on the proxy's thread.
        let listener = std::net::TcpListener::bind(address)
            .and_then(|it| it.set_nonblocking(true).map(|()| it))
            .doing(|| format!("listen on {address}"))?;
        let control = std::os::unix::net::UnixListener::bind(&socket)
            .and_then(|it| it.set_nonblocking(true).map(|()| it))
            .doing(|| format!("listen on {}", socket.display()))?;
        let (stop, stopped) = oneshot::channel();
        let proxy = Proxy { address, upstream: settings.upstream, answerer: Arc::new(answerer) };
        let thread = std::thread::Builder::new()
            .name("lab-fault-proxy".into())
            .spawn(move || {
                if let Err(cause) = proxy_run(proxy, listener, control, stopped) {
                    eprintln!("lab: the fault proxy at {address} ended: {cause}");
                }
            })
            .doing(|| "start the fault proxy".to_owned())?;
        Ok(Self {
            address,
            socket,
            stop: Some(stop),
            thread: Some(thread),
            _address_lock: address_lock,
        })
    }

    /// The address clients are given.
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    pub fn control(&self) -> FaultControl {
        FaultControl::new(self.socket.clone())
    }

    /// Switches the fault; when this returns, new connections meet it.
    pub fn set(&self, fault: Fault) -> Result<(), LabError> {
        self.control().set(fault)
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn proxy_run(
    proxy: Proxy,
    listener: std::net::TcpListener,
    control: std::os::unix::net::UnixListener,
    stopped: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let control = UnixListener::from_std(control)?;
        tokio::select! {
            () = proxy.run(listener, control) => {}
            _ = stopped => {}
        }
        Ok(())
    })
}

/// Takes an address nobody else of this lab has; a closed port must not look free to others.
fn address_take(settings: &ProxySettings<'_>) -> Result<(SocketAddrV4, File), LabError> {
    let [a, b, c, first] = settings.first.octets();
    for last in first..=PROXIES {
        let path = settings.folder.join(format!("proxy-{last}.lock"));
        let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = open().doing(|| format!("open {}", path.display()))?;
        if lock.try_lock().is_ok() {
            return Ok((SocketAddrV4::new(Ipv4Addr::new(a, b, c, last), PORT), lock));
        }
    }
    Err(LabError::NoAddress)
}

fn listen(address: SocketAddrV4, backlog: u32) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.into())?;
    socket.listen(backlog)
}

type Switch = (Fault, oneshot::Sender<Result<(), String>>);

#[derive(Clone)]
struct Proxy {
    address: SocketAddrV4,
    upstream: SocketAddr,
    answerer: Arc<Answerer>,
}

/// What stands at the address while a fault lasts.
enum Door {
    Open(TcpListener),
    Closed,
    /// A listener whose queue is full, and the connections that fill it.
    Stuck {
        _listener: TcpListener,
        _fill: Vec<TcpStream>,
    },
}

impl Proxy {
    async fn run(self, listener: TcpListener, control: UnixListener) {
        let (current, _) = watch::channel(Fault::None);
        let (switches, mut inbox) = mpsc::channel::<Switch>(8);
        tokio::spawn(control_serve(control, switches, current.subscribe()));
        let mut door = Door::Open(listener);
        loop {
            tokio::select! {
                accepted = accept(&door) => {
                    let Ok((stream, _)) = accepted else { continue };
                    tokio::spawn(self.clone().connection(stream, current.subscribe()));
                }
                switch = inbox.recv() => {
                    let Some((fault, done)) = switch else { return };
                    drop(door);
                    let (next, outcome) = match self.door(&fault).await {
                        Ok(next) => (next, Ok(())),
                        Err(cause) => (Door::Closed, Err(cause.to_string())),
                    };
                    door = next;
                    current.send_replace(fault);
                    let _ = done.send(outcome);
                }
            }
        }
    }

    async fn door(&self, fault: &Fault) -> std::io::Result<Door> {
        match fault {
            Fault::Refuse => Ok(Door::Closed),
            Fault::Silence => {
                let listener = listen(self.address, 0)?;
                let mut fill = Vec::new();
                // The queue is full when a connection no longer comes about; then the kernel drops
                // every further attempt without a word.
                while let Ok(stream) = tokio::time::timeout(
                    Duration::from_millis(100),
                    TcpStream::connect(self.address),
                )
                .await
                {
                    fill.push(stream?);
                }
                Ok(Door::Stuck { _listener: listener, _fill: fill })
            }
            _ => listen(self.address, 1024).map(Door::Open),
        }
    }

    /// One client's connection, from accept to its end, under whatever faults come.
    async fn connection(self, client: TcpStream, mut current: watch::Receiver<Fault>) {
        let _ = client.set_nodelay(true);
        let fault = current.borrow_and_update().clone();
        match &fault {
            Fault::Refuse | Fault::Reset => reset(client),
            Fault::None
            | Fault::Delay { .. }
            | Fault::BlackHole
            | Fault::Silence
            | Fault::SlowHandshake => self.bytes_pass(client, current).await,
            _ => {
                // Ends with the fault: the next connection shall meet what holds then.
                tokio::select! {
                    () = self.answerer.answer(client, &fault) => {}
                    _ = current.changed() => {}
                }
            }
        }
    }

    async fn bytes_pass(&self, mut client: TcpStream, current: watch::Receiver<Fault>) {
        let mut watched = current.clone();
        let passing = async {
            silence_ends(&mut current.clone()).await;
            let connect = TcpStream::connect(self.upstream);
            let Ok(Ok(mut server)) = tokio::time::timeout(CONNECT_DEADLINE, connect).await else {
                return;
            };
            let _ = server.set_nodelay(true);
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let up = bytes_move(from_client, to_server, current.clone(), false);
            let down = bytes_move(from_server, to_client, current.clone(), true);
            tokio::join!(up, down);
        };
        let ended = tokio::select! {
            () = passing => None,
            fault = bytes_stop_passing(&mut watched) => Some(fault),
        };
        if matches!(ended, Some(Fault::Refuse | Fault::Reset)) {
            reset(client);
        }
    }
}

async fn accept(door: &Door) -> std::io::Result<(TcpStream, SocketAddr)> {
    match door {
        Door::Open(listener) => listener.accept().await,
        Door::Closed | Door::Stuck { .. } => std::future::pending().await,
    }
}

/// Closes with a reset instead of a farewell.
fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Waits for a fault under which open connections cannot go on.
async fn bytes_stop_passing(current: &mut watch::Receiver<Fault>) -> Fault {
    let stops = |fault: &Fault| {
        !matches!(
            fault,
            Fault::None
                | Fault::Delay { .. }
                | Fault::BlackHole
                | Fault::Silence
                | Fault::SlowHandshake
        )
    };
    match current.wait_for(stops).await {
        Ok(fault) => fault.clone(),
        Err(_) => Fault::Refuse,
    }
}

/// Waits until bytes may pass at all.
async fn silence_ends(current: &mut watch::Receiver<Fault>) {
    let speaks = |fault: &Fault| !matches!(fault, Fault::BlackHole | Fault::Silence);
    let _ = current.wait_for(speaks).await;
}

/// Moves one direction, as late and as slowly as the fault of the moment says.
async fn bytes_move(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    current: watch::Receiver<Fault>,
    to_client: bool,
) {
    let (queue, mut queued) = mpsc::channel::<(Instant, Vec<u8>)>(DELAYED_READS);
    let faults = current.clone();
    let read = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let delay = match *faults.borrow() {
                Fault::Delay { milliseconds } => Duration::from_millis(milliseconds),
                _ => Duration::ZERO,
            };
            if queue.send((Instant::now() + delay, buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        let mut faults = current;
        while let Some((due, bytes)) = queued.recv().await {
            tokio::time::sleep_until(due).await;
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                silence_ends(&mut faults).await;
                let slow = to_client && *faults.borrow() == Fault::SlowHandshake;
                let count = if slow { 1 } else { rest.len() };
                if to.write_all(&rest[..count]).await.is_err() {
                    return;
                }
                rest = &rest[count..];
                if slow {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

async fn control_serve(
    control: UnixListener,
    switches: mpsc::Sender<Switch>,
    current: watch::Receiver<Fault>,
) {
    loop {
        let Ok((stream, _)) = control.accept().await else { continue };
        let answer = control_answer(stream, switches.clone(), current.clone());
        tokio::spawn(tokio::time::timeout(Duration::from_secs(5), answer));
    }
}

async fn control_answer(
    stream: UnixStream,
    switches: mpsc::Sender<Switch>,
    current: watch::Receiver<Fault>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut question = String::new();
    BufReader::new(read.take(4096)).read_line(&mut question).await?;
    let answer = match question.trim_end().split_once(' ') {
        Some(("set", text)) => match text.parse::<Fault>() {
            Ok(fault) => {
                let (done, outcome) = oneshot::channel();
                let sent = switches.send((fault, done)).await;
                match (sent, outcome.await) {
                    (Ok(()), Ok(Ok(()))) => format!("ok {text}"),
                    (Ok(()), Ok(Err(cause))) => format!("error {cause}"),
                    _ => "error the proxy is stopping".to_owned(),
                }
            }
            Err(error) => format!("error {error}"),
        },
        None if question.trim_end() == "get" => format!("ok {}", *current.borrow()),
        _ => "error say get, or set FAULT".to_owned(),
    };
    write.write_all(format!("{answer}\n").as_bytes()).await
}
