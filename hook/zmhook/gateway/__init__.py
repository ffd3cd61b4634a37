"""Run models on other machines, which are sent images and return detections.

`detector` stands in a chain for a local model, `session` holds one event's requests, `gateways`
chooses the server, `recognise` finds out which dialect it speaks (`zmhook_client`, `pyzm_client`,
`mlapi_client`), and `endpoint` sends requests, logged in.
"""
