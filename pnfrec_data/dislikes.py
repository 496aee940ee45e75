"""Data sets whose users said what they dislike, and the newer reviews. `registry` has them all.

The facts are from the publishers' pages that each entry names: cards of `yandex/yambda` and `deepvk/VK-LSVD`, README of
`chongminggao/KuaiRand`, page of Amazon Reviews 2023. The files themselves could not be read here.
"""

from pnfrec_data.dataset import Contract, DataSet, RemoteFile

_YAMBDA = "https://huggingface.co/datasets/yandex/yambda/resolve/main/flat/50m"
_VK = "https://huggingface.co/datasets/deepvk/VK-LSVD/resolve/main/subsamples/ur0.01"
_WEEKS = tuple(
    RemoteFile(f"{_VK}/{folder}/week_{week:02d}.parquet", f"week_{week:02d}.parquet")
    for folder, weeks in (("train", range(25)), ("validation", (25,)), ("test", (26,)))
    for week in weeks
)
_LOGS = (
    "log_standard_4_08_to_4_21_pure.csv",
    "log_standard_4_22_to_5_08_pure.csv",
    "log_random_4_22_to_5_08_pure.csv",
)

WITH_DISLIKES = (
    DataSet(
        name="kuairand-pure",
        title="KuaiRand-Pure",
        about="Short videos of Kuaishou, 2022: likes, long views and `hate`, and a log of what was shown at random.",
        page="https://kuairand.com",
        files=(RemoteFile("https://zenodo.org/records/10439422/files/KuaiRand-Pure.tar.gz", "KuaiRand-Pure.tar.gz"),),
        format="kuairand",
        parts=_LOGS,
        licence="CC BY-SA 4.0.",
        citation=(
            "C. Gao et al.: KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos. "
            "CIKM 2022, arXiv 2208.08696"
        ),
        # Published are the views (1.44 million of the standard logs, 1.19 million of the random one), of which those
        # that say something are written.
        counts=None,
        contract=Contract(years=(2022, 2022), milliseconds=True),
        others=("explicit.parquet", "random.parquet"),
    ),
    DataSet(
        name="yambda-50m",
        title="Yambda-50m",
        about="Likes and dislikes of tracks on a music service over 300 days; times are offsets from a withheld start.",
        page="https://huggingface.co/datasets/yandex/yambda",
        files=tuple(
            RemoteFile(f"{_YAMBDA}/{name}", name)
            for name in ("likes.parquet", "dislikes.parquet", "undislikes.parquet")
        ),
        format="yambda",
        parts=("likes.parquet", "dislikes.parquet", "undislikes.parquet"),
        licence="Apache-2.0.",
        citation=(
            "A. Ploshkin et al.: Yambda-5B: A Large-Scale Multi-modal Dataset for Ranking and Retrieval. "
            "arXiv 2505.22238"
        ),
        # Published are 881,456 likes and 107,776 dislikes, before undislikes take some back.
        counts=None,
        contract=Contract(),
    ),
    DataSet(
        name="vk-lsvd",
        title="VK-LSVD, subsample ur0.01",
        about="Likes and dislikes of short videos over 27 weeks, of 1 % of the users; there is an order and no clock.",
        page="https://huggingface.co/datasets/deepvk/VK-LSVD",
        files=_WEEKS,
        format="vk_lsvd",
        parts=tuple(file.name for file in _WEEKS),
        licence="Apache-2.0.",
        citation="VK-LSVD: A Large-Scale Industrial Dataset for Short-Video Recommendation. arXiv 2602.04567",
        counts=None,
        contract=Contract(),
    ),
    DataSet(
        name="amazon-games-2023",
        title="Amazon Reviews 2023, Video Games, 5-core",
        about="Stars (1 to 5) of reviews up to 2023, whose users and products have at least five of them.",
        page="https://amazon-reviews-2023.github.io/data_processing/5core.html",
        files=(
            RemoteFile(
                "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/benchmark/5core/rating_only/"
                "Video_Games.csv.gz",
                "Video_Games.csv.gz",
            ),
        ),
        format="amazon2023",
        parts=("Video_Games.csv.gz", "Video_Games.csv"),
        licence=(
            "No licence comes with the files; the page asks for the citation. The reviews are their writers' and "
            "Amazon's: read the page before you use them, and do not pass them on."
        ),
        citation="Y. Hou et al.: Bridging Language and Items for Retrieval and Recommendation. arXiv 2403.03952",
        # As the page has them: 814.6K ratings of 94.8K users and 25.6K items.
        counts=(814_600, 94_800, 25_600),
        contract=Contract("[0-9A-Z]+", "[0-9A-Z]+", (1, 5), (1995, 2023), milliseconds=True),
        rounded_to=100,
    ),
)
