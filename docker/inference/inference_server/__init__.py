"""The inference service: weights and a cache, never answers."""

import os

# All are read when the libraries are first loaded.
# Products of one answer's vectors are too small for OpenBLAS to share among threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Short texts are tokenised faster by one thread than shared among several.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Long enough for an idle thread of torch's to be there for the next product, some 100 us later; the
# default keeps a core busy for milliseconds after the last one, which the web server then lacks.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")
