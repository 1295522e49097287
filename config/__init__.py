"""Settings and processes. One thread for NumPy's linear algebra: threads for small matrices only wait for each other."""

import os

# Before NumPy is imported; what a machine sets itself stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
