"""The manifest language: files ─► checked, frozen models, and every problem at its place.

load         files ─► manifests; begins here
files        which files, and their bytes
source       text ─► values with places (tree: the parser's events; places; syntax: its complaints)
use          `use:` (merging: overlays; definitions: the `$defs` a service brings)
env          `${env:NAME}`
form         a document against the models, and what of it is sound (faults: refusals in our words)
model        what a manifest means
json_schema  the language as JSON Schema, for editors
paths        how places and text are written in problems
"""
