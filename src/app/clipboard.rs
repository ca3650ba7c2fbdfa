//! Copies on their way out, and pastes on their way in.
//!
//! The desktop's clipboard may block and must stay connected, or what was copied is gone: it has a
//! thread of its own. Where it fails, the terminal's is used.

use tokio::sync::mpsc;

use super::config::{Clipboard as Choice, Settings};
use crate::ui::clipboard::{Desktop, MAX_OSC52, osc52};

/// Where a copy went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// The desktop's clipboard.
    Desktop,
    /// The terminal's.
    Terminal,
    /// Nowhere else, as the person wants it.
    Internal,
    /// Nowhere else, since it is too long for the terminal.
    TooLong,
}

impl Way {
    /// What is said of it.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Desktop => "desktop clipboard",
            Self::Terminal => "OSC 52",
            Self::Internal => "only inside the editor",
            Self::TooLong => "too long for the terminal's clipboard, only inside the editor",
        }
    }
}

enum Request {
    Set(String),
    Text,
}

/// What came of a request to the desktop.
pub(super) enum Answer {
    /// Whether the text is there; if not, the text.
    Set(Result<(), String>),
    /// The text that is there.
    Text(Option<String>),
}

/// See the module.
pub(super) struct Clipboard {
    choice: Choice,
    tmux: bool,
    requests: Option<mpsc::UnboundedSender<Request>>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl Clipboard {
    pub(super) fn new(settings: &Settings) -> Self {
        let (answer, answers) = mpsc::unbounded_channel();
        let requests = (settings.clipboard == Choice::Desktop).then(|| serve(answer));
        Self {
            choice: settings.clipboard,
            tmux: settings.tmux,
            requests,
            answers,
        }
    }

    /// Takes a copy; `write` writes to the terminal. The way it went, unless that comes as an answer.
    pub(super) fn copy(
        &self,
        text: String,
        write: impl FnOnce(&str) -> std::io::Result<()>,
    ) -> std::io::Result<Option<Way>> {
        match (&self.requests, self.choice) {
            (Some(requests), _) => match requests.send(Request::Set(text)) {
                Ok(()) => Ok(None),
                Err(_gone) => Ok(Some(Way::Internal)),
            },
            (None, Choice::Internal) => Ok(Some(Way::Internal)),
            (None, _) => self.by_terminal(&text, write).map(Some),
        }
    }

    /// Hands a text to the terminal.
    pub(super) fn by_terminal(
        &self,
        text: &str,
        write: impl FnOnce(&str) -> std::io::Result<()>,
    ) -> std::io::Result<Way> {
        if text.len() > MAX_OSC52 {
            return Ok(Way::TooLong);
        }
        write(&osc52(text, self.tmux))?;
        Ok(Way::Terminal)
    }

    /// Asks for what is there; `false` if only the editor knows.
    pub(super) fn ask(&self) -> bool {
        let requests = self.requests.as_ref();
        requests.is_some_and(|requests| requests.send(Request::Text).is_ok())
    }

    /// The next answer; waits for ever if there is no desktop.
    pub(super) async fn next(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

/// Keeps the desktop's clipboard in a thread of its own.
fn serve(answer: mpsc::UnboundedSender<Answer>) -> mpsc::UnboundedSender<Request> {
    let (send, mut requests) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut desktop = None;
        while let Some(request) = requests.blocking_recv() {
            desktop = desktop.or_else(Desktop::open);
            let answered = match request {
                Request::Set(text) => {
                    let done = desktop.as_mut().is_some_and(|desktop| desktop.set(&text));
                    Answer::Set(if done { Ok(()) } else { Err(text) })
                }
                Request::Text => Answer::Text(desktop.as_mut().and_then(Desktop::text)),
            };
            if answer.send(answered).is_err() {
                return;
            }
        }
    });
    send
}
