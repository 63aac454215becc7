//! The system call filter: what an agent has no business with is refused, everything else is let through.
//!
//! Refused are the kernel's administration, new namespaces and mounts, the keyring (it is shared between users of the
//! same number), `io_uring` (its operations would pass by this filter), and sockets of families that the network policy
//! does not give. `clone3` and `openat2` do not exist for the agent, because their flags lie in memory where a filter cannot
//! read them; libraries fall back to `clone` and `openat`, whose flags are looked at. What makes a file or changes its mode may
//! not set the bits by which it would run as its owner or group: what an agent makes in a granted folder belongs to the
//! owner of the fleet, and others may be able to run it there.
//!
//! Calls that are allowed whatever their arguments cost nothing: the kernel works out once which those are and does not
//! run the program for them.

use libc::sock_filter;

use crate::domain::NetworkPolicy;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

/// Offsets in the kernel's `struct seccomp_data`. Both architectures are little-endian.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const JUMP_BITS: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const fn refuse(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno.cast_unsigned()
}

const fn op(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}
/// Goes on with the next instruction when the test holds and skips `otherwise` instructions when it does not.
const fn test(code: u16, k: u32, otherwise: u8) -> sock_filter {
    sock_filter { code, jt: 0, jf: otherwise, k }
}

/// Every flag of `clone` that makes a namespace.
const NEW_NAMESPACES: u32 = 0x7E02_0000;

/// `EPERM`: the kernel's administration, and what would lead out of the cage.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    libc::SYS_mq_open,
    libc::SYS_msgget,
    libc::SYS_memfd_secret,
    libc::SYS_lookup_dcookie,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// `ENOSYS`: programs have another way and take it.
const MISSING: &[libc::c_long] = &[
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// `fchmodat2` has this number everywhere, which the library does not know everywhere yet.
const FCHMODAT2: libc::c_long = 452;

/// The bits of a mode by which a program runs as the file's owner or group.
const SET_ID: u32 = libc::S_ISUID | libc::S_ISGID;

/// With one of these flags a call that opens a file makes it, and its mode means something.
const MAKES: u32 = (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY).cast_unsigned();

/// The calls that give a file a mode: which argument has flags that have to be [`MAKES`], if that matters, and which the mode.
const MODES: &[(libc::c_long, Option<u32>, u32)] = &[
    (libc::SYS_fchmod, None, 1),
    (libc::SYS_fchmodat, None, 2),
    (FCHMODAT2, None, 2),
    (libc::SYS_openat, Some(2), 3),
    (libc::SYS_mknodat, None, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, None, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, Some(1), 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, None, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, None, 1),
];

fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

/// The program for a network policy.
pub(super) fn program(network: &NetworkPolicy) -> Vec<sock_filter> {
    // Room for all of it: memory that is moved while it grows is memory that a fresh init touches.
    let mut code = Vec::with_capacity(512);
    code.extend([op(LOAD, ARCH), test(JUMP_EQUAL, ARCHITECTURE, 1), op(LOAD, NUMBER)]);
    // A foreign architecture's numbers mean something else; here the test above lands when it fails.
    code[1] = sock_filter { code: JUMP_EQUAL, jt: 1, jf: 0, k: ARCHITECTURE };
    code.insert(2, op(RETURN, KILL));
    // Numbers from here on belong to the x32 variant of x86-64 and would pass by every comparison below.
    code.extend([test(JUMP_AT_LEAST, 0x4000_0000, 1), op(RETURN, refuse(libc::ENOSYS))]);
    for call in REFUSED {
        code.extend([test(JUMP_EQUAL, number(*call), 1), op(RETURN, refuse(libc::EPERM))]);
    }
    for call in MISSING {
        code.extend([test(JUMP_EQUAL, number(*call), 1), op(RETURN, refuse(libc::ENOSYS))]);
    }
    call_block(
        &mut code,
        libc::SYS_clone,
        &[
            op(LOAD, argument(0)),
            test(JUMP_BITS, NEW_NAMESPACES, 1),
            op(RETURN, refuse(libc::EPERM)),
            op(RETURN, ALLOW),
        ],
    );
    call_block(
        &mut code,
        libc::SYS_ioctl,
        &[
            op(LOAD, argument(1)),
            // Typing into a terminal as if one were the person before it.
            test(JUMP_EQUAL, 0x5412, 1),
            op(RETURN, refuse(libc::EPERM)),
            test(JUMP_EQUAL, 0x541C, 1),
            op(RETURN, refuse(libc::EPERM)),
            op(RETURN, ALLOW),
        ],
    );
    for (call, flags, mode) in MODES {
        let mut block = vec![];
        if let Some(flags) = flags {
            block.extend([op(LOAD, argument(*flags)), test(JUMP_BITS, MAKES, 3)]);
        }
        block.extend([op(LOAD, argument(*mode)), test(JUMP_BITS, SET_ID, 1), op(RETURN, refuse(libc::EPERM))]);
        block.push(op(RETURN, ALLOW));
        call_block(&mut code, *call, &block);
    }
    let sockets = sockets(network);
    call_block(&mut code, libc::SYS_socket, &sockets);
    code.push(op(RETURN, ALLOW));
    code
}

/// Adds `block`, which has to return on every path, for one call.
fn call_block(code: &mut Vec<sock_filter>, call: libc::c_long, block: &[sock_filter]) {
    code.push(test(JUMP_EQUAL, number(call), u8::try_from(block.len()).unwrap_or(u8::MAX)));
    code.extend_from_slice(block);
}

fn sockets(network: &NetworkPolicy) -> Vec<sock_filter> {
    let family = |family: i32| family.cast_unsigned();
    let unsupported = op(RETURN, refuse(libc::EAFNOSUPPORT));
    let allow = op(RETURN, ALLOW);
    let mut block = vec![op(LOAD, argument(0)), test(JUMP_EQUAL, family(libc::AF_UNIX), 1), allow];
    if network.is_all() {
        block.extend([test(JUMP_EQUAL, family(libc::AF_INET), 1), allow]);
        block.extend([test(JUMP_EQUAL, family(libc::AF_INET6), 1), allow]);
        // Of netlink only the part by which libraries learn addresses and routes.
        block.extend([
            test(JUMP_EQUAL, family(libc::AF_NETLINK), 3),
            op(LOAD, argument(2)),
            test(JUMP_EQUAL, family(libc::NETLINK_ROUTE), 1),
            allow,
        ]);
    } else if !network.ports().is_empty() {
        // TCP and nothing else: Landlock's rules for ports do not see other protocols, multipath TCP among them.
        for one in [libc::AF_INET, libc::AF_INET6] {
            block.extend([
                test(JUMP_EQUAL, family(one), 9),
                op(LOAD, argument(1)),
                op(AND, 0xF),
                test(JUMP_EQUAL, family(libc::SOCK_STREAM), 4),
                op(LOAD, argument(2)),
                test(JUMP_EQUAL, 0, 1),
                allow,
                sock_filter { code: JUMP_EQUAL, jt: 1, jf: 0, k: family(libc::IPPROTO_TCP) },
                unsupported,
                allow,
            ]);
        }
    }
    block.push(unsupported);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program as the kernel would, for the instructions used here.
    fn run<const N: usize>(program: &[sock_filter], call: libc::c_long, arguments: [u32; N]) -> u32 {
        let load = |offset: u32| match offset {
            NUMBER => number(call),
            ARCH => ARCHITECTURE,
            _ => arguments[(offset as usize - 16) / 8],
        };
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let op = &program[at];
            let jump = |holds: bool| 1 + usize::from(if holds { op.jt } else { op.jf });
            at += match op.code {
                LOAD => {
                    accumulator = load(op.k);
                    1
                }
                AND => {
                    accumulator &= op.k;
                    1
                }
                JUMP_EQUAL => jump(accumulator == op.k),
                JUMP_AT_LEAST => jump(accumulator >= op.k),
                JUMP_BITS => jump(accumulator & op.k != 0),
                RETURN => return op.k,
                code => panic!("unknown instruction {code}"),
            };
        }
    }

    fn socket(network: &NetworkPolicy, family: i32, kind: i32, protocol: i32) -> bool {
        let arguments = [family, kind, protocol].map(i32::cast_unsigned);
        run(&program(network), libc::SYS_socket, arguments) == ALLOW
    }

    #[test]
    fn calls_are_judged_as_listed() {
        let none = program(&NetworkPolicy::Unsaid);
        for call in REFUSED {
            assert_eq!(run(&none, *call, [0; 3]), refuse(libc::EPERM), "{call}");
        }
        assert_eq!(run(&none, libc::SYS_clone3, [0; 3]), refuse(libc::ENOSYS));
        assert_eq!(run(&none, libc::SYS_read, [0; 3]), ALLOW);
        assert_eq!(run(&none, 0x4000_0000 + libc::SYS_read, [0; 3]), refuse(libc::ENOSYS));
        assert_eq!(run(&none, libc::SYS_clone, [libc::SIGCHLD.cast_unsigned(), 0, 0]), ALLOW);
        assert_eq!(run(&none, libc::SYS_clone, [libc::CLONE_NEWUSER.cast_unsigned(), 0, 0]), refuse(libc::EPERM));
        assert_eq!(run(&none, libc::SYS_ioctl, [0, 0x5412, 0]), refuse(libc::EPERM));
        assert_eq!(run(&none, libc::SYS_ioctl, [0, 0x5401, 0]), ALLOW);
    }

    #[test]
    fn no_file_gets_the_bits_to_run_as_its_owner() {
        let none = program(&NetworkPolicy::Unsaid);
        let (make, tmp) = (libc::O_CREAT.cast_unsigned(), libc::O_TMPFILE.cast_unsigned());
        for bits in [0o4755, 0o2755, 0o6000] {
            assert_eq!(run(&none, libc::SYS_fchmod, [3, bits]), refuse(libc::EPERM));
            assert_eq!(run(&none, libc::SYS_fchmodat, [3, 0, bits]), refuse(libc::EPERM));
            assert_eq!(run(&none, FCHMODAT2, [3, 0, bits, 0]), refuse(libc::EPERM));
            assert_eq!(run(&none, libc::SYS_mknodat, [3, 0, libc::S_IFREG | bits]), refuse(libc::EPERM));
            for flags in [make, make | 1, tmp] {
                assert_eq!(run(&none, libc::SYS_openat, [3, 0, flags, bits]), refuse(libc::EPERM));
            }
            let directory = libc::O_DIRECTORY.cast_unsigned();
            assert_eq!(run(&none, libc::SYS_openat, [3, 0, directory, bits]), ALLOW, "nobody reads that mode");
        }
        assert_eq!(run(&none, libc::SYS_fchmod, [3, 0o1777]), ALLOW);
        assert_eq!(run(&none, libc::SYS_openat, [3, 0, make, 0o755]), ALLOW);
        assert_eq!(run(&none, libc::SYS_openat2, [0; 3]), refuse(libc::ENOSYS));
    }

    #[test]
    fn sockets_follow_the_policy() {
        let (stream, datagram) = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC, libc::SOCK_DGRAM);
        let none = NetworkPolicy::Unsaid;
        let all = NetworkPolicy::Word(crate::domain::cage::NetworkWord::All);
        let ports = NetworkPolicy::Ports(vec![80]);
        let others = [libc::AF_VSOCK, libc::AF_PACKET, libc::AF_BLUETOOTH, libc::AF_ALG, libc::AF_TIPC, 45, -1];
        for network in [&none, &all, &ports] {
            assert!(socket(network, libc::AF_UNIX, stream, 0));
            for family in others {
                assert!(!socket(network, family, stream, 0), "{network} {family}");
            }
        }
        for family in [libc::AF_INET, libc::AF_INET6] {
            assert!(!socket(&none, family, stream, 0) && !socket(&none, family, datagram, 0));
            assert!(socket(&all, family, stream, 0) && socket(&all, family, datagram, 0));
            assert!(socket(&ports, family, stream, 0) && socket(&ports, family, stream, libc::IPPROTO_TCP));
            assert!(!socket(&ports, family, datagram, 0) && !socket(&ports, family, stream, libc::IPPROTO_MPTCP));
            assert!(!socket(&ports, family, libc::SOCK_RAW, 0) && !socket(&ports, family, stream, 132));
        }
        assert!(socket(&all, libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE));
        assert!(!socket(&all, libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_AUDIT));
        assert!(!socket(&none, libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE));
    }
}
