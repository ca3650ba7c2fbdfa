//! Who has the present text on disk, in words: whether it is safe to close.

use super::core::Core;
use super::delivery::plural;
use super::saving::Saving;
use crate::session::{MemberState, MemberView};

/// For the status bar: "saved here and at 1 of 2; the other 12 characters behind". Empty without others.
pub(super) fn sentence(core: &Core, saving: &Saving, members: &[MemberView]) -> String {
    let present: Vec<&MemberView> = members
        .iter()
        .filter(|member| member.state != MemberState::Left)
        .collect();
    if present.is_empty() {
        return String::new();
    }
    let here = !saving.may_be_unsaved(core.document());
    let lacking: Vec<(&str, Option<u64>)> = present
        .iter()
        .map(|member| (member.name.as_str(), behind(core, member)))
        .filter(|(_, behind)| *behind != Some(0))
        .collect();
    let (all, at) = (present.len(), present.len() - lacking.len());
    let mut text = match (here, at) {
        (true, 0) => "saved here only".to_owned(),
        (true, _) if at == all => return "saved everywhere".to_owned(),
        (true, _) => format!("saved here and at {at} of {all}"),
        (false, 0) => return "saved nowhere".to_owned(),
        (false, _) if at == all => "saved at all others".to_owned(),
        (false, _) => format!("saved at {at} of {all}"),
    };
    if at > 0
        && let [(name, behind)] = lacking[..]
    {
        let who = if all == 2 { "the other" } else { name };
        text += &match behind {
            Some(chars) => format!("; {who} {}", chars_behind(chars)),
            None => format!("; {who} has saved nothing"),
        };
    }
    text
}

/// For the list of members: what of the present text a member has on its disk.
pub(super) fn of_member(core: &Core, member: &MemberView) -> String {
    on_disk(behind(core, member), "its")
}

/// For the list of members: what of the present text is on our disk.
pub(super) fn of_ours(core: &Core, saving: &Saving) -> String {
    on_disk(saving.behind(core.document()), "your")
}

fn on_disk(behind: Option<u64>, whose: &str) -> String {
    match behind {
        None => String::new(),
        Some(0) => ", saved".to_owned(),
        Some(chars) => format!(", {whose} file {}", chars_behind(chars)),
    }
}

/// What a file lacks that was typed or deleted.
fn chars_behind(chars: u64) -> String {
    plural(chars, "character") + " behind"
}

/// How many characters, typed or deleted, a member's file lacks; `None` if it has not said that it saved anything.
fn behind(core: &Core, member: &MemberView) -> Option<u64> {
    let mut ledger = core.session().ledger();
    let (_, on_disk) = ledger.find(|(id, _)| *id == member.member)?;
    Some(on_disk.behind(core.document().log()))
}
