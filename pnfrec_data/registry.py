"""The data sets that `pnfrec data` knows: address, terms and what their files must hold."""

import dataclasses
import difflib
from pathlib import Path
from typing import Any

from pnfrec_data.dataset import Contract, Counts, DataSet, RemoteFile
from pnfrec_data.dislikes import WITH_DISLIKES
from pnfrec_data.errors import DataError


class UnknownDataSetError(DataError):
    """A name that is not in the registry."""


_HARPER = (
    "F. M. Harper, J. A. Konstan: The MovieLens Datasets: History and Context. ACM Transactions on Interactive "
    "Intelligent Systems 5, 4 (2015). doi 10.1145/2827872"
)
_NOT_PASSED_ON = (
    "GroupLens: for research, not for commercial use without permission, not to be passed on without permission; "
    "publications must acknowledge it."
)
_PASSED_ON = (
    "GroupLens: for research, not for commercial use without permission, to be passed on under the same terms only; "
    "publications must acknowledge it."
)
_AMAZON = (
    "No licence comes with the files; the page asks for the citation. The reviews are their writers' and Amazon's: "
    "read the page before you use them, and do not pass them on."
)
_MCAULEY = (
    "R. He, J. McAuley: Ups and Downs: Modeling the Visual Evolution of Fashion Trends with One-Class Collaborative "
    "Filtering. WWW 2016"
)


def _movielens(
    file: RemoteFile, title: str, about: str, counts: Counts, contract: Contract, page: str, **different: Any
) -> DataSet:
    csv = {"format": "movielens_csv", "parts": ("ratings.csv", "movies.csv")}
    return DataSet(
        name=file.name.removesuffix(".zip"),
        title=title,
        about=about,
        page=f"https://grouplens.org/datasets/movielens/{page}/",
        files=(dataclasses.replace(file, url=f"https://files.grouplens.org/datasets/movielens/{file.name}"),),
        citation=_HARPER,
        counts=counts,
        contract=contract,
        **{"licence": _NOT_PASSED_ON, **csv, **different},
    )


def _amazon(name: str, category: str, counts: tuple[int, int, int]) -> DataSet:
    file = f"reviews_{category}_5.json.gz"
    return DataSet(
        name=name,
        title=f"Amazon reviews of 2014, {category.replace('_', ' ')}, 5-core",
        about="Stars (1 to 5) of reviews whose users and products have at least five of them.",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html",
        files=(RemoteFile(f"https://snap.stanford.edu/data/amazon/productGraph/categoryFiles/{file}", file),),
        format="amazon",
        parts=(file, file.removesuffix(".gz"), f"ratings_{category}.csv"),
        licence=_AMAZON,
        citation=_MCAULEY,
        counts=counts,
        contract=Contract("[0-9A-Z]+", "[0-9A-Z]+", (1, 5), (1995, 2014)),
    )


_TWEETINGS = "https://raw.githubusercontent.com/sidooms/MovieTweetings/master/snapshots/100K"

_ALL = (
    DataSet(
        name="movietweetings",
        title="MovieTweetings, 100K snapshot",
        about="Film ratings from 0 to 10 out of tweets of 2013. Ships with this repository.",
        page="https://github.com/sidooms/MovieTweetings",
        files=(
            RemoteFile(
                f"{_TWEETINGS}/ratings.dat",
                "ratings.dat",
                2_945_101,
                "c0dd868c2632d10002ebc928ddc5345f33adeaa59eca52c2941c26a2c5e36fd6",
            ),
            RemoteFile(
                f"{_TWEETINGS}/movies.dat",
                "movies.dat",
                542_192,
                "e63fb84bc734e3c574f135634a40d3cbafab22b8f94f5fc0b80f80d1d2076efc",
            ),
        ),
        format="dat",
        parts=("ratings.dat", "movies.dat"),
        licence="MIT.",
        citation=(
            "S. Dooms, T. De Pessemier, L. Martens: MovieTweetings: a Movie Rating Dataset Collected From Twitter. "
            "CrowdRec at RecSys 2013"
        ),
        counts=(100_000, 16_554, 10_506),
        contract=Contract(values=(0, 10), years=(2013, 2014)),
        titles="movies.csv",
    ),
    _movielens(
        RemoteFile(
            "", "ml-latest-small.zip", 978_202, "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436"
        ),
        "MovieLens latest, small (September 2018)",
        "Film ratings from 0.5 to 5. GroupLens may put a newer edition in its place.",
        (100_836, 610, 9_724),
        # A newer edition may go on.
        Contract(values=(0.5, 5), years=(1995, 2099)),
        page="latest",
        licence=_PASSED_ON,
    ),
    _movielens(
        RemoteFile("", "ml-100k.zip", 4_924_029, "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"),
        "MovieLens 100K",
        "Film ratings from 1 to 5, of 1997 and 1998.",
        (100_000, 943, 1_682),
        Contract(values=(1, 5), years=(1997, 1998)),
        page="100k",
        format="ml100k",
        parts=("u.data", "ml-100k.inter", "u.item", "ml-100k.item"),
        wheel=("recbole", "1.2.1", "dataset_example/ml-100k"),
    ),
    _movielens(
        RemoteFile("", "ml-1m.zip", 5_917_549, "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20"),
        "MovieLens 1M",
        "Film ratings from 1 to 5, of 2000 to 2003.",
        (1_000_209, 6_040, 3_706),
        Contract(values=(1, 5), years=(2000, 2003)),
        page="1m",
        format="dat",
        parts=("ratings.dat", "movies.dat"),
    ),
    _movielens(
        RemoteFile("", "ml-20m.zip", 198_702_078, "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3"),
        "MovieLens 20M",
        "Film ratings from 0.5 to 5, of 1995 to 2015.",
        (20_000_263, 138_493, 26_744),
        Contract(values=(0.5, 5), years=(1995, 2015)),
        page="20m",
    ),
    # The publisher's README names the rows, the users and 87,585 films, of which not every one was rated.
    _movielens(
        RemoteFile("", "ml-32m.zip"),
        "MovieLens 32M",
        "Film ratings from 0.5 to 5, of 1995 to 2023.",
        (32_000_204, 200_948, None),
        Contract(values=(0.5, 5), years=(1995, 2023)),
        page="32m",
    ),
    _amazon("amazon-toys", "Toys_and_Games", (167_597, 19_412, 11_924)),
    _amazon("amazon-sports", "Sports_and_Outdoors", (296_337, 35_598, 18_357)),
    DataSet(
        name="kion",
        title="MTS KION",
        about="Watched share of films and series on a streaming platform, 2021, by day.",
        page="https://github.com/irsafilo/KION_DATASET",
        files=(
            RemoteFile(
                "https://github.com/irsafilo/KION_DATASET/raw/f69775be31fa5779907cf0a92ddedb70037fb5ae/data_original.zip",
                "data_original.zip",
            ),
        ),
        format="kion",
        parts=("interactions.csv", "items.csv", "items_en.csv"),
        licence="The publisher's page names no licence: ask before you pass it on or use it commercially.",
        citation=(
            "A. Petrov, I. Safilo, D. Tikhonovich, D. Ignatov: MTS Kion Implicit Contextualised Sequential Dataset for "
            "Movie Recommendation. CARS at RecSys 2022"
        ),
        counts=(5_476_251, 962_179, 15_706),
        # Some hundred rows have no share.
        contract=Contract(values=(0, 100), years=(2021, 2021), missing=0.01),
    ),
    DataSet(
        name="zvuk",
        title="Zvuk, a sample of 20,000 users",
        about="Seconds that tracks were played on a music service, summed over a session.",
        page="https://www.kaggle.com/datasets/alexxl/zvuk-dataset",
        files=(
            RemoteFile(
                "https://www.kaggle.com/api/v1/datasets/download/alexxl/zvuk-dataset/zvuk-interactions.parquet",
                "zvuk-interactions.parquet",
            ),
        ),
        format="zvuk",
        parts=("zvuk-interactions.parquet",),
        licence="Kaggle shows the terms on the page: read them before you use or pass on the data.",
        citation=(
            "A. Vasilev et al.: From Variability to Stability: Advancing RecSys Benchmarking Practices. KDD 2024, "
            "arXiv 2402.09766"
        ),
        # The paper's sample, which nobody can draw again, has 8,254,635 rows of 19,693 users and 107,397 items after
        # its filters.
        counts=None,
        contract=Contract(values=(0, 10_000_000), years=(2010, 2099), milliseconds=True, spread=False),
    ),
    *WITH_DISLIKES,
)
DATA_SETS: dict[str, DataSet] = {each.name: each for each in _ALL}


def remedy(path: str) -> str | None:
    """How to get the missing file at `path`; None unless it is one of a data set here, in the folder of its name."""
    folder = Path(path).parent
    if folder.name not in DATA_SETS or folder.parent.name != "data":
        return None
    name = folder.name
    return f"Get it with `pnfrec data fetch {name}`, or from a copy with `pnfrec data prepare {name} --source FILE`."


def find(name: str) -> DataSet:
    """The data set called `name`.

    Raises:
        UnknownDataSetError: There is none; the message lists close names, or all.
    """
    if name not in DATA_SETS:
        close = difflib.get_close_matches(name, DATA_SETS, n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(DATA_SETS)}."
        msg = f"There is no data set {name!r}. {hint}"
        raise UnknownDataSetError(msg)
    return DATA_SETS[name]
