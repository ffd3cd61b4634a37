"""Run models on other machines, which are sent images and return detections.

`remote_detector` replaces a local model in a chain, and holds one event's requests. `gateways`
chooses the server and finds out which dialect it speaks (`zmhook_client`, `pyzm_client`,
`mlapi_client`), and `endpoint` sends requests, logged in.
"""
