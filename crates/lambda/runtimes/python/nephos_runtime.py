"""Runs a Python handler against the Lambda Runtime API.

It behaves as the service's own runtime does: handler look-up, context, errors, logging, Decimal in answers. It starts fast
because it imports next to nothing: sockets without the socket module, no HTTP client, tracebacks and logging only when
they are needed.
"""

import sys
import time
from _socket import socket

import json
import os

_API = "/2018-06-01/runtime/"
_NO_BREAK_SPACE = "\u00a0"
_MAX_CAUSE_BYTES = 1024 * 1024


class Fault(Exception):
    """An error with a type of the platform's own."""

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace


# ---- the Runtime API ----


class Client:
    """One kept-alive connection, which is all that a runtime needs."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._peer = (host, int(port))
        self._host = address.encode()
        self._socket = None
        self._buffer = b""

    def _connection(self):
        if self._socket is None:
            # 2, 1, 6, 1 are AF_INET, SOCK_STREAM, IPPROTO_TCP and TCP_NODELAY.
            self._socket = socket(2, 1)
            self._socket.setsockopt(6, 1, 1)
            self._socket.connect(self._peer)
        return self._socket

    def _request(self, method, path, body=b"", headers=()):
        lines = ["%s %s%s HTTP/1.1" % (method, _API, path), "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % header for header in headers]
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\nHost: " + self._host + b"\r\n\r\n" + body

    def _more(self):
        data = self._socket.recv(262144)
        if not data:
            raise ConnectionError("the Runtime API closed the connection")
        self._buffer += data

    def _answer(self):
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return int(lines[0].split(" ", 2)[1]), headers, body

    def next(self, done=b""):
        """Hands in what the last invocation gave, and waits for the next: one write for both."""
        self._connection().sendall(done + self._request("GET", "invocation/next"))
        if done:
            self._answer()
        status, headers, body = self._answer()
        if status != 200:
            raise ConnectionError("the Runtime API answered %d to next" % status)
        return headers, body

    def response(self, request_id, body, content_type):
        """The request that hands in a result."""
        path = "invocation/%s/response" % request_id
        return self._request("POST", path, body, [("Content-Type", content_type)])

    def error(self, request_id, error, cause):
        """The request that hands in an error."""
        headers = [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", error["errorType"])]
        if len(cause) < _MAX_CAUSE_BYTES:
            headers.append(("Lambda-Runtime-Function-XRay-Error-Cause", cause))
        return self._request("POST", "invocation/%s/error" % request_id, to_json(error).encode(), headers)

    def init_error(self, error):
        """Says that there is nothing that could be invoked."""
        headers = [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", error["errorType"])]
        self._connection().sendall(self._request("POST", "init/error", to_json(error).encode(), headers))
        self._answer()


# ---- JSON ----

# Since Python 3.12 the service's runtime leaves what is not ASCII as it is.
_ENSURE_ASCII = sys.version_info < (3, 12)
# Stands round a Decimal's digits while it is a string, so that it can be made a number again.
_DECIMAL_MARK = "decimal-" + os.urandom(9).hex() + ":"


def _default(value):
    kind = type(value)
    if kind.__name__ == "Decimal" and kind.__module__ == "decimal":
        return float("nan") if value.is_nan() else "%s%s" % (_DECIMAL_MARK, value)
    if kind is bytes:
        return value.decode()
    raise TypeError("Object of type %s is not JSON serializable" % kind.__name__)


_encode = json.JSONEncoder(ensure_ascii=_ENSURE_ASCII, default=_default).encode


def to_json(value):
    """JSON with Decimals as numbers of all their digits."""
    text = _encode(value)
    if _DECIMAL_MARK not in text:
        return text
    first, *rest = text.split('"' + _DECIMAL_MARK)
    return first + "".join(part.replace('"', "", 1) for part in rest)


# ---- the context ----


class CognitoIdentity:
    """Who called, where Cognito knows."""

    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __init__(self, values):
        self.cognito_identity_id = values.get("cognitoIdentityId")
        self.cognito_identity_pool_id = values.get("cognitoIdentityPoolId")

    def __repr__(self):
        return _show(self, self.__slots__)


class Client_:
    """The calling application."""

    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return _show(self, self.__slots__)


Client_.__name__ = Client_.__qualname__ = "Client"


class ClientContext:
    """What the caller says of itself."""

    __slots__ = ["custom", "env", "client"]

    def __init__(self, values):
        self.custom = values.get("custom")
        self.env = values.get("env")
        client = values.get("client")
        self.client = None if client is None else Client_(client)

    def __repr__(self):
        return _show(self, self.__slots__)


def _show(value, names):
    return "%s([%s])" % (type(value).__name__, ",".join("%s=%s" % (name, getattr(value, name)) for name in names))


class LambdaContext:
    """The handler's second argument."""

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        client_context = _json_header(headers.get("lambda-runtime-client-context"), "Client Context")
        self.client_context = None if client_context is None else ClientContext(client_context)
        self.identity = CognitoIdentity(
            _json_header(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        )
        self._epoch_deadline_time_in_ms = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self):
        """How long until the function is stopped."""
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def log(self, message):
        """Writes to the function's log."""
        sys.stdout.write(str(message))

    def __repr__(self):
        names = ["aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb"]
        names += ["function_version", "invoked_function_arn", "client_context", "identity", "tenant_id"]
        return _show(self, names)


def _json_header(text, name):
    if not text:
        return None
    try:
        return json.loads(text)
    except Exception as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, error))


# ---- errors ----


def _frames(traceback):
    """The frames of the function's own code: (file, line, name, text)."""
    import traceback as tracebacks

    frames = [(f.filename, f.lineno, f.name, f.line) for f in tracebacks.extract_tb(traceback)]
    for at, frame in enumerate(frames):
        if not frame[0].endswith(("/bootstrap.py", "/nephos_runtime.py")) and "importlib" not in frame[0]:
            return frames[at:]
    return frames


def describe(request_id=""):
    """The error that is being handled, as the caller gets it, and its cause as X-Ray takes it."""
    error_type, value, traceback = sys.exc_info()
    if isinstance(value, Fault):
        error = _error(value.error_type, value.message, value.trace or [], request_id)
        return error, _cause("LambdaValidationError", value.message, [])
    import traceback as tracebacks

    frames = _frames(traceback)
    error = _error(error_type.__name__, str(value), tracebacks.format_list(frames), request_id)
    return error, _cause(error_type.__name__, str(value), frames)


def _error(error_type, message, trace, request_id):
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def _cause(error_type, message, frames):
    stack = [{"label": name, "path": path, "line": line} for path, line, name, _ in frames]
    exception = {"message": message, "type": error_type, "stack": stack}
    paths = sorted({frame[0] for frame in frames})
    return json.dumps({"working_directory": os.getcwd(), "exceptions": [exception], "paths": paths})


def log_error(error):
    """Writes an error as one record: carriage returns stand for its line ends."""
    lines = ["[ERROR] %s: %s" % (error["errorType"], error["errorMessage"])]
    lines.append("Traceback (most recent call last):")
    for element in error["stackTrace"]:
        for line in element.splitlines():
            text = line.lstrip(" ")
            lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
    sys.stdout.write("\r".join("\r".join(lines).splitlines()) + "\n")


# ---- logging ----

_request_id = ""


class _WhenLoggingIsImported:
    """Sets the root logger up as soon as somebody imports logging, and costs nothing before."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _ThenSetUp(spec.loader)
                return spec
        return None


class _ThenSetUp:
    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        _set_up_logging(module)

    def __getattr__(self, name):
        return getattr(self._loader, name)


def _set_up_logging(logging):
    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            # One record is one event, whatever its lines.
            text = self.format(record)
            sys.stdout.write(text[:-1].replace("\n", "\r") + "\n")

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = _request_id
            return True

    logging.Formatter.converter = time.gmtime
    pattern = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler = LambdaLoggerHandler()
    handler.setFormatter(logging.Formatter(pattern, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG").replace("FATAL", "CRITICAL")
    if level and isinstance(logging.getLevelName(level), int):
        root.setLevel(level)


# ---- the handler ----


def _set_up_paths():
    """The task first, then layers, then the standard library, last the SDK beside this file. Packages that the host
    happens to have are not there: they would not be on AWS either."""
    runtime = os.path.dirname(os.path.abspath(__file__))
    layer = "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2]
    kept = [path for path in sys.path if path not in ("", runtime)]
    sys.path[:] = [os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), layer, "/opt/python", *kept, runtime + "/sdk"]


def _set_up_builtins():
    """What the site module, which is not loaded, would have put there."""
    import builtins
    import _sitebuiltins

    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")


def load(handler):
    """The function that `module.name` stands for."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        # The words of the unpacking that fails in the service's own runtime.
        reason = "not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (handler, reason))
    if module_name.split(".")[0] in sys.builtin_module_names:
        text = "Cannot use built-in module %s as a handler module" % module_name
        raise Fault("Runtime.BuiltInModuleConflict", text)
    dotted = module_name.replace("/", ".")
    try:
        __import__(dotted)
        module = sys.modules[dotted]
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        text = "Syntax error in module '%s': %s" % (module_name, error)
        raise Fault("Runtime.UserCodeSyntaxError", text, trace)
    try:
        return getattr(module, name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (name, module_name))


def _event(headers, body):
    if headers.get("content-type", "application/json") != "application/json":
        return body
    try:
        return json.loads(body)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error)


def _result(value):
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        return to_json(value).encode(), "application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error)


def invoke(client, handler, headers, body):
    """Runs the handler once; the request that hands in what came of it."""
    request_id = headers["lambda-runtime-aws-request-id"]
    try:
        result, content_type = _result(handler(_event(headers, body), LambdaContext(headers)))
        return client.response(request_id, result, content_type)
    except Exception:
        error, cause = describe(request_id)
        log_error(error)
        return client.error(request_id, error, cause)


def main():
    """Loads the handler, then serves invocations for ever."""
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    sys.meta_path.insert(0, _WhenLoggingIsImported())
    _set_up_builtins()
    _set_up_paths()
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception:
        error, _ = describe()
        log_error(error)
        client.init_error(error)
        sys.exit(1)
    serve(client, handler)


def serve(client, handler):
    """The life of an environment."""
    global _request_id
    done = b""
    while True:
        headers, body = client.next(done)
        _request_id = headers["lambda-runtime-aws-request-id"]
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        done = invoke(client, handler, headers, body)
