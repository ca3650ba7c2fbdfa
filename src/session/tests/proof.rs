//! Texts are compared, and a member with another text is found out.

use super::*;

fn identical(net: &Net, at: usize) -> usize {
    let members = net.nodes[at].session.members();
    members.iter().filter(|member| member.identical).count()
}

#[test]
fn texts_are_compared_once_all_is_at_rest_and_never_while_somebody_types() {
    let mut net = Net::new(30);
    let host = net.host();
    let (a, b) = (net.join(host), net.join(host));
    net.seconds(5);
    for node in [host, a, b] {
        assert_eq!(identical(&net, node), 2);
        net.nodes[node].hashed = 0;
    }
    for _ in 0..100 {
        net.edit(a, 1, 3);
        net.run(Duration::from_millis(100));
        assert_eq!(identical(&net, host), 0, "what was proven is of old heads");
    }
    assert_eq!(net.nodes[host].hashed, 0);
    net.seconds(3);
    for node in [host, a, b] {
        assert_eq!((net.nodes[node].hashed, identical(&net, node)), (1, 2));
    }
    net.seconds(60);
    assert_eq!(net.nodes[host].hashed, 1, "at rest nothing is hashed");
    assert!(net.nodes.iter().all(|node| node.diverged.is_empty()));
}

#[test]
fn a_member_with_another_text_is_found_out_by_all_and_harms_nobody() {
    let mut net = Net::new(31);
    let host = net.host();
    let (a, b) = (net.join(host), net.join(host));
    let id = |net: &Net, node: usize| net.nodes[node].session.me.member;
    net.nodes[b].hash = Some([66; 32]);
    net.seconds(1);
    net.edit(a, 1, 3);
    net.seconds(5);
    let bad = id(&net, b);
    assert_eq!(net.nodes[host].diverged, [bad]);
    assert_eq!(net.nodes[a].diverged, [bad]);
    assert_eq!(net.nodes[b].diverged.len(), 2, "it is told as well");
    assert_eq!((identical(&net, host), identical(&net, b)), (1, 0));
    // It goes on lying: there is one alarm a minute.
    for _ in 0..20 {
        net.edit(a, 1, 3);
        net.seconds(2);
    }
    assert_eq!(net.nodes[host].diverged.len(), 1);
    net.seconds(60);
    net.nodes[b].hash = None;
    net.edit(a, 1, 3);
    net.seconds(5);
    assert_eq!((identical(&net, host), identical(&net, b)), (2, 2));
    net.assert_converged(&[host, a, b]);
}
