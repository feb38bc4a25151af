"""The commands of `plumbline NAME`, one module each."""
