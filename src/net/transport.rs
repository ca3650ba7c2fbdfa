//! Where streams of bytes come from: the seam at which another network takes TCP's place.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A network with addresses as TCP has them.
pub trait Transport: 'static {
    /// A connection: reliable and in order, until it breaks.
    type Stream: AsyncRead + AsyncWrite + Send + 'static;
    /// A place where connections are accepted.
    type Listener: Send + Sync + 'static;

    /// Connects; waits for as long as the system does.
    ///
    /// # Errors
    ///
    /// What the network says: nobody listens there, no way leads there, nobody answers.
    fn connect(addr: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Listens at this address; at any free port if its port is 0.
    ///
    /// # Errors
    ///
    /// If the port is taken, or the address is not this machine's.
    fn bind(addr: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// The address that a listener has got.
    ///
    /// # Errors
    ///
    /// If the system does not know it.
    fn local_addr(listener: &Self::Listener) -> io::Result<SocketAddr>;

    /// The next connection, and where it comes from. May be cancelled at any time.
    ///
    /// # Errors
    ///
    /// If this one came to nothing, or no descriptor is to be had; the listener stays good.
    fn accept(
        listener: &Self::Listener,
    ) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// Whether the other end of a connection is known to be on this machine.
    fn is_within(_stream: &Self::Stream) -> bool {
        false
    }
}

/// TCP, without delay for small pieces.
pub struct Tcp;

impl Transport for Tcp {
    type Stream = TcpStream;
    type Listener = TcpListener;

    async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(addr).await.map(undelayed)
    }

    async fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(addr).await
    }

    fn local_addr(listener: &TcpListener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }

    async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, from) = listener.accept().await?;
        Ok((undelayed(stream), from))
    }

    fn is_within(stream: &TcpStream) -> bool {
        let ends = stream
            .local_addr()
            .and_then(|here| Ok((here, stream.peer_addr()?)));
        ends.is_ok_and(|(here, there)| here.ip() == there.ip())
    }
}

/// Keys are to arrive at once. A socket that cannot do it works all the same.
fn undelayed(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}
