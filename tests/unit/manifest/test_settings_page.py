"""The page of settings is generated and current."""

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "docs" / "generate_settings.py"


def test_page_and_schema_are_what_the_table_gives() -> None:
    script = runpy.run_path(str(SCRIPT))
    for path, text in ((script["PAGE"], script["page"]()), (script["SCHEMA"], script["schema"]())):
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: run docs/generate_settings.py"
