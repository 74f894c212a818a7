use nephos_lambda::shapes as s;
use serde_json::json;

use crate::harness::{Harness, node};

trials! {
    modules_of_both_kinds, callbacks_and_their_context, errors_and_rejections, console_lines, handlers_that_cannot_be_loaded,
    streaming_handlers_are_gathered,
}

async fn modules_of_both_kinds() {
    let h = Harness::new();
    let esm = "export const handler = async (event, context) => ({ esm: event.a, name: context.functionName, left: context.getRemainingTimeInMillis() > 0 });";
    h.create("esm", &node(), "index.handler", &[("index.mjs", esm)]).await;
    assert_eq!(h.invoke("esm", r#"{"a":1}"#).await.ok(), json!({ "esm": 1, "name": "esm", "left": true }));
    let cjs = "exports.deep = { handler: (event) => ({ cjs: process.cwd(), arch: typeof require }) };";
    h.create("cjs", &node(), "src/index.deep.handler", &[("src/index.js", cjs)]).await;
    let out = h.invoke("cjs", "{}").await;
    // A value that is given back by a handler that is not async is no answer while there are callbacks.
    assert_eq!(out.ok(), json!(null));
    let package = r#"{"type":"module"}"#;
    let typed = "import { readFileSync } from 'node:fs'; export default { handler: async () => readFileSync('/var/task/package.json', 'utf8') };";
    h.create("typed", &node(), "index.handler", &[("index.js", typed), ("package.json", package)]).await;
    assert_eq!(h.invoke("typed", "{}").await.ok(), json!(package));
}

async fn callbacks_and_their_context() {
    let h = Harness::new();
    let code = r#"
exports.plain = (event, context, callback) => setTimeout(() => callback(null, context.awsRequestId.length), 5);
exports.fail = (event, context, callback) => callback(new TypeError("not so"));
exports.silent = (event, context) => { setTimeout(() => {}, 5); };
exports.quick = (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1000); callback(null, "done"); };
exports.done = (event, context) => context.succeed({ done: true });
"#;
    for name in ["plain", "fail", "silent", "quick", "done"] {
        h.create(name, &node(), &format!("index.{name}"), &[("index.js", code)]).await;
    }
    assert_eq!(h.invoke("plain", "{}").await.ok(), json!(36));
    assert_eq!(h.invoke("fail", "{}").await.failed(), ("TypeError".into(), "not so".into()));
    assert_eq!(h.invoke("silent", "{}").await.ok(), json!(null));
    assert_eq!(h.invoke("quick", "{}").await.ok(), json!("done"));
    assert_eq!(h.invoke("quick", "{}").await.ok(), json!("done"));
    assert_eq!(h.invoke("done", "{}").await.ok(), json!({ "done": true }));
}

async fn errors_and_rejections() {
    let h = Harness::new();
    let code = r#"
export const throws = async () => { throw Object.assign(new RangeError("too far"), { code: "E1" }); };
export const text = async () => { throw "just text"; };
export const stray = async () => { Promise.reject(new Error("nobody listens")); await new Promise((r) => setTimeout(r, 2000)); };
export const uncaught = async () => { setTimeout(() => { throw new Error("later"); }, 1); await new Promise((r) => setTimeout(r, 2000)); };
export const exits = async () => process.exit(7);
"#;
    for name in ["throws", "text", "stray", "uncaught", "exits"] {
        h.create(name, &node(), &format!("index.{name}"), &[("index.mjs", code)]).await;
    }
    let thrown = h.invoke("throws", "{}").await;
    assert_eq!(thrown.failed(), ("RangeError".into(), "too far".into()));
    assert!(thrown.json()["trace"][0] == "RangeError: too far", "{}", thrown.json());
    assert!(thrown.log.contains("\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\",\"errorMessage\":\"too far\",\"code\":\"E1\""), "{}", thrown.log);
    assert_eq!(h.invoke("text", "{}").await.failed(), ("string".into(), "just text".into()));
    let stray = h.invoke("stray", "{}").await;
    assert_eq!(stray.failed(), ("Runtime.UnhandledPromiseRejection".into(), "Error: nobody listens".into()));
    assert_eq!(h.invoke("uncaught", "{}").await.failed(), ("Error".into(), "later".into()));
    let (kind, text) = h.invoke("exits", "{}").await.failed();
    assert_eq!(kind, "Runtime.ExitError");
    assert!(text.ends_with("exit status 7"), "{text}");
    // After an uncaught error the environment is a new one.
    assert!(h.invoke("uncaught", "{}").await.log.contains("Init Duration"));
}

async fn console_lines() {
    let h = Harness::new();
    let code = "export const handler = async () => { console.log('a %d', 1, { b: 2 }); console.warn('two\\nlines'); console.debug('d'); };";
    h.create_with("f", &node(), "index.handler", &[("index.mjs", code)], |input| {
        let variables = [("AWS_LAMBDA_LOG_LEVEL".to_owned(), "INFO".to_owned())].into();
        input.environment = Some(s::Environment { variables: Some(variables) });
    })
    .await
    .unwrap();
    let log = h.invoke("f", "{}").await.log;
    let id = log.split(' ').nth(2).unwrap();
    assert!(log.contains(&format!("Z\t{id}\tINFO\ta 1 {{ b: 2 }}\n")), "{log}");
    assert!(log.contains(&format!("Z\t{id}\tWARN\ttwo\nlines\n")), "{log}");
    assert!(!log.contains("\tDEBUG\t"), "{log}");
}

async fn handlers_that_cannot_be_loaded() {
    let h = Harness::new();
    for (name, handler, code, error_type, message) in [
        (
            "a",
            "index.none",
            "export const x = 1;",
            "Runtime.HandlerNotFound",
            "index.none is undefined or not exported",
        ),
        (
            "b",
            "none.handler",
            "export const x = 1;",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'none'",
        ),
        (
            "c",
            "index.handler",
            "import 'nothing';",
            "Runtime.ImportModuleError",
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'nothing'",
        ),
        ("d", "handler", "export const x = 1;", "Runtime.MalformedHandlerName", "Bad handler"),
        ("e", "index.handler", "export const = 1;", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ("f", "index.handler", "throw new Error('at init');", "Error", "at init"),
    ] {
        h.create(name, &node(), handler, &[("index.mjs", code)]).await;
        let (kind, text) = h.invoke(name, "{}").await.failed();
        assert_eq!(kind, error_type, "{text}");
        assert!(text.starts_with(message), "{text}");
    }
}

async fn streaming_handlers_are_gathered() {
    let h = Harness::new();
    let code = r#"
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  for (const word of ["one ", "two ", "three"]) stream.write(word);
  stream.end();
});
"#;
    h.create("f", &node(), "index.handler", &[("index.mjs", code)]).await;
    assert_eq!(h.invoke("f", "{}").await.payload, "one two three");
}
