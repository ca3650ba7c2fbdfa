//! Listening: binding, the addresses at which others can reach us, accepting.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use super::{News, Transport};

/// How many ports after a taken one are tried.
const NEXT_PORTS: u16 = 100;

/// Where to accept members.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    /// The addresses to listen at, all at the same port.
    pub ips: Vec<IpAddr>,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// Whether the next free port will do if this one is taken.
    pub next_free: bool,
}

impl Listen {
    /// All interfaces, IPv6 and IPv4.
    pub fn everywhere(port: u16, next_free: bool) -> Self {
        let ips = vec![
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ];
        Self {
            ips,
            port,
            next_free,
        }
    }

    /// One address, as given.
    pub fn at(addr: SocketAddr, next_free: bool) -> Self {
        Self {
            ips: vec![addr.ip()],
            port: addr.port(),
            next_free,
        }
    }
}

/// Why members cannot be accepted.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port is taken, and no other one would do.
    #[error("port {0} is taken by another program; choose another one with --listen IP:PORT")]
    Taken(u16),
    /// This machine does not have the address.
    #[error("{0} is not an address of this machine")]
    NotOurs(IpAddr),
    /// The system refuses.
    #[error("cannot listen at {0}: {1}")]
    Refused(SocketAddr, #[source] io::Error),
}

/// Binds all addresses at one port.
pub(super) async fn bind<T: Transport>(at: &Listen) -> Result<Vec<T::Listener>, ListenError> {
    let tries = if at.next_free || at.port == 0 {
        NEXT_PORTS
    } else {
        0
    };
    for step in 0..=tries {
        let port = if at.port == 0 {
            0
        } else {
            at.port.saturating_add(step)
        };
        match bind_all::<T>(&at.ips, port).await {
            Err(ListenError::Taken(_)) if step < tries => {}
            bound => return bound,
        }
    }
    Err(ListenError::Taken(at.port))
}

/// Binds all of `ips` at `port`, or at the one that the first of them gets.
async fn bind_all<T: Transport>(
    ips: &[IpAddr],
    port: u16,
) -> Result<Vec<T::Listener>, ListenError> {
    let mut listeners: Vec<T::Listener> = Vec::new();
    let mut failed = None;
    for ip in ips {
        let port = listeners.first().map_or(port, local_port::<T>);
        match T::bind(SocketAddr::new(*ip, port)).await {
            Ok(listener) => listeners.push(listener),
            // On most systems a listener at [::] takes IPv4 as well.
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && *ip == IpAddr::V4(Ipv4Addr::UNSPECIFIED)
                    && listeners.iter().any(is_at_all_of_v6::<T>) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(ListenError::Taken(port));
            }
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                failed = Some(ListenError::NotOurs(*ip));
            }
            Err(error) => failed = Some(ListenError::Refused(SocketAddr::new(*ip, port), error)),
        }
    }
    match failed {
        // A machine without IPv6, or without IPv4, listens at what it has.
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn local_port<T: Transport>(listener: &T::Listener) -> u16 {
    T::local_addr(listener).map_or(0, |addr| addr.port())
}

fn is_at_all_of_v6<T: Transport>(listener: &T::Listener) -> bool {
    T::local_addr(listener).is_ok_and(|addr| addr.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

/// Where others can reach these listeners: for one at all interfaces, the addresses of those.
pub(super) fn reachable<T: Transport>(listeners: &[T::Listener]) -> Vec<SocketAddr> {
    let mut addrs: Vec<SocketAddr> = Vec::new();
    for bound in listeners
        .iter()
        .filter_map(|listener| T::local_addr(listener).ok())
    {
        let found = if bound.ip().is_unspecified() {
            interfaces(bound.is_ipv4())
        } else {
            vec![bound.ip().to_canonical()]
        };
        for addr in found
            .into_iter()
            .map(|ip| SocketAddr::new(ip, bound.port()))
        {
            if !addrs.contains(&addr) {
                addrs.push(addr);
            }
        }
    }
    addrs
}

/// The addresses of this machine's interfaces, IPv4 first; the machine's own only if it has no
/// others. Link-local ones mean nothing without an interface and are left out.
fn interfaces(only_v4: bool) -> Vec<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let mut ips: Vec<IpAddr> = all
        .iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(if_addrs::Interface::ip)
        .filter(|ip| ip.is_ipv4() || !only_v4)
        .collect();
    if ips.is_empty() {
        ips.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    ips.sort_by_key(IpAddr::is_ipv6);
    ips
}

/// Accepts for as long as anybody wants to know.
pub(super) async fn accept<T: Transport>(listener: T::Listener, tell: Sender<News<T::Stream>>) {
    /// How long to wait when there are no file descriptors left, say.
    const PAUSE: Duration = Duration::from_millis(100);
    loop {
        let accepted = tokio::select! {
            () = tell.closed() => return,
            accepted = T::accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                if tell.send(News::Accepted(stream, from)).await.is_err() {
                    return;
                }
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tcp;
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_refused_or_the_next_one_is_taken() {
        let localhost = SocketAddr::from(([127, 0, 0, 1], 0));
        let first = bind::<Tcp>(&Listen::at(localhost, false)).await.unwrap();
        let taken = first[0].local_addr().unwrap();
        let refused = bind::<Tcp>(&Listen::at(taken, false)).await;
        assert!(matches!(refused, Err(ListenError::Taken(port)) if port == taken.port()));
        let next = bind::<Tcp>(&Listen::at(taken, true)).await.unwrap();
        assert!(next[0].local_addr().unwrap().port() > taken.port());
        assert_eq!(reachable::<Tcp>(&first), [taken]);
    }

    #[tokio::test]
    async fn everywhere_means_both_families_at_one_port() {
        let listeners = bind::<Tcp>(&Listen::everywhere(0, false)).await.unwrap();
        let port = local_port::<Tcp>(&listeners[0]);
        let addrs = reachable::<Tcp>(&listeners);
        assert!(
            addrs
                .iter()
                .all(|addr| addr.port() == port && !addr.ip().is_unspecified())
        );
        assert!(!addrs.is_empty());
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        assert!(connected.is_ok());
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_named() {
        let other = SocketAddr::from(([192, 0, 2, 7], 4700));
        let error = bind::<Tcp>(&Listen::at(other, false)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "192.0.2.7 is not an address of this machine"
        );
    }
}
