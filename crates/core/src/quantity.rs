//! How Kubernetes writes numbers: `100m`, `1.5`, `2Gi`, `1e3`.
