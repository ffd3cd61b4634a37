"""The store: pictures in numbered folders, and an index of them.

Beside the pictures of a folder lies `snapshots.jsonl`, a JSON line for each, from which the index
can be rebuilt. Readers need `index.Index` alone, which imports nothing that only the writer uses.
"""
