"""The client of Kubeflow Pipelines, as a command needs it: it asks once, and does not wait for ever."""

from typing import Any


def make_client(host: str, namespace: str, token: str | None, timeout_s: int) -> Any:
    """A client whose calls end after `timeout_s` seconds without an answer.

    Args:
        host: The address of the API.
        namespace: Of the user; "kubeflow" where the cluster separates none.
        token: A bearer token, where the cluster asks for one.
        timeout_s: Of each try, of which urllib3 makes four. A whole number: kfp's client leaves out any other without a
            word.
    """
    import kfp

    class Client(kfp.Client):  # type: ignore[misc]
        """Kfp's own asks a server that refuses five times, five seconds apart, with a traceback for each."""

        def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
            del sleep_duration
            api = self._healthz_api
            _bound(api.api_client.rest_client, timeout_s)
            # The client of the API of 2.0 has another name for it than that of 2.17.
            ask = getattr(api, "healthz_service_get_healthz", None) or api.get_healthz
            return ask()

    client = Client(host=host, namespace=namespace, existing_token=token)
    _bound(client._healthz_api.api_client.rest_client, timeout_s)
    return client


def _bound(connection: Any, timeout_s: int) -> None:
    """Gives the connection that all of a client's calls share a timeout, which kfp lets nobody set."""
    ask = type(connection).request

    def request(*words: Any, **options: Any) -> Any:
        if options.get("_request_timeout") is None:
            options["_request_timeout"] = timeout_s
        return ask(connection, *words, **options)

    connection.request = request
