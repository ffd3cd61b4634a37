"""The warm process: models stay loaded, and a storm of events is a queue.

A supervisor (`supervisor`, asyncio, no model code) answers hooks on a unix socket (`http`,
`routes`), fetches pictures (`fetch`), queues events fairly (`queue`) and gives them to worker
processes (`pool`, `worker`) that own the models. `live` notices what changed on disk, `stats`
counts, `place` says where the socket is, `start` starts a service from a hook, `client` asks one.
"""
