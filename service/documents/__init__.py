"""Documents that people write (Markdown, HTML, PDF, Word, tables), read into entries of knowledge."""
