"""A real Kubernetes control plane on one machine: etcd, kube-apiserver and kube-controller-manager, no nodes.

Here lives what builds the programs (`build`), makes their certificates (`pki`), spells their command lines (`commands`),
keeps them from outliving their owner (`leash`) and runs them as one (`plane`). Nothing here knows imageferry: what the
demo or a test wants to have in the cluster, it brings itself.
"""

from controlplane.plane import ControlPlane, ControlPlaneError, KubectlError

__all__ = ["ControlPlane", "ControlPlaneError", "KubectlError"]
