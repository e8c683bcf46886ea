"""Applies logging configurations to CPython and to the probe, and compares everything that comes of them.

Usage: compare.py PROBE PART, where PART is `accepted`, `rejected`, `broken` or `journal`.
Prints one line for each difference and ends with a line of figures; the exit status is 0 if there is no difference.
"""
import base64
import contextlib
import copy
import email
import email.policy
import http.server
import io
import json
import logging
import logging.config
import logging.handlers
import os
import pickle
import re
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings

from cases import ACCEPTED, BROKEN, RECORDS, REJECTED

PROBE = os.path.abspath(sys.argv[1])
TIMEOUT = 60
# Certificates with their keys, valid for a hundred years: one for mail.example.org, which nobody trusts, and one for 127.0.0.1,
# which both sides do.
PEM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'mail.pem')
TRUSTED_PEM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'web.pem')
os.environ['SSL_CERT_FILE'] = TRUSTED_PEM
# The instant from which the ages of files count: one for both sides, since names of rotated files have seconds.
NOW = int(time.time())
# What differs from run to run: times of day, and the fields that only one side can know.
TIMES = re.compile(r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?')
OWN_FIELDS = {'created', 'msecs', 'relativeCreated', 'thread', 'process', 'asctime'}


class Listener:
    """Something that records what arrives at it."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.got = []
        self.port = 0
        self.threads = []
        self.stop = False
        if kind.startswith('smtp-tls'):
            self.start_smtp_with_tls()
        elif kind.startswith('smtp'):
            self.start_smtp()
        elif kind.startswith('http'):
            self.start_http()
        else:
            family = socket.AF_UNIX if kind.startswith('unix') else socket.AF_INET
            self.stream = kind.split('-')[1] == 'stream'
            self.socket = socket.socket(family, socket.SOCK_STREAM if self.stream else socket.SOCK_DGRAM)
            if family == socket.AF_UNIX:
                self.socket.bind(os.path.join(folder, 'log.sock'))
            else:
                self.socket.bind(('127.0.0.1', 0))
                self.port = self.socket.getsockname()[1]
            if self.stream:
                self.socket.listen()
                self.start(self.accept)

    def start(self, what, *args):
        thread = threading.Thread(target=what, args=args, daemon=True)
        thread.start()
        self.threads.append(thread)

    def accept(self):
        self.socket.settimeout(0.05)
        while True:
            try:
                connection, _ = self.socket.accept()
            except TimeoutError:
                if self.stop:
                    return
                continue
            data = b''
            connection.settimeout(TIMEOUT)
            while chunk := connection.recv(65536):
                data += chunk
            connection.close()
            if data:
                self.got.append(data)

    def start_smtp(self):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            import asyncore
            import smtpd
        got = self.got
        sockets = {}

        class Channel(smtpd.SMTPChannel):
            def smtp_EHLO(self, arg):
                self._set_rset_state()
                self.seen_greeting = arg
                self.extended_smtp = True
                for line in ['250-' + self.fqdn, '250-8BITMIME', '250 AUTH PLAIN']:
                    self.push(line)

            def smtp_AUTH(self, arg):
                mechanism, credentials = arg.split(' ')
                got.append((mechanism, base64.b64decode(credentials)))
                self.push('235 welcome')

        class Server(smtpd.SMTPServer):
            channel_class = Channel if self.kind == 'smtp-auth' else smtpd.SMTPChannel

            def process_message(self, peer, sender, recipients, data, **kwargs):
                got.append((sender, sorted(recipients), data))

        self.server = Server(('127.0.0.1', 0), None, map=sockets)
        self.port = self.server.socket.getsockname()[1]

        def run():
            while not self.stop:
                asyncore.loop(timeout=0.02, map=sockets, count=1)

        self.start(run)

    def start_smtp_with_tls(self):
        """A mail server that takes nothing but STARTTLS before it."""
        got = self.got
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
        if self.kind == 'smtp-tls-client':
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(PEM)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                is_safe = False
                self.say('220 mail.example.org')
                while line := self.rfile.readline().decode().strip():
                    word, _, rest = line.partition(' ')
                    word = word.upper()
                    if word == 'EHLO':
                        self.say(f"250-mail.example.org\r\n250 {'AUTH PLAIN' if is_safe else 'STARTTLS'}")
                    elif word == 'STARTTLS':
                        self.say('220 go on')
                        self.connection = context.wrap_socket(self.connection, server_side=True)
                        self.rfile, self.wfile = self.connection.makefile('rb'), self.connection.makefile('wb')
                        is_safe = True
                        got.append(('STARTTLS', self.connection.getpeercert() is not None))
                    elif word == 'QUIT':
                        return self.say('221 bye')
                    elif not is_safe:
                        self.say('530 STARTTLS first')
                    elif word == 'AUTH':
                        mechanism, credentials = rest.split(' ')
                        got.append((mechanism, base64.b64decode(credentials)))
                        self.say('235 welcome')
                    elif word == 'DATA':
                        self.say('354 go on')
                        while (line := self.rfile.readline()) != b'.\r\n':
                            if line == b'a secret\r\n':
                                got.append(line)
                        self.say('250 taken')
                    else:
                        self.say('250 yes')

            def say(self, text):
                self.wfile.write(f'{text}\r\n'.encode())
                self.wfile.flush()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

            def handle_error(self, *args):
                pass

        self.server = Server(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        self.start(self.server.serve_forever, 0.02)

    def start_http(self):
        got = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                length = int(self.headers.get('Content-length', 0))
                body = self.rfile.read(length)
                got.append((self.command, self.path, self.headers.items(), body))
                self.send_response(200)
                self.send_header('Content-Length', '0')
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        if self.kind != 'http':
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TRUSTED_PEM if self.kind == 'https' else PEM)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.server.handle_error = lambda *args: None
        self.port = self.server.server_port
        self.start(self.server.serve_forever, 0.02)

    def finish(self):
        """Everything that has arrived, in a form that can be compared."""
        if self.kind.startswith('http'):
            self.server.shutdown()
            self.server.server_close()
            return [self.http(*one) for one in self.got]
        if self.kind.startswith('smtp-tls'):
            self.server.shutdown()
            self.server.server_close()
            return self.got
        if self.kind.startswith('smtp'):
            time.sleep(0.05)
            self.stop = True
            for thread in self.threads:
                thread.join()
            self.server.close()
            return [self.mail(*one) if len(one) == 3 else one for one in self.got]
        if self.stream:
            self.stop = True
            for thread in self.threads:
                thread.join()
        else:
            self.socket.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                while True:
                    self.got.append(self.socket.recv(65536))
        self.socket.close()
        return self.got

    def http(self, method, path, headers, body):
        headers = [(name, re.sub(r':\d+$', ':PORT', value)) for name, value in headers if name != 'Content-length']
        path, _, query = path.partition('?')
        form = [pair.split('=', 1) for pair in (query or body.decode()).split('&')]
        assert all(len(pair) == 2 for pair in form)
        form = [(name, '' if name in OWN_FIELDS else value) for name, value in form]
        return method, path, headers, form

    def mail(self, sender, recipients, data):
        mail = email.message_from_bytes(data, policy=email.policy.default)
        assert mail['Date'].datetime is not None
        body = mail.get_content()
        return (sender, recipients, mail['From'], mail['To'], mail['Subject'], mail.get_content_type(),
                mail.get_content_charset(), body.rstrip('\n'))


def unpickled(data):
    """The records in what a SocketHandler or DatagramHandler has sent, read as a Python log server reads them."""
    records = []
    for one in data:
        while one:
            length, = struct.unpack('>L', one[:4])
            one, pickled = one[4 + length:], one[4:4 + length]
            assert len(pickled) == length
            fields = pickle.loads(pickled)
            record = logging.makeLogRecord(fields)
            assert record.getMessage() == fields['msg']
            for name in OWN_FIELDS - {'asctime'}:
                assert isinstance(fields[name], (int, float)), name
            records.append({name: '' if name in OWN_FIELDS else value for name, value in fields.items()})
    return records


def put(value, port, folder):
    """Puts the listener's port, the folder and so on in the place of their names."""
    if isinstance(value, dict):
        return {name: put(one, port, folder) for name, one in value.items()}
    if isinstance(value, list):
        return [put(one, port, folder) for one in value]
    if value == '@PORT@':
        return port
    if isinstance(value, str):
        return value.replace('@HOST@', f'127.0.0.1:{port}').replace('@LOCALHOST@', f'localhost:{port}').replace('@DIR@', folder)
    return value


def prepare(folder, case):
    """Fills a folder with the files that a case begins with."""
    for name, (content, age) in case.get('files', {}).items():
        path = os.path.join(folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        if age:
            os.utime(path, (NOW - age, NOW - age))


def files(folder):
    """What is in a folder."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path):
                with open(path, 'rb') as file:
                    found[os.path.relpath(path, folder)] = file.read()
    return found


def in_python(config, records, folder):
    """Forks, applies the configuration, logs, and returns whether it was refused, and the two outputs."""
    out = tempfile.TemporaryFile()
    err = tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.chdir(folder)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdout = open(1, 'w', encoding='utf-8', closefd=False)
            sys.stderr = open(2, 'w', encoding='utf-8', errors='backslashreplace', closefd=False)
            logging._handlerList.clear()
            try:
                logging.config.dictConfig(config)
            except Exception as error:
                print(repr(error), repr(error.__cause__))
                status = 2
                raise SystemExit
            status = 1
            logger = logging.getLogger('pydyndns')
            for level, message in records:
                if logger.isEnabledFor(level):
                    logger.handle(logger.makeRecord(
                        'pydyndns', level, 'src/some.file.rs', 17, message, (), None, 'pydyndns::dns'))
            status = 0
            logging.shutdown()
        except SystemExit:
            pass
        except BaseException as error:
            print('crashed:', repr(error), file=sys.stderr)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    texts = []
    for file in (out, err):
        file.seek(0)
        texts.append(file.read())
        file.close()
    return os.waitstatus_to_exitcode(status), *texts


def in_probe(config, records, folder, wrap=()):
    """The same with the probe, and how long it takes."""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as job:
        json.dump({'configuration': config, 'records': [
            {'level': level, 'message': message, 'file': 'src/some.file.rs', 'line': 17, 'module': 'pydyndns::dns'}
            for level, message in records]}, job)
        job.flush()
        start = time.monotonic()
        done = subprocess.run([*wrap, PROBE], cwd=folder, env={**os.environ, 'DICTCONFIG_JOB': job.name},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
        return done.returncode, done.stdout, done.stderr, time.monotonic() - start


def without_tracebacks(text):
    """stderr without CPython's tracebacks about logging, and whether there were any."""
    rest, count = re.subn(r'--- Logging error ---\n.*?\nArguments: [^\n]*\n', '', text, flags=re.S)
    return rest, count


def masked(text):
    """Text without what differs from run to run."""
    return TIMES.sub('TIME', text)


@contextlib.contextmanager
def side(case):
    """A folder and, if the case has one, a listener."""
    folder = tempfile.mkdtemp()
    try:
        prepare(folder, case)
        listener = Listener(case['listener'], folder) if 'listener' in case else None
        config = put(copy.deepcopy(case['config']), listener.port if listener else 0, folder)
        yield folder, config, listener
    finally:
        shutil.rmtree(folder)


def result(case, folder, listener):
    """Files and what has arrived."""
    arrived = listener.finish() if listener else []
    if 'pickle' in case:
        arrived = unpickled(arrived)
    found = {name: masked(content.decode('latin-1')) for name, content in files(folder).items()}
    return found, arrived


def compare_accepted(case):
    """Everything that is wrong with one configuration that CPython accepts."""
    records = case.get('records', RECORDS)
    with side(case) as (folder, config, listener):
        status, out, err = in_python(config, records, folder)
        if status not in (0, 1):
            return [f'CPython refuses it: {out}']
        theirs = result(case, folder, listener)
    with side(case) as (folder, config, listener):
        our_status, our_out, our_err, _ = in_probe(config, records, folder)
        ours = result(case, folder, listener)
    wrong = []
    if our_status != 0:
        wrong.append(f'exit status {our_status}: {our_out} {our_err}')
    err, tracebacks = without_tracebacks(masked(err.decode()))
    crashed = status == 1
    our_lines = masked(our_err.decode())
    if tracebacks or crashed:
        kept = [line for line in our_lines.splitlines(True) if not line.startswith('complaint: handlers.')]
        if len(kept) == len(our_lines.splitlines()):
            wrong.append('CPython complains, the probe does not')
        our_lines = ''.join(kept)
        err = re.sub(r'^crashed: .*\n', '', err, flags=re.M)
    if crashed:
        return wrong
    if masked(out.decode()) != masked(our_out.decode()):
        wrong.append(f'stdout: CPython {out!r}, here {our_out!r}')
    if err != our_lines:
        wrong.append(f'stderr: CPython {err!r}, here {our_lines!r}')
    if theirs[0] != ours[0]:
        wrong.append(f'files: CPython {theirs[0]!r}, here {ours[0]!r}')
    if theirs[1] != ours[1]:
        wrong.append(f'arrived: CPython {theirs[1]!r}, here {ours[1]!r}')
    if case.get('expect_arrival', True) and listener and not theirs[1]:
        wrong.append('nothing arrived on either side')
    return wrong


def compare_rejected(case):
    """Everything that is wrong with one configuration that CPython rejects."""
    with side(case) as (folder, config, _):
        status, out, _ = in_python(config, RECORDS, folder)
        if status != 2 and not case.get('native'):
            return [f'CPython accepts it: {out!r}']
    with side(case) as (folder, config, _):
        status, out, err, _ = in_probe(config, RECORDS, folder)
        left = files(folder)
    lines = out.decode().splitlines()
    wrong = []
    if status != 2 or len(lines) != 1 or err:
        wrong.append(f'exit status {status}, stdout {out!r}, stderr {err!r}')
    elif not lines[0].startswith(f"rejected: {case['path']}: "):
        wrong.append(f"the path should be {case['path']}: {lines[0]}")
    if left:
        wrong.append(f'files have been made: {list(left)}')
    return wrong


def check_broken(case):
    """Everything that is wrong with a run whose destination fails."""
    folder = tempfile.mkdtemp()
    closing = []
    try:
        port = case['prepare'](folder, closing) if 'prepare' in case else 0
        config = put(copy.deepcopy(case['config']), port, folder)
        status, out, err, seconds = in_probe(config, case.get('records', RECORDS), folder)
        wrong = []
        lines = err.decode().splitlines()
        about = [line for line in lines if line.startswith('complaint: handlers.broken: ')]
        if status != 0 or out:
            wrong.append(f'exit status {status}, stdout {out!r}')
        if len(about) != 1 or case['destination'].replace('@PORT@', str(port)) not in about[0]:
            wrong.append(f'stderr {lines}')
        if seconds >= 5:
            wrong.append(f'took {seconds:.1f} s')
        if [line for line in lines if line not in about] != ['DEBUG', 'INFO', 'WARNING', 'ERROR']:
            wrong.append(f'the other handler: {lines}')
        return wrong
    finally:
        for one in closing:
            one()
        shutil.rmtree(folder)


def check_journal():
    """Sends to a journal's socket in a mount namespace of its own, and reads it as journald does."""
    folder = tempfile.mkdtemp()
    try:
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(os.path.join(folder, 'socket'))
        receiver.settimeout(1)
        mount = ('mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && '
                 f'mount --bind {folder} /run/systemd/journal && exec "$0"')
        wrap = ['unshare', '-m', 'sh', '-c', mount]
        if subprocess.run([*wrap[:4], mount.replace('exec "$0"', 'true')], capture_output=True).returncode != 0:
            print('skipped: no mount namespaces here')
            return []
        config = {'version': 1, 'formatters': {'f': {'format': '%(levelname)s %(message)s'}},
                  'handlers': {'j': {'class': 'systemd.journal.JournalHandler', 'formatter': 'f', 'level': 'INFO',
                                     'SYSLOG_IDENTIFIER': 'dyn', 'UNIT_KIND': 3}},
                  'root': {'level': 'NOTSET', 'handlers': ['j']}}
        records = [(10, 'no'), (20, 'one line'), (30, 'two\nlines = é'), (40, '')]
        status, out, err, _ = in_probe(config, records, folder, wrap)
        wrong = []
        if (status, out, err) != (0, b'', b''):
            wrong.append(f'exit status {status}, {out!r}, {err!r}')
        for level, message, priority in [('INFO', 'one line', '6'), ('WARNING', 'two\nlines = é', '4'), ('ERROR', '', '3')]:
            entry, fields = receiver.recv(65536), {}
            while entry:
                line, entry = entry.split(b'\n', 1)
                if b'=' in line:
                    name, value = line.split(b'=', 1)
                else:
                    name, length = line, struct.unpack('<Q', entry[:8])[0]
                    value, entry = entry[8:8 + length], entry[8 + length:]
                    assert entry[:1] == b'\n'
                    entry = entry[1:]
                assert re.fullmatch(rb'[A-Z][A-Z0-9_]*', name), name
                fields[name.decode()] = value.decode()
            expected = {'MESSAGE': f'{level} {message}', 'PRIORITY': priority, 'LOGGER': 'pydyndns',
                        'THREAD_NAME': 'MainThread', 'PROCESS_NAME': 'MainProcess', 'CODE_FILE': 'src/some.file.rs',
                        'CODE_LINE': '17', 'CODE_FUNC': 'pydyndns::dns', 'SYSLOG_IDENTIFIER': 'dyn', 'UNIT_KIND': '3'}
            if fields != expected:
                wrong.append(f'expected {expected}, got {fields}')
        return wrong
    finally:
        shutil.rmtree(folder)


def main():
    part = sys.argv[2]
    only = sys.argv[3:]
    differences = 0
    checks = {
        'accepted': (compare_accepted, ACCEPTED),
        'rejected': (compare_rejected, REJECTED),
        'broken': (check_broken, BROKEN),
        'journal': (lambda case: check_journal(), [{'name': 'journal', 'config': {}}]),
    }
    check, cases = checks[part]
    seen = set()
    for case in cases:
        if only and case['name'] not in only:
            continue
        seen.add(json.dumps([case['config'], sorted(case.get('files', {}).items(), key=str), case.get('listener')], default=str))
        try:
            wrong = check(case)
        except Exception as error:
            wrong = [f'{type(error).__name__}: {error}']
        for one in wrong:
            differences += 1
            print(f"{case['name']}: {one}", flush=True)
    print(f'{part}: {len(seen)} configurations, {differences} differences')
    sys.exit(1 if differences else 0)


main()
