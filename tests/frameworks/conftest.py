"""Keras computes with PyTorch, and PyTorch with one thread: small networks on busy machines are slower with more."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")
