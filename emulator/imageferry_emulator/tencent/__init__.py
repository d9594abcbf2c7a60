"""The API 3.0 that CVM, STS and CAM of Tencent Cloud share: JSON or flat parameters, action and version, two signatures."""
