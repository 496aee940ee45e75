"""The section `beam`: the options that it becomes, and what it refuses."""

from pathlib import Path

import pytest

from pipeline.beam_config import RUNNERS, BeamConfig
from pipeline.config import ConfigError, load_config
from tests.pipeline.world import write_config

LOCAL = [
    "--runner=DirectRunner",
    "--sdk_container_image=none",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
]


def refusal(tmp_path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write_config(tmp_path), [f"beam.{override}" for override in overrides])
    return str(caught.value).partition("cannot be used:\n  ")[2]


def test_by_default_it_is_one_process_of_this_machine() -> None:
    assert BeamConfig().arguments() == LOCAL


def test_the_mode_and_the_workers_of_this_machine() -> None:
    assert BeamConfig(workers=3, mode="multi_processing").arguments() == [
        *LOCAL[:2],
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=3",
    ]


def test_options_are_passed_on_in_order(tmp_path: Path) -> None:
    options = ["flink_master=localhost:8081", "parallelism=4", "experiments=[a, b]", "save_main_session=true"]
    more = ["streaming=false", "rate=0.5", "environment_type=EXTERNAL"]
    config = load_config(
        write_config(tmp_path), ["beam.runner=FlinkRunner", *(f"beam.options.{each}" for each in (*options, *more))]
    )
    assert config.beam.arguments() == [
        "--runner=FlinkRunner",
        "--sdk_container_image=none",
        "--flink_master=localhost:8081",
        "--parallelism=4",
        "--experiments=a",
        "--experiments=b",
        "--save_main_session",
        "--rate=0.5",
        "--environment_type=EXTERNAL",
    ]


def test_what_is_printed_of_it_loads_to_the_same(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path), ["beam.runner=FlinkRunner", "beam.options.parallelism=2"])
    path = tmp_path / "again.yaml"
    path.write_text(config.to_yaml())
    assert load_config(path).beam == config.beam


@pytest.mark.parametrize("options", [{}, {"environment_type": "DOCKER"}])
def test_where_workers_are_in_containers_nothing_names_an_image_that_is_none(options: dict[str, str]) -> None:
    arguments = BeamConfig("DataflowRunner", options=dict(options)).arguments()
    assert not [each for each in arguments if each.startswith("--sdk_container_image")]


def test_an_image_of_the_user_stays_the_only_one() -> None:
    options: dict[str, bool | int | float | str | list[str]] = {"sdk_container_image": "mine:1"}
    images = [each for each in BeamConfig(options=options).arguments() if each.startswith("--sdk_container_image")]
    assert images == ["--sdk_container_image=mine:1"]


def test_dask_is_refused_with_the_reason(tmp_path: Path) -> None:
    for name in ("DaskRunner", "dask"):
        assert refusal(tmp_path, f"runner={name}") == (
            "`beam.runner: DaskRunner` is refused: it never calls `finish_bundle`, so that rows are lost without an "
            "error (seen with Beam 2.61 and 2.77), and with 2.77 every output of a step gets all rows. Take one of "
            "DirectRunner, PortableRunner, FlinkRunner, SparkRunner, DataflowRunner."
        )


def test_other_runners_are_refused_with_the_nearest_one(tmp_path: Path) -> None:
    assert refusal(tmp_path, "runner=flinkrunner") == (
        "`beam.runner`: there is no runner 'flinkrunner'. Did you mean `FlinkRunner`?"
    )
    assert refusal(tmp_path, "runner=Nothing") == (
        f"`beam.runner`: there is no runner 'Nothing'. Known: {', '.join(RUNNERS)}."
    )


def test_what_is_for_this_machine_is_refused_with_another_engine(tmp_path: Path) -> None:
    assert refusal(tmp_path, "runner=FlinkRunner", "mode=in_memory", "workers=4") == (
        "`beam.mode: in_memory` is a way of DirectRunner to work, and `beam.runner` is FlinkRunner. Leave out "
        "`beam.mode`. `beam.workers: 4` counts the workers of DirectRunner, and `beam.runner` is FlinkRunner. Leave "
        "out `beam.workers`, and say it by `beam.options: {parallelism: N}`."
    )


def test_a_job_service_has_to_be_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, "runner=PortableRunner").startswith(
        "`beam.runner: PortableRunner` needs a job service: name its address, such as `beam.options: "
        '{job_endpoint: "localhost:8099"}`'
    )
    assert BeamConfig("PortableRunner", options={"job_endpoint": "x:1"}).arguments()[-1] == "--job_endpoint=x:1"


def test_options_with_a_key_of_their_own_are_refused(tmp_path: Path) -> None:
    names = {"runner": "runner", "direct_running_mode": "mode", "direct_num_workers": "workers"}
    for option, key in names.items():
        assert refusal(tmp_path, f"options.{option}=1") == (
            f"`beam.options.{option}` has a key of its own: set `beam.{key}`."
        )


def test_options_are_named_as_beam_does_in_python(tmp_path: Path) -> None:
    assert refusal(tmp_path, "options.--flink-master=x") == (
        "`beam.options.--flink-master` is no name of an option. Write it without dashes before it and with _ inside, "
        "as flink_master."
    )


def test_fewer_than_one_worker_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "workers=0") == "`beam.workers` must be at least 1. Received: 0."
