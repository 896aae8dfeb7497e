"""The Python SDK signs in and calls a tool. The address to visit goes out by a line, the address of the answer comes in by one."""

import asyncio
import inspect
import json
import sys
from urllib.parse import parse_qs, urlparse

from mcp import ClientSession
from mcp.client import streamable_http
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

url, redirect_uri, client_id = sys.argv[1], sys.argv[2], sys.argv[3]


class Memory:
    def __init__(self):
        self.tokens = None
        known = {"client_id": client_id, "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none"}
        self.client = OAuthClientInformationFull.model_validate(known) if client_id else None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def show(address):
    print(f"visit {address}", flush=True)


async def answer():
    line = await asyncio.to_thread(sys.stdin.readline)
    found = {name: values[0] for name, values in parse_qs(urlparse(line.strip()).query).items()}
    try:
        from mcp.shared.auth import AuthorizationCodeResult
    except ImportError:  # mcp 1
        return found["code"], found.get("state")
    return AuthorizationCodeResult(code=found["code"], state=found.get("state"), iss=found.get("iss"))


def connection(provider):
    if hasattr(streamable_http, "streamable_http_client"):
        parameters = inspect.signature(streamable_http.streamable_http_client).parameters
        if "http_client" in parameters:
            module = sys.modules.get("httpx2") or sys.modules["httpx"]
            return streamable_http.streamable_http_client(url, http_client=module.AsyncClient(auth=provider, timeout=60))
    return streamable_http.streamablehttp_client(url, auth=provider)


async def main():
    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "A test in Python",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
    )
    provider = OAuthClientProvider(url, metadata, Memory(), redirect_handler=show, callback_handler=answer)
    async with connection(provider) as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            result = await session.call_tool("list_studies", {})
            print("answer " + json.dumps(result.model_dump(mode="json")), flush=True)


asyncio.run(main())
