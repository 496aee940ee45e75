"""The pipeline on Kubeflow Pipelines: compiled to a spec, entered in a container, submitted. `kfp` is imported late."""
