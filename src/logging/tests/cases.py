"""The configurations that are compared."""
import os
import socket

RECORDS = [(10, 'a detail'), (20, 'an information'), (30, "a warning: it's é"), (40, 'an error')]
LEVELS = ['NOTSET', 'DEBUG', 'INFO', 'WARN', 'WARNING', 'ERROR', 'FATAL', 'CRITICAL', 0, 5, 15, 35, 41, -1, True]

ACCEPTED = []
REJECTED = []
BROKEN = []


def accept(name, config, **more):
    ACCEPTED.append({'name': name, 'config': {'version': 1, **config}, **more})


def reject(name, path, config, **more):
    REJECTED.append({'name': name, 'path': path, 'config': {'version': 1, **config}, **more})


def stream(handler=None, formatter=None, root=None, **more):
    """A configuration with a stream handler on stdout."""
    config = {'handlers': {'h': {'class': 'logging.StreamHandler', 'stream': 'ext://sys.stdout', **(handler or {})}},
              'root': {'level': 'NOTSET', 'handlers': ['h'], **(root or {})}, **more}
    if formatter is not None:
        config['formatters'] = {'f': formatter}
        config['handlers']['h']['formatter'] = 'f'
    return config


def only(class_, formatter=None, **arguments):
    """A configuration with one handler."""
    config = {'handlers': {'h': {'class': class_, **arguments}}, 'root': {'level': 'NOTSET', 'handlers': ['h']}}
    if formatter is not None:
        config['formatters'] = {'f': {'format': formatter}}
        config['handlers']['h']['formatter'] = 'f'
    return config


# Formats ------------------------------------------------------------------------------------------------------------

for flags in ['', '-', '+', ' ', '#', '0', '-0', '+0', '-+', '#0', '- #0', '+ 0']:
    text = '|'.join(f'%(levelno){flags}{size}{kind}' for kind in 'diuoxXeEfFgGcrsa' for size in ['', '9', '.3', '9.3', '.0', '12.1'])
    accept(f'percent-levelno-{flags}', stream(formatter={'format': text}))
    text = '|'.join(f'%({name}){flags}{size}{kind}' for name in ['levelname', 'message', 'name', 'exc_info', 'args']
                    for kind in 'sra' for size in ['', '9', '.3', '9.3', '.0', '30.20'])
    accept(f'percent-text-{flags}', stream(formatter={'format': text}))
for kind in 'bnoxXcdeEfFgG%':
    text = '|'.join(f'{{levelno:{align}{sign}{more}{size}{kind}}}' for align in ['', '<', '>', '^', '=', '*<', 'é^', '0>', '0='] for sign in ['', '+', ' ', '-']
                    for more in ['', '#', '0', '#0'] for size in ['', '9', '12'] if kind != 'c' or not sign and '#' not in more)
    accept(f'brace-levelno-{kind}', stream(formatter={'format': text, 'style': '{'}))
text = '|'.join(f'{{{name}{conversion}:{align}{size}{kind}}}' for name in ['levelname', 'message'] for conversion in ['', '!r', '!s', '!a']
                for align in ['', '<', '>', '^', '*>', ' ^'] for size in ['', '12', '012', '.3', '20.10'] for kind in ['', 's'])
accept('brace-text', stream(formatter={'format': text, 'style': '{'}))
for number, (style, text) in enumerate([
        ('{', '{levelno:,}|{levelno:_}|{levelno:_x}|{levelno:020,}|{levelno:020,d}|{levelno:,.2f}|{levelno:012,.3f}'),
        ('{', '{message:{lineno}}|{message:*^{lineno}.{lineno}}'), ('{', '{message[0]}{levelname[2]}{name[1]}'),
        ('{', '{{{message}}}'), ('{', '{levelno.real}{levelno.imag}'), ('{', '{exc_info}{args}{stack_info}'), ('{', None), ('$', None),
        ('%', None), ('%', ''), ('{', ''), ('$', ''), ('$', '$message $$ ${levelname}x$levelno-$lineno'), ('$', '${message}${name}$name.x'),
        ('$', '$exc_info $args $funcName $module $filename $pathname'), ('%', '%(message)s %%'), ('%', '%% %(message)s 100%%'),
        ('%', '%(module)s %(filename)s %(pathname)s %(lineno)d %(funcName)s %(threadName)s %(processName)s'),
        ('%', '%(asctime)s %(message)s'), ('{', '{asctime:>30} {message}'), ('$', '$asctime ${asctime} $message'), ('%', '%(asctime)-30s|%(message)s'),
        ('%', '%(msecs)03d %(message)s'), ('%', '%(levelname)5.3s %(levelno)+05d %(levelno)x %(levelno)e %(message)r %(message)a'),
        ('{', '{levelno:>+#010x}|{message!r:^30}'), ('%', 'é %(message)s 日本 😀'), ('%', '%(message)s\n\t%(levelname)s'),
        ('%', '%(msg)s'), ('{', '{msg} {msg!r}')]):
    if '(msecs)' in str(text):
        continue
    accept(f'format-{number}', stream(formatter={'format': text, 'style': style}))
for number, text in enumerate(['%(nothing)s', '%(message)d', '%(message)s %s', '%(levelno)s %(', '%(message)s %z', '%(message)s %', '%(levelno)*d',
                               '%(message)x', '%(message)c', '%(levelno).*f', '%(message)s %(levelno)q', '%(levelno)c%(levelname)c']):
    accept(f'percent-fails-{number}', stream(formatter={'format': text}))
for number, text in enumerate(['{nothing}', '{message:d}', '{0} {message}', '{} {message}', '{message.upper.x}', '{levelno:s}', '{levelno!r:d}', '{exc_info:5}',
                               '{message[99]}', '{levelno:.2d}', '{levelno:,x}', '{message:=10}', '{message[a]}']):
    accept(f'brace-fails-{number}', stream(formatter={'format': text, 'style': '{'}))
for number, (style, text) in enumerate([('%', '%(message)99999999999999999999s'), ('%', '%(levelno).99999999999999999999d'), ('{', '{message:99999999999999999999}'),
                                       ('{', '{levelno:.99999999999999999999f}'), ('%', '%(levelno)099999999999999999999d')]):
    accept(f'too-wide-{number}', stream(formatter={'format': text, 'style': style}))
accept('dollar-fails', stream(formatter={'format': '$message $nothing', 'style': '$'}))
for number, (style, text) in enumerate([('%', 'plain'), ('%', '%(levelno)ld %(levelno)hd %(levelno)Li'), ('%', '%(message'), ('%', 7), ('{', 'plain'), ('{', '{message'), ('{', '{message!x}'),
                                        ('{', '}'), ('$', 'plain'), ('$', 'bare $ sign $message'), ('$', '${message'), ('%', ['x']), ('{', {'a': 1})]):
    accept(f'unvalidated-{number}', stream(formatter={'format': text, 'style': style, 'validate': False}))
for number, text in enumerate(['%H:%M', 'at %Y', '%%', '%', '%Q', 'plain', '%-d %e', '%^a %#Z', '%A %B %b %a %j %U %W %V %G %u %w', '%c|%x|%D|%y|%C', '%z %Z', '', None, 5, '%s%n%t|%P%p']):
    # Only what doesn't change within the run.
    if text in ('%H:%M', '%c|%x|%D|%y|%C', '%s%n%t|%P%p'):
        text = text.replace('%H:%M', '%F %T').replace('%c', '%F').replace('%s', '')
    accept(f'datefmt-{number}', stream(formatter={'format': '[%(asctime)s] %(message)s', 'datefmt': text}))
for number, text in enumerate(['%500C', '%1023C', '%1024C', '%2046C|', '%2047C|', '%65536C', '%300C%300C%300C%300C', '%2000C' + 'x' * 100]):
    accept(f'datefmt-wide-{number}', stream(formatter={'format': '[%(asctime)s] %(message)s', 'datefmt': text}))
accept('factory-formatter', stream(formatter={'()': 'logging.Formatter', 'fmt': '%(message)s %(host)s %(n)05.1f', 'defaults': {'host': 'h', 'n': 2, 'message': 'x'}}))
accept('factory-formatter-format', stream(formatter={'()': 'logging.Formatter', 'format': '{message} {extra!r}', 'style': '{', 'defaults': {'extra': [1, 'a', None, True, 1.5, {'k': 'v'}]}}))
accept('factory-formatter-ext', stream(formatter={'()': 'ext://logging.Formatter', 'fmt': '$message $x', 'style': '$', 'defaults': {'x': 1e20}}))
accept('factory-formatter-attributes', stream(formatter={'()': 'logging.Formatter', 'fmt': '%(asctime)s|%(message)s', '.': {'default_time_format': '%Y', 'default_msec_format': None}}))
accept('factory-formatter-bad-defaults', stream(formatter={'()': 'logging.Formatter', 'fmt': '%(message)s', 'defaults': 5}))
accept('defaults-without-factory', stream(formatter={'format': '%(message)s', 'defaults': {'a': 1}}))
accept('formatter-class', stream(formatter={'class': 'logging.Formatter', 'format': '%(levelname)s'}))
accept('formatter-null', stream({'formatter': None}))
accept('basic-format', stream(formatter={'format': 'ext://logging.BASIC_FORMAT'}))

# Levels, propagation and filters ------------------------------------------------------------------------------------

for level in LEVELS:
    accept(f'root-level-{level}', stream(root={'level': level}))
    accept(f'handler-level-{level}', stream({'level': level}))
    accept(f'logger-level-{level}', stream(root={'level': 'ERROR'}, loggers={'pydyndns': {'level': level}}))
H = {'a': {'class': 'logging.StreamHandler', 'stream': 'ext://sys.stdout'}, 'b': {'class': 'logging.StreamHandler'}}
for number, loggers in enumerate([
        {'pydyndns': {'handlers': ['a'], 'propagate': False}}, {'pydyndns': {'handlers': ['a'], 'propagate': True}}, {'pydyndns': {'handlers': ['a'], 'propagate': None}},
        {'pydyndns': {'handlers': ['a'], 'propagate': 'no'}}, {'pydyndns': {'handlers': ['a', 'a']}}, {'pydyndns': {'handlers': 'a'}}, {'pydyndns': {'propagate': 0}},
        {'pydyndns': {}}, {'pydyndns.dns': {'handlers': ['a'], 'level': 'DEBUG'}}, {'': {'handlers': ['a'], 'level': 'DEBUG'}}, {'root': {'level': 'DEBUG'}},
        {'pydyndns': {'handlers': {'a': 1, 'b': 2}, 'level': 'INFO'}}, {'other': {'level': 'DEBUG', 'handlers': ['a']}}, {'pydyndns': {'level': 'DEBUG', 'handlers': []}}]):
    accept(f'loggers-{number}', {'handlers': H, 'loggers': loggers, 'root': {'handlers': ['b']}})
    accept(f'loggers-no-root-{number}', {'handlers': H, 'loggers': loggers})
for number, filters in enumerate([{'name': 'pydyndns'}, {'name': ''}, {}, {'name': 'py'}, {'name': 'pydyndns.x'}, {'name': 'other'}, {'()': 'logging.Filter', 'name': 'pydyndns'},
                                  {'()': 'logging.Filter', 'name': 'x'}, {'name': 'pydyndns', 'other': 1}, {'()': 'ext://logging.Filter'}]):
    accept(f'handler-filter-{number}', {'filters': {'f': filters}, **stream({'filters': ['f']})})
    accept(f'logger-filter-{number}', {'filters': {'f': filters}, **stream(), 'loggers': {'pydyndns': {'filters': ['f']}}})
    accept(f'root-filter-{number}', {'filters': {'f': filters}, **stream(root={'filters': 'f'})})
accept('nothing', {})
accept('lists', {'handlers': [], 'formatters': '', 'filters': [], 'loggers': '', 'root': []})
accept('unknown-keys', {'what': {'ever': 1}, **stream()})
accept('disable-true', {'disable_existing_loggers': True, **stream()})
accept('disable-false', {'disable_existing_loggers': False, **stream()})
accept('incremental', {'incremental': True, 'root': {'level': 'DEBUG'}, 'loggers': {'pydyndns': {'level': 'ERROR', 'propagate': False}}})
accept('incremental-empty', {'incremental': 1, 'handlers': {}, 'formatters': {'x': {'style': 'bad'}}})
accept('version-float', {**stream(), 'version': 1.0})
accept('version-true', {**stream(), 'version': True})
accept('version-reference', {**stream(), 'version': 'cfg://v', 'v': 1})
accept('root-null', {'root': None})

# CPython's own configurations, its logger names mapped to ours ----------------------------------------------------------

FORM1 = {'form1': {'format': '%(levelname)s ++ %(message)s'}}
HAND1 = {'hand1': {'class': 'logging.StreamHandler', 'formatter': 'form1', 'level': 'NOTSET', 'stream': 'ext://sys.stdout'}}
BASE = {'formatters': FORM1, 'handlers': HAND1}
ROOT = {'level': 'WARNING', 'handlers': ['hand1']}
accept('config0', {**BASE, 'root': ROOT})
accept('config1', {**BASE, 'loggers': {'pydyndns': {'level': 'DEBUG', 'handlers': ['hand1']}}, 'root': {'level': 'WARNING'}})
accept('config1a', {**BASE, 'loggers': {'pydyndns': {'level': 'DEBUG'}}, 'root': ROOT})
accept('config7', {**BASE, 'loggers': {'pydyndns.lexer': {'level': 'DEBUG', 'handlers': ['hand1']}}, 'root': {'level': 'WARNING'}})
for name, disable in [('config8', False), ('config8a', True)]:
    accept(name, {**BASE, 'disable_existing_loggers': disable, 'loggers': {'pydyndns': {'level': 'DEBUG', 'handlers': ['hand1']}, 'pydyndns.lexer': {}}, 'root': {'level': 'WARNING'}})
accept('config9', {'formatters': FORM1, 'handlers': {'hand1': {**HAND1['hand1'], 'level': 'WARNING'}}, 'loggers': {'pydyndns': {'level': 'WARNING', 'handlers': ['hand1']}}, 'root': {'level': 'NOTSET'}})
accept('config10', {'formatters': FORM1, 'filters': {'filt1': {'name': 'pydyndns'}}, 'handlers': {'hand1': {**HAND1['hand1'], 'filters': ['filt1']}},
                    'loggers': {'pydyndns': {'level': 'DEBUG', 'filters': ['filt1']}}, 'root': ROOT})
CFG = {'true_formatters': FORM1, 'handler_configs': HAND1, 'formatters': 'cfg://true_formatters', 'handlers': {'hand1': 'cfg://handler_configs[hand1]'},
       'loggers': {'pydyndns': {'level': 'DEBUG', 'handlers': ['hand1']}}, 'root': {'level': 'WARNING'}}
accept('config11', CFG)
accept('config14', {'formatters': FORM1, 'handlers': {'hand1': {**HAND1['hand1'], '.': {'foo': 'bar', 'terminator': '!\n'}}}, 'root': ROOT})
accept('out-of-order', {'formatters': {'f': {'format': '$asctime ($name) $levelname: $message', 'style': '$'}},
                        'handlers': {'fileGlobal': {'class': 'logging.StreamHandler', 'level': 'DEBUG', 'formatter': 'f'},
                                     'bufferGlobal': {'class': 'logging.handlers.MemoryHandler', 'capacity': 5, 'formatter': 'f', 'target': 'fileGlobal', 'level': 'DEBUG'}},
                        'loggers': {'pydyndns': {'level': 'DEBUG', 'handlers': ['bufferGlobal'], 'propagate': 'true'}}})
accept('cfg-index', stream({'level': 'cfg://levels[1]'}, levels=['DEBUG', 'ERROR']))
accept('cfg-dots', stream({'level': 'cfg://a.b.c[0].d'}, a={'b': {'c': [{'d': 'INFO'}]}}))
accept('cfg-chain', stream({'level': 'cfg://a'}, a='cfg://b', b='cfg:// c [ x ] ', c={'x': 'ERROR'}))
accept('cfg-character', stream({'formatter': 'cfg://name[0]'}, name='form', formatters={'f': {'format': 'F %(message)s'}}))
accept('cfg-format', stream(formatter={'format': 'cfg://text', 'style': 'cfg://sign', 'datefmt': 'cfg://sign'}, text='{message}!', sign='{'))
accept('cfg-root', {**stream(), 'root': 'cfg://r', 'r': {'level': 'ERROR', 'handlers': 'cfg://hs', 'filters': None}, 'hs': ['h']})
accept('cfg-not', stream(formatter={'format': 'http://x %(message)s'}))
accept('ext-level', stream({'level': 'ext://logging.ERROR'}))

# Streams and files ---------------------------------------------------------------------------------------------------

accept('stream-default', only('logging.StreamHandler'))
accept('stream-null', only('logging.StreamHandler', stream=None))
accept('stream-stderr', only('logging.StreamHandler', stream='ext://sys.stderr'))
for number, value in enumerate(['stdout', 1, 0, False, '']):
    accept(f'stream-bad-{number}', only('logging.StreamHandler', stream=value))
accept('stream-factory', {'handlers': {'h': {'()': 'logging.StreamHandler', 'stream': 'ext://sys.stdout'}}, 'root': {'handlers': ['h']}})
accept('stream-factory-ext', {'handlers': {'h': {'()': 'ext://logging.StreamHandler'}}, 'root': {'handlers': ['h']}})
for number, terminator in enumerate(['', '\r\n', ' | ', 'é', 5, None, 'cfg://version']):
    accept(f'terminator-{number}', stream({'.': {'terminator': terminator}}))
accept('attributes-empty', stream({'.': {}}))
accept('attribute-level', stream({'.': {'level': 40}}))
accept('null-handler', only('logging.NullHandler'))
accept('null-handler-level', only('logging.NullHandler', level='DEBUG'))
OLD = {'log.txt': (b'old\n', 0)}
for mode in ['a', 'w', 'at', 'wt', 'w+', 'a+', 'r+', 'ta', 'ab', 'wb', 'r']:
    accept(f'file-{mode}', only('logging.FileHandler', '%(levelname)s %(message)s', filename='log.txt', mode=mode), files=OLD)
accept('file-x', only('logging.FileHandler', filename='log.txt', mode='x'))
for encoding in ['utf-8', 'UTF8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf_16_be', 'latin-1', 'iso-8859-1', 'cp1252', 'windows-1252', 'ascii', 'US-ASCII', 'locale']:
    for files in ({}, OLD):
        accept(f'file-encoding-{encoding}-{len(files)}', only('logging.FileHandler', '%(message)s', filename='log.txt', encoding=encoding), files=files,
               records=[(40, 'plain'), (40, 'é ü'), (40, '€ “x” Ž'), (40, '日本 😀')])
for errors in ['strict', 'ignore', 'replace', 'xmlcharrefreplace', 'backslashreplace', 'surrogateescape', 'surrogatepass', 'nonsense']:
    for encoding in ['ascii', 'cp1252', 'utf-16']:
        accept(f'file-errors-{errors}-{encoding}', only('logging.FileHandler', filename='log.txt', encoding=encoding, errors=errors),
               records=[(40, 'plain'), (40, 'é€日😀\x81')])
for delay in [True, False, 1, 'x', '', None]:
    accept(f'file-delay-{delay}', only('logging.FileHandler', filename='log.txt', delay=delay), records=[])
    accept(f'file-delay-records-{delay}', only('logging.FileHandler', filename='log.txt', delay=delay))
accept('file-delay-bad-mode', only('logging.FileHandler', filename='log.txt', delay=True, mode='q'))
accept('file-delay-bad-encoding', only('logging.FileHandler', filename='log2.txt', delay=True, encoding='nonsense', mode='q'))
accept('file-unused', {'handlers': {'h': {'class': 'logging.FileHandler', 'filename': 'log.txt'}}})
accept('file-devnull', only('logging.FileHandler', filename='ext://os.devnull'))
accept('file-twice', {'handlers': {n: {'class': 'logging.FileHandler', 'filename': 'log.txt'} for n in 'ab'}, 'root': {'handlers': ['b', 'a']}})
accept('file-terminator', only('logging.FileHandler', filename='log.txt', **{'.': {'terminator': '\r\n'}}))
accept('watched', only('logging.handlers.WatchedFileHandler', '%(message)s', filename='log.txt'), files=OLD)
accept('watched-delay', only('logging.handlers.WatchedFileHandler', filename='log.txt', delay=True, mode='w', encoding='utf-16'), files=OLD)

# Rotation -----------------------------------------------------------------------------------------------------------

ROTATING = 'logging.handlers.RotatingFileHandler'
ONE = [(40, 'x' * 9)]
for size in [79, 89, 90, 91, 99, 100, 101, 150]:
    for count in [0, 1, 3]:
        accept(f'rotating-{size}-{count}', only(ROTATING, filename='log.txt', maxBytes=100, backupCount=count),
               files={'log.txt': (b'o' * size, 0), 'log.txt.1': (b'one', 0), 'log.txt.2': (b'two', 0), 'log.txt.3': (b'three', 0)}, records=ONE)
for number, arguments in enumerate([{'maxBytes': 0, 'backupCount': 2}, {'maxBytes': 20, 'backupCount': 2}, {'maxBytes': 5, 'backupCount': 1}, {'maxBytes': 20, 'backupCount': 2, 'mode': 'w'},
                                    {'mode': 'w'}, {'maxBytes': 1, 'backupCount': 9}, {'maxBytes': 60.5, 'backupCount': True}, {'maxBytes': 20, 'backupCount': 2, 'delay': True},
                                    {'maxBytes': 20, 'backupCount': '2'}, {'maxBytes': 20, 'backupCount': 1.5}, {'maxBytes': 70, 'backupCount': 1, 'encoding': 'utf-16'}, {'maxBytes': -1},
                                    {'maxBytes': 20, 'backupCount': 1, '.': {'maxBytes': 40, 'backupCount': 2}}, {'maxBytes': True}]):
    accept(f'rotating-arguments-{number}', only(ROTATING, '%(message)s', filename='log.txt', **arguments), files=OLD)
TIMED = 'logging.handlers.TimedRotatingFileHandler'
for when in ['S', 's', 'M', 'H', 'h', 'D', 'd', 'MIDNIGHT', 'midnight', 'W0', 'w3', 'W6']:
    # An hour ahead, since a file of just now may be a second old, or of yesterday, when the second side looks at it.
    for age in [-3600, 40 * 86400, 40 * 86400 + 43210]:
        accept(f'timed-{when}-{age}', only(TIMED, '%(message)s', filename='log.txt', when=when, backupCount=2),
               files={'log.txt': (b'old\n', age), 'log.txt.2020-01-01': (b'1', 0), 'log.txt.2020-01-02': (b'2', 0), 'log.txt.2020-01-02_03-04-05': (b'3', 0),
                      'log.txt.2020-01-02_03-04': (b'4', 0), 'log.txt.2020-01-02_03': (b'5', 0), 'log.2020-01-01.txt': (b'6', 0), 'log.txt.2020-01-1x': (b'7', 0)},
               records=ONE)
for number, arguments in enumerate([{'utc': True}, {'interval': 5}, {'interval': 0.5}, {'when': 'midnight', 'utc': True}, {'when': 'midnight', 'atTime': None}, {'when': 'H', 'atTime': '10:00'},
                                    {'when': 'midnight', 'atTime': 'ext://datetime.time.min'}, {'when': 'W2', 'atTime': 'ext://datetime.time.min', 'utc': 1}, {'delay': True},
                                    {'backupCount': 0}, {'.': {'suffix': '%Y%m%d'}}, {'encoding': 'latin-1', 'errors': 'replace'}, {'when': 'D', 'interval': 100}, {'interval': True}]):
    accept(f'timed-arguments-{number}', only(TIMED, '%(message)s', **{'filename': 'log.txt', 'when': 'D', **arguments}), files={'log.txt': (b'old\n', 40 * 86400)}, records=ONE)

# Memory -------------------------------------------------------------------------------------------------------------

for number, arguments in enumerate([{'capacity': 10}, {'capacity': 2}, {'capacity': 1}, {'capacity': 0}, {'capacity': 10, 'flushLevel': 20}, {'capacity': 10, 'flushLevel': 50},
                                    {'capacity': 10, 'flushLevel': 50, 'flushOnClose': False}, {'capacity': 10, 'flushLevel': 50, 'level': 'WARNING'}, {'capacity': 2.5},
                                    {'capacity': 10, 'flushLevel': 'ERROR'}, {'capacity': 'x'}, {'capacity': 10, 'flushLevel': 'ext://logging.INFO'}, {'capacity': 3, '.': {'capacity': 1}}]):
    handlers = {'a': {'class': 'logging.handlers.MemoryHandler', 'target': 'z', **arguments}, 'z': {'class': 'logging.StreamHandler', 'stream': 'ext://sys.stdout', 'level': 'ERROR'}}
    accept(f'memory-{number}', {'handlers': handlers, 'root': {'level': 'NOTSET', 'handlers': ['a']}})
accept('memory-no-target', only('logging.handlers.MemoryHandler', capacity=1))
accept('memory-of-memory', {'handlers': {'c': {'class': 'logging.handlers.MemoryHandler', 'capacity': 3, 'target': 'b'}, 'b': {'class': 'logging.handlers.MemoryHandler', 'capacity': 9, 'target': 'a'},
                                         'a': {'class': 'logging.FileHandler', 'filename': 'log.txt'}}, 'root': {'level': 'DEBUG', 'handlers': ['c']}})
accept('memory-filter', {'filters': {'f': {'name': 'other'}}, 'handlers': {'m': {'class': 'logging.handlers.MemoryHandler', 'capacity': 1, 'target': 's'}, 's': {'class': 'logging.StreamHandler', 'filters': ['f']}},
                         'root': {'handlers': ['m']}})

# The system log ------------------------------------------------------------------------------------------------------

SYSLOG = 'logging.handlers.SysLogHandler'
FACILITIES = ['auth', 'authpriv', 'console', 'cron', 'daemon', 'ftp', 'kern', 'lpr', 'mail', 'news', 'ntp', 'security', 'solaris-cron', 'syslog', 'user', 'uucp',
              *[f'local{n}' for n in range(8)], 0, 3, 20, 99, -1, True, 'ext://logging.handlers.SysLogHandler.LOG_LOCAL3', 'ext://logging.handlers.SysLogHandler.LOG_SOLCRON']
for facility in FACILITIES:
    accept(f'syslog-{facility}', only(SYSLOG, '%(name)s: %(message)s', address='log.sock', facility=facility), listener='unix-dgram')
for kind, address in [('unix-dgram', 'log.sock'), ('unix-stream', 'log.sock'), ('udp-dgram', ['127.0.0.1', '@PORT@']), ('tcp-stream', ['127.0.0.1', '@PORT@'])]:
    more = {'socktype': 'ext://socket.SOCK_STREAM'} if kind.endswith('stream') else {}
    for number, extra in enumerate([{}, {'.': {'ident': 'dyn: '}}, {'.': {'append_nul': False}}, {'.': {'ident': '', 'append_nul': 0}}, {'level': 'ERROR', 'facility': 'local0'},
                                    {'.': {'priority_map': {'ERROR': 'crit', 'INFO': 'notice'}}}, {'.': {'ident': 5}}]):
        accept(f'syslog-{kind}-{number}', only(SYSLOG, address=address, **more, **extra), listener=kind, records=[(5, 'trace'), *RECORDS], expect_arrival=number != 6)
accept('syslog-stream-fallback', only(SYSLOG, address='log.sock'), listener='unix-stream')
accept('syslog-socktype-number', only(SYSLOG, address='log.sock', socktype=1), listener='unix-stream')
accept('syslog-localhost', only(SYSLOG, address=['127.0.0.1', '@PORT@'], socktype=2), listener='udp-dgram')
accept('syslog-manual', {'formatters': {'syslog': {'format': '%(name)s: %(message)s'}}, 'handlers': {'syslog': {'class': SYSLOG, 'address': 'log.sock', 'facility': 'local0', 'formatter': 'syslog'}},
                         'root': {'level': 'WARNING', 'handlers': ['syslog']}}, listener='unix-dgram')
accept('syslog-priority-fails', only(SYSLOG, address='log.sock', **{'.': {'priority_map': {'ERROR': 'nonsense'}}}), listener='unix-dgram')

# The network --------------------------------------------------------------------------------------------------------

accept('socket', only('logging.handlers.SocketHandler', host='127.0.0.1', port='@PORT@'), listener='tcp-stream', pickle=True)
accept('socket-unix', only('logging.handlers.SocketHandler', host='log.sock', port=None), listener='unix-stream', pickle=True)
accept('datagram', only('logging.handlers.DatagramHandler', host='127.0.0.1', port='@PORT@'), listener='udp-dgram', pickle=True)
accept('datagram-unix', only('logging.handlers.DatagramHandler', host='log.sock', port=None), listener='unix-dgram', pickle=True)
accept('socket-after-file', {'formatters': {'f': {'format': '%(asctime)s %(message)s'}}, 'handlers': {'h': {'class': 'logging.handlers.SocketHandler', 'host': '127.0.0.1', 'port': '@PORT@'},
                             'f': {'class': 'logging.StreamHandler', 'formatter': 'f'}}, 'root': {'handlers': ['f', 'h']}}, listener='tcp-stream', pickle=True)
for number, arguments in enumerate([{}, {'method': 'POST'}, {'method': 'post', 'url': '/log?x=1'}, {'url': '/log?x=1'}, {'url': ''}, {'secure': False, 'credentials': None, 'context': None}, {'secure': 0}]):
    accept(f'http-{number}', only('logging.handlers.HTTPHandler', **{'host': '@HOST@', 'url': '/log', **arguments}), listener='http', expect_arrival=number != 4)
for name, kind, host, arguments, is_sent in [('get', 'https', '@HOST@', {}, True), ('post', 'https', '@HOST@', {'method': 'POST'}, True), ('one', 'https', '@HOST@', {'secure': 1}, True),
                                             ('other-name', 'https', '@LOCALHOST@', {}, False), ('untrusted', 'https-untrusted', '@HOST@', {}, False), ('plain', 'http', '@HOST@', {}, False),
                                             ('plain-to-tls', 'https', '@HOST@', {'secure': False}, False)]:
    accept(f'https-{name}', only('logging.handlers.HTTPHandler', **{'host': host, 'url': '/log', 'secure': True, **arguments}), listener=kind, records=ONE, expect_arrival=is_sent)
accept('http-after-file', {'handlers': {'h': {'class': 'logging.handlers.HTTPHandler', 'host': '@HOST@', 'url': '/'}, 'f': {'class': 'logging.StreamHandler'}}, 'root': {'handlers': ['f', 'h']}}, listener='http')
accept('http-bad-url', only('logging.handlers.HTTPHandler', host='@HOST@', url='/a b'), listener='http', expect_arrival=False)
for number, arguments in enumerate([{}, {'toaddrs': 'a@example.org'}, {'toaddrs': ['a@example.org', 'B <b@example.org>']}, {'subject': 'Ünïcode – é'}, {'fromaddr': 'DynDNS <dyn@example.org>'},
                                    {'timeout': 2}, {'secure': []}, {'credentials': None}, {'subject': 7}, {'toaddrs': 'a@example.org, c@example.org'}]):
    accept(f'smtp-{number}', only('logging.handlers.SMTPHandler', '%(levelname)s\n%(message)s', **{'mailhost': ['127.0.0.1', '@PORT@'], 'fromaddr': 'dyn@example.org', 'toaddrs': ['root@example.org'],
                                  'subject': 'pydyndns', 'level': 'ERROR', **arguments}), listener='smtp', records=[(20, 'no'), (40, 'an error: é\n.\n..dots and a long line ' + 'x' * 200)],
           expect_arrival=number != 8)
accept('smtp-credentials', only('logging.handlers.SMTPHandler', '%(message)s', mailhost=['127.0.0.1', '@PORT@'], fromaddr='dyn@example.org', toaddrs=['root@example.org'], subject='pydyndns',
                                credentials=['user', 'pass word']), listener='smtp-auth', records=ONE)
# By STARTTLS, whose certificate CPython's handler does not check. Without a user, `secure` has no effect.
SECURE = {'mailhost': ['127.0.0.1', '@PORT@'], 'fromaddr': 'dyn@example.org', 'toaddrs': ['root@example.org'], 'subject': 'pydyndns', 'credentials': ['user', 'pass word']}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'mail.pem'), 'rb') as pem:
    PAIR = {'pair.pem': (pem.read(), 0)}
for name, secure, kind, is_sent in [('server', [], 'smtp-tls', True), ('client', ['pair.pem', 'pair.pem'], 'smtp-tls-client', True), ('no-client', [], 'smtp-tls-client', False),
                                    ('no-file', ['no.pem', 'no.pem'], 'smtp-tls', False), ('key-alone', ['pair.pem'], 'smtp-tls', False), ('number', 1, 'smtp-tls', False),
                                    ('none', None, 'smtp-tls', False), ('not-offered', [], 'smtp-auth', False)]:
    accept(f'smtp-secure-{name}', only('logging.handlers.SMTPHandler', '%(message)s', secure=secure, **SECURE), listener=kind, files=PAIR, records=[(40, 'a secret')], expect_arrival=is_sent)

# Rejections -----------------------------------------------------------------------------------------------------------

reject('version-missing', 'version', {})
del REJECTED[-1]['config']['version']
for number, version in enumerate([2, 0, '1', None, [1], 1.5]):
    reject(f'version-{number}', 'version', {'version': version})
for key in ['formatters', 'handlers', 'filters', 'loggers', 'root']:
    for number, value in enumerate([['x'], 'x', 5]):
        reject(f'{key}-{number}', f'{key}', {key: value})
for key in ['formatters', 'handlers', 'filters', 'loggers']:
    reject(f'{key}-item', f'{key}.x', {key: {'x': 'y'}})
    reject(f'{key}-null', f'{key}.x', {key: {'x': None}})
for number, (style, text) in enumerate([('%', 'plain'), ('%', '%s'), ('%', '%(message)'), ('%', '%(message)z'), ('%', '%()s'), ('%', 7), ('%', '%(a b)s'), ('{', 'plain'), ('{', '{'), ('{', '}'),
                                        ('{', '{message!x}'), ('{', '{message:zz}'), ('{', '{a b}'), ('{', '{}'), ('{', '{message:{a}{b}}'), ('{', '{message!}'), ('{', '{message.}'), ('{', ['x']),
                                        ('$', 'plain'), ('$', '$'), ('$', '$message $'), ('$', '${message'), ('$', '$$'), ('$', 5), ('{', '{message:{x'), ('%', '%(message)5.q')]):
    reject(f'format-{number}', 'formatters.f.format', stream(formatter={'format': text, 'style': style}))
for number, style in enumerate(['x', '', '%%', None, 5, ['%']]):
    reject(f'style-{number}', 'formatters.f.style', stream(formatter={'style': style}))
reject('formatter-class', 'formatters.f.class', stream(formatter={'class': 'no.such.Formatter'}))
reject('formatter-factory', 'formatters.f.()', stream(formatter={'()': 'no.such.factory'}))
reject('formatter-factory-argument', 'formatters.f.what', stream(formatter={'()': 'logging.Formatter', 'what': 1}))
reject('filter-name', 'filters.f.name', {'filters': {'f': {'name': 5}}})
reject('filter-null', 'filters.f.name', {'filters': {'f': {'name': None}}})
reject('filter-factory', 'filters.f.()', {'filters': {'f': {'()': 'no.such.Filter'}}})
for number, level in enumerate(['warning', 'NTOSET', '', 1.5, [], {}, 'Level 5']):
    reject(f'handler-level-{number}', 'handlers.h.level', stream({'level': level}))
    reject(f'root-level-{number}', 'root.level', stream(root={'level': level}))
    reject(f'logger-level-{number}', 'loggers.pydyndns.level', stream(loggers={'pydyndns': {'level': level}}))
reject('handler-formatter', 'handlers.h.formatter', stream({'formatter': 'misspelled_name'}))
reject('handler-filters', 'handlers.h.filters', stream({'filters': ['nothing']}))
reject('handler-filters-number', 'handlers.h.filters', stream({'filters': 5}))
reject('logger-handlers', 'loggers.x.handlers', {'loggers': {'x': {'handlers': ['nothing']}}})
reject('root-handlers', 'root.handlers', {'root': {'handlers': ['h']}})
reject('root-filters', 'root.filters', {'root': {'filters': ['h']}})
reject('config2', 'handlers.h.stream', stream({'stream': 'ext://sys.stdbout'}))
reject('config3', 'handlers.hand1.formatter', {'formatters': FORM1, 'handlers': {'hand1': {**HAND1['hand1'], 'formatter': 'misspelled_name'}}, 'root': ROOT})
reject('config13', 'version', {**CFG, 'version': 2})
reject('config9a', 'handlers.hand1', {'incremental': True, 'handlers': {'hand1': {'level': 'WARNING'}}, 'loggers': {'pydyndns': {'level': 'INFO'}}})
reject('config6', 'handlers.hand1.9', {'handlers': {'hand1': {'class': 'logging.StreamHandler', '9': 'invalid parameter name'}}})
reject('class-missing', 'handlers.h.class', {'handlers': {'h': {}}})
for number, name in enumerate(['no.such.Handler', 'StreamHandler', 'logging.NoHandler', 5, None, 'ext://logging.StreamHandler']):
    reject(f'class-{number}', 'handlers.h.class', {'handlers': {'h': {'class': name}}})
reject('class-and-factory', 'handlers.h.class', {'handlers': {'h': {'class': 'logging.StreamHandler', '()': 'logging.StreamHandler'}}})
reject('factory', 'handlers.h.()', {'handlers': {'h': {'()': 'no.such.factory'}}})
reject('stream-argument', 'handlers.h.strm', {'handlers': {'h': {'class': 'logging.StreamHandler', 'strm': None}}})
reject('null-argument', 'handlers.h.stream', {'handlers': {'h': {'class': 'logging.NullHandler', 'stream': None}}})
for number, (key, arguments) in enumerate([('filename', {}), ('filename', {'filename': 5}), ('filename', {'filename': None}), ('filename', {'filename': 'a\0b'}), ('mode', {'filename': 'x', 'mode': 'q'}), ('mode', {'filename': 'x', 'mode': 'aw'}),
                                           ('mode', {'filename': 'x', 'mode': ''}), ('mode', {'filename': 'x', 'mode': None}), ('mode', {'filename': 'x', 'mode': 'aa'}), ('mode', {'filename': 'x', 'mode': 'abt'}),
                                           ('encoding', {'filename': 'x', 'encoding': 'nonsense'}), ('encoding', {'filename': 'x', 'encoding': 5}), ('encoding', {'filename': 'x', 'encoding': 'utf-8', 'mode': 'ab'}),
                                           ('errors', {'filename': 'x', 'errors': 5}), ('maxBytes', {'filename': 'x', 'maxBytes': 5}), ('stream', {'filename': 'x', 'stream': 'ext://sys.stdout'})]):
    # CPython makes the file before it looks at the encoding.
    reject(f'file-{number}', f'handlers.h.{key}', {'handlers': {'h': {'class': 'logging.FileHandler', **arguments}}})
for number, (key, arguments) in enumerate([('maxBytes', {'maxBytes': '5'}), ('maxBytes', {'maxBytes': None}), ('when', {'when': 'D'})]):
    reject(f'rotating-{number}', f'handlers.h.{key}', {'handlers': {'h': {'class': ROTATING, 'filename': 'x', **arguments}}})
for number, (key, arguments) in enumerate([('when', {'when': 'X'}), ('when', {'when': 'W7'}), ('when', {'when': 'W'}), ('when', {'when': 'W00'}), ('when', {'when': 5}), ('when', {'when': None}), ('interval', {'interval': '1'}),
                                           ('interval', {'interval': None}), ('atTime', {'when': 'midnight', 'atTime': '10:00'}), ('atTime', {'when': 'W0', 'atTime': 5}), ('mode', {'mode': 'a'})]):
    reject(f'timed-{number}', f'handlers.h.{key}', {'handlers': {'h': {'class': TIMED, 'filename': 'x', **arguments}}})
for number, (key, arguments) in enumerate([('address', {'address': 5}), ('address', {'address': ['x']}), ('address', {'address': ['a', 1, 2]}), ('address', {'address': None}), ('address', {'address': []}),
                                           ('socktype', {'address': 'x', 'socktype': 'x'}), ('socktype', {'address': 'x', 'socktype': 'ext://socket.SOCK_NOTHING'}), ('level2', {'address': 'x', 'level2': 1})]):
    reject(f'syslog-{number}', f'handlers.h.{key}', {'handlers': {'h': {'class': SYSLOG, **arguments}}})
# CPython takes these and complains about every record.
reject('syslog-facility', 'handlers.syslog.facility', {'handlers': {'syslog': {'class': SYSLOG, 'address': 'log.sock', 'facility': 'locl0'}}}, native=True)
reject('syslog-facility-type', 'handlers.syslog.facility', {'handlers': {'syslog': {'class': SYSLOG, 'address': 'log.sock', 'facility': None}}}, native=True)
for number, (key, arguments) in enumerate([('capacity', {}), ('target', {'capacity': 1, 'target': 'nothing'}), ('target', {'capacity': 1, 'target': None}), ('target', {'capacity': 1, 'target': 'h'}), ('what', {'capacity': 1, 'what': 1})]):
    reject(f'memory-{number}', f'handlers.h.{key}', {'handlers': {'h': {'class': 'logging.handlers.MemoryHandler', **arguments}}})
reject('memory-chain', 'handlers.a.target', {'handlers': {'a': {'class': 'logging.handlers.MemoryHandler', 'capacity': 1, 'target': 'b'}, 'b': {'class': 'logging.handlers.MemoryHandler', 'capacity': 1, 'target': 'c'},
                                                    'c': {'class': 'logging.NullHandler'}}})
for name in ['SocketHandler', 'DatagramHandler']:
    reject(f'{name}-host', 'handlers.h.host', {'handlers': {'h': {'class': f'logging.handlers.{name}', 'port': 1}}})
    reject(f'{name}-port', 'handlers.h.port', {'handlers': {'h': {'class': f'logging.handlers.{name}', 'host': 'x'}}})
HTTP = {'class': 'logging.handlers.HTTPHandler', 'host': 'x', 'url': '/'}
for number, (key, arguments) in enumerate([('method', {'method': 'PUT'}), ('method', {'method': 5}), ('context', {'context': {}}), ('what', {'what': 1})]):
    reject(f'http-{number}', f'handlers.h.{key}', {'handlers': {'h': {**HTTP, **arguments}}})
MAIL = {'class': 'logging.handlers.SMTPHandler', 'mailhost': 'x', 'fromaddr': 'a@b.org', 'toaddrs': 'a@b.org', 'subject': 's'}
for key in ['mailhost', 'fromaddr', 'toaddrs', 'subject']:
    reject(f'smtp-{key}', f'handlers.h.{key}', {'handlers': {'h': {name: value for name, value in MAIL.items() if name != key}}})
reject('smtp-mailhost-list', 'handlers.h.mailhost', {'handlers': {'h': {**MAIL, 'mailhost': ['x']}}})
reject('smtp-credentials', 'handlers.h.credentials', {'handlers': {'h': {**MAIL, 'credentials': ['x']}}})
for number, reference in enumerate(['cfg://nothing', 'cfg://', 'cfg://levels[5]', 'cfg://levels[x]', 'cfg://levels.0x', 'cfg://levels]', 'cfg://levels[0', 'cfg://loop', 'cfg://root[0]', 'ext://no.such.thing', 'ext://logging.NO']):
    reject(f'reference-{number}', 'handlers.h.level', stream({'level': reference}, levels=['INFO'], loop='cfg://loop'))
reject('shared', 'handlers.h2.class', {'c': {'class': 'logging.StreamHandler'}, 'handlers': {'h1': 'cfg://c', 'h2': 'cfg://c'}})
reject('attributes', 'handlers.h."."', stream({'.': 'x'}))
# CPython takes these as long as nobody asks what they are.
for number, reference in enumerate(['cfg://handlers', 'cfg://handlers.h', 'cfg://handlers[h]', 'cfg://a.x', 'cfg://b']):
    reject(f'endless-{number}', 'handlers.h.stream', stream({'stream': reference}, a={'x': 'cfg://handlers'}, b='cfg://a.x'), native=True)
DOUBLED = {f'a{n}': {'x': f'cfg://a{n + 1}', 'y': f'cfg://a{n + 1}'} for n in range(40)}
reject('doubled', 'root.level', {**DOUBLED, 'a40': 'cfg://a41.x', 'a41': {'x': [1, 2]},
                                 'root': {'level': 'cfg://a0' + ''.join('.x' for _ in range(40)), 'filters': None}})
# What only a Python program could have.
for number, (key, arguments) in enumerate([('class', {'class': 'logging.handlers.QueueHandler', 'queue': None}), ('class', {'class': 'logging.handlers.NTEventLogHandler', 'appname': 'x'}), ('class', {'class': 'systemd.journal.Nothing'}), ('class', {'class': 'logging.Formatter'}),
                                           ('".".formatter', {'class': 'logging.StreamHandler', '.': {'formatter': None}}),
                                           ('lower', {'class': 'systemd.journal.JournalHandler', 'lower': 1})]):
    reject(f'native-{number}', f'handlers.h.{key}', {'handlers': {'h': arguments}}, native=True)

# Destinations that fail ------------------------------------------------------------------------------------------------


def broken(name, destination, handler, prepare=None, **more):
    handlers = {'broken': handler, 'good': {'class': 'logging.StreamHandler', 'formatter': 'f'}}
    config = {'version': 1, 'formatters': {'f': {'format': '%(levelname)s'}}, 'handlers': handlers, 'root': {'level': 'NOTSET', 'handlers': ['broken', 'good']}}
    case = {'name': name, 'destination': destination, 'config': config, **more}
    if prepare:
        case['prepare'] = prepare
    BROKEN.append(case)


def listen(kind, family=socket.AF_INET, fill=False, close=False):
    """Makes a listener that never does anything."""
    def prepare(folder, closing):
        server = socket.socket(family, kind)
        server.bind(os.path.join(folder, 'log.sock') if family == socket.AF_UNIX else ('127.0.0.1', 0))
        port = 0 if family == socket.AF_UNIX else server.getsockname()[1]
        if kind == socket.SOCK_STREAM and not close:
            server.listen(0)
        closing.append(server.close)
        if close:
            server.close()
        elif fill:
            for _ in range(10000 if kind == socket.SOCK_DGRAM else 4):
                client = socket.socket(family, kind)
                client.setblocking(False)
                closing.append(client.close)
                try:
                    client.connect(server.getsockname())
                    if kind == socket.SOCK_DGRAM:
                        client.send(b'x' * 1000)
                except OSError:
                    if kind == socket.SOCK_DGRAM:
                        break
        return port
    return prepare


def fifo(reader):
    """Makes a pipe, read by nobody or by one who doesn't read on."""
    def prepare(folder, closing):
        path = os.path.join(folder, 'pipe')
        os.mkfifo(path)
        if reader:
            end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            full = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            try:
                while True:
                    os.write(full, b'x' * 4096)
            except BlockingIOError:
                pass
            closing.extend([lambda: os.close(end), lambda: os.close(full)])
        return 0
    return prepare


for name in ['logging.FileHandler', 'logging.handlers.WatchedFileHandler', ROTATING, TIMED]:
    broken(f'folder-{name}', '/no/log.txt: No such file or directory', {'class': name, 'filename': '@DIR@/no/log.txt'})
    broken(f'folder-delay-{name}', '/no/log.txt: No such file or directory', {'class': name, 'filename': '@DIR@/no/log.txt', 'delay': True})
    broken(f'full-{name}', '/dev/full: No space left on device', {'class': name, 'filename': '/dev/full'})
    broken(f'directory-{name}', ': Is a directory', {'class': name, 'filename': '@DIR@'})
broken('fifo', '/pipe: No such device or address', {'class': 'logging.FileHandler', 'filename': '@DIR@/pipe'}, fifo(False))
broken('fifo-full', '/pipe: Resource temporarily unavailable', {'class': 'logging.FileHandler', 'filename': '@DIR@/pipe'}, fifo(True))
broken('rotation', 'log.txt', {'class': ROTATING, 'filename': '@DIR@/log.txt', 'maxBytes': 1, 'backupCount': 1}, lambda folder, closing: os.makedirs(folder + '/log.txt.1/x') or 0)
broken('syslog-missing', '/log.sock: No such file or directory', {'class': SYSLOG, 'address': '@DIR@/log.sock'})
broken('syslog-nobody', '/log.sock: Connection refused', {'class': SYSLOG, 'address': '@DIR@/log.sock'}, listen(socket.SOCK_DGRAM, socket.AF_UNIX, close=True))
broken('syslog-stuck', '/log.sock: ', {'class': SYSLOG, 'address': '@DIR@/log.sock'}, listen(socket.SOCK_DGRAM, socket.AF_UNIX, fill=True))
broken('syslog-stream-stuck', '/log.sock: ', {'class': SYSLOG, 'address': '@DIR@/log.sock'}, listen(socket.SOCK_STREAM, socket.AF_UNIX, fill=True))
broken('syslog-udp-nobody', '127.0.0.1 port @PORT@: Connection refused', {'class': SYSLOG, 'address': ['127.0.0.1', '@PORT@']}, listen(socket.SOCK_DGRAM, close=True))
for kind, handler in [('syslog-tcp', {'class': SYSLOG, 'address': ['127.0.0.1', '@PORT@'], 'socktype': 1}), ('socket', {'class': 'logging.handlers.SocketHandler', 'host': '127.0.0.1', 'port': '@PORT@'}),
                      ('http', {**HTTP, 'host': '@HOST@'}), ('smtp', {**MAIL, 'mailhost': ['127.0.0.1', '@PORT@']})]:
    broken(f'{kind}-nobody', '@PORT@: ', handler, listen(socket.SOCK_STREAM, close=True))
    broken(f'{kind}-full', '@PORT@: ', handler, listen(socket.SOCK_STREAM, fill=True))
for kind, handler in [('http', {**HTTP, 'host': '@HOST@'}), ('smtp', {**MAIL, 'mailhost': ['127.0.0.1', '@PORT@'], 'timeout': 60})]:
    broken(f'{kind}-silent', '@PORT@: ', handler, listen(socket.SOCK_STREAM))
broken('datagram-nobody', '127.0.0.1 port @PORT@: Connection refused', {'class': 'logging.handlers.DatagramHandler', 'host': '127.0.0.1', 'port': '@PORT@'}, listen(socket.SOCK_DGRAM, close=True))
for kind, handler in [('syslog', {'class': SYSLOG, 'address': ['no.such.host', 514]}), ('socket', {'class': 'logging.handlers.SocketHandler', 'host': 'no.such.host', 'port': 9}),
                      ('http', {**HTTP, 'host': 'no.such.host'}), ('smtp', {**MAIL, 'mailhost': 'no.such.host'})]:
    broken(f'{kind}-unknown', 'no.such.host', handler)
broken('journal-missing', '/run/systemd/journal/socket: ', {'class': 'systemd.journal.JournalHandler'})
broken('format', 'formatting field not found', {'class': 'logging.StreamHandler', 'formatter': 'bad'})
BROKEN[-1]['config']['formatters']['bad'] = {'format': '%(nothing)s'}
