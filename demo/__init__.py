"""The main job on one machine: a real control plane, an emulated cloud and the operator, each a process of its own.

`python -m demo` tells the story (`story`) on a stage (`stage`) that it builds and takes down: it makes a disk (`disk`),
has its image exported, imported and exported again by manifests (`manifests`), shows how it goes (`watch`, `screen`) and
proves the result (`proof`). What differs from cloud to cloud (`cloud`) stands in one module for each (`alibaba`).
Nothing of the operator or of the emulator is imported here: the demo knows of them what a user knows.
"""
