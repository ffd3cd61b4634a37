"""The service's process, and its server for other machines: models only, after a login.

`run` starts the service. `listen_manager` opens and closes a `listener` as the settings say;
`router` decides by path and token (`auth`), `uploads` parses bodies. `zmhook_api`, `pyzm_api` and
`mlapi_api` are the dialects; all of them end in `inference_api`, which fetches images by their
address and asks the service's workers.
"""
