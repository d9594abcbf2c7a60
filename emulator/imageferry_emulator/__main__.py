"""The command line: `imageferry-emulator`, or `python -m imageferry_emulator`."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator import seed
from imageferry_emulator.opening import open_world
from imageferry_emulator.server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imageferry_emulator.world import World

SHUTDOWN_SECONDS = 1.0
"""A client that is being held at a gate does not keep the emulator from ending."""


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; the first line of output says where and with which keys."""
    options = _options(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_serve(options))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="imageferry-emulator", description="Emulates the image export APIs of a cloud."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8787, help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="where everything is kept over restarts"
    )
    parser.add_argument("--seed", type=Path, metavar="FILE", help="what a new state holds, in JSON")
    parser.add_argument("--speed", type=float, help="task seconds per real second (new state: 60)")
    parser.add_argument("--disk", type=Path, metavar="PATH", help="file behind the system disk of the first image")
    parser.add_argument(
        "--signature-life", type=float, metavar="SECONDS", help="how long a signature is accepted (900)"
    )
    return parser.parse_args(argv)


async def _serve(options: argparse.Namespace) -> None:
    world = open_world(options.state)
    _prepare(world, options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        Server(world).application(),
        access_log=None,
        auto_decompress=False,  # an object is stored as it was sent, and signatures cover the bytes on the wire
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(json.dumps({"endpoint": f"http://{host}:{port}", **seed.info(world)}), flush=True)
    working = asyncio.create_task(world.tasks.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await runner.cleanup()
    if working.done():
        working.result()  # the worker never ends by itself: this raises what broke it
    working.cancel()
    await asyncio.wait({working})
    world.journal.close()


def _prepare(world: World, options: argparse.Namespace) -> None:
    if not seed.planted(world):
        seed.plant(world, seed.read(options.seed))
    given = {"speed": options.speed, "signatureLifeSeconds": options.signature_life}
    world.settings.change({name: value for name, value in given.items() if value is not None})
    if options.disk is not None:
        seed.back_by_file(world, options.disk)


if __name__ == "__main__":
    main()
