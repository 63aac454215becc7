//! Asks the terminal for the colour of its ground, after the first frame is out, and never waits for the answer.
//!
//! The answer comes over the same wire as keys, whenever the terminal likes, and is told from them where those are understood.

/// What to send: the question (OSC 11), followed by one that every terminal answers (primary device attributes), so that whoever
/// stands between, such as tmux, hands the first on at once.
pub const QUESTION: &str = "\x1b]11;?\x1b\\\x1b[c";

/// Whether a colour is light; reads `rgb:RRRR/GGGG/BBBB`.
pub fn is_light(color: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(color).ok()?;
    let channels = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut shares = channels.split('/').take(3).map(|channel| {
        let full = 16f64.powi(i32::try_from(channel.len()).ok()?) - 1.0;
        Some(f64::from(u32::from_str_radix(channel, 16).ok()?) / full)
    });
    let (red, green, blue) = (shares.next()??, shares.next()??, shares.next()??);
    Some(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
}
