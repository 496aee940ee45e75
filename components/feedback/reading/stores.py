"""How stores of objects are opened: with the options that Beam has for them, such as `s3_endpoint_url`."""

from collections.abc import Sequence


def open_stores_with(arguments: Sequence[str]) -> None:
    """Has this process open files in stores with options of Beam.

    A pipeline of Beam does that when it is made. Who asks for files before there is one has to come here first: without
    any options, not even empty ones, Beam's `s3://` raises an error.

    Args:
        arguments: Options as on a command line; those that have nothing to do with stores do nothing here.
    """
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    FileSystems.set_options(PipelineOptions(list(arguments)))
