//! nginx configuration files, read exactly as nginx reads them.
