"""The comparison of two commits: verdict, reasons, comment."""
