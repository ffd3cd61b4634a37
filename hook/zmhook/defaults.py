"""The default path of the configuration, apart from the settings, which cost time to import."""

CONFIG = "/etc/zm/objectconfig.ini"
