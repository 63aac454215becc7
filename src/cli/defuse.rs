//! Making an agent's output harmless for a terminal. Where output goes to a file or a program it stays as it is.

/// Takes control characters out of a stream that comes in pieces of any size. An escape character is shown as `␛`, so
/// that what was meant to drive the terminal can be read.
#[derive(Debug, Default)]
pub struct Defuser {
    /// The last piece ended with the first byte of a character that may be a control character of the second set.
    pending: bool,
}

/// The first byte of U+0080 to U+00BF in UTF-8.
const LEAD: u8 = 0xc2;

impl Defuser {
    /// The piece without control characters but line ends and tabs.
    pub fn defuse(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 8);
        for byte in bytes {
            if std::mem::take(&mut self.pending) {
                if (0x80..0xa0).contains(byte) {
                    continue;
                }
                out.push(LEAD);
            }
            match *byte {
                LEAD => self.pending = true,
                0x1b => out.extend_from_slice("␛".as_bytes()),
                b'\n' | b'\t' => out.push(*byte),
                0..0x20 | 0x7f => {}
                other => out.push(other),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(text: &[u8]) -> String {
        String::from_utf8_lossy(&Defuser::default().defuse(text)).into_owned()
    }

    #[test]
    fn what_drives_a_terminal_is_only_shown() {
        assert_eq!(whole(b"a\x1b[31mred\x07\x1b]0;title\x07\r\n\tb"), "a␛[31mred␛]0;title\n\tb");
        assert_eq!(whole("x\u{9b}2Jy".as_bytes()), "x2Jy");
        assert_eq!(whole("§ äöü 日本".as_bytes()), "§ äöü 日本");
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_say_the_same(text in ".{0,60}", cut in 0..200_usize) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut defuser = Defuser::default();
            let mut pieces = defuser.defuse(&bytes[..cut]);
            pieces.extend(defuser.defuse(&bytes[cut..]));
            prop_assert_eq!(String::from_utf8_lossy(&pieces).into_owned(), whole(bytes));
            let is_harmless = |c: char| !c.is_control() || c == '\n' || c == '\t';
            prop_assert!(whole(bytes).chars().all(is_harmless));
        }
    }
}
