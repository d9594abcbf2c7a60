"""The compute service (ECS, version 2014-05-26): images, exports and their tasks."""
