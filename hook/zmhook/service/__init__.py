"""The service: models stay loaded, and events wait in a queue.

A supervisor (`supervisor`, asyncio, no model code) answers hooks on a unix socket (`routes`),
fetches pictures (`fetch`), queues events fairly (`queue`, `ticket`) and gives them to worker
processes (`pool`, `worker`) that own the models. `config_watch` notices changes on disk, `stats`
counts, `paths` names the socket, `start` starts a service from a hook, `running` finds and ends
one, and `client` sends requests to it.
"""
