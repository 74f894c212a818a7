//! The models' names in Rust.

const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false",
    "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return",
    "static", "struct", "trait", "true", "type", "unsafe", "use", "where", "while", "yield", "final",
    "abstract", "override", "virtual", "macro", "box", "do", "try", "gen", "priv", "typeof", "unsized",
    "become",
];

/// `TableName` and `tableName` to `table_name`, `KMSKeyId` to `kms_key_id`, `ETag` to `etag`, `Type` to `r#type`.
pub fn field(name: &str) -> String {
    let snake = snake(name);
    match snake.as_str() {
        "self" | "super" => format!("{snake}_"),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{snake}"),
        _ => snake,
    }
}

fn snake(name: &str) -> String {
    let name =
        name.replace("ETag", "Etag").replace("IDs", "Ids").replace("ARNs", "Arns").replace("URLs", "Urls");
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            out.push('_');
            continue;
        }
        let before = at.checked_sub(1).map(|before| chars[before]);
        let starts_word = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                let next_lower = chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
                !before.is_ascii_uppercase() && before.is_ascii_alphanumeric()
                    || before.is_ascii_uppercase() && next_lower
            });
        if starts_word {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `TableName` to `TABLE_NAME`.
pub fn constant(name: &str) -> String {
    snake(name).trim_start_matches('_').to_ascii_uppercase()
}

/// A structure's Rust name: the model's, starting with a capital.
pub fn structure(name: &str) -> String {
    let mut chars = name.trim_start_matches('_').chars();
    chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_rust() {
        for (model, rust) in [
            ("TableName", "table_name"),
            ("tableName", "table_name"),
            ("KMSMasterKeyId", "kms_master_key_id"),
            ("SSEDescription", "sse_description"),
            ("ETag", "etag"),
            ("ContentMD5", "content_md5"),
            ("Type", "r#type"),
            ("ARN", "arn"),
            ("S", "s"),
            ("ChecksumCRC32C", "checksum_crc32_c"),
        ] {
            assert_eq!(field(model), rust);
        }
    }
}
