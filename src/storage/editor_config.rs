//! What `.editorconfig` files say of a file: <https://spec.editorconfig.org>.

use std::path::Path;

use ec4rs::property::{EndOfLine, FinalNewline, IndentSize, IndentStyle, TabWidth, TrimTrailingWs};

/// How a file is to be written; what is `None` is not said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rules {
    /// Whether lines are indented by spaces.
    pub soft_tabs: Option<bool>,
    /// How many cells wide one step of indentation is.
    pub indent: Option<usize>,
    /// How many cells wide a tab is.
    pub tab_width: Option<usize>,
    /// Whether lines end with CRLF.
    pub crlf: Option<bool>,
    /// Whether the text ends with a line break.
    pub final_newline: Option<bool>,
    /// Whether blanks at the ends of lines go.
    pub trim: Option<bool>,
}

/// The rules for the file at `path`, whether it exists or not. Files that cannot be read or understood
/// say nothing.
pub fn rules_for(path: &Path) -> Rules {
    let Ok(mut properties) = ec4rs::properties_of(path) else {
        return Rules::default();
    };
    properties.use_fallbacks();
    let size = properties.get::<IndentSize>().ok();
    let tab_width = properties.get::<TabWidth>().ok();
    let tab_width = tab_width.map(|TabWidth::Value(width)| width);
    Rules {
        soft_tabs: properties
            .get::<IndentStyle>()
            .ok()
            .map(|style| style == IndentStyle::Spaces),
        indent: size.and_then(|size| match size {
            IndentSize::Value(width) => Some(width),
            IndentSize::UseTabWidth => tab_width,
        }),
        tab_width,
        crlf: properties
            .get::<EndOfLine>()
            .ok()
            .map(|end| end == EndOfLine::CrLf),
        final_newline: properties
            .get::<FinalNewline>()
            .ok()
            .map(|FinalNewline::Value(is)| is),
        trim: properties
            .get::<TrimTrailingWs>()
            .ok()
            .map(|TrimTrailingWs::Value(is)| is),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_says_most() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            ".editorconfig",
            "root = true\n[*]\nindent_style = space\nindent_size = 2\nend_of_line = crlf\n\
             insert_final_newline = true\n[Makefile]\nindent_style = tab\ntab_width = 8\n",
        );
        write(
            "sub/.editorconfig",
            "[*.rs]\nindent_size = 3\ntrim_trailing_whitespace = true\n",
        );
        let rules = rules_for(&folder.path().join("sub/new.rs"));
        let expected = Rules {
            soft_tabs: Some(true),
            indent: Some(3),
            tab_width: Some(3),
            crlf: Some(true),
            final_newline: Some(true),
            trim: Some(true),
        };
        assert_eq!(rules, expected);
        let rules = rules_for(&folder.path().join("Makefile"));
        assert_eq!((rules.soft_tabs, rules.tab_width), (Some(false), Some(8)));
        write("bad/.editorconfig", "root = true\n\0\0[[[");
        assert_eq!(rules_for(&folder.path().join("bad/x")).trim, None);
    }
}
