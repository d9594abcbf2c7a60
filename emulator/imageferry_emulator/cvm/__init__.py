"""The compute service of Tencent Cloud (CVM, version 2017-03-12): images, exports and imports."""
