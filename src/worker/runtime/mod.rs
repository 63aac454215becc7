//! How an agent says what it does. One file per runtime; so far there is [`command`].

pub(super) mod command;
