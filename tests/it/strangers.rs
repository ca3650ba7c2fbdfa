//! Sockets that are no good members: listeners that speak nothing or something else, and a proxy
//! whose cable can be pulled.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::wait::lock;

/// An address at which nobody listens: a port of the system's choice, given back.
pub(crate) fn refused() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// A listener that accepts, says `greeting`, and then never speaks again.
pub(crate) fn greeter(greeting: Vec<u8>) -> SocketAddr {
    accept_each(move |mut stream, held| {
        let _sent = stream.write_all(&greeting);
        held.push(stream);
    })
}

/// A listener that closes every connection at once.
pub(crate) fn closer() -> SocketAddr {
    accept_each(|stream, _| drop(stream))
}

/// A listener that sends back whatever it gets.
pub(crate) fn echo() -> SocketAddr {
    accept_each(|stream, _| {
        let back = stream.try_clone().expect("a second handle");
        std::thread::spawn(move || pump(stream, back));
    })
}

/// A relay to one member, with a cable that can be pulled.
pub(crate) struct Proxy {
    address: SocketAddr,
    cable: Arc<Cable>,
}

#[derive(Default)]
struct Cable {
    pulled: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A relay to `target`, through which everything takes so long, either way.
    pub(crate) fn to(target: SocketAddr, delay: Duration) -> Self {
        let cable = Arc::new(Cable::default());
        let inside = Arc::clone(&cable);
        let address = accept_each(move |near, _| {
            if inside.pulled.load(Ordering::SeqCst) {
                return;
            }
            let Ok(far) = TcpStream::connect(target) else {
                return;
            };
            relay(&near, &far, delay);
            lock(&inside.streams).extend([near, far]);
            // The cable was pulled while this link was made.
            if inside.pulled.load(Ordering::SeqCst) {
                inside.sever();
            }
        });
        Self { address, cable }
    }

    /// Where to connect instead of to the target.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks all links and refuses new ones.
    pub(crate) fn pull(&self) {
        self.cable.pulled.store(true, Ordering::SeqCst);
        self.cable.sever();
    }

    /// Lets new links through again.
    pub(crate) fn plug(&self) {
        self.cable.pulled.store(false, Ordering::SeqCst);
    }
}

impl Cable {
    fn sever(&self) {
        for stream in lock(&self.streams).drain(..) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Listens on a free port for as long as the test process lives. What is pushed to the list stays
/// open as long.
fn accept_each(
    mut handle: impl FnMut(TcpStream, &mut Vec<TcpStream>) + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().flatten() {
            handle(stream, &mut held);
        }
    });
    address
}

fn relay(near: &TcpStream, far: &TcpStream, delay: Duration) {
    for (from, to) in [(near, far), (far, near)] {
        let from = from.try_clone().expect("a second handle");
        let to = to.try_clone().expect("a second handle");
        if delay.is_zero() {
            std::thread::spawn(move || pump(from, to));
        } else {
            std::thread::spawn(move || pump_slowly(from, to, delay));
        }
    }
}

/// As [`pump`]; what has come goes on after `delay`, however much has come since.
fn pump_slowly(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let rest = to.try_clone().expect("a second handle");
    std::thread::spawn(move || {
        for (due, bytes) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _gone = to.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let due = Instant::now() + delay;
        if sender.send((due, buffer[..count].to_vec())).is_err() {
            break;
        }
    }
    let _gone = (from.shutdown(Shutdown::Both), rest.shutdown(Shutdown::Read));
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
