"""Product feeds: bytes in, typed rows and row issues out. No Django.

>>> with open_feed(stream, name="products.tsv") as feed:
...     for record in feed:
...         record.row, record.issues
"""

from .archive import ArchiveLimits, FeedArchive, is_zip
from .issue_csv import issues_as_csv
from .model import ABSENT, Absent, FeedError, FeedRow, Price, Record, RowIssue, Severity
from .reader import Feed, ReadLimits, open_feed

__all__ = [
    "ABSENT",
    "Absent",
    "ArchiveLimits",
    "Feed",
    "FeedArchive",
    "FeedError",
    "FeedRow",
    "Price",
    "ReadLimits",
    "Record",
    "RowIssue",
    "Severity",
    "is_zip",
    "issues_as_csv",
    "open_feed",
]
