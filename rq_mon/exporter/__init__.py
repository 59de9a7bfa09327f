"""The exporter: rq-exporter's own metrics and this package's, read from Redis and served to Prometheus.

Layers, each of which uses only those below it: the HTTP server (server, app, exposition), one scrape
(scrape), metric families built from facts (families), facts read from Redis (snapshot), lines of text (lines,
blocks).
"""
