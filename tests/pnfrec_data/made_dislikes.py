"""Files of the shape of KuaiRand-Pure, Yambda and VK-LSVD, of a few rows."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pnfrec_data.formats import vk_lsvd
from pnfrec_data.registry import find

HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab\n"
)
NOON = 1650513600000


def view(user: int, video: int, second: int, flags: str = "", is_rand: int = 0) -> str:
    like, hate, long = (int(flag in flags) for flag in "lhw")
    time = NOON + 1000 * second
    return f"{user},{video},20220421,400,{time},1,{like},0,0,0,{hate},{long},900,9000,0,0,0,{is_rand},1\n"


def kuairand_logs(folder: Path, first: str, second: str, at_random: str) -> Path:
    folder.mkdir(parents=True)
    for name, content in zip(find("kuairand-pure").parts, (first, second, at_random), strict=True):
        (folder / name).write_text(HEADER + content)
    return folder


def events(path: Path, found: list[tuple[int, int, int]]) -> None:
    users, items, times = zip(*found, strict=True) if found else ((), (), ())
    table = {
        "uid": pa.array(users, pa.uint32()),
        "timestamp": pa.array(times, pa.uint32()),
        "item_id": pa.array(items, pa.uint32()),
        "is_organic": pa.array([1] * len(found), pa.uint8()),
    }
    pq.write_table(pa.table(table), path)


def yambda_files(folder: Path, **found: list[tuple[int, int, int]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("likes", "dislikes", "undislikes"):
        events(folder / f"{name}.parquet", found.get(name, []))
    return folder


def week(path: Path, found: list[tuple[int, int, bool, bool]]) -> None:
    users, items, likes, dislikes = zip(*found, strict=True) if found else ((), (), (), ())
    table = {
        "user_id": pa.array(users, pa.uint32()),
        "item_id": pa.array(items, pa.uint32()),
        "timespent": pa.array([255] * len(found), pa.uint8()),
        "like": pa.array(likes, pa.bool_()),
        "dislike": pa.array(dislikes, pa.bool_()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)


def vk_weeks(folder: Path, **found: list[tuple[int, int, bool, bool]]) -> Path:
    for number, name in enumerate(vk_lsvd.WEEKS):
        part = "train" if number < 25 else "validation" if number == 25 else "test"
        week(folder / part / name, found.get(f"week_{number}", []))
    return folder
