"""A door before a database or a store that lets through slowly, or nothing at all, for as long as a test wants it."""

import asyncio
import contextlib
import threading


class SlowProxy:
    """Listens on a free port of loopback, and passes everything to the address that `target` returns: (host, port) or a path.

    `delay` is how many seconds each piece of data waits, in both directions; `silent` holds everything back.
    """

    def __init__(self, target):
        self.target, self.delay, self.silent = target, 0.0, False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self):
        self._server.close()
        going = asyncio.all_tasks() - {asyncio.current_task()}
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _serve(self, reader, writer):
        try:
            to = self.target()
            there = asyncio.open_unix_connection(to) if isinstance(to, str) else asyncio.open_connection(*to)
            far_reader, far_writer = await there
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))

    async def _pass_on(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if self.delay:
                    await asyncio.sleep(self.delay)
                while self.silent:
                    await asyncio.sleep(0.1)
                writer.write(data)
                await writer.drain()
        writer.close()

    @contextlib.contextmanager
    def slow(self, delay):
        self.delay = delay
        try:
            yield
        finally:
            self.delay = 0.0

    @contextlib.contextmanager
    def held_back(self):
        self.silent = True
        try:
            yield
        finally:
            self.silent = False
