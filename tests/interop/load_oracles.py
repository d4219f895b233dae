"""A receiver that judges `pns load` by its own log: `load_oracles.py stall|capacity PORT CERT KEY ...`.

stall     acknowledges at once, but stands still once for a second; writes when each notification was acknowledged
capacity  acknowledges so many a second and no more: each notification waits until those before it are done
"""

import asyncio
import ssl
import sys
import time


async def notifications(reader, writer, acknowledge):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            await acknowledge()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


class Stalls:
    """Stands still, the whole process, for a second, so long after its first notification."""

    def __init__(self, log, after):
        self.log, self.after, self.first, self.stalled = open(log, "w"), after, None, False

    async def __call__(self):
        self.first = self.first or time.time()
        if not self.stalled and time.time() > self.first + self.after:
            self.stalled = True
            time.sleep(1)
        self.log.write(f"{time.time():.6f}\n")
        self.log.flush()


class Capacity:
    """One notification after the other, each taking one N-th of a second."""

    def __init__(self, per_second):
        self.each, self.free_at = 1 / per_second, 0.0

    async def __call__(self):
        now = time.monotonic()
        self.free_at = max(self.free_at, now) + self.each
        await asyncio.sleep(self.free_at - now)


async def serve(port, cert, key, acknowledge):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    server = await asyncio.start_server(
        lambda reader, writer: notifications(reader, writer, acknowledge), "127.0.0.1", port, ssl=tls
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main():
    what, port, cert, key, *rest = sys.argv[1:]
    acknowledge = Stalls(rest[0], float(rest[1])) if what == "stall" else Capacity(float(rest[0]))
    asyncio.run(serve(int(port), cert, key, acknowledge))


main()
