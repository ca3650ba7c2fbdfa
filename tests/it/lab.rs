//! Machines of their own, as far as one machine has them: network namespaces, each with a cable to one
//! switch. Cables can be pulled.
//!
//! Needs root and iproute2; elsewhere the tests say that they are skipped.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

const PORT: u16 = 4700;

/// Namespaces with a switch between them; gone when dropped.
pub(crate) struct Lab {
    prefix: String,
    machines: u8,
}

impl Lab {
    /// `None` where namespaces cannot be made.
    pub(crate) fn new(test: &str, machines: u8) -> Option<Self> {
        let is_root = Path::new("/proc/self").exists() && id("-u") == "0";
        if !is_root || !ip_works() {
            eprintln!("skipped: {test} needs root and iproute2 for network namespaces");
            return None;
        }
        let prefix = format!("ce{}{test}", std::process::id());
        let lab = Self { prefix, machines };
        let switch = lab.switch();
        ip(&["netns", "add", &switch]);
        ip(&["-n", &switch, "link", "add", "br0", "type", "bridge"]);
        ip(&["-n", &switch, "link", "set", "br0", "up"]);
        for machine in 0..machines {
            let (name, port) = (lab.machine(machine), lab.port(machine));
            let address = format!("{}/24", lab.ip(machine));
            ip(&["netns", "add", &name]);
            ip(&[
                "-n", &name, "link", "add", "eth0", "type", "veth", "peer", "name", &port, "netns",
                &switch,
            ]);
            ip(&["-n", &switch, "link", "set", &port, "master", "br0", "up"]);
            ip(&["-n", &name, "addr", "add", &address, "dev", "eth0"]);
            ip(&["-n", &name, "link", "set", "lo", "up"]);
            ip(&["-n", &name, "link", "set", "eth0", "up"]);
        }
        Some(lab)
    }

    fn switch(&self) -> String {
        format!("{}s", self.prefix)
    }

    /// The name of a machine's namespace.
    pub(crate) fn machine(&self, machine: u8) -> String {
        format!("{}{machine}", self.prefix)
    }

    fn port(&self, machine: u8) -> String {
        format!("port{machine}")
    }

    fn ip(&self, machine: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 47, 0, machine + 1)
    }

    /// Where the member in a machine is to listen.
    pub(crate) fn address(&self, machine: u8) -> SocketAddr {
        (self.ip(machine), PORT).into()
    }

    /// Pulls a machine's cable out.
    pub(crate) fn pull(&self, machine: u8) {
        ip(&[
            "-n",
            &self.switch(),
            "link",
            "set",
            &self.port(machine),
            "down",
        ]);
    }

    /// Puts it back.
    pub(crate) fn plug(&self, machine: u8) {
        ip(&[
            "-n",
            &self.switch(),
            "link",
            "set",
            &self.port(machine),
            "up",
        ]);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let machines = (0..self.machines).map(|machine| self.machine(machine));
        for name in machines.chain([self.switch()]) {
            let _gone = Command::new("ip").args(["netns", "del", &name]).status();
        }
    }
}

fn id(flag: &str) -> String {
    let output = Command::new("id").arg(flag).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn ip_works() -> bool {
    let output = Command::new("ip").args(["netns", "list"]).output();
    output.is_ok_and(|output| output.status.success())
}

#[track_caller]
fn ip(arguments: &[&str]) {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .expect("iproute2");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "ip {}: {complaint}",
        arguments.join(" ")
    );
}
