"""The encoder on a GPU: what bf16 changes, how far packs matter, and how fast it is.

`make gpu-kit` writes weights and texts, and `python -m tests.gpu` measures with them. The latter
imports nothing but torch, tokenizers, safetensors and numpy, and takes minutes on a GPU.
"""
