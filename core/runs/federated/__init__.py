"""Training at several sites: who they are, their processes, and the server that averages their weights."""
