"""Write the copies: `python -m deploy.package_data`."""

from __future__ import annotations

from deploy.package_data.generate import DATA, package_data

if __name__ == "__main__":
    texts = package_data()
    for path in DATA.rglob("*.*"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
