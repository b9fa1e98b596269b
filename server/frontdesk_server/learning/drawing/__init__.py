"""Charts, alike on a page and in files."""
