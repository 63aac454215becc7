//! What the worker and a slot's init say to each other over their socket pair.
//!
//! The worker sends requests of any length; init answers with messages of one size. Both sides are the same binary, so
//! the layout needs no versions. Init trusts the worker; the worker checks what init says, although no agent can speak
//! in its place: the socket is closed in every program that init executes.

/// Bytes of a reply.
pub(super) const REPLY_BYTES: usize = 64;

/// Bytes before the body of a request.
pub(super) const REQUEST_HEADER_BYTES: usize = 32;

/// Writes a request into a buffer: header, then the folder, arguments and environment, each closed by a NUL, then the
/// task. A buffer is reused from one request to the next.
pub(super) struct Request<'a> {
    buffer: &'a mut Vec<u8>,
    arguments: u32,
    variables: u32,
}

impl<'a> Request<'a> {
    /// Begins request `number`, to start in `workdir` (empty: the cage's working folder).
    pub(super) fn begin(buffer: &'a mut Vec<u8>, number: u64, workdir: &str) -> Self {
        buffer.clear();
        buffer.resize(REQUEST_HEADER_BYTES, 0);
        buffer[8..16].copy_from_slice(&number.to_le_bytes());
        push_text(buffer, workdir.as_bytes());
        Self { buffer, arguments: 0, variables: 0 }
    }

    /// Adds a word of the command.
    pub(super) fn argument(&mut self, word: &str) {
        push_text(self.buffer, word.as_bytes());
        self.arguments += 1;
    }

    /// Adds a variable; after the last argument.
    pub(super) fn variable(&mut self, name: &str, value: &str) {
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.push(b'=');
        push_text(self.buffer, value.as_bytes());
        self.variables += 1;
    }

    /// Adds the task and completes the header.
    pub(super) fn finish(self, task: &[u8]) {
        self.buffer.extend_from_slice(task);
        let total = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        let task = u32::try_from(task.len()).unwrap_or(u32::MAX);
        for (at, figure) in [(0, total), (16, self.arguments), (20, self.variables), (24, task)] {
            self.buffer[at..at + 4].copy_from_slice(&figure.to_le_bytes());
        }
    }
}

/// A NUL inside would end the text early; the engine refuses such texts, and here they are cut out.
fn push_text(buffer: &mut Vec<u8>, text: &[u8]) {
    buffer.extend(text.iter().filter(|byte| **byte != 0));
    buffer.push(0);
}

/// A request as init reads it; all texts are NUL-terminated parts of the buffer.
pub(super) struct Received {
    /// Counts the worker's requests to this slot.
    pub(super) number: u64,
    /// Where the folder begins.
    pub(super) workdir: usize,
    /// Where each argument begins.
    pub(super) arguments: Vec<usize>,
    /// Where each variable begins.
    pub(super) variables: Vec<usize>,
    /// Where the task begins; it goes on to the end.
    pub(super) task: usize,
}

/// How long the request that begins `header` is, in all.
pub(super) fn request_length(header: &[u8]) -> usize {
    word(header, 0) as usize
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Finds the parts of a complete request; `None` when it is none.
pub(super) fn parse_request(buffer: &[u8]) -> Option<Received> {
    let count = word(buffer, 16) as usize + word(buffer, 20) as usize + 1;
    let task = buffer.len().checked_sub(word(buffer, 24) as usize)?;
    let texts = buffer.get(REQUEST_HEADER_BYTES..task)?;
    let mut starts = Vec::with_capacity(count);
    let mut at = 0;
    while at < texts.len() {
        starts.push(REQUEST_HEADER_BYTES + at);
        at += super::sys::find_byte(0, &texts[at..])? + 1;
    }
    if starts.len() != count {
        return None;
    }
    let variables = starts.split_off(1 + word(buffer, 16) as usize);
    let workdir = starts.remove(0);
    Some(Received { number: long(buffer, 8), workdir, arguments: starts, variables, task })
}

/// What init says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The sandbox stands; the listeners of the port policy come with it, if there are any.
    Ready,
    /// It could not be built; so many bytes of explanation follow.
    Broken(u32),
    /// The program of request `number` could not be executed.
    NotExecuted {
        /// Of the request.
        number: u64,
        /// Why.
        errno: i32,
        /// Whether its folder could not be entered.
        workdir: bool,
    },
    /// The main process has ended and others, now killed, have not yet.
    Lingering {
        /// Of the request.
        number: u64,
    },
    /// Everything that request `number` started is gone.
    Gone {
        /// Of the request.
        number: u64,
        /// The wait status of the main process.
        status: i32,
        /// Processor time of all its processes.
        cpu_us: u64,
        /// The largest process's peak.
        peak_kib: u64,
        /// Microseconds of the wall clock at which the main process ran.
        started: i64,
        /// Whether something was left in `/tmp` or as System V shared memory or semaphores, so that the slot has to be built anew.
        dirty: bool,
    },
}

impl Reply {
    /// As bytes.
    pub(super) fn encode(self) -> [u8; REPLY_BYTES] {
        let mut bytes = [0; REPLY_BYTES];
        let mut put = |at: usize, figure: u64| bytes[at..at + 8].copy_from_slice(&figure.to_le_bytes());
        match self {
            Self::Ready => put(0, 1),
            Self::Broken(length) => {
                put(0, 2);
                put(8, u64::from(length));
            }
            Self::NotExecuted { number, errno, workdir } => {
                put(0, 3);
                put(8, number);
                put(16, u64::from(errno.cast_unsigned()));
                put(24, u64::from(workdir));
            }
            Self::Lingering { number } => {
                put(0, 4);
                put(8, number);
            }
            Self::Gone { number, status, cpu_us, peak_kib, started, dirty } => {
                put(0, 5);
                put(8, number);
                put(16, u64::from(status.cast_unsigned()));
                put(24, cpu_us);
                put(32, peak_kib);
                put(40, started.cast_unsigned());
                put(48, u64::from(dirty));
            }
        }
        bytes
    }

    /// From bytes; `None` when it is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, low) = (long(bytes, 8), |at: usize| word(bytes, at).cast_signed());
        Some(match long(bytes, 0) {
            1 => Self::Ready,
            2 => Self::Broken(word(bytes, 8)),
            3 => Self::NotExecuted { number, errno: low(16), workdir: low(24) != 0 },
            4 => Self::Lingering { number },
            5 => Self::Gone {
                number,
                status: low(16),
                cpu_us: long(bytes, 24),
                peak_kib: long(bytes, 32),
                started: long(bytes, 40).cast_signed(),
                dirty: low(48) != 0,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn requests_round_trip(
            number: u64,
            workdir in "[^\0]{0,20}",
            words in proptest::collection::vec("[^\0]{0,20}", 0..6),
            names in proptest::collection::vec("[A-Z]{1,8}", 0..6),
            task in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut buffer = Vec::new();
            let mut request = Request::begin(&mut buffer, number, &workdir);
            for word in &words {
                request.argument(word);
            }
            for name in &names {
                request.variable(name, "v");
            }
            request.finish(&task);
            prop_assert_eq!(request_length(&buffer), buffer.len());
            let received = parse_request(&buffer).unwrap();
            let text = |at: usize| {
                std::ffi::CStr::from_bytes_until_nul(&buffer[at..]).unwrap().to_str().unwrap().to_owned()
            };
            prop_assert_eq!(received.number, number);
            prop_assert_eq!(text(received.workdir), workdir);
            prop_assert_eq!(received.arguments.iter().map(|at| text(*at)).collect::<Vec<_>>(), words);
            let expected = names.iter().map(|name| format!("{name}=v")).collect::<Vec<_>>();
            prop_assert_eq!(received.variables.iter().map(|at| text(*at)).collect::<Vec<_>>(), expected);
            prop_assert_eq!(&buffer[received.task..], &task[..]);
        }

        #[test]
        fn any_bytes_are_no_request_or_one_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(received) = parse_request(&bytes) {
                prop_assert!(received.task <= bytes.len());
            }
            let _ = Reply::decode(&bytes);
        }
    }

    #[test]
    fn replies_round_trip() {
        let gone = Reply::Gone { number: 3, status: -1, cpu_us: u64::MAX, peak_kib: 4, started: -5, dirty: true };
        let failed = Reply::NotExecuted { number: 9, errno: 2, workdir: true };
        for reply in [Reply::Ready, Reply::Broken(7), failed, Reply::Lingering { number: 1 }, gone] {
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
    }
}
