"""HTTP, MQTT, TLS, proxies and logins, whoever is asked."""
