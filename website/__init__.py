"""The documentation as a website: `make docs` builds and serves it, `make check` builds it."""
