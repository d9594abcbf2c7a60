"""STS 2018-08-13 of Tencent Cloud: who signed, and temporary keys."""
