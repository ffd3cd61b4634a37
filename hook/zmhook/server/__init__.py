"""Answering other machines over TCP: models only, after a login.

`server` speaks HTTP with strangers (`exchange` is one connection), `door` says who may have what,
`auth` who is who, `uploads` takes pictures out of what is sent, `fetching` gets those that only an
address was sent of. `ours`, `pyzm_serve` and `mlapi` are the ways of asking; all of them end in
`looks`, which asks the service's workers.
"""
