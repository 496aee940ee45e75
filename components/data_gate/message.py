"""What ExampleValidator found, in words."""

from typing import NamedTuple

from tensorflow_metadata.proto.v0 import anomalies_pb2


class Finding(NamedTuple):
    """One anomaly.

    Attributes:
        split: Where.
        feature: Of which feature; `""` for the split as a whole.
        what: Short and long description.
    """

    split: str
    feature: str
    what: str


def list_findings(split: str, anomalies: anomalies_pb2.Anomalies) -> list[Finding]:
    """Every anomaly of a split, those of the whole split first, then by feature."""
    findings = []
    if anomalies.data_missing:
        # ExampleValidator takes a split without any example for valid.
        findings.append(Finding(split, "", "No examples. The split is empty."))
    if anomalies.HasField("dataset_anomaly_info"):
        findings.append(Finding(split, "", _describe(anomalies.dataset_anomaly_info)))
    by_feature = sorted(anomalies.anomaly_info.items(), key=lambda item: item[0])
    return findings + [Finding(split, feature, _describe(info)) for feature, info in by_feature]


def to_message(findings: list[Finding]) -> str:
    """The text that stops the pipeline."""
    lines = []
    for finding in findings:
        where = f"split {finding.split!r}"
        if finding.feature:
            where += f", feature {finding.feature!r}"
        lines.append(f"  - {where}: {finding.what}")
    count = "1 anomaly" if len(findings) == 1 else f"{len(findings)} anomalies"
    listing = "\n".join(lines)
    return (
        f"The examples break the data contract ({count}); nothing is trained on them.\n{listing}\n"
        "Correct the input or the `feedback` settings. If the data is right and the contract is not, change "
        "components/data_contract/schema.pbtxt."
    )


def _describe(info: anomalies_pb2.AnomalyInfo) -> str:
    reasons = [f"{reason.short_description}. {reason.description}" for reason in info.reason]
    return " ".join(reasons or [f"{info.short_description}. {info.description}"]).strip()
