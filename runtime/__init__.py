"""Threads, sockets and files behind the root files. Knows the library, not Streamlit, not the root."""
