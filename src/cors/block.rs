//! Why a browser kept an answer from a page, and what it prints about it.

use super::headers;
use std::fmt;

/// The browsers whose console texts are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Browser {
    /// Chrome, Edge and everything else on Chromium.
    Chrome,
    /// Firefox.
    Firefox,
    /// Safari and everything else on WebKit.
    Safari,
}

/// What was wrong, by the names that Chromium gives (`services/network/public/mojom/cors.mojom`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockCode {
    /// No `Access-Control-Allow-Origin`.
    MissingAllowOriginHeader,
    /// More than one value in `Access-Control-Allow-Origin`.
    MultipleAllowOriginValues,
    /// An `Access-Control-Allow-Origin` that is no origin at all.
    InvalidAllowOriginValue,
    /// An `Access-Control-Allow-Origin` that is not the page's origin.
    AllowOriginMismatch,
    /// `*` for a request with credentials.
    WildcardOriginNotAllowed,
    /// No `Access-Control-Allow-Credentials: true` for a request with credentials.
    InvalidAllowCredentials,
    /// A preflight that was answered with a status outside of 200 to 299.
    PreflightInvalidStatus,
    /// A preflight that was answered with a redirect.
    PreflightDisallowedRedirect,
    /// An `Access-Control-Allow-Methods` that cannot be parsed.
    InvalidAllowMethodsPreflightResponse,
    /// An `Access-Control-Allow-Headers` that cannot be parsed.
    InvalidAllowHeadersPreflightResponse,
    /// A method that `Access-Control-Allow-Methods` does not allow.
    MethodDisallowedByPreflightResponse,
    /// A header that `Access-Control-Allow-Headers` does not allow.
    HeaderDisallowedByPreflightResponse,
    /// A redirect to a URL with a user name or a password.
    RedirectContainsCredentials,
    /// The user did not let the page reach into the local network.
    LocalNetworkAccessPermissionDenied,
    /// An `http:` resource asked for by an `https:` page. No CORS error, but often taken for one.
    MixedContent,
    /// No answer came at all: no server, no name, no valid certificate. No CORS error, but printed as one by Firefox.
    RequestFailed,
    /// The browser did not say what was wrong.
    Unspecified,
}

impl BlockCode {
    /// Whether the code speaks of an answer's origin or credentials, so that it exists for the preflight and for the
    /// request itself.
    fn has_preflight_variant(self) -> bool {
        matches!(
            self,
            BlockCode::MissingAllowOriginHeader
                | BlockCode::MultipleAllowOriginValues
                | BlockCode::InvalidAllowOriginValue
                | BlockCode::AllowOriginMismatch
                | BlockCode::WildcardOriginNotAllowed
                | BlockCode::InvalidAllowCredentials
        )
    }

    /// Whether only a preflight can fail this way.
    pub fn is_preflight_only(self) -> bool {
        matches!(
            self,
            BlockCode::PreflightInvalidStatus
                | BlockCode::PreflightDisallowedRedirect
                | BlockCode::InvalidAllowMethodsPreflightResponse
                | BlockCode::InvalidAllowHeadersPreflightResponse
                | BlockCode::MethodDisallowedByPreflightResponse
                | BlockCode::HeaderDisallowedByPreflightResponse
        )
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What was wrong.
    pub code: BlockCode,
    /// Whether it was wrong with the preflight.
    pub preflight: bool,
    /// The offending header value, method or header name; empty when there is none to name.
    pub parameter: String,
    /// The status of the answer, where it is known. Firefox and Safari print it.
    pub status: Option<u16>,
}

impl Block {
    /// A refusal without a value to blame.
    pub fn new(code: BlockCode, preflight: bool) -> Block {
        Block { code, preflight: preflight || code.is_preflight_only(), parameter: String::new(), status: None }
    }

    /// The same, blaming this value, method or header name.
    pub fn with_parameter(mut self, parameter: impl Into<String>) -> Block {
        self.parameter = parameter.into();
        self
    }

    /// The same, for an answer of this status.
    pub fn with_status(mut self, status: Option<u16>) -> Block {
        self.status = status;
        self
    }

    /// The name that Chromium's developer tools give to this refusal, as `PreflightAllowOriginMismatch`.
    pub fn chromium_name(&self) -> String {
        let prefix = if self.preflight && self.code.has_preflight_variant() { "Preflight" } else { "" };
        format!("{prefix}{:?}", self.code)
    }

    /// What the browser prints when a page of `origin` has asked for `url` with `fetch`.
    pub fn console(&self, url: &str, origin: &str, browser: Browser) -> String {
        self.console_after_redirect(url, url, origin, browser)
    }

    /// What the browser prints when a page of `origin` has asked for `first` and was redirected to `url`.
    pub fn console_after_redirect(&self, url: &str, first: &str, origin: &str, browser: Browser) -> String {
        match browser {
            Browser::Chrome => self.chrome(url, first, origin),
            Browser::Firefox => self.firefox(url),
            Browser::Safari => self.safari(url, origin),
        }
    }

    /// Recorded from Chromium 156.
    fn chrome(&self, url: &str, first: &str, origin: &str) -> String {
        if self.code == BlockCode::MixedContent {
            return format!(
                "Mixed Content: The page at '{origin}/' was loaded over HTTPS, but requested an insecure resource \
                 '{url}'. This request has been blocked; the content must be served over HTTPS."
            );
        }
        if self.code == BlockCode::RequestFailed {
            return format!("{} {url} net::ERR_FAILED", if self.preflight { "OPTIONS" } else { "GET" });
        }
        let redirected = if url == first { String::new() } else { format!(" (redirected from '{first}')") };
        let check = if self.preflight
            && (self.code.has_preflight_variant()
                || matches!(self.code, BlockCode::PreflightInvalidStatus | BlockCode::PreflightDisallowedRedirect))
        {
            "Response to preflight request doesn't pass access control check: "
        } else {
            ""
        };
        let value = &self.parameter;
        let advice = "Have the server send the header with a valid value.";
        let text = match self.code {
            BlockCode::MissingAllowOriginHeader => {
                "No 'Access-Control-Allow-Origin' header is present on the requested resource.".to_owned()
            }
            BlockCode::MultipleAllowOriginValues => format!(
                "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is \
                 allowed. {advice}"
            ),
            BlockCode::InvalidAllowOriginValue => {
                format!("The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'. {advice}")
            }
            BlockCode::AllowOriginMismatch => format!(
                "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied \
                 origin. {advice}"
            ),
            BlockCode::WildcardOriginNotAllowed => {
                "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' \
                 when the request's credentials mode is 'include'."
                    .to_owned()
            }
            BlockCode::InvalidAllowCredentials => format!(
                "The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' which must \
                 be 'true' when the request's credentials mode is 'include'."
            ),
            BlockCode::PreflightInvalidStatus => "It does not have HTTP ok status.".to_owned(),
            BlockCode::PreflightDisallowedRedirect => "Redirect is not allowed for a preflight request.".to_owned(),
            BlockCode::MethodDisallowedByPreflightResponse => {
                format!("Method {value} is not allowed by Access-Control-Allow-Methods in preflight response.")
            }
            BlockCode::HeaderDisallowedByPreflightResponse => format!(
                "Request header field {value} is not allowed by Access-Control-Allow-Headers in preflight response."
            ),
            BlockCode::InvalidAllowMethodsPreflightResponse => {
                "Cannot parse Access-Control-Allow-Methods response header field in preflight response.".to_owned()
            }
            BlockCode::InvalidAllowHeadersPreflightResponse => {
                "Cannot parse Access-Control-Allow-Headers response header field in preflight response.".to_owned()
            }
            BlockCode::RedirectContainsCredentials => "Redirect location '' contains a username and password, which \
                                                       is disallowed for cross-origin requests."
                .to_owned(),
            BlockCode::LocalNetworkAccessPermissionDenied => format!(
                "Permission was denied for this request to access the `{}` address space.",
                if value.is_empty() { "loopback" } else { value }
            ),
            BlockCode::MixedContent | BlockCode::RequestFailed | BlockCode::Unspecified => String::new(),
        };
        format!(
            "Access to fetch at '{url}'{redirected} from origin '{origin}' has been blocked by CORS policy: \
             {check}{text}"
        )
    }

    /// The texts that Mozilla publishes on MDN ("CORS errors"), with the endings of current versions.
    fn firefox(&self, url: &str) -> String {
        let value = &self.parameter;
        let reason = match self.code {
            BlockCode::MissingAllowOriginHeader => "CORS header ‘Access-Control-Allow-Origin’ missing".to_owned(),
            BlockCode::MultipleAllowOriginValues => {
                "Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed".to_owned()
            }
            BlockCode::InvalidAllowOriginValue | BlockCode::AllowOriginMismatch => {
                format!("CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’")
            }
            BlockCode::WildcardOriginNotAllowed => {
                "Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’".to_owned()
            }
            BlockCode::InvalidAllowCredentials => {
                "expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’".to_owned()
            }
            BlockCode::PreflightInvalidStatus => "CORS preflight response did not succeed".to_owned(),
            BlockCode::PreflightDisallowedRedirect | BlockCode::RedirectContainsCredentials => {
                "CORS request external redirect not allowed".to_owned()
            }
            BlockCode::MethodDisallowedByPreflightResponse => {
                "Did not find method in CORS header ‘Access-Control-Allow-Methods’".to_owned()
            }
            BlockCode::HeaderDisallowedByPreflightResponse => format!(
                "header ‘{value}’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS \
                 preflight response"
            ),
            BlockCode::InvalidAllowMethodsPreflightResponse => {
                format!("invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Methods’")
            }
            BlockCode::InvalidAllowHeadersPreflightResponse => {
                format!("invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Headers’")
            }
            BlockCode::MixedContent => {
                return format!("Blocked loading mixed active content “{url}”");
            }
            BlockCode::LocalNetworkAccessPermissionDenied | BlockCode::RequestFailed | BlockCode::Unspecified => {
                "CORS request did not succeed".to_owned()
            }
        };
        let status = match self.code {
            BlockCode::MissingAllowOriginHeader | BlockCode::PreflightInvalidStatus => {
                self.status.map_or_else(String::new, |status| format!(" Status code: {status}."))
            }
            BlockCode::LocalNetworkAccessPermissionDenied | BlockCode::RequestFailed | BlockCode::Unspecified => {
                " Status code: (null).".to_owned()
            }
            _ => String::new(),
        };
        format!(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. \
             (Reason: {reason}).{status}"
        )
    }

    /// The texts of WebKit (`CrossOriginAccessControl.cpp`, `CrossOriginPreflightResultCache.cpp`), which looks at a
    /// preflight's status before its headers.
    fn safari(&self, url: &str, origin: &str) -> String {
        let status = self.status.map_or_else(String::new, |status| format!(" Status code: {status}"));
        let value = &self.parameter;
        if self.preflight && self.status.is_some_and(|status| !(200..300).contains(&status)) {
            return format!("Preflight response is not successful.{status}");
        }
        match self.code {
            BlockCode::MissingAllowOriginHeader
            | BlockCode::InvalidAllowOriginValue
            | BlockCode::AllowOriginMismatch => {
                format!("Origin {origin} is not allowed by Access-Control-Allow-Origin.{status}")
            }
            BlockCode::MultipleAllowOriginValues => {
                "Access-Control-Allow-Origin cannot contain more than one origin.".to_owned()
            }
            BlockCode::WildcardOriginNotAllowed => {
                "Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.".to_owned()
            }
            BlockCode::InvalidAllowCredentials => {
                "Credentials flag is true, but Access-Control-Allow-Credentials is not \"true\".".to_owned()
            }
            BlockCode::PreflightInvalidStatus | BlockCode::PreflightDisallowedRedirect => {
                format!("Preflight response is not successful.{status}")
            }
            BlockCode::MethodDisallowedByPreflightResponse => {
                format!("Method {value} is not allowed by Access-Control-Allow-Methods.")
            }
            BlockCode::HeaderDisallowedByPreflightResponse => {
                format!("Request header field {value} is not allowed by Access-Control-Allow-Headers.")
            }
            BlockCode::InvalidAllowMethodsPreflightResponse => {
                format!("Header Access-Control-Allow-Methods has an invalid value: {value}")
            }
            BlockCode::InvalidAllowHeadersPreflightResponse => {
                format!("Header Access-Control-Allow-Headers has an invalid value: {value}")
            }
            BlockCode::MixedContent => format!(
                "[blocked] The page at {origin}/ requested insecure content from {url}. This content was blocked and \
                 must be served over HTTPS."
            ),
            BlockCode::RedirectContainsCredentials
            | BlockCode::LocalNetworkAccessPermissionDenied
            | BlockCode::RequestFailed
            | BlockCode::Unspecified => format!("Fetch API cannot load {url} due to access control checks."),
        }
    }

    /// One plain sentence: lower case, without a full stop.
    pub fn summary(&self) -> String {
        let answer = if self.preflight { "the answer to the preflight" } else { "the answer" };
        let value = &self.parameter;
        match self.code {
            BlockCode::MissingAllowOriginHeader => format!("{answer} has no Access-Control-Allow-Origin"),
            BlockCode::MultipleAllowOriginValues => {
                format!("{answer} has more than one value in Access-Control-Allow-Origin: {value}")
            }
            BlockCode::InvalidAllowOriginValue => {
                format!("the Access-Control-Allow-Origin of {answer} is no origin: '{value}'")
            }
            BlockCode::AllowOriginMismatch => {
                format!("the Access-Control-Allow-Origin of {answer} names another origin: {value}")
            }
            BlockCode::WildcardOriginNotAllowed => {
                format!("{answer} says '*', which does not count for a request with credentials")
            }
            BlockCode::InvalidAllowCredentials if value.is_empty() => {
                format!("{answer} has no Access-Control-Allow-Credentials, and the request was made with credentials")
            }
            BlockCode::InvalidAllowCredentials => {
                format!("the Access-Control-Allow-Credentials of {answer} is '{value}' and not 'true'")
            }
            BlockCode::PreflightInvalidStatus => match self.status {
                Some(status) => format!("the preflight was answered with status {status}, which is not 200 to 299"),
                None => "the preflight was answered with a status that is not 200 to 299".to_owned(),
            },
            BlockCode::PreflightDisallowedRedirect => "the preflight was answered with a redirect".to_owned(),
            BlockCode::InvalidAllowMethodsPreflightResponse => {
                "the Access-Control-Allow-Methods of the answer to the preflight cannot be parsed".to_owned()
            }
            BlockCode::InvalidAllowHeadersPreflightResponse => {
                "the Access-Control-Allow-Headers of the answer to the preflight cannot be parsed".to_owned()
            }
            BlockCode::MethodDisallowedByPreflightResponse => {
                format!("the answer to the preflight does not allow the method {value}")
            }
            BlockCode::HeaderDisallowedByPreflightResponse => {
                format!("the answer to the preflight does not allow the header {}", headers::canonical(value))
            }
            BlockCode::RedirectContainsCredentials => "the redirect names a user in its URL".to_owned(),
            BlockCode::LocalNetworkAccessPermissionDenied => {
                "the browser did not let the page reach into the local network".to_owned()
            }
            BlockCode::MixedContent => "a page loaded over https asked for an http resource".to_owned(),
            BlockCode::RequestFailed => "no answer came at all".to_owned(),
            BlockCode::Unspecified => "the browser did not say what was wrong".to_owned(),
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.summary())
    }
}
