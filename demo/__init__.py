"""The main job on one machine: a real control plane, emulated clouds and the operator, each a process of its own.

`python -m demo` tells the story (`story`) on a stage (`stage`) that it builds and takes down: it makes a disk (`disk`),
puts it behind an image (`planting`), has that exported, imported and exported again by manifests (`manifests`), shows how it goes (`watch`, `screen`) and
proves the result (`proof`). What differs from cloud to cloud (`cloud`) stands in one module for each (`alibaba`, `tencent`).
Nothing of the operator or of the emulator is imported here: the demo knows of them what a user knows.
"""
