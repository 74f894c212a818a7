// Runs a Node.js handler against the Lambda Runtime API.
//
// It behaves as the service's own runtime does: handler look-up in CommonJS and ES modules, async and callback handlers,
// context, console format, errors. The Runtime API is spoken over a bare socket, which starts faster than an HTTP client.

import { connect } from "node:net";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const MAJOR = Number(process.versions.node.split(".")[0]);
// Since Node.js 24 there are no callback handlers, and an event loop that runs dry ends the process.
const HAS_CALLBACKS = MAJOR < 24;
const require = createRequire(import.meta.url);

class PlatformError extends Error {
  constructor(name, message, stack) {
    super(message);
    this.name = name;
    if (stack) this.stack = stack;
  }
}

// ---- the Runtime API ----

class Client {
  #socket;
  #buffer = Buffer.alloc(0);
  #waiting = [];

  constructor(address) {
    const at = address.lastIndexOf(":");
    this.host = address;
    this.#socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)), noDelay: true });
    this.#socket.on("data", (data) => this.#take(data));
    const lost = (error) => this.#waiting.splice(0).forEach(({ reject }) => reject(error));
    this.#socket.on("error", lost);
    this.#socket.on("close", () => lost(new Error("the Runtime API closed the connection")));
  }

  #take(data) {
    this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, data]) : data;
    for (;;) {
      const end = this.#buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      const [status, ...lines] = this.#buffer.toString("utf8", 0, end).split("\r\n");
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(":");
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const start = end + 4;
      const length = Number(headers["content-length"] ?? 0);
      if (this.#buffer.length < start + length) return;
      const body = this.#buffer.toString("utf8", start, start + length);
      this.#buffer = this.#buffer.subarray(start + length);
      this.#waiting.shift()?.resolve({ status: Number(status.split(" ")[1]), headers, body });
    }
  }

  #request(method, path, headers = {}, body = "") {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    let head = `${method} /2018-06-01/runtime/${path} HTTP/1.1\r\nHost: ${this.host}\r\n`;
    head += `Content-Length: ${bytes.length}\r\n`;
    // A header's value is one line of Latin-1, whatever is in an error's message.
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value.replace(/[^\x20-\xff]/g, "?")}\r\n`;
    this.#socket.write(Buffer.concat([Buffer.from(head + "\r\n", "latin1"), bytes]));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  // While a handler runs, the idle connection must not keep the event loop alive.
  release() {
    this.#socket.unref();
  }

  hold() {
    this.#socket.ref();
  }

  next() {
    return this.#request("GET", "invocation/next");
  }

  response(id, body, contentType = "application/json") {
    return this.#request("POST", `invocation/${id}/response`, { "Content-Type": contentType }, body);
  }

  error(id, error) {
    const cause = xrayCause(error);
    const headers = { "Lambda-Runtime-Function-Error-Type": describe(error).errorType ?? "Error" };
    if (cause.length < 1024 * 1024) headers["Lambda-Runtime-Function-XRay-Error-Cause"] = cause;
    return this.#postError(`invocation/${id}/error`, headers, error);
  }

  initError(error) {
    return this.#postError("init/error", { "Lambda-Runtime-Function-Error-Type": describe(error).errorType ?? "Error" }, error);
  }

  #postError(path, headers, error) {
    return this.#request("POST", path, { "Content-Type": "application/json", ...headers }, JSON.stringify(describe(error)));
  }
}

// ---- errors ----

function describe(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split("\n") ?? [] };
}

function xrayCause(error) {
  const lines = (error?.stack ?? "").split("\n").slice(1);
  const stack = lines.map((line) => {
    const [, label, path, number] = /^\s*at (?:(.*?) \()?(.*?):(\d+)(?::\d+)?\)?$/.exec(line) ?? [];
    return { path: path ?? line.trim(), line: Number(number ?? 0), label: label ?? "anonymous" };
  });
  const exception = { type: error?.name, message: error?.message, stack };
  const paths = [...new Set(stack.map((frame) => frame.path))];
  return JSON.stringify({ working_directory: process.cwd(), exceptions: [exception], paths });
}

function enumerable(_, value) {
  if (!(value instanceof Error)) return value;
  const shown = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
  return typeof value.stack === "string" ? { ...shown, stack: value.stack.split("\n") } : shown;
}

function logError(title, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  let shown;
  try {
    shown = JSON.stringify(error, enumerable);
  } catch {
    shown = JSON.stringify(describe(error));
  }
  console.error(title, `\t${shown}`);
}

// ---- logging ----

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
let requestId = HAS_CALLBACKS ? undefined : "-";

function patchConsole() {
  const least = Math.max(LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);
  LEVELS.forEach((level, at) => {
    const write = (...args) => {
      const line = `${new Date().toISOString()}\t${requestId}\t${level}\t${format(...args)}`;
      // One call is one event: carriage returns stand for its line ends.
      process.stdout.write(line.replace(/\n/g, "\r") + "\n");
    };
    console[level.toLowerCase()] = at < least ? () => {} : write;
  });
  console.log = console.info;
}

// ---- the handler ----

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

async function load(root, handler) {
  if (handler.includes("..")) {
    const text = `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`;
    throw new PlatformError("Runtime.MalformedHandlerName", text);
  }
  const name = basename(handler);
  const folder = handler.slice(0, handler.length - name.length);
  const [, moduleName, path] = /^([^.]*)\.(.+)$/.exec(name) ?? [];
  if (!path) throw new PlatformError("Runtime.MalformedHandlerName", "Bad handler");
  const module = await loadModule(root, folder, moduleName);
  const inside = (value) => path.split(".").reduce((found, key) => found?.[key], value);
  const found = inside(module) ?? inside(module?.default);
  if (found === undefined) throw new PlatformError("Runtime.HandlerNotFound", `${handler} is undefined or not exported`);
  if (typeof found !== "function") throw new PlatformError("Runtime.HandlerNotFound", `${handler} is not a function`);
  return found;
}

async function loadModule(root, folder, name) {
  const stem = resolve(root, folder, name);
  try {
    for (const extension of ["", ".js", ".mjs", ".cjs"]) {
      if (isFile(stem + extension)) return await import(pathToFileURL(stem + extension));
    }
    return require(require.resolve(name, { paths: [root, join(root, folder)] }));
  } catch (error) {
    if (error instanceof SyntaxError) throw new PlatformError("Runtime.UserCodeSyntaxError", String(error), error.stack);
    if (["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) {
      throw new PlatformError("Runtime.ImportModuleError", String(error));
    }
    throw error;
  }
}

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");

function setUpGlobals() {
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse(handler) {
      handler[STREAMING] = "response";
      return handler;
    },
    HttpResponseStream: {
      from(stream, prelude) {
        stream.setContentType("application/vnd.awslambda.http-integration-response");
        stream.prelude = Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]);
        return stream;
      },
    },
  };
}

function jsonHeader(text, name) {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch (error) {
    throw new PlatformError("Runtime.PlatformError", `Failed to parse ${name} as JSON: ${error.message}`);
  }
}

function makeContext(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: jsonHeader(headers["lambda-runtime-client-context"], "lambda-runtime-client-context"),
    identity: jsonHeader(headers["lambda-runtime-cognito-identity"], "lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// What to do when the event loop runs dry before an answer.
let whenDry;

// The value that a handler gives, by promise or by callback.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let settled = false;
    const callback = (error, value) => {
      if (settled) return;
      settled = true;
      const settle = error === undefined || error === null ? () => resolve(value) : () => reject(error);
      if (context.callbackWaitsForEmptyEventLoop) whenDry = settle;
      else settle();
    };
    if (HAS_CALLBACKS) {
      whenDry = () => resolve(null);
      context.done = callback;
      context.succeed = (value) => callback(null, value);
      context.fail = (error) => callback(error ?? "handled");
    }
    const result = HAS_CALLBACKS ? handler(event, context, callback) : handler(event, context);
    if (typeof result?.then === "function") result.then(resolve, reject);
    else if (!HAS_CALLBACKS) resolve(result);
  });
}

// Gathers what a streaming handler writes.
async function runStreaming(handler, event, context) {
  const { Writable } = await import("node:stream");
  const chunks = [];
  let contentType = "application/octet-stream";
  const stream = new Writable({
    decodeStrings: true,
    write(chunk, _, done) {
      if (!chunks.length && stream.prelude) chunks.push(stream.prelude);
      chunks.push(chunk);
      done();
    },
  });
  const write = stream.write.bind(stream);
  const plain = (chunk) => (typeof chunk === "string" || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk));
  stream.write = (chunk, ...rest) => write(plain(chunk), ...rest);
  stream.setContentType = (type) => {
    contentType = type;
  };
  const finished = new Promise((resolve, reject) => stream.on("finish", resolve).on("error", reject));
  const result = handler(event, stream, context);
  if (typeof result?.then !== "function") throw new Error("Streaming does not support non-async handlers.");
  await result;
  await finished;
  if (!chunks.length && stream.prelude) chunks.push(stream.prelude);
  return { body: Buffer.concat(chunks), contentType };
}

function toJson(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch {
    throw new PlatformError("Runtime.JSONStringifyError", "Unable to stringify response body");
  }
}

async function invoke(client, handler, { headers, body }) {
  const id = headers["lambda-runtime-aws-request-id"];
  try {
    const context = makeContext(headers);
    if (handler[STREAMING]) {
      const streamed = await runStreaming(handler, JSON.parse(body), context);
      return () => client.response(id, streamed.body, streamed.contentType);
    }
    const json = toJson(await run(handler, JSON.parse(body), context));
    return () => client.response(id, json);
  } catch (error) {
    logError("Invoke Error", error);
    return () => client.error(id, error);
  }
}

function watchForStrayErrors(client, current) {
  const fail = async (error, code) => {
    logError("Uncaught Exception", error);
    client.hold();
    await (current.id ? client.error(current.id, error) : client.initError(error));
    process.exit(code);
  };
  process.on("uncaughtException", (error) => fail(error, 129));
  process.on("unhandledRejection", (reason) => {
    const error = new PlatformError("Runtime.UnhandledPromiseRejection", String(reason));
    error.reason = reason;
    fail(error, 128);
  });
  process.on("beforeExit", () => {
    const dry = whenDry;
    whenDry = undefined;
    dry?.();
  });
}

async function loadHandler() {
  const handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  if (!HAS_CALLBACKS && handler.length >= 3 && !handler[STREAMING]) {
    throw new PlatformError(
      "Runtime.CallbackHandlerDeprecated",
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
    );
  }
  return handler;
}

async function main() {
  const client = new Client(process.env.AWS_LAMBDA_RUNTIME_API);
  const current = { id: undefined };
  patchConsole();
  setUpGlobals();
  watchForStrayErrors(client, current);
  let handler;
  try {
    handler = await loadHandler();
  } catch (error) {
    logError("Init Error", error);
    await client.initError(error);
    process.exit(1);
  }
  for (;;) {
    client.hold();
    const request = await client.next();
    client.release();
    requestId = current.id = request.headers["lambda-runtime-aws-request-id"];
    process.env._X_AMZN_TRACE_ID = request.headers["lambda-runtime-trace-id"] ?? "";
    const answer = await invoke(client, handler, request);
    whenDry = undefined;
    client.hold();
    current.id = undefined;
    // The answer and the wait for the next invocation go out together.
    answer();
  }
}

await main();
