//! How a line is made a comment, by the kind of file.

/// What stands before and behind the text of a comment. `close` is empty for comments that end with
/// their line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comment {
    /// What begins it.
    pub open: &'static str,
    /// What ends it.
    pub close: &'static str,
}

/// Comments, and the file name extensions (or whole names) that have them, in lower case.
const TABLE: &[(&str, &str, &str)] = &[
    (
        "//",
        "",
        "rs c h cc cpp cxx hpp hh cs java js jsx mjs cjs ts tsx go swift kt kts scala dart zig php \
         proto scss less jsonc json5 groovy gradle v sv sol d",
    ),
    (
        "#",
        "",
        "py sh bash zsh fish rb pl pm r toml yaml yml conf cfg mk makefile cmake dockerfile jl nim \
         tcl awk ex exs cr ps1 tf nix graphql properties gitignore editorconfig env justfile",
    ),
    ("--", "", "sql lua hs elm ada adb ads vhd vhdl"),
    (";", "", "lisp el clj cljs scm rkt asm s ini"),
    ("%", "", "tex sty cls bib erl hrl m"),
    ("\"", "", "vim vimrc"),
    ("<!--", "-->", "html htm xml svg xhtml md markdown vue xsl"),
    ("/*", "*/", "css"),
    ("(*", "*)", "ml mli sml"),
];

/// How lines of the file of this name are commented out, if that is known.
pub fn of_file(name: &str) -> Option<Comment> {
    let name = name.to_lowercase();
    let kind = name.rsplit('.').next()?;
    let known = |kinds: &str| kinds.split(' ').any(|known| known == kind);
    let row = TABLE.iter().find(|(_, _, kinds)| known(kinds));
    row.map(|&(open, close, _)| Comment { open, close })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_file_says_how() {
        let open = |name| of_file(name).map(|comment| comment.open);
        assert_eq!(open("main.rs"), Some("//"));
        assert_eq!(open("Makefile"), Some("#"));
        assert_eq!(open("INDEX.HTML"), Some("<!--"));
        assert_eq!(open("notes.txt"), None);
        assert_eq!(open(""), None);
    }
}
