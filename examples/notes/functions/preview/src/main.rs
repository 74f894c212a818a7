//! Turns Markdown into HTML that is safe to show: raw HTML in a note becomes text, and links lead only to the web.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};
use serde_json::{Value, json};

const MAX_BYTES: usize = 200_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(preview)).await
}

/// Called through a function URL: the body is the Markdown.
async fn preview(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let markdown = event.payload["body"].as_str().unwrap_or_default();
    if markdown.len() > MAX_BYTES {
        return Ok(json!({ "statusCode": 413, "body": "a note has up to 200,000 bytes" }));
    }
    let headers = json!({ "content-type": "text/html; charset=utf-8" });
    Ok(json!({ "statusCode": 200, "headers": headers, "body": render(markdown) }))
}

fn render(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: web_only(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: web_only(dest_url), title, id })
        }
        other => other,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

fn web_only(url: CowStr<'_>) -> CowStr<'_> {
    let lower = url.to_ascii_lowercase();
    let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme));
    if safe { url } else { CowStr::Borrowed("#") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(render("# Hi *you*"), "<h1>Hi <em>you</em></h1>\n");
    }

    #[test]
    fn nothing_in_a_note_can_run() {
        let html = render("<script>alert(1)</script>\n\na <b onclick=x>b</b> [x](javascript:alert(1)) ![y](data:text/html,z)");
        for bad in ["<script", "<b", "javascript:", "data:"] {
            assert!(!html.contains(bad), "{html}");
        }
    }
}
