"""`manage.py runall`: one process that starts everything Netwright needs and stops it again."""
