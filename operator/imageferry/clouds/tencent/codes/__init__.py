"""The error codes of Tencent Cloud as data: a room for each kind of call, each with the vendor's page that lists them."""
