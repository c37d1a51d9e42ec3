"""How the process is, for programs that watch it: its memory and files, and figures in Prometheus' text format."""
