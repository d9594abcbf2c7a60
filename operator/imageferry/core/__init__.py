"""The pure core: what imageferry knows and decides. Standard library only; no loop, clock, log, framework or SDK."""
