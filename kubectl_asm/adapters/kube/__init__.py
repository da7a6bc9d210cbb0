"""The Kubernetes API as adapter of the object ports.

Nothing is imported here: commands that work on files never load the client. connection.py opens a connection;
reader.py and writer.py implement the ports on it; the other modules answer one question each.
"""
