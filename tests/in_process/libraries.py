"""PUT and GET by common HTTP libraries, as code under test would do it.

Each function takes a method, a URL, headers and a body, and returns the status and the body of the
response. `LIBRARIES` maps names to the functions. The module-level clients are created when this
module is imported.
"""

import asyncio
import http.client
import urllib.request
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
import urllib3

requests_session = requests.Session()
pool = urllib3.PoolManager()
httpx_client = httpx.Client()
opener = urllib.request.build_opener()


def use_urllib(method, url, headers, body):
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return response.status, response.read()


def use_early_urllib(method, url, headers, body):
    with opener.open(urllib.request.Request(url, body, headers, method=method)) as response:
        return response.status, response.read()


def use_http_client(method, url, headers, body):
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, data


def use_urllib3(method, url, headers, body):
    with urllib3.PoolManager() as manager:
        response = manager.request(method, url, headers=headers, body=body)
        return response.status, response.data


def use_early_urllib3(method, url, headers, body):
    response = pool.request(method, url, headers=headers, body=body)
    return response.status, response.data


def use_requests(method, url, headers, body):
    response = requests.request(method, url, headers=headers, data=body, timeout=20)
    return response.status_code, response.content


def use_early_requests(method, url, headers, body):
    response = requests_session.request(method, url, headers=headers, data=body)
    return response.status_code, response.content


def use_httpx(method, url, headers, body):
    response = httpx.request(method, url, headers=headers, content=body)
    return response.status_code, response.content


def use_early_httpx(method, url, headers, body):
    response = httpx_client.request(method, url, headers=headers, content=body)
    return response.status_code, response.content


def use_async_httpx(method, url, headers, body):
    async def send():
        async with httpx.AsyncClient() as client:
            response = await client.request(method, url, headers=headers, content=body)
            return response.status_code, response.content

    return asyncio.run(send())


def use_aiohttp(method, url, headers, body):
    async def send():
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, data=body) as response,
        ):
            return response.status, await response.read()

    return asyncio.run(send())


LIBRARIES = {
    name.removeprefix("use_"): function
    for name, function in list(globals().items())
    if name.startswith("use_")
}
