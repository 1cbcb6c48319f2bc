"""boto3 sessions and clients that are isolated from the machine's AWS configuration."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

import attach_confirm
from attach_confirm_stubs import _service_model

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_CONFIG_FILE_VARIABLES = ("config_file", "credentials_file")


def isolated_session() -> boto3.Session:
    """Create a session that reads neither `AWS_*` environment variables nor `~/.aws`."""
    session_vars: dict[str, Any] = {
        name: (None, None, os.devnull if name in _CONFIG_FILE_VARIABLES else default, conversion)
        for name, (_, _, default, conversion) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    session = botocore.session.Session(session_vars=session_vars)
    session.register_component("data_loader", _service_model.builtin_loader())
    return boto3.Session(botocore_session=session)


@cache
def shared_session() -> boto3.Session:
    """Return the isolated session that all clients of the fake share.

    It is cached because creating a session is slow. Import moto before the first call: moto
    intercepts only the clients of sessions that are created after its import.
    """
    return isolated_session()


@cache
def stubber_session() -> boto3.Session:
    """Return the isolated session that all clients of the stubber share.

    It may be created before moto is imported, so the fake cannot share it.
    """
    return isolated_session()


def isolated_client(session: boto3.Session) -> ConnectParticipantClient:
    """Create a client that ignores endpoints, proxies and CA bundles from the environment."""
    options: Any = {"ignore_configured_endpoint_urls": True, "proxies": {}}
    return attach_confirm.client(
        "us-east-1", session=session, config=Config(**options), verify=True
    )
