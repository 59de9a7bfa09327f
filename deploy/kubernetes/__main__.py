"""`python -m deploy.kubernetes`: write the generated manifests again."""

from __future__ import annotations

from deploy.kubernetes.generate import generated_files

for path, text in generated_files().items():
    path.write_text(text, encoding="utf-8")
