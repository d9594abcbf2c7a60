"""A check from beginning to end: the way to the objects is opened, findings are printed, and everything is closed again."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from imageferry.check import report
from imageferry.check.look import Look
from imageferry.check.papers import Illegible, Papers
from imageferry.check.report import Group
from imageferry.check.wish import Wish
from imageferry.engine.accounts import Accounts
from imageferry.engine.store import Store
from imageferry.kube.errors import KubeFailure
from imageferry.kube.objects import KubeClient
from imageferry.kube.session import NoAccess, open_session

Lines = Callable[[str], None]


def run(wish: Wish, *, tell: Lines, complain: Lines) -> int:
    """Look and tell; the answer is the process's exit status: 0 nothing missing, 1 something, 2 nothing to look at."""
    try:
        groups = asyncio.run(_groups(wish))
    except (NoAccess, Illegible, KubeFailure) as problem:
        complain(f"imageferry check: {problem}")
        return 2
    if not groups:
        complain("imageferry check: there is no CloudAccount to look at")
        return 2
    shown: Iterable[str] = report.json_lines(groups) if wish.as_json else report.lines(groups)
    for line in shown:
        tell(line)
    return int(any(each.missing for group in groups for each in group.findings))


async def _groups(wish: Wish) -> list[Group]:
    settings = wish.settings
    async with AsyncExitStack() as stack:
        if wish.files:
            client: KubeClient = Papers(wish.files, own_namespace=settings.namespace)
        else:
            session = await stack.enter_async_context(await open_session(settings))
            client = KubeClient(session, request_seconds=settings.kube_request_seconds)
        pool = ThreadPoolExecutor(settings.cloud_threads, thread_name_prefix="cloud")
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        store = Store(lost_journal_age_seconds=settings.lost_journal_age_seconds)
        accounts = Accounts(store, client, settings, pool=pool, report=_uncounted, changed=lambda _: None)
        stack.push_async_callback(accounts.aclose)
        return await Look(wish, client, store, accounts).groups()


def _uncounted(_: str, __: str, ___: str, ____: str) -> None:
    """No metrics: nobody scrapes a check."""
