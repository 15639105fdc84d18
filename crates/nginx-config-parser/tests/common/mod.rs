//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use nginx_config_parser::{Children, Document, Ending, ErrorKind, parse};

/// Kind and offset of each error.
pub fn errors(source: &str) -> Vec<(ErrorKind, u32)> {
    parse(source.as_bytes()).errors().iter().map(|error| (error.kind, error.span.start)).collect()
}

/// The tree as text: decoded words, two spaces a level, `!` where an ending is missing.
pub fn outline(source: &str) -> String {
    outline_of(&parse(source.as_bytes()))
}

/// [`outline`] of a document.
pub fn outline_of(document: &Document) -> String {
    let mut text = String::new();
    let mut levels: Vec<Children> = vec![document.directives()];
    while let Some(level) = levels.last_mut() {
        let Some(directive) = level.next() else {
            levels.pop();
            if let Some(outer) = levels.len().checked_sub(1) {
                text += &"  ".repeat(outer);
                text += "}\n";
            }
            continue;
        };
        text += &"  ".repeat(levels.len() - 1);
        text += &directive.words().map(|word| word.text().into_owned()).collect::<Vec<_>>().join(" ");
        match directive.ending() {
            Ending::Semicolon => text += ";\n",
            Ending::Missing => text += "!\n",
            Ending::LuaBlock => text += " <lua>\n",
            Ending::Block => {
                text += " {\n";
                levels.push(directive.children());
            }
        }
    }
    text
}

/// A site as people write them, with one of each of nginx's oddities.
pub const SITE: &str = r##"
user  www-data;
events { worker_connections 768; }
http {
    # What comes from where.
    map $http_origin $cors {
        default "";
        "~^https://(?<sub>[a-z]{1,8})\.example\.com$" $http_origin;
        ~*\.example\.org$ 'https://example.org';
    }
    log_format main '$remote_addr - "$request" '
                    '$status "$http_referer"';
    server {
        listen 443 ssl http2; # both
        server_name .example.com "~^(www\.)?(.+)$";
        location ~* \.(?:css|js)$ { expires 1y; add_header Cache-Control public; }
        location / {
            if ($request_method = 'OPTIONS') {
                add_header 'Access-Control-Allow-Origin' "$cors" always;
                return 204;
            }
            set $path ${uri}index.html;
            proxy_pass http://$host$request_uri;
            return 200 "a; b {
c \"quoted\" }";
        }
    }
}
"##;

/// A small generator of pseudo-random numbers (xorshift), the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit.max(1) as u64) as usize
    }

    /// Up to `limit` bytes of `alphabet`.
    pub fn bytes(&mut self, alphabet: &[u8], limit: usize) -> Vec<u8> {
        (0..self.below(limit + 1)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}
