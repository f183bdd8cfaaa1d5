"""Reports of a run: one HTML file, JUnit XML, JSON, and a Markdown summary for a pull request."""
