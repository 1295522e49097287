"""Settings and processes. One thread for NumPy's linear algebra: matrices here are small, and threads only wait for each other."""

import os

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # before NumPy is imported; what a machine sets itself stays
