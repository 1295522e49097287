"""Product feeds: bytes in, typed rows and row issues out. No Django.

>>> with open_feed(stream, name="products.tsv") as feed:
...     for record in feed:
...         record.row, record.issues
"""

from .archive import ArchiveLimits, FeedArchive, is_zip
from .formats import FORMATS, FeedOptions, MissingOptionError, UnknownColumnsError
from .issue_csv import issues_as_csv
from .model import ABSENT, Absent, FeedError, FeedRow, Price, RowIssue, Severity, Variant
from .reader import Feed, ReadLimits, Record, open_feed

__all__ = [
    "ABSENT",
    "FORMATS",
    "Absent",
    "ArchiveLimits",
    "Feed",
    "FeedArchive",
    "FeedError",
    "FeedOptions",
    "FeedRow",
    "MissingOptionError",
    "Price",
    "ReadLimits",
    "Record",
    "RowIssue",
    "Severity",
    "UnknownColumnsError",
    "Variant",
    "is_zip",
    "issues_as_csv",
    "open_feed",
]
