"""One customer on three channels, from the outside: what `make demo` shows."""
