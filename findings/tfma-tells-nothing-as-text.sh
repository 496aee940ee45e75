#!/usr/bin/env bash
# TFMA tells an undefined recall as the text "NaN" among numbers, and calls the AUC of nothing liked 0.0.
#
# Versions: tensorflow-model-analysis 0.47.1, tensorflow 2.16.2, Python 3.10.
# Behaviour: sliced by user, as recommenders are looked at, some users have no liked item among their examples. What TFMA's results
#   (`EvalResult`, of analyze_raw_data here, and of load_eval_result) hold for the recall of such a user under "doubleValue" is a str,
#   where all others are floats: math.isnan raises a TypeError, and a filter on float leaves the user out without a word. The AUC
#   of the same user, which is as undefined, is the float 0.0, the worst there is, and goes into a mean over users as that. A
#   user with liked items alone has the same 0.0, though every order of these is a perfect one. The protos of load_metrics hold NaN as a float.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.10 (PYTHON names it), a package index, 3 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="tensorflow-model-analysis==0.47.1 tensorflow==2.16.2 tf-keras==2.16.0 apache-beam==2.61.0 tfx-bsl==1.16.1 pandas==1.5.3 numpy==1.26.4 protobuf==3.20.3 setuptools==75.8.0"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.10}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.10}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata
import math

import pandas as pd
import tensorflow_model_analysis as tfma
from google.protobuf import text_format

print("tensorflow-model-analysis", importlib.metadata.version("tensorflow-model-analysis"))
# Two candidates a user: one liked and one not; none liked; both liked.
rows = [("one", 1.0, 0.9), ("one", 0.0, 0.2), ("none", 0.0, 0.7), ("none", 0.0, 0.4), ("both", 1.0, 0.8), ("both", 1.0, 0.3)]
frame = pd.DataFrame(rows, columns=["user", "label", "prediction"])
config = text_format.Parse(
    """
    model_specs { label_key: "label" prediction_key: "prediction" }
    slicing_specs { feature_keys: ["user"] }
    metrics_specs { metrics { class_name: "Recall" } metrics { class_name: "AUC" } }
    options { include_default_metrics { value: false } }
    """,
    tfma.EvalConfig(),
)
found = {key[0][1]: metrics[""][""] for key, metrics in tfma.analyze_raw_data(frame, config).slicing_metrics}
for user in ("one", "none", "both"):
    told = {name: found[user][name]["doubleValue"] for name in ("recall", "auc")}
    print(f"liked: {user};", ", ".join(f"{name} {value!r} ({type(value).__name__})" for name, value in told.items()))
try:
    math.isnan(found["none"]["recall"]["doubleValue"])
except TypeError as error:
    print("math.isnan:", type(error).__name__)
PYTHON

TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore env/bin/python measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
tensorflow-model-analysis 0.47.1
liked: one; recall 1.0 (float), auc 1.0 (float)
liked: none; recall 'NaN' (str), auc 0.0 (float)
liked: both; recall 0.5 (float), auc 0.0 (float)
math.isnan: TypeError
SEEN
diff seen found && echo "As seen."
