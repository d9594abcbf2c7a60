"""The metadata services of an instance of each cloud: what a program on a virtual machine can ask the machine about itself."""
