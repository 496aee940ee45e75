"""Small sources of the published shapes, and what is prepared from them."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pnfrec_data import registry
from pnfrec_data.prepare import Prepared, prepare


def made(name: str, source: Path, folder: Path) -> tuple[Prepared, pa.Table, dict[str, str] | None]:
    data = registry.find(name)
    done = prepare(data, source, folder, lambda _: None, accept_counts=True)
    titles = folder / data.titles
    table = pq.read_table(folder / "ratings.parquet")
    assert table.schema.names == ["user", "item", "value", "timestamp"]
    assert [table.schema.types[place] for place in (0, 1, 3)] == [pa.string(), pa.string(), pa.int64()]
    if not titles.exists():
        return done, table, None
    frame = pd.read_csv(titles, dtype=str)
    return done, table, dict(zip(frame["item"], frame["title"], strict=True))


def archive(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("folder/", b"")
        for name, content in files.items():
            target.writestr(f"folder/{name.replace('__', '.')}", content)
    return path


def review(user: str, item: str, stars: float, time: int) -> bytes:
    keys = {"reviewerID": user, "asin": item, "reviewText": "::\n", "overall": stars, "unixReviewTime": time}
    return json.dumps(keys).encode() + b"\n"
