//! Sessions on the local network: announced by members who want to be found, and looked for, by
//! DNS-SD over multicast DNS (RFC 6763, RFC 6762).
//!
//! What goes out is a port, addresses, a random instance name and a tag that members of one session
//! share. Neither file nor user nor machine names do.
//!
//! Invariants:
//! 1. Nothing is announced or looked for unless asked.
//! 2. What others announce is hostile: a tag has at most [`MAX_TAG`] hexadecimal digits, and of all
//!    else only addresses and a port are read.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};

/// What members announce themselves as.
const SERVICE: &str = "_collab-edit._tcp.local.";

/// The property that holds the tag.
const TAG: &str = "session";

/// The most hexadecimal digits of a tag.
pub const MAX_TAG: usize = 16;

/// How long leaving may wait until the network has been told.
const FAREWELL: Duration = Duration::from_millis(200);

/// The local network cannot be asked or told.
#[derive(Debug, thiserror::Error)]
#[error("the local network cannot be reached by multicast: {0}")]
pub struct NearbyError(#[from] mdns_sd::Error);

/// A member that lets itself be found, for as long as this lives.
pub struct Announcement {
    daemon: ServiceDaemon,
    name: String,
}

impl Announcement {
    /// Announces a member that accepts others at `addrs`, all of one port. `tag` is the same at all
    /// members of the session, `instance` at no two of them.
    ///
    /// # Errors
    ///
    /// If the network cannot be told.
    pub fn new(tag: &str, instance: u64, addrs: &[SocketAddr]) -> Result<Self, NearbyError> {
        let instance = format!("{instance:016x}");
        let host = format!("{instance}.local.");
        let ips: Vec<IpAddr> = addrs.iter().map(SocketAddr::ip).collect();
        let port = addrs.first().map_or(0, SocketAddr::port);
        let properties = [(TAG, tag)];
        let service = ServiceInfo::new(SERVICE, &instance, &host, &ips[..], port, &properties[..])?;
        let name = service.get_fullname().to_owned();
        let daemon = ServiceDaemon::new()?;
        daemon.register(service)?;
        Ok(Self { daemon, name })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Who looks forgets us by itself a little later if this fails.
        if let Ok(told) = self.daemon.unregister(&self.name) {
            let _ = told.recv_timeout(FAREWELL);
        }
        let _ = self.daemon.shutdown();
    }
}

/// A member that announces itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nearby {
    /// Equal at members of one session, mostly different otherwise. May be empty.
    pub tag: String,
    /// Where it accepts others.
    pub addr: SocketAddr,
}

/// Looks for members that announce themselves, for as long as this lives.
pub struct Search {
    daemon: ServiceDaemon,
    events: Receiver<ServiceEvent>,
}

impl Search {
    /// Begins to look.
    ///
    /// # Errors
    ///
    /// If the network cannot be asked.
    pub fn new() -> Result<Self, NearbyError> {
        let daemon = ServiceDaemon::new()?;
        let events = daemon.browse(SERVICE)?;
        Ok(Self { daemon, events })
    }

    /// The next member that is found; one that is found again may come again. Waits for it; may be
    /// cancelled at any time.
    pub async fn next(&mut self) -> Nearby {
        loop {
            match self.events.recv_async().await {
                Ok(ServiceEvent::ServiceResolved(service)) => {
                    if let Some(found) = nearby(&service) {
                        return found;
                    }
                }
                Ok(_) => {}
                Err(_) => std::future::pending().await,
            }
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        let _ = self.daemon.shutdown();
    }
}

/// What of an announcement is of use; `None` if nothing can be dialled. Link-local addresses mean
/// nothing without an interface and are left out.
fn nearby(service: &ResolvedService) -> Option<Nearby> {
    let is_link_local = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let mut ips: Vec<IpAddr> = service
        .addresses
        .iter()
        .map(mdns_sd::ScopedIp::to_ip_addr)
        .filter(|ip| !is_link_local(ip) && !ip.is_unspecified() && !ip.is_multicast())
        .collect();
    ips.sort_by_key(|ip| (ip.is_ipv6(), *ip));
    let tag = service.txt_properties.get_property_val_str(TAG);
    let tag = tag.unwrap_or_default().chars();
    Some(Nearby {
        tag: tag.filter(char::is_ascii_hexdigit).take(MAX_TAG).collect(),
        addr: SocketAddr::new(*ips.first()?, service.port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_announced_is_found_without_names() {
        let addr: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        let instance = getrandom::u64().unwrap();
        let tag = format!("{:08x}", instance as u32);
        let announcement = Announcement::new(&tag, instance, &[addr]).unwrap();
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert!(!announcement.name.contains(machine.trim()));
        let mut search = Search::new().unwrap();
        let mine = async {
            loop {
                let found = search.next().await;
                if found.tag == tag {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(20), mine).await;
        assert_eq!(
            found.unwrap(),
            Nearby {
                tag: tag.clone(),
                addr
            }
        );
    }
}
