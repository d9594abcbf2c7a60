"""How CAM writes its documents. Grammar: https://www.tencentcloud.com/document/product/598/10603."""

from typing import Final

from imageferry.clouds.policies import Grammar

GRAMMAR: Final = Grammar(service="cvm.*", resource_parts=6, action_prefix="name/")
"""A resource is qcs:project:service:region:account:what. The documents write CVM's name as cvm.qcloud.com and as
cvm.cloud.tencent.com: any that begins so is taken for it."""
