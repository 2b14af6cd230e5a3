"""The inference service: weights and a cache, never answers."""

import os

# Products of one answer's vectors are too small to share among threads, which would only take the
# cores from the encoder. Read by OpenBLAS when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
