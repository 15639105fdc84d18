//! The CORS protocol: origins, header lists, requests, and what a browser decides.
