"""The exporter: rq-exporter's own metrics and this package's, read from Redis and served to Prometheus.

Floors, each of which knows only those below it: the HTTP server (server, app, exposition), one scrape
(scrape), metric families made of facts (families), facts read from Redis (snapshot), lines of text (lines,
blocks).
"""
