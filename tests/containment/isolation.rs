//! Isolation: nothing in a cage sees, signals, traces, reads, writes or reaches anything that it was not given.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};

use menagerie::domain::cage::NetworkWord;
use menagerie::domain::{CageSpec, Enforcement, NetworkPolicy};

use crate::client::{Worker, cage, eventually, is_alive, start};

/// Runs a Python program in a cage and gives back what it printed.
fn python(worker: &mut Worker, spec: &CageSpec, program: &str) -> String {
    let id = worker.begin(start(spec.id, &["python3", "-c", program]));
    let (outcome, _) = worker.ended(id);
    let output = worker.output(id);
    assert!(outcome.succeeded(), "{outcome:?}: {output}");
    output
}

/// A Python function that tells whether something works, or by which error it does not.
const TRY: &str = "
import errno, os, socket, ctypes
def attempt(name, f):
    try:
        r = f()
        print(name, 'WORKED', r)
    except OSError as e:
        print(name, errno.errorcode.get(e.errno, e.errno))
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    r = libc.syscall(number, *args)
    if r < 0: raise OSError(ctypes.get_errno(), 'x')
    return r
";

#[test]
fn files_outside_cannot_be_read_or_written() {
    let outside = tempfile::Builder::new().prefix("menagerie-outside-").tempdir().unwrap();
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let mut worker = Worker::start();
    std::fs::write(worker.folder.join("menagerie.db"), "journal").unwrap();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let data = worker.folder.display().to_string();
    let program = format!(
        "{TRY}
for path in ['{secret}', '{data}/menagerie.db', '{data}/worker.sock', '{data}/worker.lock', '/etc/shadow', '/root', '/home', '/proc/1/root', '/proc/1/environ', '/proc/1/fd/3', '/proc/1/mem', '/proc/kcore', '/sys', '/var', '/run/systemd', '/boot']:
    attempt(path, lambda: open(path, 'rb').read(1) if not os.path.isdir(path) else os.listdir(path))
for path in ['/usr/x', '/etc/x', '/x', '/bin/sh', '/run/menagerie/task.json', '{data}/x', '{data}/cages/001/x', '/dev/x', '/proc/sys/kernel/core_pattern', '/proc/self/oom_score_adj', '/proc/sys/vm/drop_caches']:
    attempt('w ' + path, lambda: open(path, 'w').write('1'))
attempt('mknod', lambda: os.mknod('disk', 0o60600, os.makedev(254, 0)))
attempt('chroot', lambda: os.chroot('.'))
attempt('link', lambda: os.link('/usr/bin/env', 'env'))
print('data', sorted(os.listdir('{data}')), sorted(os.listdir('{data}/cages')))
print('dev', sorted(os.listdir('/dev')))
print('root', sorted(os.listdir('/')))
",
        secret = secret.display()
    );
    let output = python(&mut worker, &spec, &program);
    // Without privileges the empty folders on the way to the cage's own are the agent's: they lie in its private /tmp.
    let own = format!("w {data}");
    assert!(!output.lines().any(|line| line.contains("WORKED") && !line.starts_with(&own)), "{output}");
    assert!(!worker.folder.join("x").exists() && !worker.folder.join("cages/001/x").exists());
    assert!(output.contains("data ['cages'"), "{output}");
    let devices = "dev ['fd', 'full', 'null', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'urandom', 'zero']";
    assert!(output.contains(devices), "{output}");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "secret");
}

#[test]
fn granted_paths_can_be_read_or_written_and_the_data_directory_stays_hidden_in_them() {
    let given = tempfile::Builder::new().prefix("menagerie-given-").tempdir().unwrap();
    let (readable, writable) = (given.path().join("r"), given.path().join("w"));
    for folder in [&readable, &writable] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("file"), "content").unwrap();
        std::fs::set_permissions(folder.join("file"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    // The data directory lies in what is granted, which must not open it.
    let data = given.path().join("w/data");
    std::fs::create_dir(&data).unwrap();
    let mut worker = Worker::start_in(&data);
    std::fs::write(data.join("menagerie.db"), "journal").unwrap();
    let mut spec = cage(1);
    spec.read = vec![readable.display().to_string()];
    spec.write = vec![writable.display().to_string()];
    worker.declare(&spec, 1);
    let (r, w) = (readable.display(), writable.display());
    let script = format!(
        "cat {r}/file {w}/file; echo new > {w}/new; mkdir {w}/sub; mv {w}/new {w}/sub/; \
         echo x > {r}/new && echo BAD; echo x > {r}/file && echo BAD; cat {w}/data/menagerie.db && echo BAD; \
         ls -A {w}/data; touch mine; exit 0"
    );
    let (outcome, output) = worker.shell(spec.id, &script);
    assert!(outcome.succeeded() && output.starts_with("contentcontent"), "{outcome:?} {output}");
    assert!(!output.contains("BAD") && !output.contains("journal"), "{output}");
    let made = std::fs::metadata(writable.join("sub/new")).unwrap();
    let mine = std::fs::metadata(data.join("cages/001/work/mine")).unwrap();
    // What an agent makes belongs to the owner.
    let owner = rustix::process::getuid().as_raw();
    assert_eq!((made.uid(), mine.uid()), (owner, owner));
    for refused in ["/", data.to_str().unwrap()] {
        let mut bad = cage(2);
        bad.read = vec![refused.to_owned()];
        worker.declare(&bad, 1);
        let (outcome, _) = worker.shell(bad.id, "true");
        assert!(outcome.message.contains(refused), "{outcome:?}");
    }
    // Nor a program that others would run as the owner, however it is made.
    let attack = format!(
        r#"import os
def tries(name, make):
    path = "{w}/" + name
    try: make(path)
    except OSError as error: print(name, error.errno)
def chmod(path): open(path, "w").close(); os.chmod(path, 0o4755)
def fchmod(path): os.fchmod(os.open(path, os.O_CREAT | os.O_WRONLY), 0o6755)
tries("chmod", chmod)
tries("fchmod", fchmod)
tries("open", lambda path: os.open(path, os.O_CREAT | os.O_WRONLY, 0o4755))
tries("mknod", lambda path: os.mknod(path, 0o104755))
"#
    );
    let output = python(&mut worker, &spec, &attack);
    assert_eq!(output.lines().count(), 4, "each is refused: {output}");
    for entry in std::fs::read_dir(&writable).unwrap() {
        let bits = std::fs::metadata(entry.unwrap().path()).unwrap().mode();
        assert_eq!(bits & 0o6000, 0, "{bits:o} {output}");
    }
    // What is granted and not there is not there in the cage either.
    let mut without = cage(3);
    without.read = vec!["/no/such/path".to_owned()];
    worker.declare(&without, 1);
    let (outcome, output) = worker.shell(without.id, "test -e /no/such/path && echo BAD; exit 0");
    assert!(outcome.succeeded() && !output.contains("BAD"), "{outcome:?} {output}");
}

#[test]
fn the_data_directory_stays_hidden_where_it_is_mounted_a_second_time() {
    if !rustix::process::getuid().is_root() {
        // Only root can mount, and who is not root sees what root has mounted by the same means.
        return;
    }
    let given = tempfile::Builder::new().prefix("menagerie-given-").tempdir().unwrap();
    let (home, place, part) = (given.path().join("home"), given.path().join("srv/home"), given.path().join("mnt"));
    let data = home.join("u/data");
    for folder in [&data.join("artifacts"), &place, &part] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(data.join("menagerie.db"), "journal").unwrap();
    std::fs::write(data.join("artifacts/one"), "artifact").unwrap();
    std::fs::write(home.join("u/notes"), "notes").unwrap();
    // In a mount namespace of its own, so that the mounts end with the worker.
    let mount = r#"mount --bind "$1/home" "$1/srv/home" && mount --bind "$1/home/u/data/artifacts" "$1/mnt" &&
        exec "$2" worker --data-dir "$1/home/u/data""#;
    let log = std::fs::File::create(data.join("worker.log")).unwrap();
    let child = std::process::Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", mount, "sh"])
        .arg(given.path())
        .arg(env!("CARGO_BIN_EXE_menagerie"))
        .stderr(log)
        .spawn()
        .unwrap();
    let mut worker = Worker::adopt(child, &data);
    for (number, granted) in [(1, given.path().join("srv")), (2, place.clone())] {
        let mut spec = cage(number);
        spec.read = vec![granted.display().to_string()];
        worker.declare(&spec, 1);
        let seen = place.join("u").display().to_string();
        let (outcome, output) =
            worker.shell(spec.id, &format!("cat {seen}/notes; ls -A {seen}/data; cat {seen}/data/*"));
        assert!(output.starts_with("notes"), "{outcome:?} {output}");
        assert!(!output.contains("menagerie.db") && !output.contains("journal"), "{output}");
    }
    for (number, refused) in [(3, &part), (4, &place.join("u/data/artifacts")), (5, &given.path().to_owned())] {
        let mut spec = cage(number);
        spec.read = vec![refused.display().to_string()];
        worker.declare(&spec, 1);
        let (outcome, output) = worker.shell(spec.id, &format!("cat {}/one", part.display()));
        let why = if number == 4 { "lies in Menagerie's own data directory" } else { "a part of it is mounted at" };
        assert!(outcome.message.contains(why) && output.is_empty(), "{outcome:?} {output}");
    }
}

#[test]
fn a_grant_stays_what_it_was_when_another_agent_puts_a_link_in_its_place() {
    let given = tempfile::Builder::new().prefix("menagerie-given-").tempdir().unwrap();
    let secret = tempfile::Builder::new().prefix("menagerie-secret-").tempdir().unwrap();
    let shared = given.path().join("shared");
    std::fs::create_dir_all(shared.join("lib")).unwrap();
    std::fs::write(shared.join("lib/file"), "harmless").unwrap();
    std::fs::write(secret.path().join("file"), "secret").unwrap();
    for folder in [given.path(), &shared, secret.path()] {
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let mut worker = Worker::start();
    std::fs::write(worker.folder.join("file"), "journal").unwrap();
    let (mut writer, mut reader) = (cage(1), cage(2));
    writer.write = vec![shared.display().to_string()];
    reader.read = vec![shared.join("lib").display().to_string()];
    worker.declare(&writer, 1);
    worker.declare(&reader, 1);
    let look = format!("cat {0}/lib/file; ls {0}/lib/; touch /tmp/left", shared.display());
    let (outcome, output) = worker.shell(reader.id, &look);
    assert!(outcome.succeeded() && output.starts_with("harmless"), "{outcome:?} {output}");
    for lure in [secret.path(), &worker.folder.clone()] {
        let swap = format!("cd {}; mv lib old; ln -s {} lib", shared.display(), lure.display());
        assert!(worker.shell(writer.id, &swap).0.succeeded());
        assert!(shared.join("lib").is_symlink());
        // What the reader left in /tmp has its slot built anew each time.
        for _ in 0..2 {
            let (_, output) = worker.shell(reader.id, &look);
            assert!(output.starts_with("harmless"), "{output}");
        }
        // Another limit is no reason to look the path up again.
        reader.limits.disk = Some(menagerie::domain::Bytes::from_mib(lure.as_os_str().len() as u64));
        worker.declare(&reader, 1);
        let (_, output) = worker.shell(reader.id, &look);
        assert!(output.starts_with("harmless"), "{output}");
        // A cage that is new to the worker cannot know what the link was before; it is told so.
        let mut late = cage(3);
        late.read.clone_from(&reader.read);
        worker.send(&menagerie::domain::link::ToWorker::RemoveCage { cage_id: late.id });
        worker.declare(&late, 1);
        let (outcome, _) = worker.shell(late.id, &look);
        let refused = outcome.message.contains("a link leads out") || outcome.message.contains("data directory");
        assert!(refused, "{outcome:?}");
        let restore = format!("cd {}; rm lib; mv old lib", shared.display());
        assert!(worker.shell(writer.id, &restore).0.succeeded());
    }
}

/// Somebody outside who must not be reached, in as many ways as a process can be spoken to.
struct Outside {
    tcp: TcpListener,
    udp: UdpSocket,
    name: String,
    _abstract: UnixListener,
}

impl Outside {
    fn new() -> Self {
        let name = format!("menagerie-test-{}-{:?}", std::process::id(), std::thread::current().id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Self {
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
            _abstract: UnixListener::bind_addr(&address).unwrap(),
            name,
        }
    }

    fn attempts(&self) -> String {
        let (tcp, udp, name) =
            (self.tcp.local_addr().unwrap().port(), self.udp.local_addr().unwrap().port(), &self.name);
        // Below those that the kernel gives to connections, and another for each process that runs these tests at a time.
        let free = 20_000 + std::process::id() % 10_000;
        format!(
            "{TRY}
def open_and(f, *a):
    s = socket.socket(*a)
    try: return f(s)
    finally: s.close()
attempt('tcp', lambda: open_and(lambda s: s.connect(('127.0.0.1', {tcp})), socket.AF_INET, socket.SOCK_STREAM))
attempt('udp', lambda: open_and(lambda s: s.sendto(b'x', ('127.0.0.1', {udp})), socket.AF_INET, socket.SOCK_DGRAM))
attempt('tcp6', lambda: open_and(lambda s: s.connect(('::ffff:127.0.0.1', {tcp})), socket.AF_INET6, socket.SOCK_STREAM))
attempt('abstract', lambda: open_and(lambda s: s.connect('\\0{name}'), socket.AF_UNIX, socket.SOCK_STREAM))
attempt('raw', lambda: open_and(lambda s: 1, socket.AF_INET, socket.SOCK_RAW, 1))
attempt('packet', lambda: open_and(lambda s: 1, socket.AF_PACKET, socket.SOCK_RAW))
attempt('vsock', lambda: open_and(lambda s: 1, socket.AF_VSOCK, socket.SOCK_STREAM))
attempt('netlink', lambda: open_and(lambda s: 1, socket.AF_NETLINK, socket.SOCK_RAW, 9))
attempt('alg', lambda: open_and(lambda s: 1, socket.AF_ALG, socket.SOCK_SEQPACKET))
attempt('bluetooth', lambda: open_and(lambda s: 1, 31, socket.SOCK_RAW, 1))
attempt('mptcp', lambda: open_and(lambda s: s.connect(('127.0.0.1', {tcp})), socket.AF_INET, socket.SOCK_STREAM, 262))
attempt('bind', lambda: open_and(lambda s: s.bind(('127.0.0.1', {free})), socket.AF_INET, socket.SOCK_STREAM))
attempt('io_uring', lambda: call(425, 8, ctypes.create_string_buffer(200)))
attempt('pair', lambda: len(socket.socketpair()))
"
        )
    }
}

#[test]
fn without_network_nothing_can_be_reached() {
    let outside = Outside::new();
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let output = python(&mut worker, &spec, &outside.attempts());
    assert!(output.contains("pair WORKED 2"), "sockets within the cage are its own affair: {output}");
    assert_eq!(output.matches("WORKED").count(), 1, "{output}");
    outside.udp.set_nonblocking(true).unwrap();
    assert!(outside.udp.recv(&mut [0; 8]).is_err(), "a datagram has come through");
}

#[test]
fn a_list_of_ports_opens_these_and_no_others() {
    let outside = Outside::new();
    let granted = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = granted.local_addr().unwrap().port();
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.network = NetworkPolicy::Ports(vec![port]);
    worker.declare(&spec, 1);
    let output = python(&mut worker, &spec, &outside.attempts());
    assert_eq!(output.matches("WORKED").count(), 1, "{output}");
    let server = std::thread::spawn(move || {
        let (mut peer, _) = granted.accept().unwrap();
        let mut request = vec![];
        peer.read_to_end(&mut request).unwrap();
        peer.write_all(&request).unwrap();
        request.len()
    });
    let program = format!(
        "
import socket, hashlib
s = socket.create_connection(('127.0.0.1', {port}))
data = b'0123456789abcdef' * 65536
import threading
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
got = b''
while True:
    part = s.recv(65536)
    if not part: break
    got += part
print(got == data)
"
    );
    assert_eq!(python(&mut worker, &spec, &program), "True\n");
    assert_eq!(server.join().unwrap(), 1 << 20);
}

#[test]
fn connections_through_the_relay_end_with_their_agent_and_spin_for_nobody() {
    let granted = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = granted.local_addr().unwrap().port();
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.network = NetworkPolicy::Ports(vec![port]);
    worker.declare(&spec, 1);
    assert!(worker.shell(spec.id, "true").0.succeeded());
    let process = format!("/proc/{}", worker.pid());
    let descriptors = || std::fs::read_dir(format!("{process}/fd")).unwrap().count();
    let before = descriptors();
    // A server that answers, and neither reads on nor hangs up.
    let (ask, asked) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let peers: Vec<_> = (0..301)
            .map(|_| {
                let (mut peer, _) = granted.accept().unwrap();
                peer.write_all(b"an answer that nobody reads").unwrap();
                peer
            })
            .collect();
        asked.recv().unwrap();
        drop(peers);
    });
    // One child leaves with its answer unread; the main process stays.
    let program = format!(
        "
import os, socket, time
if os.fork() == 0:
    s = socket.create_connection(('127.0.0.1', {port}))
    s.shutdown(socket.SHUT_WR)
    while not s.recv(1, socket.MSG_PEEK): pass
    os._exit(0)
os.wait()
print('left', flush=True)
time.sleep(1000)
"
    );
    let id = worker.begin(start(spec.id, &["python3", "-c", &program]));
    worker.started(id);
    eventually("the child has left", || worker.output(id).contains("left"));
    let ticks = || {
        let stat = std::fs::read_to_string(format!("{process}/stat")).unwrap();
        let (_, rest) = stat.rsplit_once(')').unwrap();
        rest.split_whitespace().skip(11).take(2).map(|word| word.parse::<u64>().unwrap()).sum::<u64>()
    };
    let mut last = ticks();
    eventually("the worker rests", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = ticks();
        std::mem::replace(&mut last, now) == now
    });
    worker.stop(id, menagerie::domain::Span::ZERO);
    worker.ended(id);
    eventually("its connection has ended", || descriptors() == before);
    // More connections than a slot may have: those beyond wait, and come in turn.
    let program = format!(
        "
import socket, time
held = []
for n in range(256): held.append(socket.create_connection(('127.0.0.1', {port})))
for s in held: s.recv(1)
late = [socket.create_connection(('127.0.0.1', {port})) for n in range(44)]
late[0].settimeout(0.3)
try: late[0].recv(1); print('too many')
except TimeoutError: print('waits')
for s in held: s.close()
late[0].settimeout(None)
for s in late: s.recv(1)
print('came')
"
    );
    assert_eq!(python(&mut worker, &spec, &program), "waits\ncame\n");
    eventually("all connections have ended", || descriptors() == before);
    ask.send(()).unwrap();
    server.join().unwrap();
}

#[test]
fn all_of_the_network_is_the_hosts_but_not_its_abstract_sockets() {
    let outside = Outside::new();
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.network = NetworkPolicy::Word(NetworkWord::All);
    worker.declare(&spec, 1);
    let output = python(&mut worker, &spec, &outside.attempts());
    for works in ["tcp WORKED", "udp WORKED", "tcp6 WORKED", "bind WORKED", "pair WORKED"] {
        assert!(output.contains(works), "{works}: {output}");
    }
    for (refused, why) in
        [("abstract", "Landlock with scopes (version 6)"), ("raw", "no capabilities"), ("vsock", "the filter")]
    {
        assert!(!output.contains(&format!("{refused} WORKED")), "{refused} needs {why}: {output}");
    }
    assert_eq!(output.matches("WORKED").count(), 6, "{output}");
}

#[test]
fn processes_outside_cannot_be_seen_signalled_or_traced() {
    let mut worker = Worker::start();
    let (mut one, other) = (cage(1), cage(2));
    one.network = NetworkPolicy::Word(NetworkWord::All);
    worker.declare(&one, 2);
    worker.declare(&other, 1);
    let sleepers = [one.id, other.id].map(|id| worker.begin(start(id, &["sleep", "1000"])));
    for id in sleepers {
        worker.started(id);
    }
    let everybody = worker.descendants();
    let numbers: Vec<String> = everybody
        .iter()
        .map(u32::to_string)
        .chain([worker.pid().to_string(), std::process::id().to_string()])
        .collect();
    let program = format!(
        "{TRY}
import signal
for pid in [{}]:
    if os.path.exists('/proc/%d' % pid): continue
    attempt('signal %d' % pid, lambda: os.kill(pid, 0))
    attempt('trace %d' % pid, lambda: call(101, 16, pid, 0, 0))
print('seen', sorted(int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, os.getpid())))
attempt('init', lambda: os.kill(1, 9))
attempt('trace init', lambda: call(101, 16, 1, 0, 0))
attempt('all', lambda: os.kill(-1, 0))
for name, number, args in [('mount', 165, (b'none', b'/tmp', b'tmpfs', 0, 0)), ('unshare', 272, (0x10000000,)), ('setns', 308, (0, 0)), ('bpf', 321, (0, 0, 0)), ('perf', 298, (0, 0, 0, 0, 0)), ('keyctl', 250, (0, -3, 1)), ('userfaultfd', 323, (0,)), ('reboot', 169, (0, 0, 0, 0)), ('ptrace_me_ok', 39, ()), ('clone3', 435, (0, 0)), ('settime', 227, (0, 0)), ('x32', 0x40000000 + 39, ())]:
    attempt('call ' + name, lambda: call(number, *args))
print('still here')
",
        numbers.join(",")
    );
    let output = python(&mut worker, &one, &program);
    assert!(output.contains("still here"), "{output}");
    assert!(output.contains("seen []"), "{output}");
    let succeeded: Vec<&str> = output.lines().filter(|line| line.contains("WORKED")).collect();
    // Its own number, and a SIGKILL to init, which the kernel accepts and ignores.
    assert!(
        succeeded
            .iter()
            .all(|line| line.starts_with("call ptrace_me_ok") || line.starts_with("init ") || line.starts_with("all ")),
        "{succeeded:?}"
    );
    assert!(everybody.iter().all(|pid| is_alive(*pid)), "somebody was hit");
    assert!(sleepers.iter().all(|id| !worker.is_ended(*id)));
}

#[test]
fn every_limit_says_how_it_holds() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.gpu = Some(1);
    worker.declare(&spec, 1);
    let enforcement = worker.enforcement(spec.id);
    let held = |limit: &str| enforcement.0.iter().find(|entry| entry.limit == limit).map(|entry| entry.enforcement);
    for limit in ["network", "filesystem", "processes", "signals", "system calls", "privileges", "wall"] {
        assert_eq!(held(limit), Some(Enforcement::Enforced), "{limit}: {enforcement:?}");
    }
    for limit in ["cpu", "memory", "pids", "disk", "tokens", "gpu"] {
        assert!(held(limit).is_some(), "{limit}: {enforcement:?}");
    }
    assert!(enforcement.0.iter().all(|entry| !entry.by.is_empty()));
}

/// The same without root: a user namespace takes its place, and what only control groups can hold is watched.
#[test]
fn without_privileges_cages_hold_as_well() {
    if !rustix::process::getuid().is_root() {
        // This run is the one without privileges already.
        return;
    }
    let tests = [
        "isolation::",
        "endings::a_daemon",
        "endings::a_child",
        "endings::ignoring",
        "endings::stopping",
        "limits::filling",
        "limits::reported",
        "output::files",
        "output::flags",
        "output::the_task",
        "output::what",
    ];
    // The build folder may lie in a home that nobody else may enter, so both programs are put where anybody may.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (tests_program, menagerie) = (folder.path().join("containment"), folder.path().join("menagerie"));
    std::fs::copy(std::env::current_exe().unwrap(), &tests_program).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_menagerie"), &menagerie).unwrap();
    let run = std::process::Command::new("setpriv")
        .args(["--reuid=12345", "--regid=12345", "--clear-groups"])
        .arg(&tests_program)
        .args(tests)
        .env("MENAGERIE_TEST_BINARY", &menagerie)
        .current_dir("/")
        .env("HOME", "/tmp")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}{err}");
    assert!(out.contains("without_privileges_cages_hold_as_well ... ok"), "{out}");
}
