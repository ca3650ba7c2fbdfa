//! Dialling: from an address, given or known, to a connection or words why not.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{Instant, timeout, timeout_at};

use super::Transport;
use crate::session::Target;
use crate::session::limits::DIAL_TIMEOUT;

/// How long an address given by a person is tried, looking up its name included. With the
/// handshake's time it stays below the ten seconds in which there must be an answer.
const GIVEN_TIMEOUT: Duration = Duration::from_secs(6);

/// Connects. `Err` says why not, in words that follow "cannot reach …:".
pub(super) async fn dial<T: Transport>(target: &Target) -> Result<(T::Stream, SocketAddr), String> {
    match target {
        Target::Known(addr) => connect::<T>(*addr).await,
        Target::Given(given) => {
            let end = Instant::now() + GIVEN_TIMEOUT;
            let mut why = "the name could not be looked up in time".to_owned();
            let addrs = timeout_at(end, resolve(given))
                .await
                .map_err(|_late| why.clone())??;
            for addr in addrs {
                match timeout_at(end, connect::<T>(addr)).await {
                    Ok(Ok(connected)) => return Ok(connected),
                    Ok(Err(error)) => why = error,
                    Err(_late) => return Err(no_answer()),
                }
            }
            Err(why)
        }
    }
}

async fn connect<T: Transport>(addr: SocketAddr) -> Result<(T::Stream, SocketAddr), String> {
    match timeout(DIAL_TIMEOUT, T::connect(addr)).await {
        Ok(Ok(stream)) => Ok((stream, addr)),
        Ok(Err(error)) => Err(in_words(&error)),
        Err(_late) => Err(no_answer()),
    }
}

/// All addresses of `HOST:PORT`, at least one.
async fn resolve(given: &str) -> Result<Vec<SocketAddr>, String> {
    const FORM: &str = "an address has the form HOST:PORT, as in 192.168.1.5:4700 or [fe::1]:4700";
    let (host, port) = given.rsplit_once(':').ok_or(FORM)?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or(FORM)?;
    // Without its brackets, so that an interface behind a `%` is looked up too.
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if host.is_empty() || (host.contains(':') && bare.is_none()) {
        return Err(FORM.to_owned());
    }
    let addrs: Vec<SocketAddr> = lookup_host((bare.unwrap_or(host), port))
        .await
        .map_err(|_unknown| unknown(host))?
        .collect();
    if addrs.is_empty() {
        Err(format!("{host} has no address"))
    } else {
        Ok(addrs)
    }
}

fn unknown(host: &str) -> String {
    format!(
        "no machine of the name {host} is known here; try the number that the host's screen shows"
    )
}

fn no_answer() -> String {
    "nothing answers; is the address right, and does a firewall let the port through?".to_owned()
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "nobody listens at that port; is the session still running there?".to_owned()
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "there is no way to that network from here; are both machines connected?".to_owned()
        }
        io::ErrorKind::TimedOut => no_answer(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_are_none_are_refused_in_words() {
        for bad in [
            "",
            "host",
            "host:",
            ":4700",
            "host:0",
            "host:70000",
            "::1:4700",
            "[::1]",
        ] {
            assert!(
                resolve(bad).await.unwrap_err().contains("HOST:PORT"),
                "{bad:?}"
            );
        }
        assert_eq!(
            resolve("[::1]:4700").await.unwrap(),
            ["[::1]:4700".parse().unwrap()]
        );
        let with_interface = resolve("[fe80::1%lo]:4700").await.unwrap();
        assert!(matches!(with_interface[0], SocketAddr::V6(addr) if addr.scope_id() != 0));
        assert!(!resolve("localhost:4700").await.unwrap().is_empty());
        let unknown = resolve("no-such-machine.invalid:4700").await.unwrap_err();
        assert!(unknown.contains("no-such-machine.invalid") && unknown.contains("; try "));
    }
}
