"""The metadata service of an instance: what a program on a virtual machine can ask the machine about itself."""
