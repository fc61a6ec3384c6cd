"""Checks a manifest that `stylewarp split --for kubernetes` wrote against the schema of Kubernetes.

    python3 -m pip install kubernetes-validate
    stylewarp split tests/data/bunny.mp4 --parts 6 -o film.job --for kubernetes
    python3 tests/cluster/kubernetes.py film.job/kubernetes.yaml
"""

import sys

import kubernetes_validate
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    documents = list(yaml.safe_load_all(file))
parts, join = documents
for version in ("1.29", kubernetes_validate.latest_version()):
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)
        print(f"ok   {document['kind']} {document['metadata']['name']} is one of Kubernetes {version}")
    wrong = {**parts, "spec": {**parts["spec"], "completionModes": "Indexed"}}
    try:
        kubernetes_validate.validate(wrong, version, strict=True)
    except kubernetes_validate.ValidationError:
        print("ok   a wrong field is told")
    else:
        sys.exit("FAIL a wrong field is not told")
spec = parts["spec"]
assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"], spec
assert spec["backoffLimitPerIndex"] > 0, "no part is tried again"
assert "--wait" in join["spec"]["template"]["spec"]["containers"][0]["command"], "the join does not wait"
print("ok   as many pods as parts, each tried again, and a join that waits")
