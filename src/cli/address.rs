//! `HOST:PORT` as people write it: an IPv4 address, `[IPv6]`, or a DNS name.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::app::config::{Address, DEFAULT_PORT};

/// The longest DNS name and label, RFC 1035 section 2.3.4.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Reads an address; the refusal is the second half of a sentence.
pub(super) fn parse(text: &str) -> Result<Address, String> {
    if is_ipv6(text) {
        return Err(format!(
            "an IPv6 address needs brackets, [{text}]:{DEFAULT_PORT}"
        ));
    }
    let no_port = || format!("it needs a port, {text}:{DEFAULT_PORT}");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed")?;
            if !is_ipv6(host) {
                return Err(format!("{host:?} is no IPv6 address"));
            }
            (host, rest.strip_prefix(':').ok_or_else(no_port)?)
        }
        None => {
            let (host, port) = text.rsplit_once(':').ok_or_else(no_port)?;
            check_name(host)?;
            (host, port)
        }
    };
    match port.parse() {
        // `parse` would take a sign too.
        Ok(port @ 1..)
            if text.ends_with(|char: char| char.is_ascii_digit()) && !text.contains('+') =>
        {
            Ok(Address {
                host: host.to_owned(),
                port,
            })
        }
        _ => Err("a port is a number from 1 to 65535".into()),
    }
}

/// An IPv6 address, with or without the interface that a link-local one needs (`fe80::1%eth0`).
fn is_ipv6(text: &str) -> bool {
    let (ip, zone) = text.split_once('%').unwrap_or((text, "0"));
    let is_zone_char = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    ip.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && zone.chars().all(is_zone_char)
}

/// Whether `host` is an IPv4 address or could be a DNS name.
fn check_name(host: &str) -> Result<(), String> {
    if host.parse::<Ipv4Addr>().is_ok() {
        return Ok(());
    }
    let labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "-_".contains(char))
            && !label.starts_with('-')
    };
    // No top level domain is a number, but many an IPv4 address is mistyped.
    let last_is_number = labels
        .clone()
        .next_back()
        .is_some_and(|label| label.chars().all(|char| char.is_ascii_digit()));
    if host.is_empty() {
        Err("it needs a host before the port".into())
    } else if host.len() > MAX_NAME || !labels.clone().all(is_label) {
        Err(format!("{host:?} is no host name"))
    } else if last_is_number {
        Err(format!("{host:?} is no IPv4 address"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_taken() {
        for (text, host, port) in [
            ("192.168.1.5:4700", "192.168.1.5", 4700),
            ("[::1]:1", "::1", 1),
            ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
            ("[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80),
            ("localhost:4700", "localhost", 4700),
            (
                "my_host-2.example.org.:4700",
                "my_host-2.example.org.",
                4700,
            ),
            ("xn--bcher-kva.example:4700", "xn--bcher-kva.example", 4700),
        ] {
            assert_eq!(
                parse(text),
                Ok(Address {
                    host: host.into(),
                    port
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn addresses_that_are_refused_say_why() {
        let long = format!("{}:1", "a.".repeat(130));
        for (text, why) in [
            ("", "it needs a port"),
            ("host", "it needs a port, host:4700"),
            ("[::1]", "it needs a port, [::1]:4700"),
            (":4700", "it needs a host"),
            ("::1", "brackets, [::1]:4700"),
            ("fe80::1:4700", "brackets"),
            ("[::1", "not closed"),
            ("[host]:1", "no IPv6 address"),
            ("[fe80::1%]:1", "no IPv6 address"),
            ("[::1]4700", "it needs a port"),
            ("host:", "1 to 65535"),
            ("host:0", "1 to 65535"),
            ("host:65536", "1 to 65535"),
            ("host:+1", "1 to 65535"),
            ("host:-1", "1 to 65535"),
            ("host:http", "1 to 65535"),
            ("host:47 00", "1 to 65535"),
            ("999.1.1.1:1", "no IPv4 address"),
            ("192.168.1:1", "no IPv4 address"),
            ("a..b:1", "no host name"),
            ("-rf:1", "no host name"),
            ("bücher.example:1", "no host name"),
            ("a\u{1b}[31m:1", "no host name"),
            ("http://host:1", "no host name"),
            (&long, "no host name"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
            assert!(!refused.contains('\u{1b}'), "{refused:?}");
        }
    }
}
