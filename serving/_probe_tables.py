"""Messages of gRPC's own services for probes and tools, in the form of `_protocol`: health and reflection.

Names and numbers are those of `grpc/health/v1/health.proto` and `grpc/reflection/v1/reflection.proto`; v1alpha of
reflection, which older tools ask for, has the same ones.
"""

from typing import Final

HEALTH: Final = "grpc.health.v1"
REFLECTION: Final = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
SERVING_STATUSES: Final = {"UNKNOWN": 0, "SERVING": 1, "NOT_SERVING": 2, "SERVICE_UNKNOWN": 3}

_Messages = dict[str, list[tuple[str, int, str]]]
# Name, request, response, and whether requests and responses are streams.
Method = tuple[str, str, str, bool, bool]


def _reflection(package: str) -> _Messages:
    request, response = "oneof message_request: ", f"oneof message_response: {package}."
    return {
        "ServerReflectionRequest": [
            ("host", 1, "string"),
            ("file_by_filename", 3, f"{request}string"),
            ("file_containing_symbol", 4, f"{request}string"),
            ("file_containing_extension", 5, f"{request}{package}.ExtensionRequest"),
            ("all_extension_numbers_of_type", 6, f"{request}string"),
            ("list_services", 7, f"{request}string"),
        ],
        "ExtensionRequest": [("containing_type", 1, "string"), ("extension_number", 2, "int32")],
        "ServerReflectionResponse": [
            ("valid_host", 1, "string"),
            ("original_request", 2, f"{package}.ServerReflectionRequest"),
            ("file_descriptor_response", 4, f"{response}FileDescriptorResponse"),
            ("all_extension_numbers_response", 5, f"{response}ExtensionNumberResponse"),
            ("list_services_response", 6, f"{response}ListServiceResponse"),
            ("error_response", 7, f"{response}ErrorResponse"),
        ],
        "FileDescriptorResponse": [("file_descriptor_proto", 1, "repeated bytes")],
        "ExtensionNumberResponse": [("base_type_name", 1, "string"), ("extension_number", 2, "repeated int32")],
        "ListServiceResponse": [("service", 1, f"repeated {package}.ServiceResponse")],
        "ServiceResponse": [("name", 1, "string")],
        "ErrorResponse": [("error_code", 1, "int32"), ("error_message", 2, "string")],
    }


FILES: Final[dict[str, _Messages]] = {
    HEALTH: {
        "HealthCheckRequest": [("service", 1, "string")],
        "HealthCheckResponse": [("status", 1, f"enum {HEALTH}.HealthCheckResponse.ServingStatus")],
    },
    **{package: _reflection(package) for package in REFLECTION},
}
SERVICES: Final[dict[str, dict[str, list[Method]]]] = {
    "tensorflow.serving": {
        "PredictionService": [
            ("Predict", "PredictRequest", "PredictResponse", False, False),
            ("GetModelMetadata", "GetModelMetadataRequest", "GetModelMetadataResponse", False, False),
        ],
        "ModelService": [("GetModelStatus", "GetModelStatusRequest", "GetModelStatusResponse", False, False)],
    },
    HEALTH: {
        "Health": [
            ("Check", "HealthCheckRequest", "HealthCheckResponse", False, False),
            ("Watch", "HealthCheckRequest", "HealthCheckResponse", False, True),
        ]
    },
    **{
        package: {
            "ServerReflection": [
                ("ServerReflectionInfo", "ServerReflectionRequest", "ServerReflectionResponse", True, True)
            ]
        }
        for package in REFLECTION
    },
}
