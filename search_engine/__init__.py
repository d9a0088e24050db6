"""Netwright's search engine: neural architecture search for image classification.

A typed library and a command line (``python -m search_engine --help``), free of Django, Celery and
Redis. Importing the package does not import torch; only the engine process does.
"""

__version__ = "0.1.0"
